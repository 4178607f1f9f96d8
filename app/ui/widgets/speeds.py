"""Both speeds in large figures, with the totals below; no figure makes the others move."""

import math
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.traffic.rates import format_bytes, format_rate
from app.ui import theme
from app.ui.base import Retranslating, label, set_role
from app.ui.tokens import MEDIUM

_WIDEST: Final = "↓ 888.8 MB/s"


class Speeds(Retranslating, QWidget):
    """Down and up, now and since the start."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.down, self.up = label("figure"), label("figure")
        self.down_total, self.up_total = label("faint"), label("faint")
        self._values = (0.0, 0.0, 0, 0)
        self._compact = False
        inside = QHBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(MEDIUM)
        for speed, total in ((self.down, self.down_total), (self.up, self.up_total)):
            inside.addLayout(_column(speed, total))
        self.retranslate()
        self.retheme()

    def retranslate(self) -> None:
        """The figures, and what they are for who hears them."""
        down, up, down_total, up_total = self._values
        self.down.setText(theme.ltr(f"↓ {format_rate(down)}"))
        self.up.setText(theme.ltr(f"↑ {format_rate(up)}"))
        total = self.tr("{amount} in all")
        self.down_total.setText(total.format(amount=theme.ltr(format_bytes(down_total))))
        self.up_total.setText(total.format(amount=theme.ltr(format_bytes(up_total))))
        self.down.setAccessibleName(self.tr("Download speed {speed}").format(speed=format_rate(down)))
        self.up.setAccessibleName(self.tr("Upload speed {speed}").format(speed=format_rate(up)))

    def retheme(self) -> None:
        """Room for the widest figures."""
        metrics = QFontMetricsF(theme.font("title" if self._compact else "figure"))
        width = math.ceil(metrics.horizontalAdvance(_WIDEST)) + 1  # a label may round up once more
        for one in (self.down, self.up):
            one.setMinimumWidth(width)

    def set_compact(self, compact: bool) -> None:
        """Small figures where there is little room."""
        if compact != self._compact:
            self._compact = compact
            for one in (self.down, self.up):
                set_role(one, "title" if compact else "figure")
            self.retheme()

    def show_values(self, down: float, up: float, down_total: int, up_total: int) -> None:
        """Speeds in bytes/s, totals in bytes."""
        if (down, up, down_total, up_total) != self._values:
            self._values = (down, up, down_total, up_total)
            self.retranslate()


def _column(speed: QLabel, total: QLabel) -> QVBoxLayout:
    made = QVBoxLayout()
    made.setSpacing(0)
    for one in (speed, total):
        one.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        made.addWidget(one)
    return made
