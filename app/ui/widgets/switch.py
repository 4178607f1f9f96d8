"""A switch: on or off, at once. A check box in all it does, drawn as a thumb in a track."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from app.ui import theme

_TRACK = QSize(36, 20)
_INSET = 3  # pixels between the thumb and the edge of its track


class Switch(QCheckBox):
    """Without words of its own: give it an accessible name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The track."""
        return _TRACK

    def hitButton(self, place: QPoint) -> bool:  # noqa: N802 (Qt's name)
        """All of it can be clicked."""
        return self.rect().contains(place)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw it in the colours in force."""
        colors = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        if self.hasFocus():  # a ring takes the place of the track's rim, so that nothing moves
            painter.setBrush(QColor(colors.text if self.isChecked() else colors.accent))
            painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
            track.adjust(2, 2, -2, -2)
        painter.setBrush(QColor(self._ground(colors)))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        thumb = QRectF(self.rect()).adjusted(_INSET, _INSET, -_INSET, -_INSET)
        at_right = self.isChecked() != self.isRightToLeft()
        left = thumb.right() - thumb.height() if at_right else thumb.left()
        painter.setBrush(QColor(colors.on_accent if self.isChecked() else colors.surface))
        painter.drawEllipse(QRectF(left, thumb.top(), thumb.height(), thumb.height()))

    def _ground(self, colors: theme.Tokens) -> str:
        if not self.isEnabled():
            return colors.edge
        if self.isChecked():
            return colors.accent_hover if self.underMouse() else colors.accent
        return colors.muted if self.underMouse() else colors.faint
