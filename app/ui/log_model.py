"""The log as a table of the newest lines: filtered by level and text, pausable, and never rebuilt while it grows."""

import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.logs import Line, redact
from app.ui import theme

_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole

LIMIT: Final = 2_000  # lines, as many as the log itself keeps in memory

_COLOURS: Final = {logging.ERROR: "bad", logging.WARNING: "warn", logging.INFO: "accent", logging.DEBUG: "faint"}

# Lines are for whoever repairs things, and read from left to right whatever the language of the window.
_AS_WRITTEN: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter


class Column(IntEnum):
    """The columns, in the order of the table."""

    TIME = 0
    LEVEL = 1
    TEXT = 2


class LogModel(QAbstractTableModel):
    """The newest lines of the log, the oldest first, those hidden that a filter does not let through."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: deque[Line] = deque(maxlen=LIMIT)
        self._rows: list[Line] = []
        self._level = logging.NOTSET
        self._needle = ""
        self._masked = False
        self._last = 0

    def extend(self, lines: Sequence[Line]) -> None:
        """Add the lines that are newer than the last one here; the oldest go above the limit."""
        new = [line for line in lines if line.number > self._last][-LIMIT:]
        if not new:
            return
        self._last = new[-1].number
        self._all.extend(new)
        self._drop_older_than(self._all[0].number)
        self._append([line for line in new if self._is_shown(line)])

    def clear(self) -> None:
        """Forget all lines here; only newer ones are shown from now on."""
        self.beginResetModel()
        self._all.clear()
        self._rows.clear()
        self.endResetModel()

    def filter(self, level: int, text: str) -> None:
        """Show only lines of at least this level (as in `logging`) that contain `text`."""
        self._level, self._needle = level, text.strip().casefold()
        self._rebuild()

    def mask(self, masked: bool) -> None:
        """Hide the hosts of lines that came before `app.logs` was told to (privacy mode)."""
        self._masked = masked
        self._rebuild()

    def at(self, row: int) -> Line:
        """The line in a row (IndexError)."""
        return self._rows[row]

    def text(self, row: int) -> str:
        """The whole line in a row, as it is copied."""
        line = self._rows[row]
        return f"{_time(line, '%Y-%m-%d %H:%M:%S')} {_level_name(line)} {line.logger}: {self._shown_text(line)}"

    def row_of(self, number: int) -> int | None:
        """The row of the line with this number; None where a filter hides it or it is gone."""
        return next((row for row, line in enumerate(self._rows) if line.number == number), None)

    def level_words(self) -> dict[int, str]:
        """The levels in the language of now."""
        return {
            logging.ERROR: self.tr("error"),
            logging.WARNING: self.tr("warning"),
            logging.INFO: self.tr("info"),
            logging.DEBUG: self.tr("debug"),
        }

    @property
    def total(self) -> int:
        """How many lines there are, those that the filter hides included."""
        return len(self._all)

    def retranslate(self) -> None:
        """Say everything again in the language of now."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))

    # What Qt asks.

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's name and Qt's default)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return (self.tr("Time"), self.tr("Level"), self.tr("What happened"))[section]
        return None

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line, column = self._rows[index.row()], Column(index.column())
        match role:
            case _Role.DisplayRole:
                return self._cell(line, column)
            case _Role.ForegroundRole:
                return _colour(line, column)
            case _Role.TextAlignmentRole if column == Column.TEXT:
                return _AS_WRITTEN
            case _Role.FontRole:
                return theme.font("mono")
            case _Role.AccessibleTextRole:
                return self.text(index.row()) if column == Column.TEXT else self._cell(line, column)
        return None

    # What is shown.

    def _cell(self, line: Line, column: Column) -> str:
        match column:
            case Column.TIME:
                return _time(line, "%H:%M:%S")
            case Column.LEVEL:
                return self.level_words()[_step(line)]
            case Column.TEXT:
                return theme.ltr(self._shown_text(line).replace("\n", " ⏎ "))

    def _shown_text(self, line: Line) -> str:
        return redact(line.text) if self._masked else line.text

    def _is_shown(self, line: Line) -> bool:
        if line.level < self._level:
            return False
        return not self._needle or self._needle in f"{line.logger} {self._shown_text(line)}".casefold()

    # How it changes.

    def _append(self, lines: list[Line]) -> None:
        if lines:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(lines) - 1)
            self._rows += lines
            self.endInsertRows()

    def _drop_older_than(self, number: int) -> None:
        gone = next((row for row, line in enumerate(self._rows) if line.number >= number), len(self._rows))
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._rows[:gone]
            self.endRemoveRows()

    def _rebuild(self) -> None:
        self.beginResetModel()
        self._rows = [line for line in self._all if self._is_shown(line)]
        self.endResetModel()


def _step(line: Line) -> int:
    """The level of the four that a line counts as."""
    return next((level for level in _COLOURS if line.level >= level), logging.DEBUG)


def _level_name(line: Line) -> str:
    return logging.getLevelName(_step(line))


def _time(line: Line, form: str) -> str:
    return datetime.fromtimestamp(line.time).astimezone().strftime(form)


def _colour(line: Line, column: Column) -> Any:
    match column:
        case Column.TIME:
            return theme.color("faint")
        case Column.LEVEL:
            return theme.color(_COLOURS[_step(line)])
        case Column.TEXT:
            return theme.color("text")
