"""Where apps find the proxy: shown, copied, and put into words for a terminal."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.proxy_commands import SHELLS
from app.ui.widgets.local_bar import LocalBar


@pytest.fixture
def bar(qtbot: QtBot) -> LocalBar:
    made = LocalBar()
    qtbot.addWidget(made)
    made.resize(700, 40)
    made.show()
    return made


def test_the_address_is_shown_and_can_be_selected(bar: LocalBar) -> None:
    bar.show_address("127.0.0.1:1080", listening=True)
    assert "127.0.0.1:1080" in bar.address.text()
    assert bar.address.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard


def test_it_says_whether_it_listens(bar: LocalBar) -> None:
    bar.show_address("127.0.0.1:1080", listening=False)
    assert bar._kinds.text() == "SOCKS · HTTP, once it is on"
    bar.show_address("127.0.0.1:1080", listening=True)
    assert bar._kinds.text() == "SOCKS · HTTP"


def test_it_is_copied_with_a_button(bar: LocalBar, qtbot: QtBot) -> None:
    heard: list[bool] = []
    bar.copy_asked.connect(lambda: heard.append(True))
    qtbot.mouseClick(bar.copy, Qt.MouseButton.LeftButton)
    assert heard == [True]
    assert bar.copy.accessibleName() == "Copy the proxy address"


def test_every_shell_has_its_command(bar: LocalBar) -> None:
    heard: list[str] = []
    bar.command_asked.connect(heard.append)
    for action in bar.menu.actions():
        action.trigger()
    assert tuple(heard) == SHELLS
    assert [action.text() for action in bar.menu.actions()] == ["sh", "PowerShell", "cmd"]
    assert bar.command.menu() is bar.menu


def test_words_are_left_out_where_there_is_little_room(bar: LocalBar) -> None:
    bar.resize(272, 40)
    QApplication.processEvents()
    assert bar._kinds.isHidden()
    assert bar.command.text() == ""
    assert bar.command.property("iconOnly")
    assert bar.command.accessibleName() == "Copy a terminal command"
    assert bar.minimumSizeHint().width() <= 272
    bar.resize(700, 40)
    QApplication.processEvents()
    assert bar._kinds.isVisible()
    assert bar.command.text() == "Terminal command"
    assert not bar.command.property("iconOnly")


def test_words_follow_the_language(bar: LocalBar) -> None:
    bar.command.setText("")
    QApplication.sendEvent(bar, QEvent(QEvent.Type.LanguageChange))
    assert bar.command.text() == "Terminal command"
