"""A banner stays until it is closed, withdrawn, or said anew."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.messages import Message
from app.ui.widgets.banner import Banners


@pytest.fixture
def banners(qtbot: QtBot) -> Iterator[Banners]:
    host = QWidget()
    qtbot.addWidget(host)
    made = Banners()
    column = QVBoxLayout(host)
    column.addWidget(made)
    column.addStretch(1)
    host.resize(600, 400)
    host.show()
    yield made
    host.close()


def texts(banners: Banners) -> list[str]:
    return [one.message.text for one in banners.banners]


def test_none_takes_no_room(banners: Banners) -> None:
    assert not banners.isVisible()
    banners.show_message(Message("There is no tray.", key="tray"))
    assert banners.isVisible()


def test_the_cross_closes(qtbot: QtBot, banners: Banners) -> None:
    banners.show_message(Message("There is no tray."))
    qtbot.mouseClick(banners.banners[0].cross, Qt.MouseButton.LeftButton)
    assert not banners.banners
    assert not banners.isVisible()


def test_said_anew_it_takes_the_place(banners: Banners) -> None:
    banners.show_message(Message("One.", key="a"))
    banners.show_message(Message("Two.", key="b"))
    banners.show_message(Message("Three.", key="a"))
    assert texts(banners) == ["Two.", "Three."]


def test_messages_without_a_key_stand_beside_each_other(banners: Banners) -> None:
    banners.show_message(Message("One."))
    banners.show_message(Message("Two."))
    assert texts(banners) == ["One.", "Two."]


def test_withdrawn(banners: Banners) -> None:
    banners.show_message(Message("One.", key="a"))
    banners.show_message(Message("Two.", key="b"))
    assert banners.shows("a")
    assert not banners.shows("c")
    banners.withdraw("a")
    banners.withdraw("never shown")
    assert texts(banners) == ["Two."]


def test_its_button_acts(qtbot: QtBot, banners: Banners) -> None:
    done: list[str] = []
    banners.show_message(Message("A file was restored.", "warn", "Show the log", lambda: done.append("log")))
    qtbot.mouseClick(banners.banners[0].action, Qt.MouseButton.LeftButton)
    assert done == ["log"]
    assert banners.banners


@pytest.mark.parametrize("kind", ["info", "warn", "bad"])
def test_each_kind_has_a_picture_and_a_ground(banners: Banners, kind: str) -> None:
    banners.show_message(Message("Text.", kind))
    one = banners.banners[0]
    assert one.property("tone") == kind
    assert any(not label.pixmap().isNull() for label in one.findChildren(QLabel))
    assert one.action.isHidden()
