"""Rows of settings: what they emit, what they show, and where the control goes when there is little room."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.widgets.setting_rows import ChoiceRow, SecretRow, SegmentedRow, SettingRow, SwitchRow, TextRow


def listen(row: SettingRow, qtbot: QtBot) -> list[Any]:
    """What a person chooses in the row from now on."""
    chosen: list[Any] = []
    row.edited.connect(chosen.append)
    qtbot.addWidget(row)
    row.resize(600, 60)
    row.show()
    return chosen


def test_words_name_the_control(qtbot: QtBot) -> None:
    row = SwitchRow()
    listen(row, qtbot)
    row.set_texts("Privacy", "Hides hosts.")
    assert row.switch.accessibleName() == "Privacy"
    assert row.switch.accessibleDescription() == "Hides hosts."
    assert row.explanation.isVisible()
    row.set_texts("Privacy")
    assert not row.explanation.isVisible()


def test_a_problem_comes_and_goes(qtbot: QtBot) -> None:
    row = SwitchRow()
    listen(row, qtbot)
    row.show_problem("The disk is full.")
    assert row.problem.isVisible()
    row.show_problem("")
    assert not row.problem.isVisible()


def test_a_switch_emits_what_is_chosen_and_not_what_is_shown(qtbot: QtBot) -> None:
    row = SwitchRow()
    chosen = listen(row, qtbot)
    row.show_value(True)
    assert row.switch.isChecked()
    assert chosen == []
    qtbot.mouseClick(row.switch, Qt.MouseButton.LeftButton)
    assert chosen == [False]


def test_a_choice_emits_its_value(qtbot: QtBot) -> None:
    row = ChoiceRow(("ask", "drain", "close"))
    chosen = listen(row, qtbot)
    row.set_choices(["Ask", "Let them finish", "Close them"])
    row.show_value("drain")
    assert row.box.currentText() == "Let them finish"
    assert chosen == []
    row.box.setCurrentIndex(2)
    assert chosen == ["close"]


def test_a_value_that_is_no_choice_shows_none(qtbot: QtBot) -> None:
    row = ChoiceRow(("a", "b"))
    listen(row, qtbot)
    row.show_value(None)
    assert row.box.currentIndex() == -1


def test_segments_emit_their_value(qtbot: QtBot) -> None:
    row = SegmentedRow(("system", "light", "dark"))
    chosen = listen(row, qtbot)
    row.set_texts("Look")
    row.set_choices(["System", "Light", "Dark"])
    row.show_value("light")
    assert row.segmented.value == "light"
    assert chosen == []
    dark = next(part for part in row.segmented.findChildren(QPushButton) if part.text() == "Dark")
    qtbot.mouseClick(dark, Qt.MouseButton.LeftButton)
    assert chosen == ["dark"]


def test_a_text_is_emitted_once_by_enter_and_leaving(qtbot: QtBot) -> None:
    row = TextRow()
    chosen = listen(row, qtbot)
    row.show_value("127.0.0.1")
    row.field.selectAll()
    qtbot.keyClicks(row.field, "localhost")
    assert chosen == []
    qtbot.keyClick(row.field, Qt.Key.Key_Return)
    row.field.editingFinished.emit()
    assert chosen == ["localhost"]


def test_a_text_that_is_as_before_is_not_emitted(qtbot: QtBot) -> None:
    row = TextRow()
    chosen = listen(row, qtbot)
    row.show_value("127.0.0.1")
    qtbot.keyClick(row.field, Qt.Key.Key_Return)
    assert chosen == []


@pytest.mark.parametrize(
    ("text", "value"), [("1080", 1080), (" 80 ", 80), ("x", "x"), ("-1", "-1"), ("9" * 30, "9" * 30)]
)
def test_a_number_is_a_number_where_it_is_one(qtbot: QtBot, text: str, value: Any) -> None:
    row = TextRow(number=True)
    chosen = listen(row, qtbot)
    row.field.setText(text)
    qtbot.keyClick(row.field, Qt.Key.Key_Return)
    assert chosen == [value]


def test_a_problem_marks_the_field_until_one_types(qtbot: QtBot) -> None:
    row = TextRow()
    listen(row, qtbot)
    row.show_problem("Not a host.")
    assert row.field.property("invalid") is True
    qtbot.keyClicks(row.field, "x")
    assert row.field.property("invalid") is False
    assert not row.problem.isVisible()


def test_a_secret_is_asked_for_when_it_is_to_be_seen(qtbot: QtBot) -> None:
    row = SecretRow()
    chosen = listen(row, qtbot)
    asked: list[None] = []
    row.wanted.connect(lambda: asked.append(None))
    qtbot.mouseClick(row.field.eye, Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    row.show_value("hunter22")
    qtbot.mouseClick(row.field.eye, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(row.field.eye, Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    assert row.field.edit.echoMode() == QLineEdit.EchoMode.Normal
    assert chosen == []


def test_a_typed_secret_is_emitted_an_empty_one_is_not(qtbot: QtBot) -> None:
    row = SecretRow()
    chosen = listen(row, qtbot)
    row.show_value("before")
    row.field.edit.clear()
    qtbot.keyClick(row.field.edit, Qt.Key.Key_Return)
    assert chosen == []
    qtbot.keyClicks(row.field.edit, "after")
    qtbot.keyClick(row.field.edit, Qt.Key.Key_Return)
    assert chosen == ["after"]


def test_a_secret_is_forgotten(qtbot: QtBot) -> None:
    row = SecretRow()
    chosen = listen(row, qtbot)
    row.show_value("hunter22")
    row.field.eye.setChecked(True)
    row.forget()
    assert row.field.text() == ""
    assert row.field.edit.echoMode() == QLineEdit.EchoMode.Password
    assert chosen == []


def test_the_buttons_of_a_secret_do_what_they_say(qtbot: QtBot) -> None:
    row = SecretRow()
    listen(row, qtbot)
    row.name_buttons("Copy", "Random")
    assert (row.copy.accessibleName(), row.dice.accessibleName()) == ("Copy", "Random")
    with qtbot.waitSignal(row.copy_asked):
        qtbot.mouseClick(row.copy, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(row.random_asked):
        qtbot.mouseClick(row.dice, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("make", [lambda: TextRow(long=True), lambda: ChoiceRow((1, 2)), SecretRow])
def test_a_wide_control_goes_below_where_there_is_little_room(qtbot: QtBot, make: Any) -> None:
    row = make()
    listen(row, qtbot)
    row.set_texts("A name of some length", "And a line that explains what it is good for.")
    qtbot.waitUntil(lambda: row.control.geometry().left() > row.name.geometry().left() + 50)
    row.resize(230, 160)
    qtbot.waitUntil(lambda: row.control.geometry().top() >= row.explanation.geometry().bottom())
    assert row.rect().contains(row.control.geometry())


def test_a_small_control_stays_beside_the_words(qtbot: QtBot) -> None:
    row = SwitchRow()
    listen(row, qtbot)
    row.set_texts("A name of some length", "And a line that explains what it is good for.")
    row.resize(200, 160)
    qtbot.waitUntil(lambda: row.control.geometry().right() <= 200)
    assert row.control.geometry().left() > row.name.geometry().left() + 50


def test_words_stand_on_the_right_in_right_to_left_languages(qtbot: QtBot) -> None:
    row = SwitchRow()
    listen(row, qtbot)
    row.set_texts("A name", "A line.")
    row.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    qtbot.waitUntil(lambda: row.control.geometry().left() < 50)
