"""How a session's row is painted: one line of columns where there is room, two lines where there is little."""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.traffic.rates import format_bytes
from app.ui import icons, theme
from app.ui.tokens import LARGE, MEDIUM, RADIUS_CONTROL, SMALL, TINY
from app.ui.widgets.amounts import age_text
from app.ui.widgets.session_model import ROW
from app.ui.widgets.session_rows import Row, headings, idle_text, rest_text, state_word, target_text

WIDE_FROM: Final = 600  # pixels: below, a row takes two lines

_MARK: Final = 8.0
_BAR: Final = 4.0
_LONGEST_BAR: Final = 160.0
_EDGE: Final = 3.0
_CLOSE: Final = 16
_WASH: Final = 70  # of 255
_UPRIGHT: Final = Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
_LEFT: Final = Qt.AlignmentFlag.AlignLeft | _UPRIGHT
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | _UPRIGHT
_STATES: Final = ("active", "idle", "warm", "draining", "closed")

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the parts of a row lie, from the leading edge on: (distance, width) in pixels."""

    number: tuple[float, float]
    state: tuple[float, float]
    age: tuple[float, float]
    now: tuple[float, float]
    down: tuple[float, float]
    up: tuple[float, float]
    streams: tuple[float, float]
    close: tuple[float, float]
    wide: bool
    line: float
    """Height of one line."""
    bar_text: float
    """Width that is kept for what stands beside the bar."""


def columns(width: float) -> Columns:
    """The columns of a row of `width` pixels. Every number has room for its widest figures, so that none ever moves."""
    metrics = QFontMetricsF(theme.font("body"))
    wide = width >= WIDE_FROM
    small, words = QFontMetricsF(theme.font("small")), headings() if wide else {}
    number = metrics.horizontalAdvance("#00000")
    state = _MARK + TINY + max(metrics.horizontalAdvance(state_word(state)) for state in _STATES)
    age = metrics.horizontalAdvance(age_text(59 * 60))
    amount = metrics.horizontalAdvance("↓ 000.0 MB")
    streams = max(metrics.horizontalAdvance("000000"), small.horizontalAdvance(words.get("streams", "")) + 1)
    close = float(_CLOSE + TINY)
    places: dict[str, tuple[float, float]] = {}
    x = float(SMALL)
    for name, wanted in (("number", number), ("state", state), ("age", age)):
        places[name] = (x, max(wanted, small.horizontalAdvance(words.get(name, "")) + 1))
        x += places[name][1] + LARGE
    end = width - SMALL
    for name, wanted in (("close", close), ("streams", streams), ("up", amount), ("down", amount)):
        places[name] = (end - wanted, wanted)
        end -= wanted + (MEDIUM if name != "close" else SMALL)
    if wide:
        places["now"] = (x, max(0.0, end - x))
    else:
        last = width - SMALL - close - amount
        places["now"] = (float(SMALL), last - SMALL - MEDIUM)
        places["down"] = places["up"] = places["streams"] = (last, amount)
        if x > last:
            places["age"] = (x, 0.0)
    return Columns(
        **places,
        wide=wide,
        line=metrics.height(),
        bar_text=max(metrics.horizontalAdvance(rest_text(idle, 59.0)) for idle in (59.0, 60.0)),
    )


class SessionDelegate(QStyledItemDelegate):
    """`progress` is how far the fades are, 0 to 1; `hovered` the row under the pointer; `masked` hides host names."""

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view
        self._columns: tuple[int, Columns] | None = None
        self.progress = 1.0
        self.hovered = -1
        self.masked = False

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802 (Qt's name)
        """See `height`."""
        return QSize(self._view.viewport().width(), self.height())

    def columns(self) -> Columns:
        """The columns at the present width."""
        width = self._view.viewport().width()
        if self._columns is None or self._columns[0] != width:
            self._columns = width, columns(width)
        return self._columns[1]

    def measure_anew(self) -> None:
        """Fonts or words are others now."""
        self._columns = None

    def height(self) -> int:
        """Of one row at the present width, in pixels: one line, or two."""
        at = self.columns()
        return int(at.line + LARGE if at.wide else 2 * at.line + LARGE)

    def close_box(self, row: QRect, *, mirrored: bool) -> QRect:
        """Where the cross of a row is."""
        left, width = self.columns().close
        x = row.right() + 1 - left - width if mirrored else row.left() + left
        return QRect(int(x), row.top(), int(width), row.height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The ground, the parts, and the cross where the pointer or the keys are."""
        row: Row = index.data(ROW)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRect(option.rect)
        state = option.state
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = index.row() == self.hovered
        painter.setOpacity(self.progress if row.coming else 1 - self.progress if row.going else 1.0)
        self._paint_ground(painter, box, row, "selected" if selected else "hover" if hovered else "")
        parts = _Parts(painter, QRectF(box), self.columns(), mirrored=mirrored)
        parts.paint(row, masked=self.masked)
        if (hovered or selected) and not row.going:
            cross = QRectF(self.close_box(box, mirrored=mirrored))
            parts.cross(cross)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_CONTROL, RADIUS_CONTROL)
        painter.restore()

    def _paint_ground(self, painter: QPainter, box: QRect, row: Row, ground: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if ground:
            painter.setBrush(theme.color(ground))
            painter.drawRoundedRect(QRectF(box), RADIUS_CONTROL, RADIUS_CONTROL)
        if row.reused and self.progress < 1:
            wash = QColor(theme.color("accent"))
            wash.setAlpha(round(_WASH * (1 - self.progress)))
            painter.setBrush(wash)
            painter.drawRoundedRect(QRectF(box), RADIUS_CONTROL, RADIUS_CONTROL)


class _Parts:
    """Paints the parts of one row, mirrored where the language runs the other way."""

    def __init__(self, painter: QPainter, box: QRectF, at: Columns, *, mirrored: bool) -> None:
        self._painter = painter
        self._box = box
        self._mirrored = mirrored
        self._at = at
        painter.setFont(theme.font("body"))

    def paint(self, row: Row, *, masked: bool) -> None:
        """Everything but the ground."""
        at, info, first, second = self._at, row.info, 0, 0 if self._at.wide else 1
        if row.reused:
            self._edge()
        self._text(at.number, f"#{info.number}", "muted", first)
        self._state(info.state)
        if at.age[1]:
            self._text(at.age, age_text(info.age), "muted", first, trailing=at.wide)
        self._now(row, second, masked=masked)
        self._text(at.down, f"↓ {format_bytes(info.down)}", "text", first, trailing=True)
        self._text(at.up, f"↑ {format_bytes(info.up)}", "muted", second, trailing=True)
        if at.wide:
            self._text(at.streams, str(info.served), "text", first, trailing=True)

    def cross(self, box: QRectF) -> None:
        """The button that closes the session."""
        place = box.center() - QPointF(_CLOSE / 2, _CLOSE / 2)
        ratio = self._painter.device().devicePixelRatioF()
        self._painter.drawPixmap(place, icons.pixmap("close", _CLOSE, "muted", ratio))

    def _rect(self, place: tuple[float, float], line: int) -> QRectF:
        start, width = place
        left = self._box.right() - start - width if self._mirrored else self._box.left() + start
        lines = 1 if self._at.wide else 2
        top = self._box.center().y() - self._at.line * lines / 2 + self._at.line * line
        return QRectF(left, top, width, self._at.line)

    def _text(self, place: tuple[float, float], text: str, token: str, line: int, *, trailing: bool = False) -> None:
        right_to_left = theme.has_rtl(text)  # words do as their script does; numbers and host names do not
        way = Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight
        self._painter.setLayoutDirection(way)
        self._painter.setPen(theme.color(token))
        self._painter.drawText(self._rect(place, line), _RIGHT if trailing != self._mirrored else _LEFT, text)

    def _state(self, state: str) -> None:
        box = self._rect(self._at.state, 0)
        x = box.right() - _MARK if self._mirrored else box.left()
        mark = QRectF(x, box.center().y() - _MARK / 2, _MARK, _MARK)
        paint_state(self._painter, state, mark)
        start, width = self._at.state
        inset = _MARK + TINY
        self._text((start + inset, width - inset), state_word(state), "text" if state == "active" else "muted", 0)

    def _now(self, row: Row, line: int, *, masked: bool) -> None:
        """What a busy session carries; how far an idle one has run toward its end."""
        resting = row.resting
        metrics = QFontMetricsF(self._painter.font())
        if resting is None:
            text = target_text(row.info, masked=masked)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, self._at.now[1])
            self._text(self._at.now, shown, "text", line)
            return
        start, width = self._at.now
        bar = min(_LONGEST_BAR, width - self._at.bar_text - SMALL)
        if bar >= LARGE:
            self._bar((start, bar), resting, line)
            start, width = start + bar + SMALL, width - bar - SMALL
        shown = metrics.elidedText(idle_text(row.info), Qt.TextElideMode.ElideRight, width)
        self._text((start, width), shown, "muted", line)

    def _bar(self, place: tuple[float, float], share: float, line: int) -> None:
        box = self._rect(place, line)
        track = QRectF(box.left(), box.center().y() - _BAR / 2, box.width(), _BAR)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(theme.color("line"))
        self._painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        filled = QRectF(track)
        filled.setWidth(max(_BAR, track.width() * share))
        if self._mirrored:
            filled.moveRight(track.right())
        self._painter.setBrush(theme.color("accent"))
        self._painter.drawRoundedRect(filled, _BAR / 2, _BAR / 2)

    def _edge(self) -> None:
        x = self._box.right() - _EDGE if self._mirrored else self._box.left()
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(theme.color("accent"))
        edge = QRectF(x, self._box.top() + TINY, _EDGE, self._box.height() - 2 * TINY)
        self._painter.drawRoundedRect(edge, _EDGE / 2, _EDGE / 2)


def paint_state(painter: QPainter, state: str, box: QRectF) -> None:
    """A state's mark: a full disc for busy, a half one for draining, a ring for idle, a small ring for ready."""
    token = "accent" if state in ("active", "draining") else "muted"
    ring = box.adjusted(0.75, 0.75, -0.75, -0.75)
    if state == "warm":
        ring = ring.adjusted(1.25, 1.25, -1.25, -1.25)
    painter.setPen(QPen(theme.color(token), 1.5))
    painter.setBrush(theme.color(token) if state == "active" else Qt.BrushStyle.NoBrush)
    if state == "closed":
        painter.drawLine(QPointF(ring.left(), ring.center().y()), QPointF(ring.right(), ring.center().y()))
        return
    painter.drawEllipse(ring)
    if state == "draining":
        painter.setBrush(theme.color(token))
        painter.drawPie(ring, -90 * 16, -180 * 16)
