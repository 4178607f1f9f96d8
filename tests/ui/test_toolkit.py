"""The toolkit itself, where a version of it is known to be broken."""

import asyncio
import contextlib
import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from tests.fakes.loops import new_qt_loop

ROUNDS = 2_000


class Sender(QObject):
    told = Signal()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal from Python 3.12 on")
@pytest.mark.parametrize("kind", ["void", "emit"])
def test_no_reference_of_none_or_true_is_lost(qtbot: QtBot, kind: str) -> None:
    """PySide6 6.12.0 drops one at every call on Python 3.11; when none is left the interpreter aborts."""
    thing, sender = QObject(), Sender()
    sender.told.connect(lambda: None)
    work: dict[str, Callable[[], object]] = {
        "void": lambda: thing.killTimer(thing.startTimer(1000)),
        "emit": sender.told.emit,
    }
    work[kind]()
    before = [sys.getrefcount(one) for one in (None, True)]
    for _ in range(ROUNDS):
        work[kind]()
    after = [sys.getrefcount(one) for one in (None, True)]
    assert all(new > old - ROUNDS / 10 for old, new in zip(before, after, strict=True))


def test_what_is_due_while_qt_alone_is_turned_finds_the_running_loop(qtbot: QtBot) -> None:
    loop = new_qt_loop()
    found: list[asyncio.AbstractEventLoop] = []
    with contextlib.closing(loop):
        loop.call_soon(lambda: found.append(asyncio.get_running_loop()))
        qtbot.waitUntil(lambda: bool(found))
        assert found == [loop]
        assert asyncio._get_running_loop() is None
