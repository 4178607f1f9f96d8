"""One of several steps: its number, its title, and what there is to do once it is its turn."""

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.ui import icons
from app.ui.base import Retranslating, column, repolish, row, set_role
from app.ui.tokens import GIANT, ICON, LARGE, MEDIUM, SMALL
from app.ui.widgets.elided_label import ElidedLabel

State = Literal["later", "now", "done"]


class StepCard(Retranslating, QFrame):
    """The number turns into a tick when the step is done; only the step whose turn it is shows its parts."""

    def __init__(self, number: int, *parts: QWidget) -> None:
        super().__init__()
        self.state: State = "later"
        self._number = str(number)
        self.setProperty("role", "card")
        self.mark = QLabel(self._number)
        self.mark.setFixedWidth(GIANT)
        self.mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title = ElidedLabel(role="title")
        self.summary = ElidedLabel(role="muted")
        self.content = QWidget()
        self.content.setLayout(column(*parts, spacing=MEDIUM))
        head = row(self.mark, self.title, self.summary, spacing=SMALL)
        head.setStretch(2, 1)
        outer = column(head, self.content, spacing=MEDIUM)
        outer.setContentsMargins(LARGE, LARGE, LARGE, LARGE)
        self.setLayout(outer)

    def set_title(self, text: str) -> None:
        """What the step is."""
        self.title.setText(text)
        self.setAccessibleName(text)

    def show_state(self, state: State, summary: str = "") -> None:
        """Whose turn it is; `summary` says what came of a step that is done."""
        self.state = state
        self.content.setVisible(state == "now")
        self.summary.setText(summary if state == "done" else "")
        set_role(self.title, "faint" if state == "later" else "title")
        self.retheme()

    def retheme(self) -> None:
        """The mark in the colours in force."""
        self.mark.setProperty("pill", {"done": "good", "now": "accent", "later": "plain"}[self.state])
        repolish(self.mark)
        if self.state == "done":
            self.mark.setPixmap(icons.pixmap("check", ICON, "good", self.devicePixelRatioF()))
        else:
            self.mark.setText(self._number)
