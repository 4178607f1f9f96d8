"""What pages are made of: the page itself, texts that change with the language, and the few parts they all use."""

from typing import TYPE_CHECKING, Final

from PySide6 import QtGui
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.ui import icons, theme
from app.ui.tokens import HUGE, ICON, LARGE, MEDIUM, SMALL, TINY

if TYPE_CHECKING:
    from app.ui.bridge import Bridge

    _Widget = QWidget
else:
    _Widget = object

_LONGEST_TIP: Final = 1_000  # characters

_BESIDE: Final = ICON - 2  # pixels of an icon beside words

_ICON_COLORS: Final = {"primary": "on_accent", "danger": "bad", "link": "accent", "quiet": "muted"}


class Retranslating(_Widget):
    """Put before the Qt class: `class Card(Retranslating, QFrame)`. Its texts are set in `retranslate` alone.

    The class calls `retranslate` itself at the end of its construction; afterwards it is called for each new language,
    and `retheme` for each new look.
    """

    def retranslate(self) -> None:
        """Set every text anew."""

    def retheme(self) -> None:
        """Take the colours in force for what is neither in the style sheet nor painted anew each time."""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Follow the language and the look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        elif event.type() == QEvent.Type.StyleChange:
            self.retheme()


class Page(Retranslating, QWidget):
    """One page of the window. A page makes its parts in `build` and sets their texts in `retranslate`.

    Both are called once by the constructor, in this order, followed by `retheme`. `shown` and `hidden` tell when the
    page comes on the screen and leaves it (also by minimising): nothing ticks or repaints in between.
    """

    def __init__(self, bridge: "Bridge", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bridge = bridge
        self._on_screen = False
        self.build()
        self.retranslate()
        self.retheme()

    def build(self) -> None:
        """Make the parts of the page, without texts."""

    def shown(self) -> None:
        """The page is on the screen from now on."""

    def hidden(self) -> None:
        """The page is on the screen no more."""

    @property
    def on_screen(self) -> bool:
        """Whether anybody can see it."""
        return self._on_screen

    def set_on_screen(self, on_screen: bool) -> None:
        """Tell the page whether it can be seen; the window does so when it is minimised."""
        if on_screen == self._on_screen:
            return
        self._on_screen = on_screen
        (self.shown if on_screen else self.hidden)()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """The page was switched to, or its window came up."""
        super().showEvent(event)
        self.set_on_screen(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Another page was switched to, or the window went away."""
        super().hideEvent(event)
        self.set_on_screen(False)


class Button(QPushButton):
    """A button whose icon keeps the colour of its kind in every look."""

    def __init__(self, kind: str = "", icon: str = "", text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._icon_name = icon
        self.setAutoDefault(True)  # Enter presses it too, on pages as in dialogs
        self.setProperty("kind", kind)
        self._recolor()

    def setText(self, text: str) -> None:  # noqa: N802 (Qt's name)
        """Say something else; without words it is as wide as its icon."""
        had_words = bool(self.text())
        super().setText(text)
        if bool(text) != had_words:
            self._recolor()

    def set_icon_name(self, name: str) -> None:
        """Show another icon of the family; "" for none."""
        self._icon_name = name
        self._recolor()

    def set_kind(self, kind: str) -> None:
        """Make it a "primary", "quiet", "danger", "link" or plain ("") button."""
        self.setProperty("kind", kind)
        repolish(self)
        self._recolor()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Follow the look, and the direction of reading."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.LayoutDirectionChange):
            self._recolor()

    def _recolor(self) -> None:
        name, color = self._icon_name, _ICON_COLORS.get(self.property("kind") or "", "text")
        alone = bool(name) and not self.text()
        if not name:
            self.setIcon(QIcon())
        elif alone:
            self.setIconSize(QSize(ICON, ICON))
            self.setIcon(icons.icon(name, color))
        else:
            mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            self.setIconSize(QSize(_BESIDE + TINY, _BESIDE))
            self.setIcon(icons.icon_beside(name, color, _BESIDE, TINY, mirrored=mirrored))
        if self.property("iconOnly") != alone:
            self.setProperty("iconOnly", alone)
            repolish(self)


def repolish(widget: QWidget) -> None:
    """Let the style sheet look at the widget's properties again."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


class Label(QLabel):
    """A label whose sentences run as the window does, whatever letter they begin with."""

    def setText(self, text: str) -> None:  # noqa: N802 (Qt's name)
        """Show it; `text` returns it as it was given."""
        super().setText(theme.sentence(text))

    def text(self) -> str:
        """What it shows."""
        return super().text().removeprefix(theme.RTL_MARK)


def label(role: str = "", text: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """A label: role "headline", "title", "muted", "faint", "small", "bad", "warn", "good", "mono", "figure" or ""."""
    made = Label()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        made.setMinimumWidth(1)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)  # Minimum would keep the height that its narrowest width needs
        made.setSizePolicy(policy)
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        made.setCursor(Qt.CursorShape.IBeamCursor)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Give a label or frame another role."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        repolish(widget)


def button(kind: str = "", icon: str = "", text: str = "") -> Button:
    """A button: kind "primary", "quiet", "danger", "link" or "" (outlined)."""
    return Button(kind, icon, text)


def icon_button(icon: str, name: str = "") -> Button:
    """A quiet square button with an icon alone; `name` is its accessible name and its tooltip."""
    made = Button("quiet", icon)
    name_it(made, name)
    return made


def name_it(widget: QWidget, name: str) -> None:
    """Tell what a control without words does: to a screen reader and to the pointer."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip(name))


def tip(text: str) -> str:
    """A tooltip that shows `text` as it is, where Qt would take it for HTML: names come from strangers."""
    if len(text) > _LONGEST_TIP:
        text = f"{text[: _LONGEST_TIP - 1].rstrip()}…"
    if not QtGui.Qt.mightBeRichText(text):
        return text
    from html import escape  # with every name that HTML has for a letter: rarely needed

    return f"<p style='white-space: pre-wrap'>{escape(text)}</p>"


def card(role: str = "card") -> QFrame:
    """A card with a column inside: `card().layout()`."""
    made = QFrame()
    made.setProperty("role", role)
    inside = QVBoxLayout(made)
    inside.setContentsMargins(LARGE, LARGE, LARGE, LARGE)
    inside.setSpacing(MEDIUM)
    return made


def h_line() -> QFrame:
    """A hairline across."""
    made = QFrame()
    made.setProperty("role", "line")
    made.setFixedHeight(1)
    return made


def row(*items: QWidget | QLayout | int | None, spacing: int = SMALL) -> QHBoxLayout:
    """Items side by side. A number is a gap in pixels, None takes the room that is left."""
    made = QHBoxLayout()
    _fill(made, items, spacing)
    return made


def column(*items: QWidget | QLayout | int | None, spacing: int = SMALL) -> QVBoxLayout:
    """Items below each other. A number is a gap in pixels, None takes the room that is left."""
    made = QVBoxLayout()
    _fill(made, items, spacing)
    return made


def _fill(box: QBoxLayout, items: tuple[QWidget | QLayout | int | None, ...], spacing: int) -> None:
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(spacing)
    for item in items:
        if item is None:
            box.addStretch(1)
        elif isinstance(item, int):
            box.addSpacing(item)
        elif isinstance(item, QLayout):
            box.addLayout(item)
        else:
            box.addWidget(item)


def page_layout(page: QWidget) -> QVBoxLayout:
    """The column of a page that does not scroll as a whole, with the page's margins."""
    made = QVBoxLayout(page)
    made.setContentsMargins(HUGE, HUGE, HUGE, HUGE)
    made.setSpacing(LARGE)
    return made


def scrolling(page: QWidget) -> QVBoxLayout:
    """The column of a page that scrolls as a whole, up and down only."""
    area = QScrollArea()
    area.setProperty("role", "page")
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    inside = QWidget()
    inside.setProperty("role", "page")
    area.setWidget(inside)
    outer = QVBoxLayout(page)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(area)
    return page_layout(inside)
