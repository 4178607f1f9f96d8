"""The app connections as a table that is updated in place: sorted, filtered, and never reset while it is looked at."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from operator import attrgetter
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.engine.snapshot import ConnectionInfo
from app.traffic.rates import format_bytes
from app.ui import theme
from app.ui.base import tip
from app.ui.widgets.amounts import duration_text

_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole

_OVER: Final = frozenset({"closed", "failed"})

_PROTOCOLS: Final = {"socks4": "SOCKS4", "socks5": "SOCKS5", "connect": "HTTP CONNECT", "http": "HTTP", "udp": "UDP"}

_COLOURS: Final = {"waiting": "warn", "ending": "muted", "closed": "faint", "failed": "bad"}


class Column(IntEnum):
    """The columns, in the order of the table."""

    TARGET = 0
    PROTOCOL = 1
    SESSION = 2
    DOWN = 3
    UP = 4
    DURATION = 5
    STATE = 6


_NUMBERS: Final = frozenset({Column.SESSION, Column.DOWN, Column.UP, Column.DURATION})

_ORDER: Final[dict[Column, Callable[[ConnectionInfo], Any]]] = {
    Column.TARGET: lambda row: row.target.casefold(),
    Column.PROTOCOL: attrgetter("protocol"),
    Column.SESSION: lambda row: row.session or 0,
    Column.DOWN: attrgetter("down"),
    Column.UP: attrgetter("up"),
    Column.DURATION: attrgetter("seconds"),
    Column.STATE: lambda row: (row.state in _OVER, row.state),
}


def is_over(row: ConnectionInfo) -> bool:
    """Whether the connection has ended, and only its memory is shown."""
    return row.state in _OVER


def masked(target: str) -> str:
    """A target without its host: the port alone still tells web from mail."""
    _, _, port = target.rpartition(":")
    return f"•••:{port}"


class ConnectionModel(QAbstractTableModel):
    """The connections of the last snapshot, those that ended lately included, newest first until a header is clicked.

    Sorting and filtering happen here and not in a proxy, which would ask Python for every comparison. A connection
    keeps its row object from second to second, so that selection and scroll position survive.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[ConnectionInfo, ...] = ()
        self._rows: list[ConnectionInfo] = []
        self._needle = ""
        self._column: Column | None = None
        self._descending = False
        self._masked = False

    def update(self, connections: Iterable[ConnectionInfo]) -> None:
        """Show these from now on."""
        self._all = tuple(connections)
        self._renew()

    def filter(self, text: str) -> None:
        """Show only connections with `text` in their target, protocol or state; an empty text shows all."""
        self._needle = text.strip().casefold()
        self._renew()

    def mask(self, masked: bool) -> None:
        """Hide the hosts (privacy mode)."""
        self._masked = masked
        self._renew()
        self._tell_changed()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column from now on; -1 puts the newest first."""
        self._column = Column(column) if column >= 0 else None
        self._descending = order == Qt.SortOrder.DescendingOrder
        self._renew()

    def at(self, row: int) -> ConnectionInfo:
        """The connection in a row (IndexError)."""
        return self._rows[row]

    def shown_target(self, row: int) -> str:
        """Host and port in a row as they are shown, to copy (IndexError)."""
        return self._target(self._rows[row])

    def state_words(self) -> dict[str, str]:
        """The states in the language of now."""
        return {
            "waiting": self.tr("waiting"),
            "open": self.tr("open"),
            "ending": self.tr("ending"),
            "closed": self.tr("closed"),
            "failed": self.tr("failed"),
        }

    @property
    def total(self) -> int:
        """How many there are, those that the filter hides included."""
        return len(self._all)

    @property
    def open(self) -> int:
        """How many of all are still open."""
        return sum(not is_over(row) for row in self._all)

    def retranslate(self) -> None:
        """Say everything again in the language of now."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)
        self._tell_changed()

    # What Qt asks.

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's name and Qt's default)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _Role.TextAlignmentRole:
            return _alignment(Column(section))
        if role == _Role.DisplayRole:
            return self._titles()[section]
        if role == _Role.ToolTipRole:
            return {Column.DOWN: self.tr("Received"), Column.UP: self.tr("Sent")}.get(Column(section))
        return None

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], Column(index.column())
        match role:
            case _Role.DisplayRole:
                return self._text(row, column)
            case _Role.ForegroundRole:
                return _colour(row, column)
            case _Role.TextAlignmentRole:
                return _alignment(column)
            case _Role.ToolTipRole:
                return tip(self._tool_tip(row, column))
            case _Role.AccessibleTextRole:
                return f"{self._titles()[column]}: {self._text(row, column)}"
        return None

    # What is shown.

    def _titles(self) -> tuple[str, ...]:
        return (
            self.tr("Target"),
            self.tr("Protocol"),
            self.tr("Session"),
            "↓",
            "↑",
            self.tr("Duration"),
            self.tr("State"),
        )

    def _text(self, row: ConnectionInfo, column: Column) -> str:
        match column:
            case Column.TARGET:
                return theme.ltr(self._target(row))
            case Column.PROTOCOL:
                return _PROTOCOLS.get(row.protocol, row.protocol)
            case Column.SESSION:
                return "" if row.session is None else theme.ltr(f"#{row.session}")
            case Column.DOWN:
                return theme.ltr(format_bytes(row.down))
            case Column.UP:
                return theme.ltr(format_bytes(row.up))
            case Column.DURATION:
                return duration_text(row.seconds)
            case Column.STATE:
                return self._state(row)

    def _target(self, row: ConnectionInfo) -> str:
        return masked(row.target) if self._masked else row.target

    def _state(self, row: ConnectionInfo) -> str:
        return self.state_words().get(row.state, row.state)

    def _tool_tip(self, row: ConnectionInfo, column: Column) -> str:
        if row.reason and not self._masked:
            return row.reason
        return self._target(row) if column == Column.TARGET else ""

    # How it changes: rows go, rows come, the rest moves; each told to the views, which keep selection and place.

    def _renew(self) -> None:
        before = list(self._rows)
        wanted = self._wanted()
        numbers = {row.number for row in wanted}
        self._remove([at for at, row in enumerate(self._rows) if row.number not in numbers])
        here = {row.number for row in self._rows}
        self._append([row for row in wanted if row.number not in here])
        self._arrange(wanted)
        if self._rows != before:
            self._tell_changed()

    def _wanted(self) -> list[ConnectionInfo]:
        rows = [row for row in self._all if not self._needle or self._needle in self._haystack(row)]
        rows.sort(key=lambda row: row.number, reverse=True)
        if self._column is None:
            rows.sort(key=is_over)
        else:
            rows.sort(key=_ORDER[self._column], reverse=self._descending)
        return rows

    def _haystack(self, row: ConnectionInfo) -> str:
        words = (self._target(row), _PROTOCOLS.get(row.protocol, row.protocol), self._state(row))
        return " ".join(words).casefold()

    def _remove(self, places: list[int]) -> None:
        while places:
            last = first = places.pop()
            while places and places[-1] == first - 1:
                first = places.pop()
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._rows[first : last + 1]
            self.endRemoveRows()

    def _append(self, rows: list[ConnectionInfo]) -> None:
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows += rows
            self.endInsertRows()

    def _arrange(self, wanted: list[ConnectionInfo]) -> None:
        before = [row.number for row in self._rows]
        if before == [row.number for row in wanted]:
            self._rows = wanted
            return
        self.layoutAboutToBeChanged.emit()
        kept = self.persistentIndexList()
        places = {row.number: at for at, row in enumerate(wanted)}
        self._rows = wanted
        moved = [self.index(places[before[index.row()]], index.column()) for index in kept]
        self.changePersistentIndexList(kept, moved)
        self.layoutChanged.emit()

    def _tell_changed(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignTrailing if column in _NUMBERS else Qt.AlignmentFlag.AlignLeading
    return side | Qt.AlignmentFlag.AlignVCenter


def _colour(row: ConnectionInfo, column: Column) -> Any:
    if column == Column.STATE:
        return theme.color(_COLOURS.get(row.state, "good"))
    if is_over(row):
        return theme.color("faint")
    return theme.color("text" if column == Column.TARGET else "muted")
