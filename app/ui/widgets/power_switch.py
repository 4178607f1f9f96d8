"""The one big button: a disc that is full while the tunnel is on, in a ring that fills stage by stage."""

from typing import Final

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QFocusEvent, QHideEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.client.state import State
from app.ui import icons, theme
from app.ui.base import Retranslating, name_it
from app.ui.tokens import HUGE, MOTION, TINY
from app.ui.widgets.graph import focus_by_keys

DIAMETER: Final = 56  # pixels, as DESIGN has it
_RING: Final = 3.0
_DISC_INSET: Final = 6.0
_GAP: Final = 14.0  # degrees between two parts of the ring
_FULL: Final = 360.0


class PowerSwitch(Retranslating, QAbstractButton):
    """`clicked` asks for the other state. The button itself changes nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = State.OFF
        self.done = 0
        """Stages of connecting that have answered."""
        self.total = 1
        self._shown = 0.0
        self._by_keys = False
        self._motion = QVariantAnimation(self)
        self._motion.setDuration(MOTION)
        self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._motion.valueChanged.connect(self._moved)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(self.sizeHint())
        self.retranslate()

    def retranslate(self) -> None:
        """What a press does, to pointer and screen reader."""
        off = self.state is State.OFF
        name_it(self, self.tr("Connect") if off else self.tr("Disconnect"))

    def show_state(self, state: State, done: int = 0, total: int = 1) -> None:
        """The tunnel's state, with how many of its stages have answered."""
        if (state, done, total) == (self.state, self.done, self.total):
            return
        self.state, self.done, self.total = state, done, max(1, total)
        self.retranslate()
        target = float(done)
        if theme.reduced_motion() or not self.isVisible() or target <= self._shown:
            self._motion.stop()
            self._shown = target
        else:
            self._motion.stop()
            self._motion.setStartValue(self._shown)
            self._motion.setEndValue(target)
            self._motion.start()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The ring, and room for the focus around it."""
        return QSize(DIAMETER + 2 * TINY, DIAMETER + 2 * TINY)

    def hitButton(self, pos: object) -> bool:  # noqa: N802 (Qt's name)
        """Round: its corners are no part of it."""
        point = QPointF(pos) - QPointF(self.rect().center())  # type: ignore[call-overload]  # Qt gives a QPoint
        return bool(point.x() ** 2 + point.y() ** 2 <= (DIAMETER / 2) ** 2)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        """Show the focus to who moves it with keys."""
        self._by_keys = focus_by_keys(event.reason(), before=self._by_keys)
        super().focusInEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Nothing moves while nobody looks."""
        super().hideEvent(event)
        self._motion.stop()
        self._shown = float(self.done)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Disc, ring, sign, and the focus around them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(TINY, TINY, DIAMETER, DIAMETER)
        self._paint_disc(painter, box.adjusted(_DISC_INSET, _DISC_INSET, -_DISC_INSET, -_DISC_INSET))
        ring = box.adjusted(_RING / 2, _RING / 2, -_RING / 2, -_RING / 2)
        if self.state in (State.CONNECTING, State.FAILED):
            self._paint_parts(painter, ring)
        elif self.state is State.DEGRADED:
            _arc(painter, ring, "warn", _GAP, _FULL - 2 * _GAP)
        else:
            _arc(painter, ring, "accent" if self.state is State.ON else "line", 0, _FULL)
        if self.hasFocus() and self._by_keys:
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(box.adjusted(-2.5, -2.5, 2.5, 2.5))
        painter.end()

    def _moved(self, value: float) -> None:
        self._shown = value
        self.update()

    def _paint_disc(self, painter: QPainter, disc: QRectF) -> None:
        on = self.state in (State.ON, State.DEGRADED)
        token = "accent" if on else "surface"
        if self.isDown():
            token = "accent_pressed" if on else "pressed"
        elif self.underMouse():
            token = "accent_hover" if on else "hover"
        painter.setPen(Qt.PenStyle.NoPen if on else QPen(theme.color("edge"), 1))
        painter.setBrush(theme.color(token))
        painter.drawEllipse(disc)
        sign = {State.ON: "on_accent", State.DEGRADED: "on_accent", State.CONNECTING: "accent", State.FAILED: "bad"}
        picture = icons.pixmap("power", HUGE, sign.get(self.state, "muted"), self.devicePixelRatioF())
        painter.drawPixmap(disc.center() - QPointF(HUGE / 2, HUGE / 2), picture)

    def _paint_parts(self, painter: QPainter, ring: QRectF) -> None:
        """One part of the ring a stage, clockwise from the top; what failed is red, what is under way pale."""
        span = _FULL / self.total
        for number in range(self.total):
            start, length = number * span + _GAP / 2, span - _GAP
            _arc(painter, ring, "line", start, length)
            if number == self.done:
                _arc(painter, ring, "bad" if self.state is State.FAILED else "selected", start, length)
            share = min(1.0, max(0.0, self._shown - number))
            if share > 0:
                _arc(painter, ring, "accent", start, length * share)


def _arc(painter: QPainter, box: QRectF, token: str, start: float, length: float) -> None:
    """Degrees clockwise from the top."""
    pen = QPen(theme.color(token), _RING)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(box, round((90 - start) * 16), round(-length * 16))
