"""The table of log lines: growing, filtered, limited, masked."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app import logs
from app.logs import Line
from app.ui import theme
from app.ui.log_model import LIMIT, Column, LogModel

ROLE = Qt.ItemDataRole


def line(number: int, text: str = "session #4 opened", level: int = logging.INFO) -> Line:
    return Line(number, 1_790_000_000.0 + number, level, "anytls.engine", text)


def lines(first: int, last: int) -> Sequence[Line]:
    return [line(number) for number in range(first, last + 1)]


@pytest.fixture
def model(qtbot: QtBot) -> LogModel:
    made = LogModel()
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    return made


@pytest.fixture
def private() -> Iterator[None]:
    logs.hide_hosts(True)
    yield
    logs.hide_hosts(False)


def numbers(model: LogModel) -> list[int]:
    return [model.at(row).number for row in range(model.rowCount())]


def cell(model: LogModel, row: int, column: Column, role: ROLE = ROLE.DisplayRole) -> Any:
    return model.data(model.index(row, column), role)


def test_lines_are_added_once(model: LogModel) -> None:
    model.extend(lines(1, 3))
    model.extend(lines(1, 5))
    model.extend([])
    assert numbers(model) == [1, 2, 3, 4, 5]


def test_growing_resets_nothing(model: LogModel) -> None:
    model.extend(lines(1, 3))
    held = QPersistentModelIndex(model.index(1, 0))
    model.extend(lines(4, 9))
    assert held.row() == 1


def test_the_oldest_go_above_the_limit(model: LogModel) -> None:
    model.extend(lines(1, LIMIT))
    held = QPersistentModelIndex(model.index(10, 0))
    model.extend(lines(LIMIT + 1, LIMIT + 5))
    assert model.total == model.rowCount() == LIMIT
    assert numbers(model)[0] == 6
    assert held.row() == 5
    assert model.at(held.row()).number == 11


def test_more_than_the_limit_at_once(model: LogModel) -> None:
    model.extend(lines(1, LIMIT + 50))
    assert numbers(model) == list(range(51, LIMIT + 51))


def test_cleared_lines_do_not_come_back(model: LogModel) -> None:
    model.extend(lines(1, 3))
    model.clear()
    model.extend(lines(1, 4))
    assert numbers(model) == [4]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.DEBUG, [1, 2, 3, 4, 5]),
        (logging.INFO, [2, 3, 4, 5]),
        (logging.WARNING, [3, 4, 5]),
        (logging.ERROR, [4, 5]),
    ],
)
def test_filters_by_level(model: LogModel, level: int, expected: list[int]) -> None:
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    model.extend([line(number, level=each) for number, each in enumerate(levels, 1)])
    model.filter(level, "")
    assert numbers(model) == expected
    assert model.total == 5


def test_searches_text_and_logger_whatever_the_case(model: LogModel) -> None:
    model.extend([line(1, "Session lost"), line(2, "stream closed")])
    model.filter(logging.DEBUG, " LOST ")
    assert numbers(model) == [1]
    model.filter(logging.DEBUG, "engine")
    assert numbers(model) == [1, 2]


def test_the_filter_holds_for_new_lines_while_old_ones_fall_out(model: LogModel) -> None:
    model.filter(logging.ERROR, "")
    model.extend([line(1, level=logging.ERROR), *lines(2, LIMIT)])
    assert numbers(model) == [1]
    model.extend([line(LIMIT + 1, level=logging.ERROR)])
    assert numbers(model) == [LIMIT + 1]


def test_finds_the_row_of_a_line(model: LogModel) -> None:
    model.extend([line(4, "one"), line(7, "two")])
    assert model.row_of(7) == 1
    assert model.row_of(5) is None
    model.filter(logging.DEBUG, "one")
    assert model.row_of(7) is None


def test_a_line_with_a_traceback_takes_one_row_and_is_copied_whole(model: LogModel) -> None:
    model.extend([line(1, "it broke\n  File x, line 1", logging.ERROR)])
    assert "\n" not in cell(model, 0, Column.TEXT)
    assert model.text(0).endswith(" ERROR anytls.engine: it broke\n  File x, line 1")
    assert cell(model, 0, Column.TEXT, ROLE.AccessibleTextRole) == model.text(0)


def test_levels_are_coloured_words(model: LogModel) -> None:
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL, 5)
    model.extend([line(number, level=each) for number, each in enumerate(levels, 1)])
    words = [cell(model, row, Column.LEVEL) for row in range(6)]
    assert words == ["debug", "info", "warning", "error", "error", "debug"]
    assert set(words) == set(model.level_words().values())
    colours = [cell(model, row, Column.LEVEL, ROLE.ForegroundRole).name() for row in range(4)]
    assert len(set(colours)) == 4
    assert cell(model, 0, Column.TIME, ROLE.ForegroundRole) == theme.color("faint")
    assert cell(model, 0, Column.TEXT, ROLE.ForegroundRole) == theme.color("text")


def test_lines_are_set_in_monospace(model: LogModel) -> None:
    model.extend(lines(1, 1))
    assert cell(model, 0, Column.TEXT, ROLE.FontRole) == theme.font("mono")


def test_the_time_has_seconds(model: LogModel) -> None:
    model.extend(lines(1, 1))
    hours, minutes, seconds = cell(model, 0, Column.TIME).split(":")
    assert (int(hours) < 24, int(minutes) < 60, int(seconds)) == (True, True, 21)


def test_privacy_masks_hosts_of_lines_that_came_before(model: LogModel, private: None) -> None:
    model.extend([line(1, "asks for secret-site.example.org:443")])
    assert "secret-site" in cell(model, 0, Column.TEXT)
    model.mask(True)
    assert "secret-site" not in cell(model, 0, Column.TEXT)
    assert "secret-site" not in model.text(0)
    model.filter(logging.DEBUG, "secret-site")
    assert numbers(model) == []


def test_headers_are_named(model: LogModel, qtbot: QtBot) -> None:
    assert all(model.headerData(column, Qt.Orientation.Horizontal) for column in Column)
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    model.extend(lines(1, 1))
    with qtbot.waitSignals([model.headerDataChanged, model.dataChanged]):
        model.retranslate()


def test_an_index_from_nowhere_has_nothing(model: LogModel) -> None:
    assert model.data(model.index(5, 1)) is None
    model.extend(lines(1, 1))
    inside = model.index(0, 0)
    assert model.rowCount(inside) == model.columnCount(inside) == 0
    assert model.data(inside, ROLE.DecorationRole) is None


def test_what_happened_is_read_from_the_left_in_every_language(model: LogModel) -> None:
    model.extend(lines(1, 1))
    assert cell(model, 0, Column.TEXT, ROLE.TextAlignmentRole) & Qt.AlignmentFlag.AlignAbsolute
    assert cell(model, 0, Column.TIME, ROLE.TextAlignmentRole) is None
