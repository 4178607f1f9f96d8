"""What a page shows while it has nothing: what belongs here, and how to get it."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.ui import icons
from app.ui.base import Button, Retranslating, label
from app.ui.tokens import HUGE, LARGE, SMALL
from app.ui.widgets.flow import Flow

# Pixels.
_PICTURE = 40
_WIDTH = 360


class EmptyState(Retranslating, QWidget):
    """A picture, a title, a sentence, and the buttons that help. Texts are set by the page with `say`."""

    def __init__(self, icon: str, *buttons: Button, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = label("headline", wrap=True)
        self._text = label("muted", wrap=True)
        self.setMaximumWidth(_WIDTH)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, HUGE, 0, HUGE)
        inside.setSpacing(SMALL)
        inside.addStretch(1)
        inside.addWidget(self._picture)
        inside.addSpacing(SMALL)
        for part in (self._title, self._text):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            inside.addWidget(part)
        if buttons:
            inside.addSpacing(LARGE)
            inside.addLayout(Flow(*buttons, centered=True))
        inside.addStretch(2)
        self.retheme()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Wide enough for short lines of text."""
        return QSize(_WIDTH, super().sizeHint().height())

    def say(self, title: str, text: str) -> None:
        """What is missing, and what to do; either may be empty."""
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._text.setText(text)
        self._text.setVisible(bool(text))

    def retheme(self) -> None:
        """The picture in the colours in force."""
        self._picture.setPixmap(icons.pixmap(self._icon, _PICTURE, "faint", self.devicePixelRatioF()))
