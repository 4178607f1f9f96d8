"""The profiles as a list for Qt: filtered, in groups under headings, in an order that dragging changes."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.client.profiles import Entry
from app.ui.base import tip
from app.ui.profile_card import Card, card_of, hint, matches

Index = QModelIndex | QPersistentModelIndex

MIME: Final = "application/x-anytls-tray-profiles"
ROW: Final = Qt.ItemDataRole.UserRole + 1

_CARD_FLAGS: Final = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: a heading with the number of profiles under it, or a card."""

    group: str
    entry: Entry | None = None
    card: Card | None = None
    count: int = 0

    @property
    def key(self) -> str:
        """What stays the same while the line stays the same line."""
        return f"group {self.group}" if self.entry is None else self.entry.id


class ProfileModel(QAbstractListModel):
    """`show` gives it the profiles. `moved` tells what a person dragged; nothing moves until `show` says so."""

    moved = Signal(list, str, str)  # ids; the id they go before, "" at the end; the group they are in then

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self._rows: list[Row] = []
        self._words: list[str] = []
        self._active = ""
        self._testing: frozenset[str] = frozenset()
        self._private = False

    # ---- what is shown

    def show(self, entries: Sequence[Entry], active: str = "", private: bool = False) -> None:
        """Show these, in this order; `active` is the id of the active one."""
        self._entries, self._active, self._private = tuple(entries), active, private
        self._update()

    def set_filter(self, text: str) -> None:
        """Show only those that have each word of `text` in name, group or host."""
        self._words = text.casefold().split()
        self._update()

    def set_testing(self, ids: Collection[str]) -> None:
        """Show these as being tested."""
        self._testing = frozenset(ids)
        self._update()

    def retranslate(self) -> None:
        """Say everything in the language in force."""
        self._update()

    @property
    def filtered(self) -> bool:
        """Whether a search hides some."""
        return bool(self._words)

    @property
    def shown(self) -> list[Entry]:
        """The profiles that the list has now, in its order."""
        return [row.entry for row in self._rows if row.entry is not None]

    def row_of(self, entry_id: str) -> int:
        """The line of a profile; -1 where it is not shown."""
        return next((at for at, row in enumerate(self._rows) if row.entry is not None and row.key == entry_id), -1)

    def line(self, index: Index) -> Row | None:
        """What stands in that line."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def entry(self, index: Index) -> Entry | None:
        """The profile in that line."""
        row = self.line(index)
        return row.entry if row else None

    # ---- moving

    def step(self, entry_id: str, down: bool) -> None:
        """Move one line up or down, over the edge of its group too."""
        at = self.row_of(entry_id)
        target = at + 2 if down else at - 1
        if at < 0 or self.filtered or target < 0 or target > len(self._rows):
            return
        if target == 0 and self._rows[0].entry is None:
            return  # above the first heading there is nothing
        self._move([entry_id], target)

    def _move(self, ids: list[str], at: int) -> None:
        """Tell where `ids` go that are put before line `at`."""
        stay = [row for row in self._rows[:at] if row.key not in ids]
        above = stay[-1] if stay else None
        below = next((row for row in self._rows[at:] if row.key not in ids), None)
        if below is not None and below.entry is not None:
            self.moved.emit(ids, below.key, below.group)
        elif above is not None:
            self.moved.emit(ids, self._behind(above.key, ids), above.group)

    def _behind(self, entry_id: str, ids: list[str]) -> str:
        """The profile that follows in the whole list, in which groups may lie between each other."""
        order = [entry.id for entry in self._entries if entry.id not in ids]
        following = order[order.index(entry_id) + 1 :] if entry_id in order else []
        return next(iter(following), "")

    # ---- Qt's side

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's name and default)
        """The number of lines."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A line's text, hint, or all of it (`ROW`)."""
        row = self.line(index)
        if row is None:
            return None
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.card.name if row.card else row.group
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.card.spoken if row.card else row.group
        if role == Qt.ItemDataRole.ToolTipRole and row.entry is not None:
            return tip(hint(row.entry, self._private, time.time()))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Cards can be chosen and dragged; headings only looked at. Drops go between lines."""
        row = self.line(index)
        if row is None:
            return Qt.ItemFlag.NoItemFlags if self.filtered else Qt.ItemFlag.ItemIsDropEnabled
        if row.entry is None:
            return Qt.ItemFlag.ItemNeverHasChildren
        return _CARD_FLAGS if self.filtered else _CARD_FLAGS | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802 (Qt's name)
        """Lines are moved, never copied."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: N802 (Qt's name)
        """Only this list's own lines can be dropped on it."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 (Qt's name)
        """The ids of the dragged lines, in the order of the list."""
        data = QMimeData()
        rows = sorted({index.row() for index in indexes})
        data.setData(MIME, "\n".join(self._rows[at].key for at in rows if self._rows[at].entry).encode())
        return data

    def dropMimeData(  # noqa: N802 (Qt's name)
        self, data: QMimeData, action: Qt.DropAction, row: int, _column: int, parent: Index
    ) -> bool:
        """Tell what was dragged where. False keeps Qt from taking the lines out itself."""
        known = {entry.id for entry in self._entries}
        ids = [one for one in bytes(data.data(MIME).data()).decode(errors="replace").splitlines() if one in known]
        if action == Qt.DropAction.MoveAction and ids and not self.filtered:
            at = parent.row() if parent.isValid() else row
            self._move(ids, len(self._rows) if at < 0 else at)
        return False

    # ---- inside

    def _update(self) -> None:
        rows = self._made()
        if [row.key for row in rows] != [row.key for row in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        before, self._rows = self._rows, rows
        for at, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(at), self.index(at))

    def _made(self) -> list[Row]:
        groups: dict[str, list[Row]] = {} if self.filtered else {"": []}
        for number, entry in enumerate(self._entries, 1):
            if matches(entry, self._words):
                section = "" if self.filtered else entry.group
                groups.setdefault(section, []).append(Row(entry.group, entry, self._card(entry, number)))
        rows: list[Row] = []
        for name, section_rows in groups.items():
            if name:
                rows.append(Row(name, count=len(section_rows)))
            rows += section_rows
        return rows

    def _card(self, entry: Entry, number: int) -> Card:
        return card_of(
            entry,
            number,
            private=self._private,
            active=entry.id == self._active,
            testing=entry.id in self._testing,
            group=self.filtered,
        )
