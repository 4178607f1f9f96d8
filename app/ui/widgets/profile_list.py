"""The list of profiles: a view whose keys, pointer and menu all ask for the same few verbs."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QMenu, QWidget

from app.ui import icons
from app.ui.base import Retranslating
from app.ui.profile_model import ProfileModel
from app.ui.widgets.profile_delegate import ProfileDelegate

_KEYS: Final = {
    (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier): "switch",
    (Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier): "switch",
    (Qt.Key.Key_F2, Qt.KeyboardModifier.NoModifier): "edit",
    (Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier): "duplicate",
    (Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier): "test",
    (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier): "delete",
    (Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier): "up",
    (Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier): "down",
}
# What the menu offers: verb, icon, key shown beside it. "" is a line between.
_MENU: Final = (
    ("switch", "power", "Return"),
    ("test", "test", "Ctrl+T"),
    ("", "", ""),
    ("edit", "edit", "F2"),
    ("duplicate", "duplicate", "Ctrl+D"),
    ("copy", "copy", ""),
    ("", "", ""),
    ("up", "up", "Alt+Up"),
    ("down", "down", "Alt+Down"),
    ("", "", ""),
    ("delete", "trash", "Del"),
)
_FOR_ONE: Final = ("switch", "edit", "duplicate", "copy", "up", "down")


class ProfileList(Retranslating, QListView):
    """`asked` tells a verb (switch, edit, duplicate, copy, test, delete, up, down) and the ids it is for."""

    asked = Signal(str, list)

    def __init__(self, model: ProfileModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.profiles = model
        self.setModel(model)
        self._cards = ProfileDelegate(self)
        self._cards.pressed.connect(self._pressed)
        self.setItemDelegate(self._cards)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)
        self.setMouseTracking(True)
        self.viewport().installEventFilter(self)
        self.menu = QMenu(self)
        self._actions = self._make_menu()
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)
        self._kept: tuple[list[str], str, int] = ([], "", 0)
        self.setStyleSheet("QListView { background: transparent; }")  # the cards lie on the page itself
        self.retranslate()

    def retranslate(self) -> None:
        words = {
            "switch": self.tr("Switch to it"),
            "test": self.tr("Test"),
            "edit": self.tr("Edit…"),
            "duplicate": self.tr("Duplicate"),
            "copy": self.tr("Copy address"),
            "up": self.tr("Move up"),
            "down": self.tr("Move down"),
            "delete": self.tr("Delete"),
        }
        for verb, action in self._actions.items():
            action.setText(words[verb])
        self._cards.words = {**words, "edit": self.tr("Edit"), "more": self.tr("More")}
        self.setAccessibleName(self.tr("Profiles"))

    def retheme(self) -> None:
        for verb, icon, _ in _MENU:
            if verb:
                self._actions[verb].setIcon(icons.icon(icon, "bad" if verb == "delete" else "muted"))

    def chosen(self) -> list[str]:
        """The ids that are selected, in the order of the list."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        entries = [self.profiles.entry(self.profiles.index(row)) for row in rows]
        return [entry.id for entry in entries if entry is not None]

    def choose(self, ids: Sequence[str]) -> None:
        """Select these and go to the first of them."""
        select = QItemSelectionModel.SelectionFlag.Select
        self.selectionModel().clear()
        rows = [row for one in ids if (row := self.profiles.row_of(one)) >= 0]
        for row in rows:
            self.selectionModel().select(self.profiles.index(row), select)
        if rows:
            self._go_to(rows[0])

    def go_to_first(self) -> None:
        """Select the first profile, where none is."""
        if not self.chosen() and self.profiles.shown:
            self.choose([self.profiles.shown[0].id])

    # ---- Qt's side

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """The verbs' keys."""
        verb = _KEYS.get((Qt.Key(event.key()), event.modifiers()))
        if verb is None:
            super().keyPressEvent(event)
        else:
            self._ask(verb, self.chosen())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 (Qt's name)
        """The verbs' menu, also by the menu key."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if self.profiles.entry(index) is not None:
            at = self.visualRect(index).center() if by_key else event.pos()
            self._show_menu(index, at)

    def eventFilter(self, _watched: object, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """See the pointer leave."""
        if event.type() == QEvent.Type.Leave:
            self._cards.forget_pointer()
            self.viewport().update()
        return False

    # ---- inside

    def _make_menu(self) -> dict[str, QAction]:
        made: dict[str, QAction] = {}
        for verb, _, key in _MENU:
            if not verb:
                self.menu.addSeparator()
                continue
            action = self.menu.addAction("")
            action.setShortcut(key)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.setShortcutVisibleInContextMenu(True)
            action.triggered.connect(lambda _checked=False, verb=verb: self._ask(verb, self.chosen()))
            made[verb] = action
        return made

    def _show_menu(self, index: QModelIndex, at: QPoint) -> None:
        if not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)
        one = len(self.chosen()) == 1
        for verb in _FOR_ONE:
            self._actions[verb].setEnabled(one)
        for verb in ("up", "down"):
            self._actions[verb].setEnabled(one and not self.profiles.filtered)
        self.menu.popup(self.viewport().mapToGlobal(at))

    def _pressed(self, verb: str, index: QModelIndex) -> None:
        entry = self.profiles.entry(index)
        if entry is None:
            return
        if verb == "more":
            self._show_menu(index, self.visualRect(index).center())
        else:
            self._ask(verb, [entry.id])

    def _ask(self, verb: str, ids: list[str]) -> None:
        if ids and (len(ids) == 1 or verb not in _FOR_ONE):
            self.asked.emit(verb, ids)

    def _go_to(self, row: int) -> None:
        index = self.profiles.index(row)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.scrollTo(index)

    def _remember(self) -> None:
        entry = self.profiles.entry(self.currentIndex())
        self._kept = (self.chosen(), entry.id if entry else "", self.verticalScrollBar().value())

    def _restore(self) -> None:
        """The same profiles stay selected when the list has changed under them."""
        chosen, current, scrolled = self._kept
        for one in chosen:
            if (row := self.profiles.row_of(one)) >= 0:
                self.selectionModel().select(self.profiles.index(row), QItemSelectionModel.SelectionFlag.Select)
        if (row := self.profiles.row_of(current)) >= 0:
            self.selectionModel().setCurrentIndex(self.profiles.index(row), QItemSelectionModel.SelectionFlag.NoUpdate)
        self.verticalScrollBar().setValue(scrolled)
