"""The window: pages when they are asked for, ways in from everywhere, and what closing it means."""

import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QMimeData, QPoint, QPointF, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.storage.settings import LISTEN_PORT, TOLD_NO_TRAY, WINDOW_GEOMETRY
from app.ui.base import Page
from app.ui.bridge import Bridge
from app.ui.messages import Message
from app.ui.page_list import FIRST_RUN
from app.ui.sidebar import PAGES
from app.ui.window import SMALLEST, Window
from tests.fakes.desk import Desk
from tests.fakes.waiting import until


class Plain(Page):
    """A page with a field."""

    finished = Signal()

    def build(self) -> None:
        self.seen: list[bool] = []
        self.field = QLineEdit(self)
        QVBoxLayout(self).addWidget(self.field)

    def shown(self) -> None:
        self.seen.append(True)

    def hidden(self) -> None:
        self.seen.append(False)


FACTORIES = dict.fromkeys(PAGES, Plain)


@pytest.fixture
async def window(qtbot: QtBot, bridge: Bridge) -> AsyncIterator[Window]:
    made = Window(bridge, FACTORIES)
    made.show()
    yield made
    made.hide()
    made.deleteLater()


def dropped(**what: object) -> QMimeData:
    data = QMimeData()
    if isinstance(what.get("text"), str):
        data.setText(str(what["text"]))
    if isinstance(what.get("files"), list):
        data.setUrls([QUrl.fromLocalFile(str(file)) for file in what["files"]])  # type: ignore[attr-defined]  # a list
    return data


def entering(data: QMimeData) -> QDragEnterEvent:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    with warnings.catch_warnings():  # Qt 6.12 would have a QPointF, which 6.11 does not take
        warnings.simplefilter("ignore", DeprecationWarning)
        return QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)


def drop(window: Window, data: QMimeData) -> None:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dragEnterEvent(entering(data))
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))


# ---- pages


async def test_pages_are_made_when_they_are_shown(window: Window) -> None:
    assert window.page_name == "home"
    assert window.stack.count() == 1
    window.show_page("logs")
    window.show_page("home")
    assert window.stack.count() == 2
    with pytest.raises(KeyError):
        window.show_page("nowhere")


async def test_a_window_that_was_never_shown_has_no_page(bridge: Bridge) -> None:
    window = Window(bridge, FACTORIES)
    assert window.page_name == ""
    assert window.stack.count() == 0
    window.bring_up("logs")
    assert window.page_name == "logs"
    assert window.stack.count() == 1
    window.hide()
    window.deleteLater()


async def test_the_sidebar_switches_and_follows(qtbot: QtBot, window: Window) -> None:
    qtbot.mouseClick(window.sidebar.buttons["settings"], Qt.MouseButton.LeftButton)
    assert window.page_name == "settings"
    window.show_page("profiles")
    assert window.sidebar.buttons["profiles"].isChecked()


@pytest.mark.parametrize(("number", "name"), list(enumerate(PAGES, 1)))
async def test_keys_switch(window: Window, number: int, name: str) -> None:
    window.show_page("logs" if name == "home" else "home")
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
    assert window.page_name == name


async def test_a_page_knows_whether_it_is_seen(window: Window) -> None:
    home = window.page("home")
    assert isinstance(home, Plain)
    window.show_page("logs")
    window.show_page("home")
    window.showMinimized()
    window.showNormal()
    window.hide()
    assert home.seen == [True, False, True, False, True, False]


async def test_first_run_stands_in_for_home_until_there_is_a_profile(bridge: Bridge, the_desk: Desk) -> None:
    window = Window(bridge, {**FACTORIES, FIRST_RUN: Plain})
    window.show()
    assert window.page_name == FIRST_RUN
    assert window.sidebar.buttons["home"].isChecked()
    window.show_page("settings")
    assert window.page_name == "settings"
    await the_desk.add("Berlin")
    window.show_page("home")
    assert window.page_name == "home"
    window.hide()
    window.deleteLater()


async def test_first_run_can_be_left(bridge: Bridge) -> None:
    window = Window(bridge, {**FACTORIES, FIRST_RUN: Plain})
    first = window.page(FIRST_RUN)
    assert isinstance(first, Plain)
    first.finished.emit()
    assert window.page_name == "home"
    window.deleteLater()


async def test_it_comes_up_at_a_page(bridge: Bridge, window: Window) -> None:
    window.hide()
    bridge.window_asked.emit("logs")
    assert window.isVisible()
    assert window.page_name == "logs"
    window.showMinimized()
    bridge.window_asked.emit("")
    assert not window.isMinimized()
    assert window.page_name == "logs"


# ---- what it says


async def test_messages_are_shown(bridge: Bridge, window: Window) -> None:
    bridge.say("Copied.", "good")
    assert [toast.message.text for toast in window.toasts.toasts] == ["Copied."]


async def test_banners_are_shown(window: Window) -> None:
    window.show_banner(Message("A file was restored.", "warn"))
    assert window.banners.isVisible()


async def test_no_tray_is_told_once(bridge: Bridge, window: Window) -> None:
    window.set_tray(False)
    assert "no tray" in window.banners.banners[0].message.text
    assert bridge.control.settings.get(TOLD_NO_TRAY)
    window.set_tray(True)
    assert not window.banners.banners
    window.set_tray(False)
    assert not window.banners.banners


async def test_the_foot_tells_state_and_address(bridge: Bridge, window: Window) -> None:
    bridge.control.settings.set(LISTEN_PORT, 1081)
    assert "127.0.0.1:1081" in window.sidebar.address.text()
    bridge.control.client.state = State.FAILED
    bridge.state_changed.emit()
    assert window.sidebar._state is State.FAILED
    bridge.control.client.state = State.OFF


async def test_the_address_is_copied(qtbot: QtBot, bridge: Bridge, window: Window) -> None:
    window.resize(900, 600)
    bridge.control.settings.set(LISTEN_PORT, 1081)
    qtbot.mouseClick(window.sidebar.address, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "127.0.0.1:1081"
    assert window.toasts.toasts


# ---- ways in


@pytest.fixture
def asked(bridge: Bridge, window: Window) -> list[list[object]]:
    """What is to be previewed; the preview itself has tests of its own."""
    found: list[list[object]] = []
    bridge.import_asked.disconnect(window._preview)
    bridge.import_asked.connect(found.append)
    return found


LINK = "anytls://secret@berlin.example.org:443/#Berlin"


async def test_paste_anywhere(window: Window, asked: list[list[object]]) -> None:
    QGuiApplication.clipboard().setText(f"two: {LINK} and {LINK.replace('Berlin', 'Tokyo')}")
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: asked)
    assert len(asked[0]) == 2


async def test_a_field_keeps_its_own_paste(window: Window, asked: list[list[object]]) -> None:
    page = window.page("home")
    assert isinstance(page, Plain)
    page.field.setFocus()
    QGuiApplication.clipboard().setText(LINK)
    QTest.keyClick(page.field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert page.field.text() == LINK
    assert not asked


async def test_text_can_be_dropped(window: Window, asked: list[list[object]]) -> None:
    drop(window, dropped(text=LINK))
    await until(lambda: asked)
    assert len(asked[0]) == 1


async def test_files_can_be_dropped(window: Window, asked: list[list[object]], tmp_path: Path) -> None:
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for file in files:
        file.write_text(LINK, encoding="utf-8")
    drop(window, dropped(files=files))
    await until(lambda: asked)
    assert len(asked[0]) == 2


async def test_while_something_is_dragged_the_window_says_so(window: Window) -> None:
    data = dropped(text=LINK)
    event = entering(data)
    window.dragEnterEvent(event)
    assert event.isAccepted()
    assert window.drop_hint.isVisible()
    window.dragLeaveEvent(QDragLeaveEvent())
    assert not window.drop_hint.isVisible()


async def test_what_is_neither_text_nor_file_is_not_taken(window: Window) -> None:
    data = QMimeData()
    data.setData("image/png", QByteArray(b"\x89PNG"))
    event = entering(data)
    event.ignore()
    window.dragEnterEvent(event)
    assert not event.isAccepted()
    assert not window.drop_hint.isVisible()


# ---- its own life


async def test_with_a_tray_closing_hides(bridge: Bridge, window: Window) -> None:
    hidden, quits = [], []
    window.hidden_to_tray.connect(lambda: hidden.append(True))
    bridge.quit_asked.connect(lambda: quits.append(True))
    window.set_tray(True)
    assert not window.close()
    assert not window.isVisible()
    assert (hidden, quits) == ([True], [])


async def test_without_a_tray_it_never_hides(bridge: Bridge, window: Window) -> None:
    quits = []
    bridge.quit_asked.connect(lambda: quits.append(True))
    assert not window.close()
    assert window.isVisible()
    assert quits == [True]


async def test_it_remembers_its_place(bridge: Bridge, window: Window) -> None:
    window.resize(777, 555)
    window.close()
    assert bridge.control.settings.get(WINDOW_GEOMETRY)
    second = Window(bridge, FACTORIES)
    assert second.size() == QSize(777, 555)
    second.deleteLater()


async def test_a_place_that_cannot_be_read_is_none(bridge: Bridge) -> None:
    bridge.control.settings.set(WINDOW_GEOMETRY, "AAAA")
    window = Window(bridge, FACTORIES)
    assert window.size() == QSize(960, 680)
    window.deleteLater()


async def test_moving_is_remembered_a_little_later(bridge: Bridge, window: Window) -> None:
    window._settling.setInterval(5)
    window.resize(801, 601)
    await until(lambda: bridge.control.settings.get(WINDOW_GEOMETRY))


async def test_as_small_as_a_phone(window: Window) -> None:
    window.resize(1, 1)
    assert window.size() == SMALLEST == QSize(360, 480)
    assert window.sidebar.narrow
    window.resize(700, 480)
    assert not window.sidebar.narrow


async def test_there_is_no_ring_before_a_key_is_pressed(window: Window) -> None:
    await until(window.isActiveWindow)
    assert window.focusWidget() is window.centralWidget()


async def test_pages_are_reached_by_tab_and_arrows(qtbot: QtBot, window: Window) -> None:
    await until(window.isActiveWindow)
    for _ in range(12):
        QTest.keyClick(window, Qt.Key.Key_Tab)
        if window.focusWidget() is window.sidebar.buttons["home"]:
            break
    for name in PAGES[1:]:
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_Down)
        assert window.page_name == name


async def test_the_body_fills_the_window(window: Window) -> None:
    body = window.centralWidget()
    assert isinstance(body, QWidget)
    window.resize(900, 600)
    assert body.size() == QSize(900, 600)
