"""A switch is a check box in all it does, and shows its state by place as well as by colour."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.widgets.switch import Switch


@pytest.fixture
def switch(qtbot: QtBot) -> Switch:
    made = Switch()
    qtbot.addWidget(made)
    made.show()
    return made


def color_at(switch: Switch, x: int) -> QColor:
    picture = switch.grab().toImage()
    return picture.pixelColor(x, picture.height() // 2)


def thumb_is_right(switch: Switch) -> bool:
    """Whether the thumb is at the right end: there the colour is not that of the track's middle."""
    middle = color_at(switch, switch.width() // 2)
    return color_at(switch, switch.width() - 10) != middle and color_at(switch, 10) == middle


def test_the_thumb_moves(switch: Switch) -> None:
    assert not thumb_is_right(switch)
    switch.setChecked(True)
    assert thumb_is_right(switch)


def test_it_mirrors_right_to_left(switch: Switch) -> None:
    switch.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert thumb_is_right(switch)
    switch.setChecked(True)
    assert not thumb_is_right(switch)


def test_mouse_and_space_turn_it(switch: Switch, qtbot: QtBot) -> None:
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton, pos=QPoint(2, 10))
    assert switch.isChecked()
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton, pos=QPoint(34, 10))
    assert not switch.isChecked()
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert switch.isChecked()


def test_on_off_and_disabled_have_colours_of_their_own(switch: Switch) -> None:
    middle = switch.width() // 2
    off = color_at(switch, middle)
    switch.setChecked(True)
    on = (theme.color("accent"), theme.color("accent_hover"))  # the pointer may rest on it
    assert color_at(switch, middle) in on
    assert color_at(switch, middle) != off
    switch.setEnabled(False)
    assert color_at(switch, middle).name() == theme.color("edge").name()


def test_the_keyboards_focus_is_seen(switch: Switch) -> None:
    switch.clearFocus()
    before = color_at(switch, switch.width() // 2), switch.grab().toImage()
    switch.activateWindow()
    switch.setFocus()
    QApplication.processEvents()
    assert switch.hasFocus()
    assert switch.grab().toImage() != before[1]
