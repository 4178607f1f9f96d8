"""The rows are updated in place, and say what they are."""

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.ui.widgets.session_model import ROW, SessionModel
from tests.ui.widgets.samples import SERVER, session


@pytest.fixture
def model(qtbot: QtBot) -> SessionModel:
    made = SessionModel()
    made.tester = QAbstractItemModelTester(  # type: ignore[attr-defined]  # lives as long as the model
        made, QAbstractItemModelTester.FailureReportingMode.Fatal
    )
    return made


def numbers(model: SessionModel) -> list[int]:
    return [row.info.number for row in model.rows]


def test_rows_come_stay_and_go(model: SessionModel) -> None:
    assert model.show([session(1), session(2)])
    assert numbers(model) == [2, 1]
    assert model.show([session(2), session(4), session(3)])
    assert numbers(model) == [4, 3, 2, 1]
    assert model.rows[-1].going
    model.settle()
    assert numbers(model) == [4, 3, 2]
    assert not any(row.coming or row.going for row in model.rows)


def test_nothing_new_is_told_as_nothing(model: SessionModel) -> None:
    model.show([session(1)])
    assert not model.show([session(1, age=99.0)])
    assert model.rows[0].info.age == 99.0


def test_reuse_is_told(model: SessionModel) -> None:
    model.show([session(1, served=3)])
    assert model.show([session(1, served=4)])
    assert model.rows[0].reused
    assert not model.show([session(1, served=4)])


def test_a_row_keeps_its_index_while_others_come_above(model: SessionModel) -> None:
    model.show([session(1), session(2)])
    kept = QPersistentModelIndex(model.index(1))
    model.show([session(1), session(2), session(3), session(4)])
    assert kept.row() == 3
    model.show([session(1)])
    model.settle()
    assert kept.row() == 0


def test_everything_goes_at_once(model: SessionModel) -> None:
    model.show([session(number) for number in range(64)])
    model.show([])
    model.settle()
    assert model.rowCount() == 0
    model.settle()


def test_a_row_says_what_it_is(model: SessionModel) -> None:
    model.show([session(7, "active")])
    index = model.index(0)
    assert model.data(index, ROW) is model.rows[0]
    assert "Session 7, busy, example.org:443" in model.data(index)
    assert model.data(index, Qt.ItemDataRole.AccessibleTextRole) == model.data(index)
    assert SERVER in model.data(index, Qt.ItemDataRole.ToolTipRole)
    assert model.data(index, Qt.ItemDataRole.DecorationRole) is None
    assert model.data(QModelIndex(), ROW) is None
    assert model.rowCount(index) == 0


def test_masking_hides_names_everywhere(model: SessionModel) -> None:
    model.show([session(7, "active")])
    changes: list[int] = []
    model.dataChanged.connect(lambda *_: changes.append(1))
    model.mask(True)
    model.mask(True)
    assert len(changes) == 1
    index = model.index(0)
    for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
        assert "example.org" not in model.data(index, role)
        assert SERVER not in model.data(index, role)
