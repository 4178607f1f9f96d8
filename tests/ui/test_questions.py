"""A port that is taken, connections that are left open, a defect to report."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.errors import ListenFailed
from app.system.port_owner import PortOwner
from app.ui.crash import Crash
from app.ui.dialogs import Dialog
from app.ui.questions import CrashReport, PortQuestion, SwitchQuestion, ask_port, ask_switch, show_crash
from tests.fakes.waiting import settle, until

T = TypeVar("T")
D = TypeVar("D", bound=Dialog)

CRASH = Crash("ValueError at ui/window.py:120", "The program met a fault.", "Traceback …\nValueError")


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(work)


async def opened(window: QWidget, kind: type[D]) -> D:
    def find() -> list[D]:
        return [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]

    await until(find)
    return find()[0]


def press(qtbot: QtBot, dialog: Dialog, key: str) -> None:
    qtbot.mouseClick(dialog.buttons[key], Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("key", ["next", "again", "settings"])
async def test_a_taken_port_names_its_owner(window: QWidget, qtbot: QtBot, taken_port: int, key: str) -> None:
    import psutil

    answer = begin(ask_port(window, ListenFailed("127.0.0.1", taken_port, "the address is in use")))
    dialog = await opened(window, PortQuestion)
    assert str(taken_port) in dialog.title.text()
    assert psutil.Process().name() in dialog.explanation.text()
    assert str(psutil.Process().pid) in dialog.explanation.text()
    press(qtbot, dialog, key)
    assert await answer == key


async def test_a_port_without_a_known_owner_gives_the_systems_reason(window: QWidget, qtbot: QtBot) -> None:
    dialog = PortQuestion(window, ListenFailed("127.0.0.1", 80, "permission denied"), None)
    assert "permission denied" in dialog.explanation.text()
    answer = begin(dialog.answer())
    await opened(window, PortQuestion)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert await answer == ""


def test_the_words_fit_what_is_known(window: QWidget) -> None:
    failure = ListenFailed("127.0.0.1", 1080, "the address is in use")
    assert "in use" in PortQuestion(window, failure, PortOwner("privoxy", 7)).title.text()
    assert "in use" not in PortQuestion(window, failure, None).title.text()


@pytest.mark.parametrize(("key", "remember"), [("drain", True), ("close", False), ("", False)])
async def test_open_connections(window: QWidget, qtbot: QtBot, key: str, remember: bool) -> None:
    answer = begin(ask_switch(window, 3))
    dialog = await opened(window, SwitchQuestion)
    dialog.remember.setChecked(True if key == "" else remember)
    press(qtbot, dialog, key)
    assert await answer == (key, remember)


async def test_a_report_can_be_copied_and_stays_open(window: QWidget, qtbot: QtBot) -> None:
    wanted = begin(show_crash(window, CRASH))
    dialog = await opened(window, CrashReport)
    assert CRASH.text in dialog.explanation.text()
    assert dialog.report.toPlainText() == CRASH.report
    press(qtbot, dialog, "copy")
    await settle()
    assert QGuiApplication.clipboard().text() == CRASH.report
    assert not wanted.done()
    press(qtbot, dialog, "")
    assert await wanted is False


async def test_a_report_leads_to_the_log(window: QWidget, qtbot: QtBot) -> None:
    wanted = begin(show_crash(window, CRASH))
    press(qtbot, await opened(window, CrashReport), "log")
    assert await wanted is True


def test_another_language_is_followed(window: QWidget) -> None:
    for dialog in (
        PortQuestion(window, ListenFailed("127.0.0.1", 1080, "x"), None),
        SwitchQuestion(window, 2),
        CrashReport(window, CRASH),
    ):
        for button in dialog.buttons.values():
            button.setText("?")
        QApplication.sendEvent(dialog, QEvent(QEvent.Type.LanguageChange))
        assert "?" not in [button.text() for button in dialog.buttons.values()]
