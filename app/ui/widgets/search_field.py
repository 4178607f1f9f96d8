"""A field to search in: a glass at its start, a cross at its end, Escape empties it, Down leaves it for the list."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QKeyCombination, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui import icons
from app.ui.base import Retranslating

# Milliseconds without a key after which the search begins.
_PAUSE = 120


class SearchField(Retranslating, QLineEdit):
    """`searched` comes with the text once the typing pauses; `left_downwards` when Down is pressed."""

    searched = Signal(str)
    left_downwards = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "search")
        self._glass = QAction(self)
        self._cross = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self.addAction(self._cross, QLineEdit.ActionPosition.TrailingPosition)
        self._cross.triggered.connect(self.clear)
        self._cross.setVisible(False)
        self._pause = QTimer(self, interval=_PAUSE, singleShot=True)
        self._pause.timeout.connect(self._search)
        self.textChanged.connect(self._typed)
        self._keys: dict[QKeyCombination, Callable[[], None]] = {
            QKeyCombination(Qt.Key.Key_Down): self.left_downwards.emit,
            QKeyCombination(Qt.Key.Key_Return): self._search,
            QKeyCombination(Qt.Key.Key_Enter): self._search,
        }
        self._align()
        self.retranslate()
        self.retheme()

    def retranslate(self) -> None:
        """The hint in the field, and what it is called."""
        self.setPlaceholderText(self.tr("Search"))
        self.setAccessibleName(self.tr("Search"))
        self._cross.setToolTip(self.tr("Empty the search"))

    def retheme(self) -> None:
        """The icons in the colours in force."""
        self._glass.setIcon(icons.icon("search", "faint"))
        self._cross.setIcon(icons.icon("close", "faint"))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """What is typed begins beside the glass, whichever way the keyboard writes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._align()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Down and Enter do what the class says."""
        act = self._keys.get(event.keyCombination())
        if act is None:
            super().keyPressEvent(event)
        else:
            act()

    def event(self, event: QEvent) -> bool:
        """Escape belongs to the field while there is something in it, and to its window afterwards."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape and self.text():
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.clear()
            return True
        return super().event(event)

    def _align(self) -> None:
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        self.setAlignment(side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter)

    def _typed(self, text: str) -> None:
        self._cross.setVisible(bool(text))
        if text:
            self._pause.start()
        else:
            self._search()

    def _search(self) -> None:
        self._pause.stop()
        self.searched.emit(self.text().strip())
