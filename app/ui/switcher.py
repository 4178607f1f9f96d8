"""The popup behind the tray's "More…": type two letters of a profile's name, press Enter."""

from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QIcon, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.client.profiles import Entry
from app.storage.settings import PRIVACY
from app.ui import icons, theme
from app.ui.base import Retranslating, label
from app.ui.bridge import Bridge
from app.ui.profile_card import matches, shown_name
from app.ui.tokens import CONTROL_HEIGHT, MEDIUM, SMALL
from app.ui.widgets.amounts import ms_text
from app.ui.widgets.search_field import SearchField

# Pixels.
_WIDTH: Final = 360
_HEIGHT: Final = 420
_TICK: Final = 16

_MOST: Final = 200
"""Rows: nobody scrolls further, and typing makes them fewer."""

_ID: Final = int(Qt.ItemDataRole.UserRole)
_FIGURE: Final = _ID + 1

_MOVES: Final = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Switcher(Retranslating, QDialog):
    """A field and a list. Escape, a choice, and a click elsewhere close it."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(None, Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint)
        self._bridge = bridge
        self.setProperty("role", "popup")
        self.search = SearchField()
        self.list = QListWidget()
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setProperty("role", "plain")
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.nothing = label("muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(MEDIUM, MEDIUM, MEDIUM, MEDIUM)
        inside.setSpacing(SMALL)
        for part in (self.search, self.list, self.nothing):
            inside.addWidget(part, 0 if part is self.search else 1)
        self.resize(_WIDTH, _HEIGHT)
        self.search.textChanged.connect(self.show_matches)
        self.search.installEventFilter(self)
        self.list.clicked.connect(self.choose)
        self.retranslate()

    def retranslate(self) -> None:
        """What the parts are called."""
        self.setWindowTitle(self.tr("Switch profile"))
        self.list.setAccessibleName(self.tr("Profiles"))
        self.nothing.setText(self.tr("No profile has this in its name."))

    def bring_up(self) -> None:
        """Show all profiles at the pointer, the active one marked, ready to type."""
        self.search.clear()
        self.show_matches("")
        self._place()
        self.show()
        self.raise_()
        self.activateWindow()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def show_matches(self, text: str) -> None:
        """List the profiles that have every word of `text` in name, group or host; the most recent come first."""
        profiles = self._bridge.control.profiles
        private = self._bridge.control.settings.get(PRIVACY)
        words = text.casefold().split()
        numbers = {entry.id: number for number, entry in enumerate(profiles.entries, 1)}
        self.list.clear()
        for entry in profiles.recent(len(numbers)):
            name = shown_name(entry, numbers[entry.id], private)
            found = all(word in name.casefold() for word in words) if private else matches(entry, words)
            if found and self.list.count() < _MOST:
                self.list.addItem(self._row(entry, name))
        self.list.setCurrentRow(0)
        self.list.setVisible(self.list.count() > 0)
        self.nothing.setVisible(self.list.count() == 0)

    def choose(self, _index: object = None) -> None:
        """Switch to the profile that is marked, and close."""
        item = self.list.currentItem()
        if item is not None:
            from app.ui.certificate_question import switch_to

            self.close()
            switch_to(self._bridge, item.data(_ID), None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """While the field has the keys, the arrows move in the list and Enter chooses."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in _MOVES:
                self.list.event(QKeyEvent(event.type(), event.key(), Qt.KeyboardModifier.NoModifier))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.choose()
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Another window was clicked."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isVisible() and not self.isActiveWindow():
            self.close()

    def _row(self, entry: Entry, name: str) -> QListWidgetItem:
        made = QListWidgetItem(name)
        made.setData(_ID, entry.id)
        figure = "" if entry.latency_ms is None else theme.figure(ms_text(entry.latency_ms))
        made.setData(_FIGURE, self.tr("failed") if entry.problem else figure)
        active = self._bridge.control.active
        if active is not None and active.id == entry.id:
            made.setIcon(icons.icon("check", "accent"))
            made.setData(Qt.ItemDataRole.AccessibleTextRole, self.tr("{name}, active").format(name=name))
        return made

    def _place(self) -> None:
        """Beside the pointer, where the menu was, and on the screen as a whole. Wayland places it by itself."""
        at = QCursor.pos()
        screen = QGuiApplication.screenAt(at) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        left = max(room.left(), min(at.x() - self.width() // 2, room.right() - self.width()))
        top = max(room.top(), min(at.y(), room.bottom() - self.height()))
        self.move(left, top)


class _Rows(QStyledItemDelegate):
    """A tick for the active profile, the name, and at the far end the latency."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """A row as high as any control."""
        return QSize(super().sizeHint(option, index).width(), CONTROL_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row, mirrored where the language is."""
        self.initStyleOption(option, index)
        text, icon = option.text, QIcon(option.icon)
        option.text, option.icon = "", QIcon()
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        inside = option.rect.adjusted(SMALL, 0, -SMALL, 0)
        side = option.direction
        tick = QRect(inside.left(), inside.center().y() - _TICK // 2 + 1, _TICK, _TICK)
        icon.paint(painter, QStyle.visualRect(side, inside, tick))
        figure = str(index.data(_FIGURE) or "")
        width = option.fontMetrics.horizontalAdvance(figure)
        start = QStyle.visualAlignment(side, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        end = QStyle.visualAlignment(side, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        name = QStyle.visualRect(side, inside, inside.adjusted(_TICK + SMALL, 0, -width - SMALL, 0))
        painter.setPen(theme.color("text"))
        painter.drawText(name, start, option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, name.width()))
        painter.setPen(theme.color("muted"))
        painter.drawText(inside, end, figure)
