"""Pushed schemes: asked for and told from any thread, written off every loop."""

import asyncio
import threading
from pathlib import Path

from app.client.memory import Memory
from app.storage.schemes import PushedSchemes
from app.tasks import Tasks
from tests.fakes.waiting import settle, until

RAW = b"stop=2\n0=30-30\n1=100-100"


class Slow(PushedSchemes):
    """A disk that takes its time, and notes who waits for it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.threads: list[threading.Thread] = []
        self.go = threading.Event()
        self.writing = 0
        self.most = 0

    def put(self, server_key: str, raw: bytes) -> None:
        self.threads.append(threading.current_thread())
        self.writing += 1
        self.most = max(self.most, self.writing)
        self.go.wait()
        super().put(server_key, raw)
        self.writing -= 1


async def test_what_was_put_is_got() -> None:
    schemes, tasks = PushedSchemes(None), Tasks()
    memory = Memory(schemes, tasks)
    assert memory.get("a:1") is None
    memory.put("a:1", RAW)
    await until(lambda: memory.get("a:1") == RAW)
    await tasks.close()


async def test_no_loop_waits_for_the_disk_and_one_scheme_is_written_at_a_time() -> None:
    schemes, tasks = Slow(), Tasks()
    memory = Memory(schemes, tasks)
    await asyncio.to_thread(memory.put, "a:1", RAW)
    memory.put("b:1", RAW)
    await until(lambda: schemes.threads)
    await settle()
    assert threading.current_thread() not in schemes.threads
    schemes.go.set()
    await until(lambda: memory.get("a:1") == memory.get("b:1") == RAW)
    assert schemes.most == 1
    await tasks.close()


async def test_what_is_known_is_not_written_again() -> None:
    schemes, tasks = PushedSchemes(None), Tasks()
    schemes.put("a:1", RAW)
    memory = Memory(schemes, tasks)
    memory.put("a:1", RAW)
    await settle(3)
    assert not tasks._running
    await tasks.close()


async def test_a_server_that_pushes_without_end_waits_in_no_queue() -> None:
    schemes, tasks = Slow(), Tasks()
    memory = Memory(schemes, tasks)
    memory.put("a:1", RAW)
    await until(lambda: schemes.threads)
    for number in range(1_000):
        memory.put("a:1", b"stop=%d\n" % (number + 1))
    await settle()
    assert len(tasks._running) <= 2
    assert len(memory._waiting) == 1
    schemes.go.set()
    await until(lambda: memory.get("a:1") == b"stop=1000\n")
    assert len(schemes.threads) == 2
    await tasks.close()


async def test_after_the_end_nothing_is_kept(tmp_path: Path) -> None:
    schemes, tasks = PushedSchemes(tmp_path / "schemes.json"), Tasks()
    memory = Memory(schemes, tasks)
    await tasks.close()
    memory.put("a:1", RAW)
    await settle(3)
    assert schemes.get("a:1") is None


def test_a_loop_that_is_gone_is_no_error() -> None:
    async def make() -> Memory:
        return Memory(PushedSchemes(None), Tasks())

    memory = asyncio.run(make())
    memory.put("a:1", RAW)
    assert memory.get("a:1") is None
