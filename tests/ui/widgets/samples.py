"""Sessions, speeds and counts to show, and a look at what was painted."""

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.engine.snapshot import SessionInfo, Snapshot
from app.traffic.pool_history import PoolCount
from app.traffic.rates import Sample

SERVER = "203.0.113.9:443"
CIPHER = "TLS_AES_256_GCM_SHA384"
PADDING = "3f9a0c2d" * 4


def session(number: int, state: str = "idle", **more: Any) -> SessionInfo:
    """A session as the engine tells of it."""
    busy = state == "active"
    values: dict[str, Any] = {
        "number": number,
        "server": SERVER,
        "state": state,
        "age": 75.0,
        "idle": 0.0 if busy else 12.0,
        "served": 5,
        "open_streams": int(busy),
        "up": 1_300_000,
        "down": 18_000_000,
        "handshake_ms": 41.2,
        "tls_version": "TLSv1.3",
        "cipher": CIPHER,
        "padding": PADDING,
        "idle_timeout": 30.0,
        "target": "example.org:443" if busy else "",
    }
    return SessionInfo(**{**values, **more})


def snapshot(*sessions: SessionInfo, made: int = 10, reused: int = 310, warming: int = 0) -> Snapshot:
    """What there is to see of a tunnel with these sessions."""
    return Snapshot(1_000, 2_000, made, reused, sessions, (), warming=warming)


def speeds(*down: float, up: float = 1_000.0) -> list[Sample]:
    """One sample a second."""
    return [Sample(float(second), up, value) for second, value in enumerate(down)]


def counts(*values: tuple[int, int, int]) -> list[PoolCount]:
    """One count a second: active, idle, warming."""
    return [PoolCount(float(second), *value) for second, value in enumerate(values)]


def point_to(widget: QWidget, place: QPoint) -> None:
    """Move the pointer there, whether the widget is on a screen or not."""
    at, none = QPointF(place), Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, move)


def focus(widget: QWidget, reason: Qt.FocusReason = Qt.FocusReason.TabFocusReason) -> None:
    """Give it the focus, in a window that is active."""
    window = widget.window()
    window.show()
    window.activateWindow()
    QApplication.processEvents()
    widget.clearFocus()
    widget.setFocus(reason)
    assert widget.hasFocus()


def picture(widget: QWidget, width: int = 0, height: int = 0) -> QImage:
    """What the widget paints."""
    if width:
        widget.resize(width, height)
    image = QImage(widget.size(), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    widget.render(image, QPoint())
    return image


def has_color(image: QImage, color: QColor, near: int = 0) -> bool:
    """Whether a pixel is of this colour, give or take `near` of 255 in each part."""
    return any(_close(pixel, color, near) for pixel in pixels(image))


def pixels(image: QImage) -> Iterable[QColor]:
    """Every pixel once."""
    seen = {image.pixel(x, y) for y in range(image.height()) for x in range(image.width())}
    return (QColor(value) for value in seen)


def _close(one: QColor, other: QColor, near: int) -> bool:
    parts = zip((one.red(), one.green(), one.blue()), (other.red(), other.green(), other.blue()), strict=True)
    return all(abs(first - second) <= near for first, second in parts)
