"""The session pool over time: one cell a session, busy ones at the bottom, idle ones above, those coming on top."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.traffic.pool_history import PoolCount
from app.ui import theme
from app.ui.widgets.graph import Graph, Reading
from app.ui.widgets.graph_scale import bars, count_scale, count_text, pool_summary, recent

_NARROWEST: Final = 6.0  # pixels from one column to the next
_GAP: Final = 2.0
_CELL: Final = 4.0  # pixels: lower cells flow into one column
_IDLE: Final = 115  # how much of the colour an idle session has, of 255


class PoolGraph(Graph):
    """Give it the counts of `PoolHistory.history`; it shows the last minutes of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: Sequence[PoolCount] = ()
        self.counts: list[PoolCount] = []
        self._times: list[float] = []
        self.scale = count_scale(0)
        """The axis in force: whole sessions."""
        self.retranslate()

    def retranslate(self) -> None:
        """What it is, to a screen reader."""
        self.setAccessibleName(self.tr("Session pool graph"))
        self.update()

    def set_history(self, history: Sequence[PoolCount]) -> None:
        """Show these counts, oldest first; the newest is now."""
        self._history = history
        self.refresh()

    def refresh(self) -> None:
        """The window has moved on, or has another length."""
        self.counts = recent(self._history, self.seconds)
        self._times = [count.time for count in self.counts]
        self.scale = count_scale(max((count.total for count in self.counts), default=0))
        super().refresh()

    def times(self) -> Sequence[float]:
        """See `Graph`."""
        return self._times

    def readings(self, place: int) -> list[Reading]:
        """How many of each kind."""
        count = self.counts[place]
        return [
            Reading("accent", "square", self.tr("busy {number}").format(number=count.active)),
            Reading(idle_color().name(), "square", self.tr("idle {number}").format(number=count.idle)),
            Reading("muted", "frame", self.tr("connecting {number}").format(number=count.warming)),
        ]

    def legend(self) -> list[Reading]:
        """See `Graph`."""
        return [
            Reading("accent", "square", self.tr("busy")),
            Reading(idle_color().name(), "square", self.tr("idle")),
            Reading("muted", "frame", self.tr("connecting")),
        ]

    def spoken(self, place: int) -> str:
        """See `Graph`."""
        return count_text(self.counts[place], self._times[-1])

    def summary(self) -> str:
        """See `Graph`."""
        return pool_summary(self.counts)

    def paint_samples(self, painter: QPainter, plot: QRectF) -> None:
        """Columns, cut into cells by lines in the colour of the ground."""
        number = max(1, min(int(self.seconds), int(plot.width() / _NARROWEST)))
        pitch = plot.width() / number
        unit = plot.height() / self.scale.top
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        brush = _Brush(painter, plot.bottom(), unit)
        for place, count in enumerate(bars(self.counts, number, self.seconds / number)):
            if count is not None:
                left = round(plot.left() + place * pitch)
                brush.column(count, left, max(2, round(plot.left() + (place + 1) * pitch - _GAP) - left))
        if unit >= _CELL:
            _cut(painter, plot, unit, int(self.scale.top))
        painter.restore()
        painter.setPen(QPen(theme.color("edge"), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        self.paint_label(painter, f"{self.scale.top:.0f}", plot, plot.top())


class _Brush:
    """Paints columns; looks the colours up once."""

    def __init__(self, painter: QPainter, bottom: float, unit: float) -> None:
        self._painter = painter
        self._bottom = bottom
        self._unit = unit
        self._busy, self._idle = theme.color("accent"), idle_color()
        self._coming, self._ground = theme.color("muted"), theme.color("surface")

    def column(self, count: PoolCount, left: int, width: int) -> None:
        """One moment: the busy below, then the idle, then a frame for each that is coming."""
        busy, idle = self._level(count.active), self._level(count.active + count.idle)
        fill = self._painter.fillRect
        fill(left, busy, width, self._level(0) - busy, self._busy)
        fill(left, idle, width, busy - idle, self._idle)
        if count.warming:
            top = self._level(count.total)
            fill(left, top, width, idle - top, self._coming)
            fill(left + 1, top + 2, width - 2, idle - top - 3, self._ground)

    def _level(self, sessions: int) -> int:
        return round(self._bottom - sessions * self._unit)


def _cut(painter: QPainter, plot: QRectF, unit: float, levels: int) -> None:
    painter.setPen(QPen(theme.color("surface"), 1))
    for level in range(1, levels + 1):
        y = round(plot.bottom() - level * unit)
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))


def idle_color() -> QColor:
    """The busy colour thinned out on the ground: opaque, since blending costs ten times as much."""
    ground, color = theme.color("surface"), theme.color("accent")
    parts = zip(ground.getRgb()[:3], color.getRgb()[:3], strict=True)  # type: ignore[index]  # the stubs say object
    return QColor(*(round(below + (above - below) * _IDLE / 255) for below, above in parts))
