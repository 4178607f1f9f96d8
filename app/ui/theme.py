"""How everything looks: colours, fonts and measures, light or dark, changed while the program runs."""

import os
import re
import sys
import unicodedata
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.ui.stylesheet import stylesheet
from app.ui.tokens import (
    CONTROL_HEIGHT,
    DARK,
    ICON,
    LIGHT,
    MOTION,
    RADIUS_CARD,
    RADIUS_CONTROL,
    SPACE,
    Tokens,
)

__all__ = [
    "CONTROL_HEIGHT",
    "DARK",
    "ICON",
    "LIGHT",
    "MOTION",
    "RADIUS_CARD",
    "RADIUS_CONTROL",
    "RTL_MARK",
    "SPACE",
    "Theme",
    "Tokens",
    "color",
    "desktop_is_dark",
    "figure",
    "font",
    "has_rtl",
    "ltr",
    "reduced_motion",
    "sentence",
    "tokens",
]

Kind: TypeAlias = Literal["body", "headline", "title", "small", "mono", "figure"]

# Pixels at the usual text size of a desktop.
_SIZES: Final[dict[str, int]] = {"body": 13, "headline": 20, "title": 13, "small": 12, "mono": 12, "figure": 20}
_SEMIBOLD: Final = ("headline", "title", "figure")

# Pixels of the system's font from which on it counts as enlarged, and everything here grows with it.
_ENLARGED_FROM: Final = 15
_LARGEST: Final = 1.6

_GTK: Final = re.compile(r"^\s*gtk-enable-animations\s*=\s*(0|false)\s*$", re.MULTILINE | re.IGNORECASE)
_KDE: Final = re.compile(r"^\s*AnimationDurationFactor\s*=\s*0(\.0*)?\s*$", re.MULTILINE)

RTL_MARK: Final = "\u200f"
_LTR_ISOLATE, _FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2066", "\u2068", "\u2069"


class _Current:
    """What is in force. Before a theme is applied: light."""

    tokens: Tokens = LIGHT
    family: str | None = None
    scale: float = 1.0
    desktop_dark: bool = False


def tokens() -> Tokens:
    """The colours in force."""
    return _Current.tokens


def color(name: str) -> QColor:
    """The colour of a token ("accent") in force, or of a literal "#RRGGBB"."""
    return QColor(name if name.startswith("#") else getattr(_Current.tokens, name))


@cache
def _fixed_family() -> str:
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()


def font(kind: Kind = "body") -> QFont:
    """A font of the one family, in pixels, with figures of one width."""
    made = QFont(QApplication.font())
    if kind == "mono":
        made.setFamily(_fixed_family())
        made.setStyleHint(QFont.StyleHint.Monospace)
    elif _Current.family is not None:
        made.setFamily(_Current.family)
    made.setPixelSize(round(_SIZES[kind] * _Current.scale))
    made.setWeight(QFont.Weight.DemiBold if kind in _SEMIBOLD else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def desktop_is_dark() -> bool:
    """Whether the desktop was dark when it was last followed; its panel then is dark, too, as a rule."""
    return _Current.desktop_dark


def ltr(text: str) -> str:
    """`text` (an address, a host name, a command) kept left-to-right inside right-to-left text."""
    return f"{_LTR_ISOLATE}{text}{_POP_ISOLATE}" if text else text


def has_rtl(text: str) -> bool:
    """Whether some of it is written from right to left."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def figure(text: str) -> str:
    """`text`, a number with its unit, kept together inside other text, in the direction of its unit."""
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}" if has_rtl(text) else ltr(text)


def sentence(text: str) -> str:
    """`text` so that it runs as the window does: Qt goes by the first letter, which may be that of a host."""
    mirrored = QGuiApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft
    return f"{RTL_MARK}{text}" if mirrored and has_rtl(text) else text


def reduced_motion() -> bool:
    """Whether nothing should move: the desktop says so as far as it can be asked, or there is no screen to move on."""
    app = QApplication.instance()
    if not isinstance(app, QApplication) or app.platformName() in {"offscreen", "minimal"}:
        return True
    if sys.platform in ("win32", "darwin"):
        return not app.isEffectEnabled(Qt.UIEffect.UI_General)
    return _files_say_still()


@cache
def _files_say_still() -> bool:
    """Whether the files of GTK or KDE say so. Qt itself knows nothing of it outside of KDE."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for name, key in (("gtk-4.0/settings.ini", _GTK), ("gtk-3.0/settings.ini", _GTK), ("kdeglobals", _KDE)):
        with suppress(OSError, UnicodeDecodeError):
            if key.search((folder / name).read_text(encoding="utf-8")):
                return True
    return False


class Theme(QObject):
    """The look of the whole application. `changed` comes after palette, fonts and style sheet are in force."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app: QApplication | None = None
        self._mode = "system"

    @property
    def tokens(self) -> Tokens:
        """The colours in force."""
        return _Current.tokens

    @property
    def dark(self) -> bool:
        """Whether the dark colours are in force."""
        return _Current.tokens is DARK

    def apply(self, app: QApplication, mode: str = "system", family: str | None = None) -> None:
        """Put the look in force: `mode` is "system", "light" or "dark"; `family` replaces the system's font.

        The desktop is asked to follow, so that title bars match; where it cannot, the colours here hold all the same.
        """
        if self._app is None:
            self._app = app
            app.setStyle("Fusion")
            app.styleHints().colorSchemeChanged.connect(self._follow)
            _Current.scale = _text_scale(app)
            _Current.desktop_dark = _is_dark(app)
        _Current.family = family or _Current.family
        self._mode = mode
        _ask_desktop(app, mode)
        self._put_in_force(app)

    def _follow(self) -> None:
        if self._app is not None and self._mode == "system":
            self._put_in_force(self._app)

    def _put_in_force(self, app: QApplication) -> None:
        if self._mode == "system":
            _Current.desktop_dark = _is_dark(app)
        _Current.tokens = DARK if self._mode == "dark" or (self._mode == "system" and _is_dark(app)) else LIGHT
        app.setFont(font("body"))
        app.setPalette(palette(_Current.tokens))
        app.setStyleSheet(stylesheet(_Current.tokens, _Current.scale, _fixed_family()))
        self.changed.emit()


def _is_dark(app: QApplication) -> bool:
    return app.styleHints().colorScheme() == Qt.ColorScheme.Dark


def _ask_desktop(app: QApplication, mode: str) -> None:
    """A no-op on some platforms, and therefore never relied on."""
    wanted = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}.get(mode, Qt.ColorScheme.Unknown)
    app.styleHints().setColorScheme(wanted)


def _text_scale(app: QApplication) -> float:
    """How much larger than usual the desktop's text is; people who enlarge it there get it enlarged here."""
    return min(_LARGEST, max(1.0, QFontInfo(app.font()).pixelSize() / _ENLARGED_FROM))


def palette(colors: Tokens) -> QPalette:
    """The palette of a colour scheme, for everything that the style draws without the style sheet."""
    made = QPalette()
    role = QPalette.ColorRole
    for target, name in {
        role.Window: "window",
        role.WindowText: "text",
        role.Base: "surface",
        role.AlternateBase: "window",
        role.Text: "text",
        role.Button: "surface",
        role.ButtonText: "text",
        role.BrightText: "bad",
        role.Highlight: "accent",
        role.HighlightedText: "on_accent",
        role.Accent: "accent",
        role.ToolTipBase: "raised",
        role.ToolTipText: "text",
        role.PlaceholderText: "faint",
        role.Link: "accent",
        role.LinkVisited: "accent",
        role.Light: "surface",
        role.Midlight: "line",
        role.Mid: "line",
        role.Dark: "edge",
        role.Shadow: "edge",
    }.items():
        made.setColor(target, QColor(getattr(colors, name)))
    for target in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, target, QColor(colors.disabled))
    made.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colors.edge))
    return made
