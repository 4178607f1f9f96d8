"""Paints profiles as cards, hundreds of them without a widget each, and knows where their small buttons are."""

from typing import Final, NamedTuple

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QToolTip

from app.ui import icons, theme
from app.ui.profile_card import Card, Chip
from app.ui.profile_model import ROW, Row
from app.ui.tokens import GIANT, ICON, LARGE, MEDIUM, RADIUS_CARD, RADIUS_CONTROL, SMALL, TINY

ACTIONS: Final = (
    ("edit", "edit"),
    ("duplicate", "duplicate"),
    ("test", "test"),
    ("delete", "trash"),
)  # and their icons
MORE: Final = ("more", "more")

_GAP: Final = TINY  # between two cards, half above and half below
_EDGE: Final = 3  # the accent edge of the active one
_BUTTON: Final = 28
_WIDE: Final = 17 * GIANT  # from here on there is room for all buttons beside the text
_INK: Final = {"plain": "muted", "muted": "muted", "good": "good", "warn": "warn", "bad": "bad"}
_GROUND: Final = {"plain": "sunken", "good": "good_ground", "warn": "warn_ground", "bad": "bad_ground"}

Index = QModelIndex | QPersistentModelIndex


class Places(NamedTuple):
    """Where the parts of one card are, already mirrored where texts run from right to left."""

    card: QRect
    name: QRect
    address: QRect
    pill: QRect
    buttons: list[tuple[str, str, QRect]]


class ProfileDelegate(QStyledItemDelegate):
    """Paints the rows of a `ProfileModel`. `pressed` tells which small button was pressed, "switch" a double click."""

    pressed = Signal(str, QModelIndex)

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view
        self._pointer = QPoint(-1, -1)
        self.words: dict[str, str] = {}
        """What each button does, for the pointer; set by whoever owns the view."""

    # ---- measures

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 (Qt's name)
        """Two lines of text for a card, one for a heading."""
        row: Row | None = index.data(ROW)
        body, small = QFontMetrics(theme.font("title")).height(), QFontMetrics(theme.font("small")).height()
        heading = row is not None and row.card is None
        return QSize(0, small + LARGE + SMALL if heading else body + small + TINY + 2 * MEDIUM + 2 * _GAP)

    def places(self, option: QStyleOptionViewItem, card: Card, buttons: bool) -> Places:
        """Where everything is; with or without the small buttons."""
        whole = option.rect.adjusted(1, _GAP, -1, -_GAP)
        right = whole.right() - MEDIUM
        middle = whole.center().y()
        pill = QRect()
        if card.pill is not None:
            width = _chip_width(card.pill)
            pill = QRect(right - width, middle - _chip_height() // 2, width, _chip_height())
            right = pill.left() - SMALL
        found: list[tuple[str, str, QRect]] = []
        if buttons:
            shown = ACTIONS if whole.width() >= _WIDE else (MORE,)
            left = right - _BUTTON * len(shown)
            for at, (key, icon) in enumerate(shown):
                place = QRect(left + at * _BUTTON, middle - _BUTTON // 2, _BUTTON, _BUTTON)
                found.append((key, icon, self._mirrored(option, whole, place)))
            right = left - SMALL
        left = whole.left() + LARGE
        name, small = QFontMetrics(theme.font("title")).height(), QFontMetrics(theme.font("small")).height()
        top = whole.top() + (whole.height() - name - small - TINY) // 2
        first = QRect(left, top, max(0, right - left), name)
        second = QRect(left, top + name + TINY, max(0, right - left), small)
        name_place, address_place, pill = (self._mirrored(option, whole, place) for place in (first, second, pill))
        return Places(whole, name_place, address_place, pill, found)

    def _mirrored(self, option: QStyleOptionViewItem, whole: QRect, place: QRect) -> QRect:
        return QStyle.visualRect(option.direction, whole, place) if not place.isNull() else place

    # ---- painting

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one line."""
        row: Row | None = index.data(ROW)
        if row is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # names and hosts keep their own direction
        if row.card is None:
            self._paint_heading(painter, option, row)
        else:
            self._paint_card(painter, option, row.card)
        painter.restore()

    def _paint_heading(self, painter: QPainter, option: QStyleOptionViewItem, row: Row) -> None:
        place = option.rect.adjusted(TINY, SMALL, -TINY, 0)
        font = theme.font("small")
        font.setWeight(QFont.Weight.DemiBold)
        count = str(row.count)
        used = _write(painter, option, place, row.group, font, "muted")
        gap = used + SMALL
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        beside = place.adjusted(0, 0, -gap, 0) if mirrored else place.adjusted(gap, 0, 0, 0)
        _write(painter, option, beside, count, theme.font("small"), "faint")

    def _paint_card(self, painter: QPainter, option: QStyleOptionViewItem, card: Card) -> None:
        state = option.state
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        places = self.places(option, card, hovered or focused)
        _paint_ground(painter, option, places.card, card.active, hovered, selected)
        if focused:
            _outline(painter, places.card, "accent", 2)
        used = self._paint_name(painter, option, places.name, card)
        self._paint_chips(painter, option, places.name, used, card.chips, hovered or selected)
        self._paint_address(painter, option, places.address, card)
        if card.pill is not None:
            _paint_chip(painter, places.pill, card.pill, hovered or selected)
        for key, icon, place in places.buttons:
            if place.contains(self._pointer) and hovered:
                _fill(painter, place, "pressed" if selected else "sunken", RADIUS_CONTROL)
            inner = QRect(0, 0, ICON - 2, ICON - 2)
            inner.moveCenter(place.center())
            icons.icon(icon, "bad" if key == "delete" and place.contains(self._pointer) else "muted").paint(
                painter, inner
            )

    def _paint_name(self, painter: QPainter, option: QStyleOptionViewItem, place: QRect, card: Card) -> int:
        return _write(painter, option, place, card.name, theme.font("title"), "text")

    def _paint_chips(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        line: QRect,
        used: int,
        chips: tuple[Chip, ...],
        tinted: bool,
    ) -> None:
        left = line.left() + used + SMALL
        for chip in chips:
            width = _chip_width(chip)
            if left + width > line.right():
                return
            place = QRect(left, line.center().y() - _chip_height() // 2 + 1, width, _chip_height())
            _paint_chip(painter, QStyle.visualRect(option.direction, line, place), chip, tinted)
            left += width + TINY

    def _paint_address(self, painter: QPainter, option: QStyleOptionViewItem, place: QRect, card: Card) -> None:
        font = theme.font("small")
        middle = Qt.TextElideMode.ElideMiddle
        if not card.reason:
            _write(painter, option, place, card.address, font, "muted", middle)
            return
        half = QRect(place.left(), place.top(), place.width() * 2 // 5, place.height())
        half = QStyle.visualRect(option.direction, place, half)
        used = _write(painter, option, half, card.address, font, "muted", middle) + MEDIUM
        rest = QRect(place.left() + used, place.top(), place.width() - used, place.height())
        _write(
            painter, option, QStyle.visualRect(option.direction, place, rest), theme.sentence(card.reason), font, "bad"
        )

    # ---- the pointer

    def button_at(self, option: QStyleOptionViewItem, index: Index, point: QPoint) -> str:
        """Which small button is there; "" for none."""
        row: Row | None = index.data(ROW)
        if row is None or row.card is None:
            return ""
        buttons = self.places(option, row.card, True).buttons
        return next((key for key, _, place in buttons if place.contains(point)), "")

    def editorEvent(  # noqa: N802 (Qt's name)
        self, event: QEvent, _model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Press the small buttons; a double click beside them switches to the profile."""
        if not isinstance(event, QMouseEvent):
            return False
        self._pointer = event.position().toPoint()
        key = self.button_at(option, index, self._pointer)
        if event.type() == QEvent.Type.MouseMove:
            self._view.viewport().update(option.rect)
            return False
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if event.type() == QEvent.Type.MouseButtonRelease and key:
            self.pressed.emit(key, self._view.model().index(index.row(), 0))
        elif event.type() == QEvent.Type.MouseButtonDblClick and not key:
            self.pressed.emit("switch", self._view.model().index(index.row(), 0))
        return bool(key)

    def forget_pointer(self) -> None:
        """The pointer has left the list."""
        self._pointer = QPoint(-1, -1)

    def helpEvent(  # noqa: N802 (Qt's name)
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Say what the button under the pointer does; elsewhere what the model says of the profile."""
        key = self.button_at(option, index, event.pos())
        if key and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.words.get(key, ""), view)
            return True
        return super().helpEvent(event, view, option, index)


def _write(
    painter: QPainter,
    option: QStyleOptionViewItem,
    place: QRect,
    text: str,
    font: QFont,
    color: str,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> int:
    """Write one line, cut to fit; returns the pixels it took."""
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, elide, place.width())
    painter.setFont(font)
    painter.setPen(theme.color(color))
    side = (
        Qt.AlignmentFlag.AlignLeft
        if option.direction == Qt.LayoutDirection.LeftToRight
        else Qt.AlignmentFlag.AlignRight
    )
    flags = side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(place, flags | Qt.TextFlag.TextSingleLine, shown)
    return metrics.horizontalAdvance(shown)


def _chip_font() -> QFont:
    font = theme.font("small")
    font.setPixelSize(font.pixelSize() - 1)
    return font


def _chip_height() -> int:
    return QFontMetrics(_chip_font()).height() + TINY


def _chip_width(chip: Chip) -> int:
    return QFontMetrics(_chip_font()).horizontalAdvance(chip.text) + LARGE


def _paint_chip(painter: QPainter, place: QRect, chip: Chip, tinted: bool) -> None:
    """`tinted`: on the ground of a selection, from which the chip's own would hardly be told."""
    if tinted:
        _fill(painter, place, "surface", RADIUS_CONTROL)
    elif chip.kind in _GROUND:
        _fill(painter, place, _GROUND[chip.kind], RADIUS_CONTROL)
    else:
        _outline(painter, place, "line", 1, RADIUS_CONTROL)
    painter.setFont(_chip_font())
    painter.setPen(theme.color(_INK[chip.kind]))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, chip.text)


def _paint_ground(
    painter: QPainter, option: QStyleOptionViewItem, place: QRect, active: bool, hovered: bool, selected: bool
) -> None:
    ground = "selected" if selected else "hover" if hovered else "surface"
    _fill(painter, place, ground, RADIUS_CARD)
    _outline(painter, place, "line", 1)
    if active:
        edge = QRect(place.left(), place.top(), _EDGE, place.height())
        painter.save()
        path = QPainterPath()
        path.addRoundedRect(QRectF(place), RADIUS_CARD, RADIUS_CARD)
        painter.setClipPath(path)
        painter.fillRect(QStyle.visualRect(option.direction, place, edge), theme.color("accent"))
        painter.restore()


def _fill(painter: QPainter, place: QRect, color: str, radius: int) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(color))
    painter.drawRoundedRect(QRectF(place), radius, radius)


def _outline(painter: QPainter, place: QRect, color: str, width: int, radius: int = RADIUS_CARD) -> None:
    inset = width / 2
    painter.setPen(QPen(QColor(theme.color(color)), width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(place).adjusted(inset, inset, -inset, -inset), radius - inset, radius - inset)
