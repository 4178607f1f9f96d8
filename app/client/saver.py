"""Writes what has changed in the background: always the newest state, one write at a time."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from app.errors import Failure
from app.tasks import Tasks

T = TypeVar("T")


class Saver(Generic[T]):
    """Call it with the state to keep. `write` runs in a thread; a `Failure` of it is told to `on_failure`."""

    def __init__(self, write: Callable[[T], None], on_failure: Callable[[Failure], None]) -> None:
        self._write = write
        self.on_failure = on_failure
        self._tasks = Tasks()
        self._waiting: list[T] = []
        self._writing: asyncio.Task[None] | None = None

    def __call__(self, state: T) -> None:
        self._waiting[:] = [state]
        if self._writing is None or self._writing.done():
            self._writing = self._tasks.start(self._run(), "save")

    async def flush(self) -> None:
        """Wait until everything is written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _run(self) -> None:
        while self._waiting:
            state = self._waiting.pop()
            try:
                await asyncio.to_thread(self._write, state)
            except Failure as failure:
                self.on_failure(failure)
