"""What both graphs have in common: the ground, the time axis, and reading single samples with pointer or keys.

Time runs from left to right in every language, as on every instrument. A graph paints when it is given something new,
once a second, and not at all while nobody can see it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.base import Retranslating
from app.ui.tokens import LARGE, RADIUS_CONTROL, SMALL, TINY
from app.ui.widgets.amounts import duration_text
from app.ui.widgets.graph_scale import nearest

_VEIL: Final = 200  # of 255: what lies between samples and a number among them
_AXIS_HEIGHT: Final = LARGE + TINY
_NUMBERS_BESIDE_FROM: Final = 400  # pixels
_WIDEST: Final = "888 MB/s"
_BY_KEYS: Final = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
_LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute
_LEGEND_LINE: Final = 14.0
_MARK: Final = 3.0  # radius of what marks a sample that is read
_STEPS: Final = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class Reading(NamedTuple):
    """One line of what a sample says: a token for its mark, how the mark looks, and the text."""

    color: str
    mark: str
    """disc, diamond, square, frame, line or dashes."""
    text: str


class Graph(Retranslating, QWidget):
    """Base of the graphs. Whoever derives gives times, what a sample says, and paints it into a rectangle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.minutes = 1
        self._note = ""
        self._pointer: float | None = None
        self._chosen: float | None = None
        self._by_keys = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # ---- what derived graphs say

    def times(self) -> Sequence[float]:
        """When the samples in the window were taken, oldest first."""
        raise NotImplementedError

    def readings(self, place: int) -> list[Reading]:
        """What the sample at `place` says."""
        raise NotImplementedError

    def spoken(self, place: int) -> str:
        """The same, in one sentence."""
        raise NotImplementedError

    def summary(self) -> str:
        """The whole window, in words."""
        raise NotImplementedError

    def paint_samples(self, painter: QPainter, plot: QRectF) -> None:
        """Draw grid and samples."""
        raise NotImplementedError

    def legend(self) -> list[Reading]:
        """What the marks mean, for the line below the samples."""
        return []

    def marks(self, place: int, plot: QRectF) -> list[tuple[Reading, QPointF]]:
        """Where the readings of a sample lie in the plot."""
        return []

    # ---- what the page says

    @property
    def seconds(self) -> float:
        """How long the window is."""
        return self.minutes * 60.0

    def set_minutes(self, minutes: int) -> None:
        """Show the last 1, 5 or 10 minutes."""
        if minutes != self.minutes:
            self.minutes = minutes
            self.refresh()

    def set_note(self, note: str) -> None:
        """A sentence to show while there are no samples."""
        if note != self._note:
            self._note = note
            self.update()

    def refresh(self) -> None:
        """Something new is there to be shown."""
        if self.hasFocus():
            self.setAccessibleDescription(self.summary())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Wide and calm."""
        return QSize(480, 104)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As small as it can still be read."""
        return QSize(160, 88)

    # ---- geometry

    def plot(self) -> QRectF:
        """Where samples are drawn: all but the time axis below and, where there is room, the numbers beside.

        All graphs have the same room for numbers, so that one moment lies at the same place in each.
        """
        beside = self.gutter() if self.width() >= _NUMBERS_BESIDE_FROM else 0.0
        height = max(1.0, self.height() - SMALL - _AXIS_HEIGHT - 1.0)
        return QRectF(beside + 0.5, SMALL + 0.5, self.width() - beside - 1.0, height)

    @staticmethod
    def gutter() -> float:
        """How wide the numbers beside the samples may be, in pixels."""
        return QFontMetricsF(theme.font("small")).horizontalAdvance(_WIDEST) + SMALL

    def paint_label(self, painter: QPainter, text: str, plot: QRectF, y: float) -> None:
        """A number of the axis: beside its line or, where there is no room, below it."""
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("faint"))
        height = QFontMetricsF(painter.font()).height()
        if plot.left() > 1:
            box = QRectF(0, y - height / 2, plot.left() - SMALL, height)
            side = Qt.AlignmentFlag.AlignRight
        else:
            box = QRectF(plot.left(), y + 1, plot.width(), height)
            side = Qt.AlignmentFlag.AlignLeft
            ground = QColor(theme.color("surface"))
            ground.setAlpha(_VEIL)
            painter.fillRect(box.adjusted(0, 0, painter.fontMetrics().horizontalAdvance(text) - box.width(), 0), ground)
        painter.save()
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # "6 MB/s", not "MB/s 6"
        painter.drawText(box, side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def x_of(self, time: float, plot: QRectF) -> float:
        """Where a moment lies: the newest sample at the right edge."""
        times = self.times()
        newest = times[-1] if times else 0.0
        return plot.right() - (newest - time) / self.seconds * plot.width()

    def time_at(self, x: float) -> float:
        """The moment under the pointer."""
        plot, times = self.plot(), self.times()
        return (times[-1] if times else 0.0) - (plot.right() - x) / plot.width() * self.seconds

    def reading_place(self) -> int | None:
        """Which sample is read now, by pointer before keys; None if none is."""
        times = self.times()
        if not times:
            return None
        if self._pointer is not None:
            return nearest(times, self.time_at(self._pointer))
        return None if self._chosen is None else nearest(times, self._chosen)

    # ---- pointer and keys

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Read what is under the pointer."""
        self._pointer = event.position().x()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Read no more."""
        super().leaveEvent(event)
        self._pointer = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Arrows go from sample to sample, Home and End to the edges, Escape stops reading."""
        place = self._place_after(Qt.Key(event.key()))
        if place is not None:
            self._choose(place)
        elif event.key() == Qt.Key.Key_Escape and self._chosen is not None:
            self._chosen = None
            self.update()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        """Tell the whole in words to who cannot see it."""
        super().focusInEvent(event)
        self._by_keys = focus_by_keys(event.reason(), before=self._by_keys)
        self.setAccessibleDescription(self.summary())

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        """The keys read elsewhere now."""
        super().focusOutEvent(event)
        self._chosen = None
        self.update()

    def _place_after(self, key: Qt.Key) -> int | None:
        count = len(self.times())
        if not count:
            return None
        if key == Qt.Key.Key_Home:
            return 0
        if key == Qt.Key.Key_End:
            return count - 1
        if key not in _STEPS:
            return None
        now = self.reading_place()
        return count - 1 if now is None else min(count - 1, max(0, now + _STEPS[key]))

    def _choose(self, place: int) -> None:
        self._pointer = None
        self._chosen = self.times()[place]
        said = self.spoken(place)
        self.setAccessibleDescription(said)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))
        self.update()

    # ---- painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Ground, samples, and what is read."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = self.plot()
        if self.times():
            self.paint_samples(painter, plot)
        else:
            self._paint_empty(painter, plot)
        self._paint_axis(painter, plot)
        place = self.reading_place()
        if place is not None:
            self._paint_reading(painter, plot, place)
        if self.hasFocus() and self._by_keys:
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), TINY, TINY)
        painter.end()

    def _paint_empty(self, painter: QPainter, plot: QRectF) -> None:
        painter.setPen(QPen(theme.color("edge"), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setFont(theme.font("body"))
        painter.setPen(theme.color("faint"))
        painter.drawText(plot, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._note)

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("faint"))
        below = QRectF(plot.left(), plot.bottom() + 2, plot.width(), _AXIS_HEIGHT)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute
        painter.drawText(below, right | Qt.AlignmentFlag.AlignVCenter, self.tr("now"))
        oldest = self.tr("{minutes} min ago").format(minutes=self.minutes)
        painter.drawText(below, _LEFT | Qt.AlignmentFlag.AlignVCenter, oldest)
        metrics = QFontMetricsF(painter.font())
        taken = 2 * metrics.horizontalAdvance(oldest) + 2 * LARGE
        self._paint_legend(painter, below.adjusted(taken / 2, 0, -taken / 2, 0), metrics)

    def _paint_legend(self, painter: QPainter, room: QRectF, metrics: QFontMetricsF) -> None:
        entries = self.legend()
        widths = [_LEGEND_LINE + TINY + metrics.horizontalAdvance(entry.text) for entry in entries]
        whole = sum(widths) + LARGE * (len(entries) - 1)
        if whole > room.width():
            return
        x = room.center().x() - whole / 2
        for entry, width in zip(entries, widths, strict=True):
            paint_mark(painter, entry, QPointF(x + _LEGEND_LINE / 2, room.center().y()))
            painter.setPen(theme.color("muted"))
            box = QRectF(x + _LEGEND_LINE + TINY, room.top(), width, room.height())
            painter.drawText(box, _LEFT | Qt.AlignmentFlag.AlignVCenter, entry.text)
            x += width + LARGE

    def _paint_reading(self, painter: QPainter, plot: QRectF, place: int) -> None:
        times = self.times()
        x = self.x_of(times[place], plot)
        painter.setPen(QPen(theme.color("edge"), 1))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        for reading, at in self.marks(place, plot):
            paint_mark(painter, reading, at, on=theme.color("surface").name())
        age = times[-1] - times[place]
        when = self.tr("now") if age < 0.5 else self.tr("{age} ago").format(age=duration_text(age))
        self._paint_box(painter, plot, x, when, self.readings(place))

    def _paint_box(self, painter: QPainter, plot: QRectF, x: float, when: str, readings: list[Reading]) -> None:
        font = theme.font("small")
        metrics = QFontMetricsF(font)
        indent = metrics.height()
        lines = [when, *(reading.text for reading in readings)]
        width = max(metrics.horizontalAdvance(line) for line in lines) + indent + 2 * SMALL
        height = len(lines) * metrics.height() + 2 * TINY + 2
        left = x + SMALL if x + SMALL + width <= plot.right() else max(plot.left(), x - SMALL - width)
        box = QRectF(left, plot.top() + TINY, width, height)
        painter.setPen(QPen(theme.color("edge"), 1))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)
        painter.setFont(font)
        line = QRectF(box.left() + SMALL, box.top() + TINY + 1, width - 2 * SMALL, metrics.height())
        side = _LEFT | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(theme.color("muted"))
        painter.drawText(line, side, when)
        for reading in readings:
            line.translate(0, metrics.height())
            paint_mark(painter, reading, QPointF(line.left() + _MARK + 1, line.center().y()))
            painter.setPen(theme.color("text"))
            painter.drawText(line.adjusted(indent, 0, 0, 0), side, reading.text)


def focus_by_keys(reason: Qt.FocusReason, *, before: bool) -> bool:
    """Whether to show the focus: to who moves it with keys, and as `before` where nobody moved it."""
    if reason in _BY_KEYS:
        return True
    return before and reason != Qt.FocusReason.MouseFocusReason


def paint_mark(painter: QPainter, reading: Reading, at: QPointF, on: str = "") -> None:
    """The small sign of one series, told from the others by shape as well as hue; `on` outlines it on a line."""
    color = theme.color(reading.color)
    box = QRectF(at.x() - _MARK, at.y() - _MARK, 2 * _MARK, 2 * _MARK)
    painter.setPen(QPen(theme.color(on), 1) if on else Qt.PenStyle.NoPen)
    painter.setBrush(color)
    if reading.mark in ("line", "dashes"):
        pen = QPen(color, 1)
        if reading.mark == "dashes":
            pen.setDashPattern((4, 3))
        painter.setPen(pen)
        half = QPointF(_LEGEND_LINE / 2, 0)
        painter.drawLine(at - half, at + half)
    elif reading.mark == "disc":
        painter.drawEllipse(box)
    elif reading.mark == "square":
        painter.drawRect(box)
    elif reading.mark == "frame":
        painter.setPen(QPen(color, 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
    else:
        corners = (at.x(), box.top()), (box.right(), at.y()), (at.x(), box.bottom()), (box.left(), at.y())
        painter.drawPolygon([QPointF(x, y) for x, y in corners])
