"""Garbage that holds Qt objects is collected by the window's thread and by no other."""

import gc
import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.ui.garbage import MainThreadGarbage


class Cycle:
    """Garbage that only the collector finds; notes who found it."""

    found_by: list[threading.Thread]

    def __init__(self, found_by: list[threading.Thread]) -> None:
        self.found_by = found_by
        self.me = self

    def __del__(self) -> None:
        self.found_by.append(threading.current_thread())


@pytest.fixture
def garbage(qtbot: QtBot) -> Iterator[MainThreadGarbage]:
    before = gc.isenabled()
    gc.enable()
    gc.collect()
    made = MainThreadGarbage()
    made.start()
    yield made
    made.stop()
    if not before:
        gc.disable()


def allocate() -> None:
    """So much that Python's own collector would have run many times."""
    kept = [[number] for number in range(100_000)]
    assert kept


def test_a_busy_thread_collects_nothing(garbage: MainThreadGarbage) -> None:
    found_by: list[threading.Thread] = []
    Cycle(found_by)
    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert not found_by


def test_the_windows_thread_collects_what_is_due(garbage: MainThreadGarbage) -> None:
    found_by: list[threading.Thread] = []
    Cycle(found_by)
    kept = [[number] for number in range(gc.get_threshold()[0] + 1)]
    garbage.collect()
    assert kept
    assert found_by == [threading.main_thread()]


def test_it_does_so_by_itself(garbage: MainThreadGarbage, qtbot: QtBot) -> None:
    found_by: list[threading.Thread] = []
    Cycle(found_by)
    kept = [[number] for number in range(100_000)]  # what tests before have left goes meanwhile, and is counted off
    qtbot.waitUntil(lambda: bool(found_by))
    assert kept


def test_nothing_is_done_while_little_has_come_together(
    garbage: MainThreadGarbage, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[int] = []
    monkeypatch.setattr(gc, "get_count", lambda: (1, 1, 1))
    monkeypatch.setattr(gc, "collect", collected.append)
    garbage.collect()
    assert not collected


def test_the_oldest_generation_that_is_due_is_taken(
    garbage: MainThreadGarbage, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[int] = []
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, 10_000))
    monkeypatch.setattr(gc, "collect", collected.append)
    garbage.collect()
    assert collected == [2]


def test_what_was_there_before_is_not_looked_through(garbage: MainThreadGarbage) -> None:
    assert gc.get_freeze_count() > 1000
    garbage.stop()
    assert gc.get_freeze_count() < 1000  # CPython itself keeps a few


def test_python_collects_again_afterwards(garbage: MainThreadGarbage) -> None:
    assert not gc.isenabled()
    garbage.stop()
    assert gc.isenabled()


def test_who_had_it_off_before_keeps_it_off(qtbot: QtBot) -> None:
    before = gc.isenabled()
    gc.disable()
    try:
        garbage = MainThreadGarbage()
        garbage.start()
        garbage.stop()
        assert not gc.isenabled()
    finally:
        if before:
            gc.enable()
