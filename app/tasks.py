"""The only place where a background task starts, is kept, and may fail."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger("anytls.tasks")


class Tasks:
    """The background tasks of one owner. asyncio holds a running task only weakly; these are held until they end.

    An exception that leaves a task is logged once with the task's name and then handed to `on_failure`.
    """

    def __init__(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self._on_failure = on_failure
        self._running: set[asyncio.Task[Any]] = set()
        self._closing = False

    def start(self, coro: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
        """Run `coro` on the running loop. While `close` waits it is cancelled before its first step.

        Raises RuntimeError once closed; the coroutine is closed then.
        """
        if self._closing and not self._running:
            coro.close()
            raise RuntimeError(f"the owner of task {name!r} has closed")
        task = asyncio.create_task(coro, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        if self._closing:
            task.cancel()
        return task

    async def close(self) -> None:
        """Cancel every task and wait until the last has ended, even one started meanwhile; a calling task is spared."""
        self._closing = True
        for task in self._others():
            task.cancel()
        while others := self._others():
            await asyncio.wait(others)

    def _others(self) -> set[asyncio.Task[Any]]:
        return {task for task in self._running if task is not asyncio.current_task()}

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        _log.error("task %s failed", task.get_name(), exc_info=error)
        if self._on_failure is not None:
            self._on_failure(error)
