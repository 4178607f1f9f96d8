"""The list of profiles as Qt sees it: order, groups, search, and where a dragged line goes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.client.profiles import Entry
from app.ui.profile_model import MIME, ROW, ProfileModel
from tests.fakes.desk import profile

Move = tuple[list[str], str, str]


def entries(*names: str) -> list[Entry]:
    """Profiles whose id is their name; "Work/Berlin" is in a group."""
    made = []
    for name in names:
        group, _, own = name.rpartition("/")
        made.append(Entry(own, profile(own, f"{own.lower()}.example.org"), group))
    return made


def lines(model: ProfileModel) -> list[str]:
    """Headings in brackets, and names."""
    rows = [model.line(model.index(at)) for at in range(model.rowCount())]
    return [f"[{row.group}]" if row.entry is None else row.entry.profile.name for row in rows if row]


@pytest.fixture
def model(qtbot: QtBot) -> Iterator[ProfileModel]:
    made = ProfileModel()
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield made
    del tester


@pytest.fixture
def moves(model: ProfileModel) -> list[Move]:
    """What the model tells of drags."""
    told: list[Move] = []
    model.moved.connect(lambda ids, before, group: told.append((ids, before, group)))
    return told


def drop(model: ProfileModel, name: str, row: int) -> None:
    """Drag the line of a profile to just before line `row`."""
    data = model.mimeData([model.index(model.row_of(name))])
    assert not model.dropMimeData(data, Qt.DropAction.MoveAction, row, 0, QModelIndex())


def test_groups_stand_under_headings_in_the_order_they_appear(model: ProfileModel) -> None:
    model.show(entries("Work/A", "B", "Home/C", "Work/D", "E"))
    assert lines(model) == ["B", "E", "[Work]", "A", "D", "[Home]", "C"]
    heading = model.line(model.index(2))
    assert heading is not None
    assert (heading.count, heading.card) == (2, None)


def test_a_search_flattens_the_groups_and_names_them_on_the_cards(model: ProfileModel) -> None:
    model.show(entries("Work/Berlin", "Bern", "Paris"))
    model.set_filter("be")
    assert lines(model) == ["Berlin", "Bern"]
    row = model.line(model.index(0))
    assert row is not None
    assert row.card is not None
    assert "Work" in [chip.text for chip in row.card.chips]
    assert model.filtered
    model.set_filter("  ")
    assert lines(model) == ["Bern", "Paris", "[Work]", "Berlin"]


def test_headings_can_be_neither_chosen_nor_dragged(model: ProfileModel) -> None:
    model.show(entries("Work/A"))
    heading, card = model.index(0).flags(), model.index(1).flags()
    assert not heading & (Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemIsEnabled)
    assert card & Qt.ItemFlag.ItemIsDragEnabled
    assert card & Qt.ItemFlag.ItemIsSelectable


def test_nothing_is_dragged_while_a_search_hides_lines(model: ProfileModel, moves: list[Move]) -> None:
    model.show(entries("A", "B", "AB"))
    model.set_filter("a")
    assert not model.index(0).flags() & Qt.ItemFlag.ItemIsDragEnabled
    drop(model, "A", 2)
    model.step("A", down=True)
    assert moves == []


def test_what_a_line_says(model: ProfileModel) -> None:
    first = replace(entries("A")[0], latency_ms=5.0, problem="")
    model.show([first, *entries("Work/B")], active="A")
    assert model.index(0).data() == "A"
    assert model.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "A, active, a.example.org:443, UDP, 5 ms"
    assert model.index(0).data(Qt.ItemDataRole.ToolTipRole) == "a.example.org:443"
    assert model.index(1).data() == "Work"
    assert model.index(1).data(Qt.ItemDataRole.AccessibleTextRole) == "Work"
    assert model.index(0).data(Qt.ItemDataRole.DecorationRole) is None
    assert model.index(9).data(ROW) is None


def test_masked_names_can_still_be_searched(model: ProfileModel) -> None:
    model.show(entries("Berlin", "Paris"), private=True)
    model.set_filter("paris")
    assert model.index(0).data() == "Profile 2"


def test_a_new_value_changes_its_line_alone(model: ProfileModel) -> None:
    before = entries("A", "B", "C")
    model.show(before)
    changed: list[int] = []
    reset: list[bool] = []
    model.dataChanged.connect(lambda top, _bottom: changed.append(top.row()))
    model.modelReset.connect(lambda: reset.append(True))
    kept = QPersistentModelIndex(model.index(2))
    model.show([before[0], replace(before[1], latency_ms=9.0), before[2]])
    assert changed == [1]
    model.set_testing(["C"])
    assert changed == [1, 2]
    assert kept.isValid()
    assert reset == []
    model.show(before[:2])
    assert reset == [True]


def test_lines_are_found_by_their_profile(model: ProfileModel) -> None:
    model.show(entries("A", "Work/B"))
    assert model.row_of("B") == 2
    assert model.row_of("nobody") == -1
    assert [entry.id for entry in model.shown] == ["A", "B"]
    assert model.entry(QModelIndex()) is None
    assert model.rowCount(model.index(0)) == 0


@pytest.mark.parametrize(
    ("name", "row", "move"),
    [
        ("C", 0, (["C"], "A", "")),
        ("A", 2, (["A"], "C", "")),
        ("A", 3, (["A"], "W", "")),  # before the heading: the end of what is above
        ("A", 4, (["A"], "W", "Work")),
        ("A", 6, (["A"], "", "Work")),
        ("V", 3, (["V"], "W", "")),
        ("V", 4, (["V"], "W", "Work")),
        ("A", -1, (["A"], "", "Work")),  # dropped below the last line
    ],
)
def test_where_a_dragged_line_goes(model: ProfileModel, moves: list[Move], name: str, row: int, move: Move) -> None:
    model.show(entries("A", "B", "C", "Work/W", "Work/V"))
    assert lines(model) == ["A", "B", "C", "[Work]", "W", "V"]
    drop(model, name, row)
    assert moves == [move]


def test_a_line_dropped_on_another_goes_before_it(model: ProfileModel, moves: list[Move]) -> None:
    model.show(entries("A", "B", "C"))
    data = model.mimeData([model.index(2)])
    model.dropMimeData(data, Qt.DropAction.MoveAction, -1, -1, model.index(1))
    assert moves == [(["C"], "B", "")]


def test_the_end_of_a_group_is_not_the_end_of_the_list(model: ProfileModel, moves: list[Move]) -> None:
    model.show(entries("A", "Work/W", "B", "Work/V"))
    drop(model, "A", 2)
    assert lines(model) == ["A", "B", "[Work]", "W", "V"]
    assert moves == [(["A"], "V", "")]


def test_several_lines_are_dragged_in_their_order(model: ProfileModel, moves: list[Move]) -> None:
    model.show(entries("A", "B", "C", "D"))
    data = model.mimeData([model.index(1), model.index(0)])
    model.dropMimeData(data, Qt.DropAction.MoveAction, 3, 0, QModelIndex())
    assert moves == [(["A", "B"], "D", "")]


def test_foreign_things_are_not_taken(model: ProfileModel, moves: list[Move]) -> None:
    model.show(entries("A", "B"))
    data = QMimeData()
    data.setData(MIME, b"stranger\n\xff")
    model.dropMimeData(data, Qt.DropAction.MoveAction, 0, 0, QModelIndex())
    model.dropMimeData(model.mimeData([model.index(0)]), Qt.DropAction.CopyAction, 0, 0, QModelIndex())
    assert moves == []
    assert model.mimeTypes() == [MIME]
    assert model.supportedDropActions() == Qt.DropAction.MoveAction


@pytest.mark.parametrize(
    ("name", "down", "move"),
    [
        ("A", False, None),
        ("B", False, (["B"], "A", "")),
        ("A", True, (["A"], "W", "")),
        ("B", True, (["B"], "W", "Work")),
        ("W", False, (["W"], "V", "")),
        ("V", False, (["V"], "W", "Work")),
        ("W", True, (["W"], "", "Work")),
        ("V", True, None),
        ("nobody", True, None),
    ],
)
def test_steps_by_the_keyboard(
    model: ProfileModel, moves: list[Move], name: str, down: bool, move: Move | None
) -> None:
    model.show(entries("A", "B", "Work/W", "Work/V"))
    model.step(name, down)
    assert moves == ([move] if move else [])


def test_above_the_first_heading_there_is_nothing(model: ProfileModel, moves: list[Move]) -> None:
    model.show(entries("Work/A", "Work/B"))
    model.step("A", down=False)
    assert moves == []
