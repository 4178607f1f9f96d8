"""Breaks a coroutine off at each place where it waits, one after the other."""

import asyncio
import itertools
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Work = Coroutine[Any, Any, None]


async def cancel_everywhere(make: Callable[[], Work]) -> int:
    """Cancel what `make` makes at its first wait, then another one at its second, until one comes to its end; each
    while what it waits for is still to come, and just after it has come. Returns at how many waits it was.

    Fails where a cancellation is swallowed.
    """
    for step in itertools.count():
        for late in (False, True):
            work = asyncio.create_task(_cancelled_at(make(), step, late))
            await asyncio.wait([work])
            if work.cancelled():
                continue
            if not work.result():
                return step
            raise AssertionError(f"it goes on after it was cancelled at its wait number {step}")
    raise AssertionError


async def _cancelled_at(work: Work, step: int, late: bool) -> bool:
    return await _steps(work, step, late)


@types.coroutine
def _steps(work: Work, step: int, late: bool) -> Generator[Any, Any, bool]:
    """Do what a task does with `work`; returns whether it was cancelled, and yet came to its end."""
    task = asyncio.current_task()
    assert task is not None
    error: BaseException | None = None
    for count in itertools.count():
        try:
            waiting = work.send(None) if error is None else work.throw(error)
        except StopIteration:
            return count > step
        error = None
        try:
            if count == step and not late:
                task.cancel()
            yield waiting
            if count == step and late:
                task.cancel()
                yield
        except BaseException as raised:
            error = raised
    raise AssertionError
