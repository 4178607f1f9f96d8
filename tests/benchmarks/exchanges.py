"""Load of many small connections: each asks once, is answered once, and is closed by the app."""

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, cast

from app.loops import new_event_loop
from tests.benchmarks.bulk import Measured
from tests.benchmarks.delay import ROUND_TRIP
from tests.benchmarks.way import GREETED, GREETING, LoadFailed, Way, socks_connect, socks_reply_size
from tests.benchmarks.wire import COMMAND, ECHO

# A small request and its answer, in bytes, both ways the same.
_SMALL: Final = 128

# No run takes this long on any machine, in seconds.
_LIMIT: Final = 120.0

# What a client does after a connection's end, such as closing its stream, belongs to that connection.
_AFTERMATH: Final = 0.2

Step = tuple[bytes, Callable[[bytes], int]]


class _Exchange(asyncio.Protocol):
    """One connection: sends each step's bytes and awaits as many as the step says."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._steps = iter(steps)
        self._data = b""
        self._transport: asyncio.Transport | None = None
        self._size: Callable[[bytes], int] = len

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            if len(self._data) >= self._size(self._data):
                self._data = b""
                self._next()
        except LoadFailed as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(LoadFailed("the connection ended"))

    def _next(self) -> None:
        assert self._transport is not None
        step = next(self._steps, None)
        if step is None:
            self.done.set_result(None)
        else:
            request, self._size = step
            self._transport.write(request)

    def _fail(self, error: LoadFailed) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class _Load:
    """Exchanges over one way."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._loop = asyncio.get_running_loop()
        echo: Step = (COMMAND.pack(ECHO, _SMALL) + bytes(_SMALL), lambda _: _SMALL)
        socks: list[Step] = [
            (GREETING, lambda _: len(GREETED)),
            (socks_connect(way.tcp_target), socks_reply_size),
        ]
        self._steps = [echo] if way.proxy is None else [*socks, echo]
        self.seconds: list[float] = []
        self.held: list[asyncio.Transport] = []

    async def one(self, *, hold: bool = False) -> None:
        """One exchange, its connection closed or held open."""
        start = time.perf_counter()
        transport, exchange = await self._loop.create_connection(
            lambda: _Exchange(self._steps), "127.0.0.1", self._way.entry
        )
        try:
            await exchange.done
        finally:
            if not hold:
                transport.close()
        self.seconds.append(time.perf_counter() - start)
        if hold:
            self.held.append(transport)

    async def several(self, total: int, concurrent: int, *, hold: bool = False) -> None:
        """As many exchanges, some of them at a time."""
        tickets = iter(range(total))

        async def worker() -> None:
            for _ in tickets:
                await self.one(hold=hold)

        async with asyncio.TaskGroup() as group:
            for _ in range(concurrent):
                group.create_task(worker())

    def close(self) -> None:
        """Close what was held open."""
        for transport in self.held:
            transport.close()


def connections(way: Way, total: int, concurrent: int) -> Measured:
    """New connections, `concurrent` at a time."""

    async def measure() -> Measured:
        load = _Load(way)
        await load.several(2 * concurrent, concurrent)  # sessions are made, as they would be once and not each time
        load.seconds.clear()
        await asyncio.sleep(_AFTERMATH)
        cpu, start = way.cpu_seconds(), time.perf_counter()
        await load.several(total, concurrent)
        took = time.perf_counter() - start
        await asyncio.sleep(_AFTERMATH)
        return {"rate": total / took, **_spread(load.seconds), "cpu": (way.cpu_seconds() - cpu) / total * 1000}

    return _run(measure())


def one_by_one(way: Way, total: int, *, hold: bool) -> Measured:
    """One connection after the other. Those before are closed and lend their session, or are held and keep it.

    A peer that carries several streams on one session does not need a fresh one even then.
    """

    async def measure() -> Measured:
        load = _Load(way)
        await load.several(10, 1)
        if hold:
            await load.several(10, 10, hold=True)  # takes the idle sessions, so that all that follow are fresh
        load.seconds.clear()
        await asyncio.sleep(_AFTERMATH)
        cpu = way.cpu_seconds()
        await load.several(total, 1, hold=hold)
        await asyncio.sleep(_AFTERMATH)
        used = way.cpu_seconds() - cpu
        load.close()
        return {"p50": _spread(load.seconds)["p50"], "cpu": used / total * 1000}

    return _run(measure())


def very_first(way: Way) -> Measured:
    """One exchange with a client that has only just come to be on, in round trips to its server."""

    async def measure() -> Measured:
        load = _Load(way)
        await load.one()
        load.close()
        return {"trips": load.seconds[0] / ROUND_TRIP}

    return _run(measure())


def open_streams(way: Way, total: int) -> Measured:
    """The client's memory with no stream, and how much `total` open idle streams add."""

    async def measure() -> Measured:
        load = _Load(way)
        await load.one()
        await asyncio.sleep(1.0)  # sessions that are kept ready are part of the base
        idle = way.memory()
        await load.several(total, 20, hold=True)
        await asyncio.sleep(_AFTERMATH)
        more = way.memory() - idle
        load.close()
        return {"idle": idle, "more": more}

    return _run(measure())


def _spread(seconds: Sequence[float]) -> Measured:
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": cuts[49] * 1000, "p99": cuts[98] * 1000}


def _run(measure: Coroutine[None, None, Measured]) -> Measured:
    async def limited() -> Measured:
        try:
            async with asyncio.timeout(_LIMIT):
                return await measure
        except TimeoutError:
            raise LoadFailed(f"it takes longer than {_LIMIT:.0f} seconds") from None

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(limited())
    except* (LoadFailed, OSError) as group:
        raise LoadFailed(str(_first(group))) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
