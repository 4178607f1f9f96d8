"""Background tasks are kept, reported when they fail, and ended together."""

import asyncio
import gc
import inspect
import logging
import weakref
from collections.abc import Awaitable

import pytest

from app.tasks import Tasks


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def fail(message: str = "broken") -> None:
    raise ValueError(message)


async def test_a_result_can_be_awaited() -> None:
    tasks = Tasks()

    async def answer() -> int:
        return 42

    task = tasks.start(answer(), "answer")
    assert task.get_name() == "answer"
    assert await task == 42
    await tasks.close()


async def test_a_task_that_nobody_else_holds_is_kept() -> None:
    tasks = Tasks()
    kept = weakref.ref(tasks.start(forever(), "forever"))
    await asyncio.sleep(0)
    gc.collect()
    assert kept() is not None
    await tasks.close()


async def test_an_ended_task_is_let_go() -> None:
    tasks = Tasks()
    task: Awaitable[None] | None = tasks.start(asyncio.sleep(0), "short")
    assert task is not None
    gone = weakref.ref(task)
    await task
    task = None
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None
    await tasks.close()


async def test_a_failure_is_logged_once_with_its_name_and_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    failures: list[BaseException] = []
    tasks = Tasks(failures.append)
    task = tasks.start(fail(), "keeper")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    (record,) = caplog.records
    assert (record.name, record.levelno, record.getMessage()) == ("anytls.tasks", logging.ERROR, "task keeper failed")
    assert record.exc_info is not None
    assert [str(error) for error in failures] == ["broken"]
    assert record.exc_info[1] is failures[0]
    await tasks.close()
    assert len(caplog.records) == 1


async def test_without_a_callback_a_failure_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    await asyncio.wait([tasks.start(fail(), "keeper")])
    await tasks.close()
    assert [record.getMessage() for record in caplog.records] == ["task keeper failed"]


async def test_a_cancelled_task_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    failures: list[BaseException] = []
    tasks = Tasks(failures.append)
    task = tasks.start(forever(), "forever")
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await tasks.close()
    assert not caplog.records
    assert not failures


async def test_close_cancels_all_and_waits_for_their_ends() -> None:
    tasks = Tasks()
    ended: list[int] = []

    async def tidy(number: int) -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    for number in range(3):
        tasks.start(tidy(number), f"tidy {number}")
    await asyncio.sleep(0)
    await tasks.close()
    assert sorted(ended) == [0, 1, 2]
    await tasks.close()


async def test_a_task_started_while_closing_never_runs_and_is_waited_for() -> None:
    tasks = Tasks()
    started: list[asyncio.Task[None]] = []
    ran: list[str] = []

    async def late() -> None:
        ran.append("late")

    async def last_word() -> None:
        try:
            await forever()
        finally:
            started.append(tasks.start(late(), "late"))

    tasks.start(last_word(), "last word")
    await asyncio.sleep(0)
    await tasks.close()
    assert started[0].cancelled()
    assert not ran


async def test_a_failure_while_closing_is_still_reported(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()

    async def stumble() -> None:
        try:
            await forever()
        finally:
            await fail("while tidying")

    tasks.start(stumble(), "stumble")
    await asyncio.sleep(0)
    await tasks.close()
    assert "while tidying" in caplog.text


async def test_nothing_starts_after_close() -> None:
    tasks = Tasks()
    await tasks.close()
    coro = forever()
    with pytest.raises(RuntimeError, match="'late' has closed"):
        tasks.start(coro, "late")
    assert inspect.getcoroutinestate(coro) == inspect.CORO_CLOSED  # or Python warns that it was never awaited


async def test_a_task_may_close_its_own_owner() -> None:
    tasks = Tasks()
    other = tasks.start(forever(), "other")
    await tasks.start(tasks.close(), "closer")
    assert other.cancelled()
    await tasks.close()
