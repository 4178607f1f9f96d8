"""One running tunnel: local proxy, servers, and the clock that looks after them. Plain asyncio, on any loop."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import replace

from app.engine.local_proxy import LocalProxy
from app.engine.options import EngineOptions, LocalOptions
from app.engine.page import Page, ask
from app.engine.probe import prove
from app.engine.session import ClientSession
from app.engine.snapshot import Snapshot, Totals, take_snapshot
from app.engine.stages import OnStage, timed, unheard
from app.engine.tunnel import Tunnel
from app.engine.upstream import SchemeMemory
from app.errors import Failure, SessionLost
from app.protocols.address import Address
from app.tasks import Tasks
from app.texts import translate

_log = logging.getLogger("anytls.engine")


class Engine:
    """`start` it, look at it with `snapshot`, `stop` it. What sessions show is told to the callbacks."""

    def __init__(
        self,
        options: EngineOptions,
        schemes: SchemeMemory | None = None,
        on_proved: Callable[[], None] = lambda: None,
        on_failed: Callable[[Failure], None] = lambda failure: None,
        on_deserted: Callable[[], None] = lambda: None,
    ) -> None:
        self._options = options
        self._schemes = schemes
        self._on_proved = on_proved
        self._on_failed = on_failed
        self._on_deserted = on_deserted
        self._tasks = Tasks()
        self._numbers = itertools.count(1)
        self._page = _page(options)
        self._tunnel = self._make_tunnel(options)
        self._coming: Tunnel | None = None
        self._leaving: list[Tunnel] = []
        self._gone = Totals()
        self._switching = asyncio.Lock()
        self._local = LocalProxy(options.local, options.timings, self._tunnel, self._tasks)
        self._ticking: asyncio.TimerHandle | None = None
        self._doubted = False
        self._stopped = False

    async def start(self) -> Address:
        """Open the local port and say which. Raises `BadInput` or `ListenFailed`; nothing is left behind then."""
        await self._tunnel.prepare()
        address = await self._local.listen()
        self._tick()
        return address

    async def prove(self, on_stage: OnStage = unheard) -> None:
        """See a server speak AnyTLS over the tunnel, and the page answer where one is asked for: TCP, TLS and password
        are right then, and sessions get warm. Each stage that is tried is told as it ends.

        Raises the `Failure` that stands in the way.
        """
        tunnel = self._tunnel
        try:
            await self._prove(tunnel, self._options, self._page, on_stage)
        except Failure:
            if tunnel is self._tunnel:  # else one that was proved has taken its place meanwhile
                self._doubted = True
                raise
        else:
            self._doubted = False

    async def switch(self, options: EngineOptions, drain: bool, on_stage: OnStage = unheard) -> None:
        """Make before break: prove the servers of `options` beside those that are used, then carry new connections
        over them. Connections over the old ones end in their own time with `drain`, and at once without.

        The local port is `listen`'s affair, so `options.local` changes nothing. Raises `BadInput` or the `Failure`
        that stands in the way, and all stays as it is then.
        """
        page = _page(options)
        async with self._switching:
            tunnel = self._coming = self._make_tunnel(options)
            try:
                await tunnel.prepare()
                await self._prove(tunnel, options, page, on_stage)
                if self._stopped:
                    raise SessionLost(translate("connection", "the tunnel was closed"))
            except BaseException:
                self._coming = None
                await self._leave(tunnel, drain=False)
                raise
            self._coming = None
            old, self._tunnel = self._tunnel, tunnel
            self._options, self._page = replace(options, local=self._options.local), page
            self._local.use(tunnel)
            if not drain:
                self._local.end_connections()
            await self._leave(old, drain)

    async def listen(self, local: LocalOptions) -> Address:
        """Listen elsewhere or for others, and say where. Connections that are open stay as they are.

        Raises `BadInput` or `ListenFailed`, and all stays as it is then.
        """
        address = await self._local.move(local)
        self._options = replace(self._options, local=local)
        return address

    def snapshot(self) -> Snapshot:
        """What there is to see now, as frozen values."""
        return take_snapshot(self._tunnels, self._local.connections, self._gone)

    def close_idle(self) -> None:
        """Close every idle session."""
        for tunnel in self._tunnels:
            for upstream in tunnel.upstreams:
                upstream.close_idle()

    def close_session(self, number: int) -> None:
        """Close a session, with the connections that it carries; nothing where it is gone already."""
        for tunnel in self._tunnels:
            for upstream in tunnel.upstreams:
                if number in upstream.sessions:
                    upstream.sessions[number].close()

    def close_connection(self, number: int) -> None:
        """Close one app connection; nothing where it is gone already."""
        connection = self._local.connections.open.get(number)
        if connection is not None:
            connection.end()

    def close_connections(self) -> None:
        """Close every app connection."""
        self._local.end_connections()

    async def stop(self) -> None:
        """Close everything. Connections that are open end."""
        self._stopped = True
        if self._ticking is not None:
            self._ticking.cancel()
        await self._local.close()
        await self._tasks.close()
        for tunnel in self._tunnels:
            await tunnel.close()

    # ---- inside

    @property
    def _tunnels(self) -> list[Tunnel]:
        coming = [] if self._coming is None else [self._coming]
        return [*self._leaving, self._tunnel, *coming]

    def _make_tunnel(self, options: EngineOptions) -> Tunnel:
        """A tunnel whose callbacks are heard while it is the one that is used."""

        def proved() -> None:
            if tunnel is self._tunnel:
                self._on_proved()

        def failed(failure: Failure) -> None:
            if tunnel is self._tunnel:
                self._on_failed(failure)

        def deserted() -> None:
            if tunnel is self._tunnel:
                self._on_deserted()

        tunnel = Tunnel(options, self._tasks, self._schemes, proved, failed, deserted, self._numbers)
        return tunnel

    async def _prove(self, tunnel: Tunnel, options: EngineOptions, page: Page | None, on_stage: OnStage) -> None:
        session = None
        if tunnel.proved_before and not self._doubted:  # after a failure every stage is seen anew
            session = tunnel.take(tunnel.route())
        if session is None or not await self._proves(session, options, on_stage):
            session = await tunnel.session(tunnel.route(), patient=False, fresh=True, on_stage=on_stage)
            with timed("authentication", on_stage):
                await prove(session, options.timings)
        tunnel.warm_up()
        if page is not None:
            with timed("page", on_stage):
                await ask(page, tunnel, options.timings)

    async def _proves(self, session: ClientSession, options: EngineOptions, on_stage: OnStage) -> bool:
        """Whether a session that lay idle proves it. That it is dead says nothing about the server."""
        try:
            with timed("authentication", lambda stage: on_stage(stage) if stage.ok else None):
                await prove(session, options.timings)
        except Failure as failure:
            _log.info("session %d was idle and is dead: %s", session.number, failure)
            return False
        return True

    async def _leave(self, tunnel: Tunnel, drain: bool) -> None:
        """Let go of a tunnel that is not used any more."""
        tunnel.retire()
        if not drain:
            tunnel.end_sessions()
        self._leaving.append(tunnel)
        if self._stopped:
            await tunnel.close()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._ticking = loop.call_later(self._options.timings.tick, self._tick)
        for tunnel in self._tunnels:
            tunnel.tick()
        for tunnel in [tunnel for tunnel in self._leaving if tunnel.spent]:
            self._leaving.remove(tunnel)
            self._gone += Totals.of(tunnel)
        self._local.tick(loop.time())


def _page(options: EngineOptions) -> Page | None:
    return None if options.page is None else Page.parse(options.page)
