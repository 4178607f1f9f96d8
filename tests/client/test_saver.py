"""What is saved in the background."""

import asyncio
import threading

import pytest

from app.client.saver import Saver
from app.errors import BadFile, Failure


def unexpected(failure: Failure) -> None:
    pytest.fail(str(failure))


async def test_it_writes_what_it_is_given() -> None:
    written: list[int] = []
    saver = Saver[int](written.append, unexpected)
    saver(1)
    await saver.flush()
    assert written == [1]
    saver(2)
    await saver.flush()
    assert written == [1, 2]


async def test_only_the_newest_of_many_is_written_after_the_one_under_way() -> None:
    written: list[int] = []
    go = threading.Event()

    def write(state: int) -> None:
        assert go.wait(5)
        written.append(state)

    saver = Saver[int](write, unexpected)
    saver(0)
    await asyncio.sleep(0.01)
    for state in range(1, 50):
        saver(state)
    go.set()
    await saver.flush()
    assert written == [0, 49]


async def test_it_writes_away_from_the_loop() -> None:
    threads: list[threading.Thread] = []
    saver = Saver[int](lambda _state: threads.append(threading.current_thread()), unexpected)
    saver(1)
    await saver.flush()
    assert threads[0] is not threading.current_thread()


async def test_a_failure_is_told_and_the_next_state_is_written_all_the_same() -> None:
    told: list[Failure] = []
    written: list[int] = []

    def write(state: int) -> None:
        if state == 1:
            raise BadFile("the disk is full", "settings.json")
        written.append(state)

    saver = Saver[int](write, told.append)
    saver(1)
    await saver.flush()
    assert [type(failure) for failure in told] == [BadFile]
    saver(2)
    await saver.flush()
    assert written == [2]


async def test_nothing_to_wait_for() -> None:
    written: list[int] = []
    await Saver[int](written.append, unexpected).flush()
    assert written == []
