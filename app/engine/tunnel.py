"""A stream to a target over whichever server works: at once on an idle session, else after dialling, with retries."""

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from app.engine.options import EngineOptions, Strategy
from app.engine.servers import Order
from app.engine.session import ClientSession
from app.engine.stages import OnStage, unheard
from app.engine.upstream import SchemeMemory, Upstream
from app.errors import Failure
from app.protocols.address import Address, encode_socks
from app.tasks import Tasks
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.tunnel")

# With the lowest latency wanted, how often every server is measured, in seconds.
_MEASURE_EVERY: Final = 300.0


class Tunnel:
    """All servers of one profile. `on_proved` and `on_failed` hear what every session and every try shows,
    `on_deserted` that a server has ended the last session with it."""

    def __init__(
        self,
        options: EngineOptions,
        tasks: Tasks,
        schemes: SchemeMemory | None = None,
        on_proved: Callable[[], None] = lambda: None,
        on_failed: Callable[[Failure], None] = lambda failure: None,
        on_deserted: Callable[[], None] = lambda: None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        numbers = itertools.count(1) if numbers is None else numbers
        self.upstreams = [
            Upstream(server, options, tasks, numbers, schemes, self._proved, self._failed, self._deserted)
            for server in options.servers
        ]
        self._options = options
        self._tasks = tasks
        self._order = Order(len(self.upstreams), options.strategy, random.random)
        self._locks = [asyncio.Lock() for _ in self.upstreams]
        self._failures: dict[int, Failure] = {}
        self._on_proved = on_proved
        self._on_failed = on_failed
        self._on_deserted = on_deserted
        self._measure_at = 0.0
        self._asked = 0
        self._retired = False

    async def prepare(self) -> None:
        """Read what TLS needs from files. Raises `BadInput`."""
        for upstream in self.upstreams:
            await upstream.prepare()

    def route(self) -> list[int]:
        """The servers for the next stream, in the order to try them."""
        return self._order.next(self._now())

    def take(self, route: Sequence[int]) -> ClientSession | None:
        """An idle session of the first server of `route`; None where it has none."""
        return self.upstreams[route[0]].take()

    def open_now(self, route: Sequence[int], target: Address, consumer: Consumer) -> Stream | None:
        """A stream on an idle session; None where there is none."""
        session = self.take(route)
        return None if session is None else self.open_on(session, target, consumer)

    def open_on(self, session: ClientSession, target: Address, consumer: Consumer) -> Stream:
        """A stream on this session."""
        return session.open(encode_socks(target), consumer)

    def put_back(self, session: ClientSession) -> None:
        """The session is not needed after all."""
        if not session.over:
            session.home.session_free(session)

    async def session(
        self, route: Sequence[int], *, patient: bool = True, fresh: bool = False, on_stage: OnStage = unheard
    ) -> ClientSession:
        """A session for one stream, from the first server that lets itself be reached; `fresh` takes no idle one.

        All are tried again until the time is up, unless not `patient`. Raises the last `Failure` then. Who wants one
        that is fresh and does not wait asks how things are now: servers are tried even while they are left alone.
        """
        self._asked += 1
        try:
            return await self._session(route, patient, fresh, on_stage)
        finally:
            self._asked -= 1

    async def _session(self, route: Sequence[int], patient: bool, fresh: bool, on_stage: OnStage) -> ClientSession:
        give_up_at = self._now() + (self._options.timings.give_up if patient else 0.0)
        while True:
            for index in route:
                session = (None if fresh else self.upstreams[index].take()) or await self._dial(
                    index, on_stage, insist=fresh and not patient
                )
                if session is not None:
                    return session
            pause = min(self._order.pause(index, self._now()) for index in route)
            if self._now() + pause >= give_up_at:
                raise self._failures[route[-1]]
            await asyncio.sleep(pause)
            route = self.route()

    def tick(self) -> None:
        """Look after all sessions; called about once a second."""
        now = self._now()
        for upstream in self.upstreams:
            upstream.tick(now)
        if self._retired:
            return
        self.warm_up()
        if self._options.strategy is Strategy.LOWEST_LATENCY and now >= self._measure_at:
            self._measure_at = now + _MEASURE_EVERY
            for index in range(len(self.upstreams)):
                self._tasks.start(self._measure(index), "measure latency")

    def latency_ms(self, index: int) -> float | None:
        """The smoothed time of TCP and TLS with a server."""
        return self._order.latency_ms(index)

    def warm_up(self) -> None:
        """Make sessions with the servers that are used next."""
        now = self._now()
        first = self._order.first(now)
        for index, upstream in enumerate(self.upstreams):
            used = self._options.strategy is Strategy.ROUND_ROBIN or index == first
            if used and upstream.proved_before and not self._order.pause(index, now):
                upstream.warm_up()

    @property
    def proved_before(self) -> bool:
        """Whether one of the servers has ever spoken AnyTLS to this client."""
        return any(upstream.proved_before for upstream in self.upstreams)

    def retire(self) -> None:
        """Take no new streams: idle sessions are closed now, the others when their streams have ended."""
        self._retired = True
        for upstream in self.upstreams:
            upstream.retire()

    def end_sessions(self) -> None:
        """Close every session, with the streams that are open, and wait for none."""
        for upstream in self.upstreams:
            upstream.end_sessions()

    @property
    def spent(self) -> bool:
        """Whether nothing is left of it, and nobody waits for a session of it."""
        return not self._asked and not any(upstream.sessions or upstream.dialling for upstream in self.upstreams)

    async def close(self) -> None:
        """Close every session."""
        for upstream in self.upstreams:
            await upstream.close()

    async def _dial(self, index: int, on_stage: OnStage, *, insist: bool) -> ClientSession | None:
        """A new session, or None after a failure. While a server fails, its callers try it one at a time."""
        if not self._order.failures(index):
            return await self._try(index, on_stage)
        async with self._locks[index]:
            if insist:
                return await self._try(index, on_stage)
            if self._order.pause(index, self._now()):
                return None
            return self.upstreams[index].take() or await self._try(index, on_stage)

    async def _try(self, index: int, on_stage: OnStage = unheard) -> ClientSession | None:
        try:
            session = await self.upstreams[index].dial(on_stage)
        except Failure as failure:
            self._failed(self.upstreams[index], failure)
            return None
        self._order.measured(index, session.handshake_ms)
        return session

    async def _measure(self, index: int) -> None:
        session = None if self._order.pause(index, self._now()) else await self._try(index)
        if session is not None:
            self.upstreams[index].keep(session)

    def _proved(self, upstream: Upstream) -> None:
        self._order.succeeded(self.upstreams.index(upstream))
        self._on_proved()

    def _deserted(self, _upstream: Upstream) -> None:
        self._on_deserted()

    def _failed(self, upstream: Upstream, failure: Failure) -> None:
        index = self.upstreams.index(upstream)
        self._failures[index] = failure
        self._order.failed(index, self._now())
        _log.warning("%s: %s", upstream.server, failure)
        self._on_failed(failure)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
