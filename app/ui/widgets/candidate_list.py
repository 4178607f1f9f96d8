"""Many links before they are added: a list with boxes to tick, painted, since there may be thousands."""

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.client.importing import Candidate
from app.texts import translate
from app.ui import icons, theme
from app.ui.base import Retranslating, tip
from app.ui.profile_card import address
from app.ui.tokens import MEDIUM, RADIUS_CONTROL, SMALL, TINY

_BOX: Final = 16
_CANDIDATE: Final = Qt.ItemDataRole.UserRole + 1

Index = QModelIndex | QPersistentModelIndex


def remark(one: Candidate) -> tuple[str, str]:
    """The most important sentence on a link, and the colour it is told in."""
    if one.problem:
        return one.problem, "bad"
    if one.dangers:
        return one.dangers[0], "bad"
    if one.duplicate_of:
        return translate("candidates", "Already there as “{name}”").format(name=one.duplicate_of), "warn"
    return (one.notes[0], "faint") if one.notes else ("", "faint")


class CandidateModel(QAbstractListModel):
    """The links and which are ticked: at first all that are usable and new."""

    ticked_changed = Signal()

    def __init__(self, candidates: Sequence[Candidate], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._candidates = list(candidates)
        self._ticked = {at for at, one in enumerate(candidates) if one.profile is not None and not one.duplicate_of}

    @property
    def ticked(self) -> list[Candidate]:
        """Those that would be added."""
        return [one for at, one in enumerate(self._candidates) if at in self._ticked]

    def candidate(self, index: Index) -> Candidate:
        """The link in that line."""
        return self._candidates[index.row()]

    def tick_all(self, ticked: bool) -> None:
        """Tick every usable one, or none."""
        usable = {at for at, one in enumerate(self._candidates) if one.profile is not None}
        self._ticked = usable if ticked else set()
        self.dataChanged.emit(self.index(0), self.index(len(self._candidates) - 1))
        self.ticked_changed.emit()

    def toggle(self, index: Index) -> None:
        """Tick it or take the tick away; nothing happens to one that cannot be used."""
        if self.candidate(index).profile is not None:
            self._ticked ^= {index.row()}
            self.dataChanged.emit(self.index(index.row()), self.index(index.row()))
            self.ticked_changed.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's name and default)
        """The number of links."""
        return 0 if parent.isValid() else len(self._candidates)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, what a screen reader says, tick, or all of it."""
        one = self.candidate(index)
        name = one.profile.name if one.profile else one.source
        if role == _CANDIDATE:
            return one
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(remark(one)[0])
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (name, address(one.profile) if one.profile else "", remark(one)[0])))
        if role == Qt.ItemDataRole.CheckStateRole and one.profile is not None:
            return Qt.CheckState.Checked if index.row() in self._ticked else Qt.CheckState.Unchecked
        return None


class CandidateList(Retranslating, QListView):
    """The view: a click on the box or the space bar ticks; `current_changed` tells which one to show in full."""

    current_changed = Signal(object)

    def __init__(self, model: CandidateModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.candidates = model
        self.setModel(model)
        self.setItemDelegate(_Lines(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.selectionModel().currentChanged.connect(self._look_at)
        self.retranslate()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Links"))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Space ticks."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self.candidates.toggle(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _look_at(self, index: QModelIndex) -> None:
        self.current_changed.emit(self.candidates.candidate(index))


class _Lines(QStyledItemDelegate):
    """Two lines for each: name and address, and the one sentence that matters most."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802 (Qt's name)
        name, small = QFontMetrics(theme.font("title")), QFontMetrics(theme.font("small"))
        return QSize(0, name.height() + small.height() + TINY + 2 * SMALL)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        one: Candidate = index.data(_CANDIDATE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # names and hosts keep their own direction
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            selected = option.state & QStyle.StateFlag.State_Selected
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selected" if selected else "hover"))
            painter.drawRoundedRect(QRectF(option.rect), RADIUS_CONTROL, RADIUS_CONTROL)
        self._paint_box(painter, _box(option), index.data(Qt.ItemDataRole.CheckStateRole))
        first, second = _text_places(option)
        text, color = remark(one)
        where = address(one.profile) if one.profile else ""
        used = self._write(painter, option, first, index.data(), "title", "text" if one.profile else "muted")
        rest = QStyle.visualRect(
            option.direction,
            first,
            QRect(first.left() + used + MEDIUM, first.top(), first.width() - used - MEDIUM, first.height()),
        )
        if text:
            self._write(painter, option, rest, where, "small", "muted")
            self._write(painter, option, second, text, "small", color)
        else:
            self._write(painter, option, second, where, "small", "muted")
        painter.restore()

    def editorEvent(  # noqa: N802 (Qt's name)
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """A click on the box."""
        if (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and _box(option).adjusted(-SMALL, -SMALL, SMALL, SMALL).contains(event.position().toPoint())
            and isinstance(model, CandidateModel)
        ):
            model.toggle(index)
            return True
        return False

    def _paint_box(self, painter: QPainter, place: QRect, state: Qt.CheckState | None) -> None:
        if state is None:
            icons.icon("error", "bad").paint(painter, place)
            return
        ticked = state == Qt.CheckState.Checked
        painter.setPen(QPen(theme.color("accent" if ticked else "faint"), 1))
        painter.setBrush(theme.color("accent" if ticked else "surface"))
        painter.drawRoundedRect(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5), TINY, TINY)
        if ticked:
            icons.icon("check", "on_accent").paint(painter, place.adjusted(1, 1, -1, -1))

    def _write(
        self, painter: QPainter, option: QStyleOptionViewItem, place: QRect, text: str, kind: str, color: str
    ) -> int:
        font = theme.font("title" if kind == "title" else "small")
        metrics = QFontMetrics(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, place.width()))
        painter.setFont(font)
        painter.setPen(theme.color(color))
        sides = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(place, int(sides | Qt.AlignmentFlag.AlignAbsolute) | Qt.TextFlag.TextSingleLine, shown)
        return metrics.horizontalAdvance(shown)


def _box(option: QStyleOptionViewItem) -> QRect:
    place = QRect(option.rect.left() + SMALL, option.rect.center().y() - _BOX // 2, _BOX, _BOX)
    return QStyle.visualRect(option.direction, option.rect, place)


def _text_places(option: QStyleOptionViewItem) -> tuple[QRect, QRect]:
    whole = option.rect
    left = whole.left() + SMALL + _BOX + MEDIUM
    width = whole.right() - SMALL - left
    name, small = QFontMetrics(theme.font("title")).height(), QFontMetrics(theme.font("small")).height()
    top = whole.top() + SMALL
    first, second = QRect(left, top, width, name), QRect(left, top + name + TINY, width, small)
    return QStyle.visualRect(option.direction, whole, first), QStyle.visualRect(option.direction, whole, second)
