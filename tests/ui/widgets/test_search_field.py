"""Searching begins when the typing pauses; Escape, Enter and Down do what one expects of them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout
from pytestqt.qtbot import QtBot

from app.ui.widgets.search_field import SearchField
from tests.fakes.waiting import until


@pytest.fixture
def field(qtbot: QtBot) -> SearchField:
    made = SearchField()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def searched(field: SearchField) -> list[str]:
    found: list[str] = []
    field.searched.connect(found.append)
    return found


async def test_one_search_for_one_word(qtbot: QtBot, field: SearchField, searched: list[str]) -> None:
    qtbot.keyClicks(field, "berlin ")
    assert not searched
    await until(lambda: searched)
    assert searched == ["berlin"]


async def test_enter_does_not_wait(qtbot: QtBot, field: SearchField, searched: list[str]) -> None:
    qtbot.keyClicks(field, "tok")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert searched == ["tok"]


async def test_escape_empties_it_at_once(qtbot: QtBot, field: SearchField, searched: list[str]) -> None:
    qtbot.keyClicks(field, "tok")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""
    assert searched == [""]


async def test_escape_in_an_empty_field_closes_its_dialog(qtbot: QtBot) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    field = SearchField()
    QVBoxLayout(dialog).addWidget(field)
    dialog.show()
    field.setText("x")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


async def test_down_leaves_it(qtbot: QtBot, field: SearchField) -> None:
    left: list[bool] = []
    field.left_downwards.connect(lambda: left.append(True))
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert left == [True]


async def test_the_cross_is_there_while_there_is_something_to_empty(field: SearchField, searched: list[str]) -> None:
    glass, cross = field.actions()
    assert glass.isVisible()
    assert not cross.isVisible()
    field.setText("x")
    assert cross.isVisible()
    cross.trigger()
    assert not field.text()
    assert searched == [""]


async def test_it_has_a_name(field: SearchField) -> None:
    assert field.accessibleName() == field.placeholderText() == "Search"


@pytest.mark.parametrize("way", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
async def test_words_begin_beside_the_glass(field: SearchField, way: Qt.LayoutDirection) -> None:
    field.setLayoutDirection(way)
    mirrored = way == Qt.LayoutDirection.RightToLeft
    assert field.alignment() & (Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft)
    assert field.alignment() & Qt.AlignmentFlag.AlignAbsolute
