"""Speeds over time: download as a solid line over a wash, upload as a dashed one."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QLinearGradient, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.traffic.rates import Sample, format_rate
from app.ui import theme
from app.ui.tokens import TINY
from app.ui.widgets.graph import Graph, Reading
from app.ui.widgets.graph_scale import (
    Scale,
    peaks,
    rate_scale,
    recent,
    runs,
    sample_text,
    tick_text,
    traffic_summary,
)

_PITCH: Final = 3.0  # pixels between two points of a line: closer ones only cost time
_DASH: Final = (4.0, 3.0)
_WASH: Final = (64, 6)  # how much of the colour below the line, at the top and at the bottom, of 255
# A polygon with hundreds of spikes costs 30 ms to fill, and its parts one by one less than 1 ms.
_PART: Final = 12

_Lines: TypeAlias = list[list[QPointF]]


class TrafficGraph(Graph):
    """Give it the samples of `Rates.history`; it shows the last minutes of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: Sequence[Sample] = ()
        self.samples: list[Sample] = []
        self._times: list[float] = []
        self.scale = rate_scale(0.0)
        """The axis in force: round numbers above the highest sample."""
        self._drawn: tuple[QRectF, _Lines, _Lines] | None = None
        self.retranslate()

    def retranslate(self) -> None:
        """What it is, to a screen reader."""
        self.setAccessibleName(self.tr("Traffic graph"))
        self.update()

    def set_history(self, history: Sequence[Sample]) -> None:
        """Show these samples, oldest first; the newest is now."""
        self._history = history
        self.refresh()

    def refresh(self) -> None:
        """The window has moved on, or has another length."""
        self.samples = recent(self._history, self.seconds)
        self._times = [sample.time for sample in self.samples]
        highest = [max(sample.up, sample.down) for sample in self.samples]
        self.scale = rate_scale(max(highest, default=0.0))
        self._drawn = None
        super().refresh()

    def times(self) -> Sequence[float]:
        """See `Graph`."""
        return self._times

    def readings(self, place: int) -> list[Reading]:
        """Both speeds of one second."""
        sample = self.samples[place]
        return [
            Reading("accent", "disc", f"↓ {format_rate(sample.down)}"),
            Reading("second", "diamond", f"↑ {format_rate(sample.up)}"),
        ]

    def spoken(self, place: int) -> str:
        """See `Graph`."""
        return sample_text(self.samples[place], self._times[-1])

    def summary(self) -> str:
        """See `Graph`."""
        return traffic_summary(self.samples, self.minutes)

    def marks(self, place: int, plot: QRectF) -> list[tuple[Reading, QPointF]]:
        """A sign on each line."""
        sample = self.samples[place]
        x = self.x_of(sample.time, plot)
        heights = (sample.down, sample.up)
        return [
            (reading, QPointF(x, _y(value, self.scale, plot)))
            for reading, value in zip(self.readings(place), heights, strict=True)
        ]

    def paint_samples(self, painter: QPainter, plot: QRectF) -> None:
        """The grid below, wash and lines above, and the numbers on top."""
        scale = self.scale
        _paint_grid(painter, scale, plot)
        if self._drawn is None or self._drawn[0] != plot:
            down = self._lines([(sample.time, sample.down) for sample in self.samples], plot)
            up = self._lines([(sample.time, sample.up) for sample in self.samples], plot)
            self._drawn = plot, down, up
        _, down, up = self._drawn
        _paint_wash(painter, down, plot)
        _paint_lines(painter, up, _pen("second", dashed=True))
        _paint_lines(painter, down, _pen("accent"))
        self._paint_labels(painter, plot)

    def legend(self) -> list[Reading]:
        """See `Graph`."""
        return [
            Reading("accent", "line", self.tr("download")),
            Reading("second", "dashes", self.tr("upload")),
        ]

    def _paint_labels(self, painter: QPainter, plot: QRectF) -> None:
        room = plot.height() * self.scale.step / self.scale.top
        every = 2 if room < QFontMetricsF(theme.font("small")).height() + TINY else 1
        for value in self.scale.ticks()[::-every]:
            self.paint_label(painter, tick_text(value), plot, _y(value, self.scale, plot))

    def _lines(self, points: list[tuple[float, float]], plot: QRectF) -> _Lines:
        per = self.seconds * _PITCH / plot.width()
        if len(points) * _PITCH > plot.width():
            points = peaks(points, per)
        bottom, height = plot.bottom(), plot.height() / self.scale.top
        speed = plot.width() / self.seconds
        start = plot.right() - self._times[-1] * speed
        return [[QPointF(start + time * speed, bottom - value * height) for time, value in run] for run in runs(points)]


def _y(value: float, scale: Scale, plot: QRectF) -> float:
    return plot.bottom() - value / scale.top * plot.height()


def _pen(color: str, *, dashed: bool = False) -> QPen:
    """Cosmetic, so that it is one pixel of the screen everywhere: a wider one costs 470 ms on a dense screen."""
    pen = QPen(theme.color(color), 1)
    pen.setCosmetic(True)
    if dashed:
        pen.setDashPattern(_DASH)
    return pen


def _paint_lines(painter: QPainter, lines: _Lines, pen: QPen) -> None:
    ratio = painter.device().devicePixelRatioF()
    painter.setPen(pen)
    painter.save()
    for _ in range(max(1, round(ratio))):  # on a dense screen twice, side by side, to be seen as well
        for line in lines:
            painter.drawPolyline(QPolygonF(line))
        painter.translate(0.7 / ratio, 0.7 / ratio)
    painter.restore()


def _paint_grid(painter: QPainter, scale: Scale, plot: QRectF) -> None:
    painter.setPen(QPen(theme.color("line"), 1))
    for value in scale.ticks():
        y = round(_y(value, scale, plot)) + 0.5
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
    painter.setPen(QPen(theme.color("edge"), 1))
    painter.drawLine(plot.bottomLeft(), plot.bottomRight())


def _paint_wash(painter: QPainter, lines: _Lines, plot: QRectF) -> None:
    gradient = QLinearGradient(plot.topLeft(), plot.bottomLeft())
    for place, alpha in enumerate(_WASH):
        color = QColor(theme.color("accent"))
        color.setAlpha(alpha)
        gradient.setColorAt(place, color)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(gradient))
    bottom = plot.bottom()
    for line in lines:
        for start in range(0, len(line) - 1, _PART):
            part = line[start : start + _PART + 1]
            corners = [QPointF(part[0].x(), bottom), *part, QPointF(part[-1].x(), bottom)]
            painter.drawPolygon(QPolygonF(corners))
    painter.restore()
