"""The rows of the session list, updated in place so that selection and scroll position survive every look."""

from collections.abc import Iterable
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.engine.snapshot import SessionInfo
from app.ui.base import tip
from app.ui.widgets.session_rows import Row, details, next_rows, settled, spoken

_Index = QModelIndex | QPersistentModelIndex

ROW: Final = int(Qt.ItemDataRole.UserRole)
"""The role under which the delegate finds the `Row`."""


class SessionModel(QAbstractListModel):
    """One row a session, the newest first. Rows that ended stay as `going` until `settle`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.masked = False

    def show(self, sessions: Iterable[SessionInfo]) -> bool:
        """These are the sessions now. Returns whether something comes, goes, or was reused."""
        self.settle()
        after = next_rows(self.rows, sessions)
        known = {row.info.number for row in self.rows}
        for place, row in enumerate(after):
            if row.info.number not in known:
                self.beginInsertRows(QModelIndex(), place, place)
                self.rows.insert(place, row)
                self.endInsertRows()
        self.rows = after
        self._tell_all()
        return any(row.coming or row.going or row.reused for row in after)

    def settle(self) -> None:
        """Every fade has ended: what came is there, what went is gone."""
        for place in range(len(self.rows) - 1, -1, -1):
            row = self.rows[place]
            if row.going:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self.rows[place]
                self.endRemoveRows()
        if any(row.coming for row in self.rows):
            self.rows = settled(self.rows)
            self._tell_all()

    def mask(self, masked: bool) -> None:
        """Hide host names, or show them again."""
        if masked != self.masked:
            self.masked = masked
            self._tell_all()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's name and default)
        """How many rows there are, those that fade included."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """The row in words, its details, or the `Row` itself."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == ROW:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return spoken(row, masked=self.masked)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            text = details(row.info, masked=self.masked)
            return tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None

    def _tell_all(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))
