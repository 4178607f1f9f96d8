"""Questions that can be awaited: a window-modal sheet with one thing to decide. Nothing here blocks the loop."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLayout, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.ui.base import Retranslating, button, column, label
from app.ui.tokens import GIANT, HUGE, LARGE, MEDIUM, SMALL

_WIDTH = 13 * GIANT  # as wide as a sentence is read with ease
_NARROWEST = 10 * GIANT


class Choice(NamedTuple):
    """One button: what `answer` returns for it, its words, and its kind ("primary", "danger", "quiet" or "")."""

    key: str
    text: str
    kind: str = ""


class Dialog(Retranslating, QDialog):
    """A title, a sentence or two, whatever `content` is given, and a row of buttons.

    Subclasses set the texts in `retranslate`. Escape and the window's own cross answer "".
    """

    widest: ClassVar[int] = _WIDTH
    """Pixels, where the window has them."""

    def __init__(self, parent: QWidget | None, choices: Sequence[tuple[str, str]]) -> None:
        """`choices` are keys and kinds of the buttons; the primary one is what Enter presses."""
        super().__init__(parent)
        self._answer = ""
        self.title = label("headline", wrap=True)
        self.explanation = label("muted", wrap=True, selectable=True)
        self.content = QVBoxLayout()
        self.content.setSpacing(MEDIUM)
        self.buttons: dict[str, QPushButton] = {}
        self._bar = QHBoxLayout()
        self._bar.setSpacing(SMALL)
        self._bar.addStretch(1)
        for key, kind in choices:
            self._add_button(key, kind)
        outer = column(column(self.title, self.explanation, spacing=SMALL), self.content, self._bar, spacing=LARGE)
        outer.setContentsMargins(HUGE, HUGE, HUGE, HUGE)
        outer.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # `_fit` knows how high the words are
        self.setLayout(outer)
        self.setMinimumWidth(_NARROWEST)

    def say(self, title: str, text: str) -> None:
        """Set title and explanation."""
        self.setWindowTitle(title)
        self.title.setText(title)
        self.explanation.setText(text)
        self.explanation.setVisible(bool(text))

    async def answer(self) -> str:
        """Show the dialog and wait: the key of the button that was pressed, "" for never mind.

        The dialog is gone once the caller awaits anything else. If the caller is cancelled, it closes.
        """
        over = asyncio.Event()
        self.finished.connect(over.set)
        bring_up(self.parentWidget())
        self.resize(_fitting_width(self.parentWidget(), self.widest), 0)
        self._fit()
        if self.focusWidget() is None:
            for one in self.buttons.values():
                if one.isDefault():
                    one.setFocus()
        self.open()
        try:
            await over.wait()
            return self._answer
        finally:
            if isValid(self):  # what it belongs to may be gone, and the dialog with it
                self.close()
                self.deleteLater()

    def finish(self, key: str) -> None:
        """Close with this answer."""
        self._answer = key
        self.done(QDialog.DialogCode.Accepted if key else QDialog.DialogCode.Rejected)

    def event(self, event: QEvent) -> bool:
        """Keep the height that the words need, which come and go."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return handled

    def _fit(self) -> None:
        layout = self.layout()
        assert layout is not None
        side_by_side = sum(one.sizeHint().width() + SMALL for one in self.buttons.values())
        fits = side_by_side <= self.width() - 2 * HUGE
        way = QHBoxLayout.Direction.LeftToRight if fits else QHBoxLayout.Direction.BottomToTop
        if self._bar.direction() != way:
            self._bar.setDirection(way)
        layout.activate()
        self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def _add_button(self, key: str, kind: str) -> None:
        made = button(kind, text=" ")
        made.setAutoDefault(kind == "primary")
        made.setDefault(kind == "primary")
        made.clicked.connect(lambda: self.finish(key))
        self.buttons[key] = made
        self._bar.addWidget(made)


def bring_up(window: QWidget | None) -> None:
    """Show the window that a question belongs to, where it is hidden or minimised, and put it in front."""
    if window is None:
        return
    window = window.window()
    if not window.isVisible() or window.isMinimized():
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
    window.raise_()
    window.activateWindow()


def _fitting_width(parent: QWidget | None, widest: int) -> int:
    screen = QGuiApplication.primaryScreen()
    room = parent.window().width() if parent is not None else screen.availableGeometry().width()
    return max(_NARROWEST, min(widest, room - 2 * LARGE))


class _Question(Dialog):
    def __init__(self, parent: QWidget | None, title: str, text: str, choices: Sequence[Choice]) -> None:
        super().__init__(parent, [(choice.key, choice.kind) for choice in choices])
        for choice in choices:
            self.buttons[choice.key].setText(choice.text)
        self.say(title, text)


async def ask(parent: QWidget | None, title: str, text: str, buttons: Sequence[tuple[str, str, str]]) -> str:
    """Ask one question. `buttons` are (key, words, kind); returns a key, or "" if it was dismissed."""
    return await _Question(parent, title, text, [Choice(*one) for one in buttons]).answer()
