"""The icons: one SVG family, drawn in the colours in force."""

import sys
from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.ui import assets, theme

# Pixels: the sizes icons are shown at, once and twice as dense.
_SIZES = (16, 20, 32, 40)
_TRAY_SIZES = (16, 18, 22, 24, 32, 44, 48, 64)
_APP_SIZES = (16, 24, 32, 48, 64, 128, 256)

# What a panel's own icons are drawn in, where the panel does not say.
_ON_DARK_PANEL, _ON_LIGHT_PANEL = "#F2F3F5", "#2A2D33"
_EDGE_OPACITY, _EDGE_WIDTH = 0.4, 1.4

TRAY_STATES = ("off", "connecting", "connecting-2", "on", "degraded", "failed")


def icon(name: str, color: str | None = None) -> QIcon:
    """The icon `name` in the colour of a token ("accent") or "#RRGGBB"; without one in that of text.

    Cached; ask again after the look has changed. Raises FileNotFoundError for an unknown name.
    """
    return _made(name, theme.color(color or "text").name(), theme.tokens().disabled)


def icon_beside(name: str, color: str, size: int, gap: int, *, mirrored: bool) -> QIcon:
    """The icon, `size` pixels large, with `gap` pixels more between it and the words that it stands before."""
    return _beside(name, theme.color(color).name(), theme.tokens().disabled, size, gap, mirrored)


def pixmap(name: str, size: int, color: str | None = None, ratio: float = 1.0) -> QPixmap:
    """The icon as a picture of `size` pixels of layout, `ratio` times as dense."""
    return _rendered(f"icons/{name}.svg", theme.color(color or "text").name(), size, ratio)


def tray_icon(state: str, dark_panel: bool) -> QIcon:
    """The tray's icon for a state ("connecting-2" is the second frame of "connecting")."""
    return _tray(state, dark_panel)


def app_icon() -> QIcon:
    """The icon of the program, in colour."""
    return _app()


@cache
def _made(name: str, color: str, disabled: str) -> QIcon:
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(_rendered(f"icons/{name}.svg", color, size, 1.0))
        made.addPixmap(_rendered(f"icons/{name}.svg", disabled, size, 1.0), QIcon.Mode.Disabled)
    return made


@cache
def _beside(name: str, color: str, disabled: str, size: int, gap: int, mirrored: bool) -> QIcon:
    made = QIcon()
    for ink, mode in ((color, QIcon.Mode.Normal), (disabled, QIcon.Mode.Disabled)):
        for ratio in (1.0, 2.0):
            wide = QPixmap(round((size + gap) * ratio), round(size * ratio))
            wide.setDevicePixelRatio(ratio)
            wide.fill(QColor(Qt.GlobalColor.transparent))
            painter = QPainter(wide)
            painter.drawPixmap(gap if mirrored else 0, 0, _rendered(f"icons/{name}.svg", ink, size, ratio))
            painter.end()
            made.addPixmap(wide, mode)
    return made


@cache
def _tray(state: str, dark_panel: bool) -> QIcon:
    color, edge = (_ON_DARK_PANEL, _ON_LIGHT_PANEL) if dark_panel else (_ON_LIGHT_PANEL, _ON_DARK_PANEL)
    source = _source(f"icons/tray-{state}.svg")
    if sys.platform != "darwin":
        source = _edged(source, edge)
    made = QIcon()
    for size in _TRAY_SIZES:
        made.addPixmap(_drawn(source.replace("currentColor", color), size, 1.0))
    made.setIsMask(True)  # macOS colours it for its bar
    return made


def _edged(source: str, color: str) -> str:
    """The drawing on a faint edge: unseen on the panel it is for, and its rescue where the guess was wrong."""
    path = source[source.index("<path") : source.index("/>") + 2]
    edge = f'fill="none" stroke="{color}" stroke-opacity="{_EDGE_OPACITY}" stroke-width="{_EDGE_WIDTH}"'
    return source.replace(path, path.replace('fill="currentColor"', edge) + path)


@cache
def _app() -> QIcon:
    made = QIcon()
    for size in _APP_SIZES:
        made.addPixmap(_rendered("icons/app.svg", "#000000", size, 1.0))
    return made


def _rendered(resource: str, color: str, size: int, ratio: float) -> QPixmap:
    return _drawn(_source(resource).replace("currentColor", color), size, ratio)


@cache
def _source(resource: str) -> str:
    return assets.path(resource).read_text(encoding="utf-8")


def _drawn(source: str, size: int, ratio: float) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(source.encode()))
    made = QPixmap(round(size * ratio), round(size * ratio))
    made.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(made)
    renderer.render(painter, QRectF(0, 0, made.width(), made.height()))
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made
