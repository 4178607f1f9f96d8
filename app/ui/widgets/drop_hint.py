"""What lies over the window while something is dragged over it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.ui import icons
from app.ui.base import Retranslating, label
from app.ui.tokens import GIANT, MEDIUM


class DropHint(Retranslating, QFrame):
    """Covers its parent with a picture and a sentence; the pointer goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setProperty("role", "drop")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._text = label("headline", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self)
        inside.setSpacing(MEDIUM)
        inside.addStretch(1)
        inside.addWidget(self._picture)
        inside.addWidget(self._text)
        inside.addStretch(1)
        self.hide()
        self.retranslate()
        self.retheme()

    def appear(self) -> None:
        """Cover the parent as it is now."""
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()

    def retranslate(self) -> None:
        """The sentence."""
        self._text.setText(self.tr("Drop links or files here"))

    def retheme(self) -> None:
        """The picture in the colours in force."""
        self._picture.setPixmap(icons.pixmap("import", GIANT, "accent", self.devicePixelRatioF()))
