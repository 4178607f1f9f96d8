"""Dots, until the eye is pressed."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.ui.widgets.password_field import PasswordField


@pytest.fixture
def field(qtbot: QtBot) -> PasswordField:
    made = PasswordField()
    qtbot.addWidget(made)
    made.show()
    return made


def test_what_is_typed_is_told_and_shown_as_dots(field: PasswordField, qtbot: QtBot) -> None:
    typed: list[str] = []
    field.changed.connect(typed.append)
    qtbot.keyClicks(field.edit, "ab")
    assert typed == ["a", "ab"]
    assert field.text() == "ab"
    assert field.edit.displayText() != "ab"


def test_the_eye_shows_and_hides(field: PasswordField, qtbot: QtBot) -> None:
    field.set_text("hunter22")
    names = [field.eye.accessibleName()]
    qtbot.mouseClick(field.eye, Qt.MouseButton.LeftButton)
    assert field.edit.displayText() == "hunter22"
    names.append(field.eye.accessibleName())
    field.hide_text()
    assert field.edit.echoMode() == QLineEdit.EchoMode.Password
    assert names[0] != names[1]
    assert field.eye.accessibleName() == names[0]


def test_the_keyboard_reaches_the_eye(field: PasswordField, qtbot: QtBot) -> None:
    assert field.eye.focusPolicy() & Qt.FocusPolicy.TabFocus
    qtbot.keyClick(field.eye, Qt.Key.Key_Space)
    assert field.edit.echoMode() == QLineEdit.EchoMode.Normal


def test_focus_goes_to_the_text(field: PasswordField) -> None:
    assert field.focusProxy() is field.edit


def test_a_password_runs_left_to_right_in_every_language(field: PasswordField) -> None:
    field.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert field.edit.layoutDirection() == Qt.LayoutDirection.LeftToRight


def test_keyboards_are_told_to_learn_nothing(field: PasswordField) -> None:
    assert field.edit.inputMethodHints() & Qt.InputMethodHint.ImhSensitiveData


def test_another_language_is_followed(field: PasswordField) -> None:
    field.eye.setToolTip("?")
    QApplication.sendEvent(field, QEvent(QEvent.Type.LanguageChange))
    assert field.eye.toolTip() == "Show the password"
