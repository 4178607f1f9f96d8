"""The traffic graph in its card: how long a stretch it shows, its peak and its mean."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.traffic.rates import Sample, format_rate
from app.ui.base import Retranslating, label, row
from app.ui.theme import ltr
from app.ui.tokens import LARGE, MEDIUM, SMALL
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.graph_scale import figures
from app.ui.widgets.segmented import Segmented
from app.ui.widgets.traffic_graph import TrafficGraph

MINUTES: Final = (1, 5, 10)
_LOWEST: Final = 104  # pixels of the graph alone
_WIDE_FROM: Final = 500


class TrafficCard(Retranslating, QFrame):
    """`minutes_chosen` comes with 1, 5 or 10 when a person picks another stretch."""

    minutes_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.graph = TrafficGraph()
        self.graph.setMinimumHeight(_LOWEST)
        self.minutes = Segmented(MINUTES)
        self._title = label("title")
        self.figures = ElidedLabel(role="muted")
        self.figures.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        self.figures.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.minutes.chosen.connect(self._chosen)
        self.figures_below = ElidedLabel(role="muted")
        inside = QVBoxLayout(self)
        inside.setContentsMargins(LARGE, MEDIUM, LARGE, MEDIUM)
        inside.setSpacing(SMALL)
        inside.addLayout(row(self._title, self.figures, self.minutes, spacing=MEDIUM))
        inside.addWidget(self.figures_below)
        inside.addWidget(self.graph, 1)
        self.retranslate()

    def retranslate(self) -> None:
        """See `Retranslating`."""
        self._title.setText(self.tr("Traffic"))
        text = self.tr("{minutes} min") if self._is_wide else "{minutes}"
        self.minutes.name({value: text.format(minutes=value) for value in MINUTES}, self.tr("Minutes shown"))
        self._say_figures()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Where there is little room, the figures take a line of their own."""
        super().resizeEvent(event)
        self.retranslate()

    @property
    def _is_wide(self) -> bool:
        return self.width() >= _WIDE_FROM

    def set_minutes(self, minutes: int) -> None:
        """Show this stretch, one of MINUTES."""
        self.minutes.choose(minutes)
        self.graph.set_minutes(minutes)
        self._say_figures()

    def show_history(self, history: Sequence[Sample]) -> None:
        """The samples, oldest first; the newest is now."""
        self.graph.set_history(history)
        self._say_figures()

    def _chosen(self, minutes: int) -> None:
        self.set_minutes(minutes)
        self.minutes_chosen.emit(minutes)

    def _say_figures(self) -> None:
        down = figures([sample.down for sample in self.graph.samples])
        text = self.tr("peak {peak}  ·  mean {mean}") if self.graph.samples else ""
        said = text.format(peak=ltr(format_rate(down.peak)), mean=ltr(format_rate(down.mean)))
        self.figures.setText(said if self._is_wide else "")
        self.figures_below.setText("" if self._is_wide else said)
        self.figures_below.setVisible(not self._is_wide)
