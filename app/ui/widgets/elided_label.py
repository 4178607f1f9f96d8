"""A label of one line that gives way: what does not fit is left out, and the tooltip has it."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QStyle, QStyleOption, QWidget

from app.ui.base import tip


class ElidedLabel(QLabel):
    """Elides names at their end and, with `middle`, hosts and addresses in the middle."""

    def __init__(self, text: str = "", role: str = "", *, middle: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 (Qt's name)
        """Show one line; a screen reader is given all of it."""
        super().setText(text)
        self._hint()

    def shown_text(self) -> str:
        """What is seen of the text at the present width."""
        return self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for a few letters."""
        few = self.fontMetrics().horizontalAdvance("mm…")
        return QSize(min(few, super().sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Another width shows another part of the text."""
        super().resizeEvent(event)
        self._hint()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint what fits, with the style's ground and colours."""
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        alignment = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        painter.drawText(self.contentsRect(), int(alignment) | Qt.TextFlag.TextSingleLine, self.shown_text())

    def _hint(self) -> None:
        hint = tip(self.text()) if self.shown_text() != self.text() else ""
        if self.toolTip() != hint:
            self.setToolTip(hint)
