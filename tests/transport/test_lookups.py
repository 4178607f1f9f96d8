"""Look-ups run on threads that come and go with them, and that nothing has to wait for."""

import asyncio
import subprocess
import sys
import threading

import pytest

from app.transport.lookups import Lookups
from tests.fakes.loops import both_loops
from tests.fakes.waiting import settle, until


@both_loops
async def test_what_is_found_and_what_is_raised_comes_back() -> None:
    lookups, loop = Lookups(), asyncio.get_running_loop()
    there = await loop.run_in_executor(lookups, threading.current_thread)
    assert there is not threading.current_thread()
    assert there.daemon

    def fails() -> None:
        raise OSError("why")

    with pytest.raises(OSError, match="why"):
        await loop.run_in_executor(lookups, fails)


async def test_so_many_run_at_a_time_and_the_others_wait() -> None:
    lookups, loop = Lookups(at_once=2), asyncio.get_running_loop()
    running, go = [], threading.Event()

    def work(number: int) -> int:
        running.append(number)
        go.wait()
        return number

    jobs = [loop.run_in_executor(lookups, work, number) for number in range(5)]
    await until(lambda: len(running) == 2)
    assert sum(thread.name == "look-up" for thread in threading.enumerate()) == 2
    jobs[2].cancel()
    await settle(3)
    go.set()
    assert [await jobs[number] for number in (0, 1, 3, 4)] == [0, 1, 3, 4]
    assert 2 not in running, "what was cancelled while it waited is not done"


async def test_threads_go_when_there_is_nothing_to_do() -> None:
    lookups, loop = Lookups(), asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(lookups, int) for _ in range(20)))
    await until(lambda: not any(thread.name == "look-up" for thread in threading.enumerate()))
    assert await loop.run_in_executor(lookups, int) == 0


HANGS = """
import asyncio, threading
from app.transport.lookups import Lookups

async def main():
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    def hangs():
        loop.call_soon_threadsafe(begun.set)
        threading.Event().wait()
    task = loop.run_in_executor(Lookups(), hangs)
    await begun.wait()
    task.cancel()

asyncio.run(main())
print("over")
"""


def test_one_that_hangs_does_not_hold_the_end_of_the_program() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")
