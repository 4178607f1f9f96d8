"""A thread with a loop of its own: what it runs, how it ends, and what is left of it when it breaks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from app.engine import thread as module
from app.engine.thread import LoopThread
from app.errors import EngineCrashed, SessionLost
from app.loops import new_event_loop
from tests.engine.apps import descriptors
from tests.fakes.waiting import until


@pytest.fixture(params=[asyncio.new_event_loop, new_event_loop], ids=["asyncio", "fast"])
async def running(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopThread]:
    monkeypatch.setattr(module, "new_event_loop", request.param)
    running = LoopThread("engine")
    yield running
    await running.end()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TO_CLOSE", 0.05)
    monkeypatch.setattr(module, "_TO_END", 0.3)


async def here() -> threading.Thread:
    return threading.current_thread()


async def forever() -> None:
    await asyncio.Event().wait()


async def crash(running: LoopThread, do: Callable[[], None]) -> None:
    """Break the thread's loop from inside, without waiting for it."""

    async def soon() -> None:
        asyncio.get_running_loop().call_soon(do)

    await running.call(soon)


def interrupt() -> None:
    raise KeyboardInterrupt


def stop_loop() -> None:
    asyncio.get_running_loop().stop()


# ---- calls


async def test_a_call_runs_on_the_thread_and_gives_its_result(running: LoopThread) -> None:
    there = await running.call(here)
    assert there is not threading.current_thread()
    assert there.daemon
    assert await running.call(here) is there


async def test_what_a_call_raises_comes_out(running: LoopThread) -> None:
    async def fails() -> None:
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        await running.call(fails)
    assert not running.over


async def test_a_caller_that_is_cancelled_cancels_its_call(running: LoopThread) -> None:
    states: list[str] = []

    async def work() -> None:
        states.append("begun")
        try:
            await forever()
        except asyncio.CancelledError:
            states.append("cancelled")
            raise

    task = asyncio.create_task(running.call(work))
    await until(lambda: states)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: states == ["begun", "cancelled"])
    assert (await running.call(here)).is_alive()


# ---- the end


async def test_the_end_closes_and_leaves_nothing(running: LoopThread) -> None:
    done: list[str] = []

    async def at_end() -> None:
        await asyncio.sleep(0)
        done.append(threading.current_thread().name)

    async def leaves_a_task() -> asyncio.Task[None]:
        return asyncio.create_task(forever())

    running.at_end = at_end
    task = await running.call(leaves_a_task)
    there = await running.call(here)
    await running.end()
    assert done == ["engine"]
    assert task.cancelled()
    assert not there.is_alive()


async def test_a_call_under_way_hears_of_the_end(running: LoopThread) -> None:
    call = asyncio.create_task(running.call(forever))
    await running.call(here)
    await running.end()
    with pytest.raises(SessionLost, match="closed"):
        await call
    with pytest.raises(SessionLost, match="closed"):
        await running.call(here)


async def test_a_caller_that_is_cancelled_during_the_end_is_cancelled(running: LoopThread) -> None:
    call = asyncio.create_task(running.call(forever))
    await running.call(here)
    end = asyncio.create_task(running.end())
    await asyncio.sleep(0)
    call.cancel()
    await end
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_ending_twice_is_ending_once(running: LoopThread) -> None:
    await asyncio.gather(running.end(), running.end())
    await running.end()


async def test_what_hangs_while_it_closes_is_not_waited_for(running: LoopThread, impatient: None) -> None:
    running.at_end = forever
    there = await running.call(here)
    await running.end()
    assert not there.is_alive()


async def test_a_job_off_the_loop_that_hangs_does_not_hold_the_thread(running: LoopThread) -> None:
    begun, free = threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        free.wait()

    async def works() -> None:
        await asyncio.to_thread(hangs)

    call = asyncio.create_task(running.call(works))
    await asyncio.to_thread(begun.wait)
    there = await running.call(here)
    try:
        await running.end()
        assert not there.is_alive()
        with pytest.raises(SessionLost):
            await call
    finally:
        free.set()


async def test_a_thread_that_hangs_is_left_behind(running: LoopThread, impatient: None) -> None:
    free = threading.Event()

    async def hangs() -> None:
        free.wait()

    call = asyncio.create_task(running.call(hangs))
    await asyncio.sleep(0)
    try:
        await running.end()
        with pytest.raises(SessionLost):
            await call
    finally:
        free.set()
    await running.end()


# ---- the crash


@pytest.mark.parametrize(
    ("do", "reason"), [(interrupt, "KeyboardInterrupt"), (stop_loop, "its loop was stopped")], ids=["raise", "stop"]
)
async def test_a_crash_is_told_when_all_is_closed(
    running: LoopThread, do: Callable[[], None], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def at_end() -> None:
        await asyncio.sleep(0.01)
        told.append("closed")

    running.at_end = at_end
    running.on_crash = lambda failure: told.append(f"{threading.current_thread().name}: {failure}")
    there = await running.call(here)
    await crash(running, do)
    await until(lambda: len(told) == 2)
    assert told == ["closed", f"engine: The engine has stopped working: {reason}."]
    await until(lambda: not there.is_alive())
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "CRITICAL"] == [True]
    assert running.over


async def test_calls_raise_the_crash(running: LoopThread) -> None:
    calls = [asyncio.create_task(running.call(forever)) for _ in range(3)]
    await crash(running, interrupt)
    for call in calls:
        with pytest.raises(EngineCrashed, match="KeyboardInterrupt"):
            await call
    with pytest.raises(EngineCrashed, match="KeyboardInterrupt"):
        await running.call(here)


async def test_what_cannot_be_closed_after_a_crash_is_logged(
    running: LoopThread, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[EngineCrashed] = []

    async def at_end() -> None:
        raise LookupError("why")

    running.at_end = at_end
    running.on_crash = told.append
    await crash(running, interrupt)
    await until(lambda: told)
    assert any("could not be closed" in record.message for record in caplog.records)


async def test_a_crash_is_no_matter_of_the_end(running: LoopThread) -> None:
    told: list[EngineCrashed] = []
    running.on_crash = told.append
    await running.end()
    assert not told


async def test_whoever_wants_to_end_the_program_from_the_thread_ends_the_thread(running: LoopThread) -> None:
    told: list[EngineCrashed] = []
    running.on_crash = told.append

    def breaks() -> None:
        raise SystemExit

    await crash(running, breaks)
    await until(lambda: told)
    assert told[0].reason == "SystemExit"


async def test_lives_one_after_the_other_leak_no_descriptor() -> None:
    for _ in range(3):
        await LoopThread("engine").end()
    before = descriptors()
    for _ in range(30):
        running = LoopThread("engine")
        await running.call(here)
        await running.end()
    assert descriptors() == before
