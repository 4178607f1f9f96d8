"""A field for a file."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.ui.form_file import FileField


@pytest.fixture
def field(qtbot: QtBot) -> FileField:
    made = FileField()
    made.set_title("The key")
    made.ask("Choose the key", ["Keys (*.key)"])
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_file_is_chosen_without_a_nested_loop(qtbot: QtBot, field: FileField, tmp_path: Path) -> None:
    field.browse.click()
    (chooser,) = field.findChildren(QFileDialog)
    assert chooser.windowTitle() == "Choose the key"
    assert chooser.nameFilters() == ["Keys (*.key)", "All files (*)"]
    with qtbot.waitSignal(field.typed):
        chooser.fileSelected.emit(str(tmp_path / "me.key"))
    assert field.text() == str(tmp_path / "me.key")
    chooser.reject()


def test_a_path_can_be_typed(qtbot: QtBot, field: FileField) -> None:
    qtbot.keyClicks(field.edit, "me.key")
    assert field.text() == "me.key"
    field.set_text("you.key")
    assert field.edit.text() == "you.key"


def test_it_has_names_and_room_for_a_problem(field: FileField) -> None:
    assert field.edit.accessibleName() == "The key"
    assert field.browse.text() == "Choose…"
    field.set_problem("It is gone.")
    assert field.problem.isVisible()
    assert field.edit.property("invalid")
