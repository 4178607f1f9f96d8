"""The one door between the engine and everyone else: the same verbs, whether it runs on this loop or on its own thread.

Commands go in as awaitables; frozen values and a few events come out. No object is shared: what the caller gets, the
engine does not touch any more.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.engine.options import EngineOptions, LocalOptions
from app.engine.snapshot import Snapshot
from app.engine.stages import OnStage, StageResult, unheard
from app.engine.thread import LoopThread
from app.errors import Failure
from app.protocols.address import Address

if TYPE_CHECKING:
    from app.engine.engine import Engine
    from app.engine.upstream import SchemeMemory

_T = TypeVar("_T")
_log = logging.getLogger("anytls.host")


def _ignore() -> None:
    """Nobody wants to know."""


def _ignore_failure(_failure: Failure) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class EngineEvents:
    """What the engine tells by itself, on the loop that started it. Several of one kind may be told as the last one."""

    proved: Callable[[], None] = _ignore
    """A server has spoken AnyTLS on a new session."""
    trouble: Callable[[Failure], None] = _ignore_failure
    """A session could not be made, or ended before the server had said a word."""
    deserted: Callable[[], None] = _ignore
    """A server has ended the last session with it."""
    crashed: Callable[[Failure], None] = _ignore_failure
    """The engine is gone; a new start makes a new one."""


class EngineDoor(Protocol):
    """Starts one engine at a time and reaches it. Everything but `start` and `stop` raises `EngineCrashed` after a
    crash and `RuntimeError` where nothing was started; see `Engine` for the rest."""

    async def start(self, options: EngineOptions, schemes: SchemeMemory | None, events: EngineEvents) -> Address:
        """Open the local port and say which. Raises `BadInput` or `ListenFailed`, and nothing runs then."""

    async def prove(self, on_stage: OnStage = unheard) -> None:
        """See a server speak, and the page answer; raises what stands in the way."""

    async def switch(self, options: EngineOptions, drain: bool, on_stage: OnStage = unheard) -> None:
        """Go over other servers once they are proved; raises what stands in the way, and all stays as it is then."""

    async def listen(self, local: LocalOptions) -> Address:
        """Listen elsewhere. Raises `BadInput` or `ListenFailed`, and all stays as it is then."""

    async def snapshot(self) -> Snapshot:
        """What there is to see now."""

    async def close_idle(self) -> None:
        """Close every idle session."""

    async def close_session(self, number: int) -> None:
        """Close a session, with the connections that it carries."""

    async def close_connection(self, number: int) -> None:
        """Close one app connection."""

    async def close_connections(self) -> None:
        """Close every app connection."""

    async def stop(self) -> None:
        """Close everything. May be called at any time, and twice."""


class _Verbs:
    """The verbs that only pass through."""

    async def _do(self, work: Callable[[Engine], Coroutine[Any, Any, _T]]) -> _T:
        raise NotImplementedError

    async def prove(self, on_stage: OnStage = unheard) -> None:
        tell = self._to_caller(on_stage)
        await self._do(lambda engine: engine.prove(tell))

    async def switch(self, options: EngineOptions, drain: bool, on_stage: OnStage = unheard) -> None:
        tell = self._to_caller(on_stage)
        await self._do(lambda engine: engine.switch(options, drain, tell))

    async def listen(self, local: LocalOptions) -> Address:
        return await self._do(lambda engine: engine.listen(local))

    async def snapshot(self) -> Snapshot:
        return await self._ask(lambda engine: engine.snapshot())

    async def close_idle(self) -> None:
        await self._ask(lambda engine: engine.close_idle())

    async def close_session(self, number: int) -> None:
        await self._ask(lambda engine: engine.close_session(number))

    async def close_connection(self, number: int) -> None:
        await self._ask(lambda engine: engine.close_connection(number))

    async def close_connections(self) -> None:
        await self._ask(lambda engine: engine.close_connections())

    async def _ask(self, work: Callable[[Engine], _T]) -> _T:
        async def asked(engine: Engine) -> _T:
            return work(engine)

        return await self._do(asked)

    def _to_caller(self, on_stage: OnStage) -> OnStage:
        return on_stage


class DirectDoor(_Verbs):
    """The engine on the caller's own loop."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    async def start(self, options: EngineOptions, schemes: SchemeMemory | None, events: EngineEvents) -> Address:
        await self.stop()
        self._engine, address = await _started(options, schemes, events)
        return address

    async def stop(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()

    async def _do(self, work: Callable[[Engine], Coroutine[Any, Any, _T]]) -> _T:
        if self._engine is None:
            raise RuntimeError("the engine is not running")
        return await work(self._engine)


class ThreadDoor(_Verbs):
    """The engine on a thread and a loop of its own, made at the start and gone after `stop`."""

    def __init__(self) -> None:
        self._thread: LoopThread | None = None
        self._engine: Engine | None = None  # touched on its own thread alone
        self._outbox: _Outbox | None = None

    async def start(self, options: EngineOptions, schemes: SchemeMemory | None, events: EngineEvents) -> Address:
        if self._outbox is not None:
            await self.stop()
        outbox = self._outbox = _Outbox(events)
        new = self._thread is None or self._thread.over

        async def start() -> Address:
            self._engine, address = await _started(options, schemes, outbox)
            return address

        thread = self._running()
        thread.on_crash = outbox.crashed
        thread.at_end = self._end_engine
        try:
            return await thread.call(start)
        except BaseException:
            outbox.close()
            self._outbox = None
            if new:
                await self.stop()
            raise

    async def run(self, make: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Run the coroutine that `make` gives on the engine's thread, which starts now where it does not run yet and
        ends with `stop`, as all that was left running on it does."""
        return await self._running().call(make)

    async def stop(self) -> None:
        thread, self._thread = self._thread, None
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.close()
        if thread is not None:
            await thread.end()

    def _running(self) -> LoopThread:
        if self._thread is None or self._thread.over:
            self._thread = LoopThread("engine")
        return self._thread

    async def _end_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()

    async def _do(self, work: Callable[[Engine], Coroutine[Any, Any, _T]]) -> _T:
        if self._thread is None:
            raise RuntimeError("the engine is not running")

        async def done() -> _T:
            if self._engine is None:
                raise RuntimeError("the engine is not running")
            return await work(self._engine)

        return await self._thread.call(done)

    def _to_caller(self, on_stage: OnStage) -> OnStage:
        loop = asyncio.get_running_loop()

        def tell(stage: StageResult) -> None:
            with suppress(RuntimeError):  # the caller's loop has closed
                loop.call_soon_threadsafe(on_stage, stage)

        return tell


async def _started(
    options: EngineOptions, schemes: SchemeMemory | None, events: EngineEvents | _Outbox
) -> tuple[Engine, Address]:
    """An engine and where it listens; of one that cannot start nothing is left. Its modules are imported now, on its
    own thread where it has one: a program that is off has shown its icon long before."""
    from app.engine.engine import Engine

    engine = Engine(options, schemes, events.proved, events.trouble, events.deserted)
    try:
        return engine, await engine.start()
    except BaseException:
        await engine.stop()
        raise


class _Outbox:
    """Events on their way from the engine's thread to the caller's loop.

    Under failing traffic there are hundreds a second, and waking Qt's loop is slow: of each kind the last one waits,
    in the order in which they came, and at most one call is under way.
    """

    def __init__(self, events: EngineEvents) -> None:
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: dict[str, Callable[[], None]] = {}
        self._closed = False

    def proved(self) -> None:
        self._put("proved", self._events.proved)

    def trouble(self, failure: Failure) -> None:
        self._put("trouble", lambda: self._events.trouble(failure))

    def deserted(self) -> None:
        self._put("deserted", self._events.deserted)

    def crashed(self, failure: Failure) -> None:
        self._put("crashed", lambda: self._events.crashed(failure))

    def close(self) -> None:
        """What is still under way is not told any more."""
        self._closed = True

    def _put(self, kind: str, tell: Callable[[], None]) -> None:
        with self._lock:
            under_way = bool(self._waiting)
            self._waiting.pop(kind, None)
            self._waiting[kind] = tell
        if not under_way:
            with suppress(RuntimeError):  # the caller's loop has closed
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for tell in waiting.values():
            if not self._closed:
                tell()
