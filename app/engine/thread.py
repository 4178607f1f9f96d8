"""A thread with an event loop of its own, which runs what it is given until it is ended, or until it breaks."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

from app.errors import EngineCrashed, Failure, SessionLost
from app.loops import new_event_loop
from app.texts import translate

_T = TypeVar("_T")
_log = logging.getLogger("anytls.host")

# How long the thread may take to close what runs on it, and how much longer it is waited for; in seconds.
_TO_CLOSE: Final = 5.0
_TO_END: Final = 8.0


async def _nothing() -> None:
    """There is nothing to do."""


class LoopThread:
    """One life of the thread, from here to `end` or a crash. All methods are for other threads' loops.

    `on_crash` is called on the thread itself, when all that can be closed is closed. `at_end` closes what runs on the
    loop; it is run there in either case.
    """

    def __init__(self, name: str) -> None:
        self.on_crash: Callable[[EngineCrashed], None] = lambda failure: None
        self.at_end: Callable[[], Coroutine[Any, Any, None]] = _nothing
        self._loop = new_event_loop()
        self._executor = ThreadPoolExecutor(thread_name_prefix=name)
        self._loop.set_default_executor(self._executor)
        self._asked_to_end = asyncio.Event()
        self._lock = threading.Lock()
        self._calls: set[Future[Any]] = set()
        self._failure: Failure | None = None
        # A daemon: whatever hangs on it may delay the end of the program by the time that `end` waits, and by no more.
        # (Names are looked up on threads that nobody waits for: `transport.lookups`.)
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it has crashed or was asked to end."""
        return self._failure is not None

    async def call(self, make: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Run the coroutine that `make` gives on the thread. A caller that is cancelled cancels it.

        Raises what it raises, `EngineCrashed` after a crash, and `SessionLost` where the thread was ended meanwhile.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            future = asyncio.run_coroutine_threadsafe(make(), self._loop)
            self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._failure is not None and not _being_cancelled():
                raise self._failure from None
            raise

    async def end(self) -> None:
        """Close what runs on the thread and wait until it is gone, for a while."""
        with self._lock:
            if self._failure is None:
                self._failure = SessionLost(translate("connection", "the tunnel was closed"))
                self._loop.call_soon_threadsafe(self._asked_to_end.set)
        await asyncio.to_thread(self._thread.join, _TO_END)
        if self._thread.is_alive():
            _log.error("the engine's thread does not end; it is left behind")
            self._give_up_calls()

    # ---- on the thread

    def _main(self) -> None:
        crash: EngineCrashed | None = None
        try:
            self._loop.run_until_complete(self._asked_to_end.wait())
        except BaseException as error:  # whatever it was, the rest of the program goes on
            _log.critical("the engine's loop has ended by itself", exc_info=error)
            crash = EngineCrashed(_reason(error))
            with self._lock:
                self._failure = crash
        self._close()
        if crash is not None:
            self.on_crash(crash)

    def _close(self) -> None:
        try:
            self._loop.run_until_complete(self._close_all())
        except BaseException as error:  # a broken loop cannot close what it ran
            _log.error("the engine's loop could not be closed", exc_info=error)
        self._give_up_calls()
        # Not waited for: a job that hangs, on a file system that is gone, would hold this thread.
        self._executor.shutdown(wait=False, cancel_futures=True)
        with suppress(Exception):
            self._loop.close()

    async def _close_all(self) -> None:
        try:
            await asyncio.wait_for(self.at_end(), _TO_CLOSE)
        except Exception as error:
            _log.error("what ran on the engine's thread could not be closed", exc_info=error)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_TO_CLOSE)
        await self._loop.shutdown_asyncgens()

    def _give_up_calls(self) -> None:
        for future in tuple(self._calls):
            with suppress(InvalidStateError):
                future.set_exception(self._failure)


def _being_cancelled() -> bool:
    """Whether it is this task that is cancelled, and not what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reason(error: BaseException) -> str:
    from app.transport.session import plain_reason

    if isinstance(error, RuntimeError):
        return translate("connection", "its loop was stopped")
    return plain_reason(error) if isinstance(error, OSError) else type(error).__name__
