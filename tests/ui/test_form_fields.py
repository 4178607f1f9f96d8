"""Fields, choices and folded parts."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.form_fields import (
    Choice,
    Field,
    Folded,
    Number,
    Seconds,
    line_edit,
    mark_invalid,
    room_for,
    scroll_area,
    wrapped,
)


def wheel() -> QWheelEvent:
    return QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def test_a_title_begins_where_its_control_does(qtbot: QtBot) -> None:
    field = Field(QLineEdit())
    qtbot.addWidget(field)
    field.set_title("ALPN")
    assert field.title.alignment() & Qt.AlignmentFlag.AlignLeft
    field.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    field.set_title("ALPN")
    assert field.title.alignment() & Qt.AlignmentFlag.AlignRight
    assert field.title.alignment() & Qt.AlignmentFlag.AlignAbsolute


def test_a_field_names_its_control(qtbot: QtBot) -> None:
    field = Field(QLineEdit())
    qtbot.addWidget(field)
    field.set_title("Host")
    assert field.title.text() == "Host"
    assert field.title.buddy() is field.control
    assert field.control.accessibleName() == "Host"


def test_a_problem_is_said_under_the_field_and_to_a_screen_reader(qtbot: QtBot) -> None:
    field = Field(QLineEdit())
    qtbot.addWidget(field)
    field.show()
    field.set_problem("Too long.")
    assert field.problem.isVisible()
    assert field.control.accessibleDescription() == "Too long."
    assert field.control.property("invalid") is True
    field.set_problem("")
    assert not field.problem.isVisible()
    assert field.control.property("invalid") is False


def test_a_hint_may_be_a_warning(qtbot: QtBot) -> None:
    field = Field(QLineEdit())
    qtbot.addWidget(field)
    field.show()
    field.set_hint("Careful.", "bad")
    assert (field.hint.isVisible(), field.hint.property("role")) == (True, "bad")
    field.set_hint("Well.")
    assert field.hint.property("role") == "faint"
    field.set_hint("")
    assert not field.hint.isVisible()


def test_a_part_of_the_control_may_take_the_focus(qtbot: QtBot) -> None:
    holder, inner = QWidget(), QLineEdit()
    field = Field(holder, focus=inner)
    qtbot.addWidget(field)
    qtbot.addWidget(inner)
    field.set_title("Host")
    assert inner.accessibleName() == "Host"


def test_only_a_change_repaints(qtbot: QtBot) -> None:
    control = QLineEdit()
    qtbot.addWidget(control)
    mark_invalid(control, False)
    assert control.property("invalid") is None
    mark_invalid(control, True)
    assert control.property("invalid") is True


def test_a_choice_speaks_values_and_shows_words(qtbot: QtBot) -> None:
    choice: Choice[str] = Choice(("one", "two"))
    qtbot.addWidget(choice)
    choice.set_words(("First", "Second"))
    with qtbot.waitSignal(choice.chosen):
        choice.set_value("two")
    assert (choice.value(), choice.currentText()) == ("two", "Second")


def test_a_choice_takes_in_what_it_did_not_know(qtbot: QtBot) -> None:
    choice: Choice[str] = Choice(("none", "chrome"))
    qtbot.addWidget(choice)
    choice.set_value("netscape")
    assert choice.value() == "netscape"
    choice.set_words(("None", "Chrome"))
    assert choice.currentText() == "netscape"


@pytest.mark.parametrize("make", [lambda: Choice(("a", "b")), lambda: Seconds(1.0, 9.0), lambda: Number(1, 9)])
def test_scrolling_past_changes_nothing(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    control = make()
    qtbot.addWidget(control)
    changed: list[object] = []
    signal = control.chosen if isinstance(control, Choice) else control.valueChanged  # type: ignore[attr-defined]  # a spin box
    signal.connect(changed.append if not isinstance(control, Choice) else lambda: changed.append(1))
    event = wheel()
    control.wheelEvent(event)
    assert not event.isAccepted()
    assert changed == []


def test_seconds_have_a_fraction_only_where_there_is_one(qtbot: QtBot) -> None:
    seconds = Seconds(1.0, 86_400.0)
    qtbot.addWidget(seconds)
    seconds.setLocale(QLocale.c())
    assert seconds.textFromValue(30.0) == "30"
    assert seconds.textFromValue(2.5) == "2.5"


def test_folded_away_until_its_title_is_pressed(qtbot: QtBot) -> None:
    inside = QLineEdit()
    folded = Folded(inside)
    qtbot.addWidget(folded)
    folded.set_title("More")
    folded.show()
    assert not inside.isVisible()
    folded.switch.click()
    assert inside.isVisible()
    assert folded.switch.text() == "More"
    folded.switch.click()
    assert not inside.isVisible()


def test_addresses_are_typed_from_left_to_right(qtbot: QtBot) -> None:
    made = line_edit(ltr=True, longest=5)
    qtbot.addWidget(made)
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    made.setParent(parent)
    assert made.layoutDirection() == Qt.LayoutDirection.LeftToRight
    made.setText("123456")
    assert made.text() == "12345"


def test_a_long_text_makes_its_label_no_taller_than_it_needs(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    column = QVBoxLayout(parent)
    text = wrapped("muted", "one two three four five six seven eight nine ten")
    column.addWidget(text)
    assert parent.minimumSizeHint().height() < 100
    assert text.heightForWidth(60) > text.heightForWidth(600)


def test_a_scrolled_part_lies_on_the_ground_around_it(qtbot: QtBot) -> None:
    inside = QWidget()
    area = scroll_area(inside)
    qtbot.addWidget(area)
    assert not inside.autoFillBackground()
    assert area.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff


def test_a_dialog_knows_the_room_it_has(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(300, 200)
    assert room_for(QWidget(window), QSize(1, 1)) == QSize(300, 200)
    assert room_for(window, QSize(1, 1)) == QSize(1, 1)
