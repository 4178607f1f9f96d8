"""The table of connections: updated in place, sorted, filtered, masked."""

from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from app.engine.snapshot import ConnectionInfo
from app.ui import theme
from app.ui.connection_model import Column, ConnectionModel, is_over, masked

ROLE = Qt.ItemDataRole


def info(number: int, target: str = "example.org:443", **more: Any) -> ConnectionInfo:
    fields: dict[str, Any] = {
        "protocol": "socks5",
        "session": 7,
        "state": "open",
        "up": 1_000,
        "down": 12_400_000,
        "seconds": 75.0,
        "reason": "",
    }
    return ConnectionInfo(number=number, target=target, **(fields | more))


@pytest.fixture
def model(qtbot: QtBot) -> ConnectionModel:
    made = ConnectionModel()
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    return made


def numbers(model: ConnectionModel) -> list[int]:
    return [model.at(row).number for row in range(model.rowCount())]


def cell(model: ConnectionModel, row: int, column: Column, role: ROLE = ROLE.DisplayRole) -> Any:
    return model.data(model.index(row, column), role)


def shown(model: ConnectionModel, row: int, column: Column) -> str:
    return str(cell(model, row, column)).strip("\u2066\u2069")


def test_newest_come_first_and_those_that_are_over_last(model: ConnectionModel) -> None:
    model.update([info(1, state="closed"), info(2, state="failed"), info(3), info(4)])
    assert numbers(model) == [4, 3, 2, 1]
    assert (model.total, model.open) == (4, 2)


def test_a_row_says_all_there_is(model: ConnectionModel) -> None:
    model.update([info(1, "[2001:db8::1]:443")])
    assert [shown(model, 0, column) for column in Column] == [
        "[2001:db8::1]:443",
        "SOCKS5",
        "#7",
        "12.4 MB",
        "1.0 kB",
        "1 min 15 s",
        "open",
    ]


def test_a_host_keeps_its_direction_among_right_to_left_words(model: ConnectionModel) -> None:
    model.update([info(1)])
    assert cell(model, 0, Column.TARGET) == theme.ltr("example.org:443")


def test_what_is_unknown_is_shown_as_it_is(model: ConnectionModel) -> None:
    model.update([info(1, protocol="quic", state="resting", session=None)])
    assert shown(model, 0, Column.PROTOCOL) == "quic"
    assert shown(model, 0, Column.STATE) == "resting"
    assert shown(model, 0, Column.SESSION) == ""


def test_update_changes_removes_and_adds_in_place(model: ConnectionModel, qtbot: QtBot) -> None:
    model.update([info(1), info(2), info(3), info(4)])
    resets: list[None] = []
    model.modelReset.connect(lambda: resets.append(None))
    model.update([info(2, down=5), info(4), info(5), info(6)])
    assert numbers(model) == [6, 5, 4, 2]
    assert shown(model, 3, Column.DOWN) == "5 B"
    assert not resets


def test_what_has_not_changed_is_not_painted_again(model: ConnectionModel) -> None:
    model.update([info(1), info(2)])
    told: list[None] = []
    model.dataChanged.connect(lambda: told.append(None))
    model.update([info(1), info(2)])
    assert not told
    model.update([info(1), info(2, down=1)])
    assert told


def test_persistent_places_follow_their_connection(model: ConnectionModel) -> None:
    model.update([info(1), info(2), info(3)])
    held = QPersistentModelIndex(model.index(0, Column.STATE))
    gone = QPersistentModelIndex(model.index(1, 0))
    model.update([info(1), info(3), info(9)])
    assert (held.row(), held.column()) == (1, Column.STATE)
    assert not gone.isValid()


def test_selection_and_scroll_position_survive(model: ConnectionModel, qtbot: QtBot) -> None:
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    view.resize(400, 200)
    view.show()
    model.update([info(number) for number in range(1, 101)])
    view.selectRow(50)
    selected = model.at(50).number
    view.verticalScrollBar().setValue(40)
    model.update([info(number, down=number) for number in range(3, 101)])
    rows = view.selectionModel().selectedRows()
    assert [model.at(index.row()).number for index in rows] == [selected]
    assert view.verticalScrollBar().value() == 40


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Column.TARGET, [2, 3, 1]),
        (Column.PROTOCOL, [3, 1, 2]),
        (Column.SESSION, [1, 3, 2]),
        (Column.DOWN, [2, 1, 3]),
        (Column.UP, [3, 2, 1]),
        (Column.DURATION, [1, 3, 2]),
        (Column.STATE, [2, 1, 3]),
    ],
)
def test_sorts_by_each_column_and_back(model: ConnectionModel, column: Column, expected: list[int]) -> None:
    model.update(
        [
            info(1, "c.example:1", protocol="socks5", session=None, down=2, up=30, seconds=1, state="waiting"),
            info(2, "A.example:1", protocol="udp", session=9, down=1, up=20, seconds=9, state="open"),
            info(3, "b.example:1", protocol="http", session=2, down=3, up=10, seconds=4, state="closed"),
        ]
    )
    model.sort(column)
    assert numbers(model) == expected
    model.sort(column, Qt.SortOrder.DescendingOrder)
    assert numbers(model) == expected[::-1]
    model.sort(-1)
    assert numbers(model) == [2, 1, 3]


def test_the_order_holds_while_numbers_change(model: ConnectionModel) -> None:
    model.sort(Column.DOWN, Qt.SortOrder.DescendingOrder)
    model.update([info(1, down=1), info(2, down=2)])
    assert numbers(model) == [2, 1]
    model.update([info(1, down=10), info(2, down=2)])
    assert numbers(model) == [1, 2]


@pytest.mark.parametrize(
    ("text", "expected"), [("MAIL", [2]), ("udp", [3]), ("waiting", [1]), ("", [3, 2, 1]), ("?", [])]
)
def test_filters_by_what_is_shown(model: ConnectionModel, text: str, expected: list[int]) -> None:
    model.update([info(1, state="waiting"), info(2, "mail.example.org:993"), info(3, protocol="udp")])
    model.filter(f" {text} ")
    assert numbers(model) == expected
    assert model.total == 3


def test_the_filter_holds_for_what_comes(model: ConnectionModel) -> None:
    model.filter("mail")
    model.update([info(1), info(2, "mail.example.org:993")])
    assert numbers(model) == [2]
    model.filter("")
    assert numbers(model) == [2, 1]


def test_privacy_leaves_the_port_alone(model: ConnectionModel) -> None:
    model.update([info(1, "example.org:443", state="failed", reason="example.org does not resolve")])
    model.mask(True)
    assert shown(model, 0, Column.TARGET) == "•••:443"
    assert model.shown_target(0) == "•••:443"
    assert cell(model, 0, Column.TARGET, ROLE.ToolTipRole) == "•••:443"
    assert "example" not in str(cell(model, 0, Column.STATE, ROLE.ToolTipRole))
    model.filter("example")
    assert numbers(model) == []
    model.mask(False)
    assert model.shown_target(0) == "example.org:443"


def test_masks_an_ipv6_target() -> None:
    assert masked("[2001:db8::1]:443") == "•••:443"


def test_what_ended_is_grey_and_tells_why(model: ConnectionModel) -> None:
    model.update([info(1), info(2, state="failed", reason="connection refused")])
    assert is_over(model.at(1))
    assert cell(model, 1, Column.TARGET, ROLE.ForegroundRole) == theme.color("faint")
    assert cell(model, 1, Column.STATE, ROLE.ForegroundRole) == theme.color("bad")
    assert cell(model, 1, Column.TARGET, ROLE.ToolTipRole) == "connection refused"
    assert cell(model, 0, Column.TARGET, ROLE.ForegroundRole) == theme.color("text")
    assert cell(model, 0, Column.TARGET, ROLE.ToolTipRole) == "example.org:443"
    assert not cell(model, 0, Column.UP, ROLE.ToolTipRole)


def test_a_screen_reader_hears_what_a_number_is(model: ConnectionModel) -> None:
    model.update([info(1)])
    assert "Session: " in cell(model, 0, Column.SESSION, ROLE.AccessibleTextRole)


def test_headers_are_named_and_aligned_like_their_columns(model: ConnectionModel) -> None:
    titles = [model.headerData(column, Qt.Orientation.Horizontal) for column in Column]
    assert all(titles)
    for column in Column:
        header = model.headerData(column, Qt.Orientation.Horizontal, ROLE.TextAlignmentRole)
        model.update([info(1)])
        assert header == cell(model, 0, column, ROLE.TextAlignmentRole)
    assert model.headerData(Column.DOWN, Qt.Orientation.Horizontal, ROLE.ToolTipRole) == "Received"
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    assert model.headerData(0, Qt.Orientation.Horizontal, ROLE.DecorationRole) is None


def test_another_language_is_told_to_the_views(model: ConnectionModel, qtbot: QtBot) -> None:
    model.update([info(1)])
    with qtbot.waitSignals([model.headerDataChanged, model.dataChanged]):
        model.retranslate()


def test_an_index_from_nowhere_has_nothing(model: ConnectionModel) -> None:
    assert model.data(model.index(5, 5)) is None
    model.update([info(1)])
    inside = model.index(0, 0)
    assert model.rowCount(inside) == model.columnCount(inside) == 0
    assert model.data(inside, ROLE.DecorationRole) is None


def test_a_selected_row_that_ends_goes_without_taking_others(model: ConnectionModel, qtbot: QtBot) -> None:
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    model.update([info(number) for number in range(1, 8)])
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in (1, 2, 5):
        view.selectionModel().select(model.index(row, 0), flags)
    before = {model.at(index.row()).number for index in view.selectionModel().selectedRows()}
    model.update([info(number) for number in range(1, 8) if number != 5])
    after = {model.at(index.row()).number for index in view.selectionModel().selectedRows()}
    assert after == before - {5}
