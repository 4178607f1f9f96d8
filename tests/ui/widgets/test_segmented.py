"""One of a few choices holds, by pointer and by keys; only a person's choice is told."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.ui.widgets.segmented import Segmented
from tests.fakes.waiting import until


@pytest.fixture
def one(qtbot: QtBot) -> Segmented:
    made = Segmented((1, 5, 10))
    made.name({1: "1 min", 5: "5 min", 10: "10 min"}, "Span")
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def told(one: Segmented) -> list[object]:
    found: list[object] = []
    one.chosen.connect(found.append)
    return found


def buttons(one: Segmented) -> list[QPushButton]:
    return one.findChildren(QPushButton)


def test_the_first_holds_at_first(one: Segmented) -> None:
    assert one.value == 1


def test_the_program_chooses_silently(one: Segmented, told: list[object]) -> None:
    one.choose(10)
    assert one.value == 10
    assert not told
    with pytest.raises(KeyError):
        one.choose(7)


def test_a_click_is_told(qtbot: QtBot, one: Segmented, told: list[object]) -> None:
    qtbot.mouseClick(buttons(one)[1], Qt.MouseButton.LeftButton)
    assert one.value == 5
    assert told == [5]
    assert [button.isChecked() for button in buttons(one)] == [False, True, False]


def press(qtbot: QtBot, one: Segmented, key: Qt.Key) -> None:
    qtbot.keyClick(next(button for button in buttons(one) if button.isChecked()), key)


def test_arrows_move_it_and_stop_at_the_ends(qtbot: QtBot, one: Segmented, told: list[object]) -> None:
    for _ in range(3):
        press(qtbot, one, Qt.Key.Key_Right)
    press(qtbot, one, Qt.Key.Key_Left)
    assert told == [5, 10, 5]


async def test_arrows_are_mirrored(qtbot: QtBot, one: Segmented, told: list[object]) -> None:
    one.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    await until(lambda: buttons(one)[0].geometry().left() > buttons(one)[1].geometry().left())
    press(qtbot, one, Qt.Key.Key_Left)
    assert told == [5]


def test_other_keys_are_left_alone(qtbot: QtBot, one: Segmented, told: list[object]) -> None:
    press(qtbot, one, Qt.Key.Key_A)
    assert not told


def test_tab_stops_once(one: Segmented) -> None:
    one.choose(5)
    stops = [button.focusPolicy() == Qt.FocusPolicy.TabFocus for button in buttons(one)]
    assert stops == [False, True, False]


def test_each_choice_has_a_name(one: Segmented) -> None:
    assert [button.text() for button in buttons(one)] == ["1 min", "5 min", "10 min"]
    assert buttons(one)[0].accessibleName() == "Span: 1 min"
