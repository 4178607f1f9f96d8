"""A short word on a coloured ground: a latency, a group, a warning."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.ui.base import repolish


class Pill(QLabel):
    """`tone` is "plain", "accent", "good", "warn" or "bad". An empty pill takes no room."""

    def __init__(self, text: str = "", tone: str = "plain", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setProperty("pill", tone)
        self.setVisible(bool(text))

    def show_text(self, text: str, tone: str = "plain") -> None:
        """Say something else, on the ground of `tone`; "" hides the pill."""
        self.setText(text)
        self.setVisible(bool(text))
        if self.property("pill") != tone:
            self.setProperty("pill", tone)
            repolish(self)
