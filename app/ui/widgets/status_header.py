"""The head of the home page: the switch, the one headline, both speeds, and the stages as proof."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from app.client.state import State, state_word
from app.errors import Failure
from app.ui.base import Retranslating, column
from app.ui.tokens import LARGE, MEDIUM, SMALL, TINY
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.power_switch import PowerSwitch
from app.ui.widgets.speeds import Speeds
from app.ui.widgets.stage_row import StageRow
from app.ui.widgets.stages import Stage

_SIDE_BY_SIDE: Final = 560  # pixels: below, the speeds go under the headline


class StatusHeader(Retranslating, QWidget):
    """Shows what it is given; `power.clicked` and `stages.help_asked` tell what a person wants."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self._state = State.OFF
        self.power = PowerSwitch()
        self.headline = ElidedLabel(role="headline")
        self.line = ElidedLabel(role="muted")
        self.danger = ElidedLabel(role="bad")
        self.danger.hide()
        self.speeds = Speeds()
        self.stages = StageRow()
        self._words = column(None, self.headline, self.line, self.danger, None, spacing=TINY)
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(LARGE)
        beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        beside.setSpacing(LARGE)
        beside.addWidget(self.power)
        beside.addLayout(self._words, 1)
        self._top.addLayout(beside, 1)
        self._top.addWidget(self.speeds)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(MEDIUM)
        inside.addLayout(self._top)
        inside.addWidget(self.stages)
        self._top.setAlignment(self.speeds, Qt.AlignmentFlag.AlignVCenter)
        self.retranslate()

    def retranslate(self) -> None:
        """The headline: which profile, and what it does."""
        text = self.tr("{profile} · {state}") if self._name else "{state}"
        self.headline.setText(text.format(profile=self._name, state=state_word(self._state)))

    def show_state(self, name: str, state: State, line: str) -> None:
        """The profile's name, its state, and what is known beside it."""
        self._name, self._state = name, state
        self.line.setText(line)
        self.retranslate()

    def show_danger(self, text: str) -> None:
        """What makes it less safe than it should be; "" for nothing."""
        self.danger.setText(text)
        self.danger.setVisible(bool(text))

    def show_stages(self, shown: Sequence[Stage], failure: Failure | None, sentence: str) -> None:
        """How far it came. A failure under a tunnel that is still up is a warning."""
        done = sum(stage.look == "done" for stage in shown)
        asked = max(1, len([stage for stage in shown if stage.name != "dns"]))
        self.power.show_state(self._state, done, asked)
        self.stages.show_stages(shown)
        self.stages.show_failure(failure, sentence, serious=self._state is State.FAILED)
        self.stages.setVisible(bool(shown) or failure is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Stack where there is little room."""
        super().resizeEvent(event)
        wide = event.size().width() >= _SIDE_BY_SIDE
        self._top.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._top.setSpacing(LARGE if wide else SMALL)
        self.speeds.set_compact(not wide)
