"""A few choices side by side of which one holds, such as 1, 5 or 10 minutes."""

from collections.abc import Hashable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget

_INSET = 2  # pixels between the frame and its buttons


class Segmented(QFrame):
    """`chosen` comes with the value a person picks, not with one that the program sets.

    Tab reaches the choice that holds, and the arrows move it, as Qt does for every exclusive group of buttons.
    """

    chosen = Signal(object)

    def __init__(self, values: tuple[Hashable, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "segmented")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._buttons: dict[Hashable, QPushButton] = {}
        inside = QHBoxLayout(self)
        inside.setContentsMargins(_INSET, _INSET, _INSET, _INSET)
        inside.setSpacing(0)
        for value in values:
            one = QPushButton(str(value), self)
            one.setProperty("kind", "segment")
            one.setCheckable(True)
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._group.addButton(one)
            self._buttons[value] = one
            inside.addWidget(one)
        self._group.buttonClicked.connect(self._clicked)
        self.choose(values[0])

    @property
    def value(self) -> Hashable:
        """The choice that holds."""
        return next(value for value, one in self._buttons.items() if one.isChecked())

    def choose(self, value: Hashable) -> None:
        """Let another choice hold, silently. Raises KeyError if there is no such choice."""
        self._buttons[value].setChecked(True)
        for one in self._buttons.values():  # Qt moves Tab's stop for a person's choices only
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus if one.isChecked() else Qt.FocusPolicy.NoFocus)

    def name(self, texts: Mapping[Hashable, str], group: str = "") -> None:
        """Set what stands on the buttons; `group` tells a screen reader what is chosen here."""
        self.setAccessibleName(group)
        for value, text in texts.items():
            self._buttons[value].setText(text)
            self._buttons[value].setAccessibleName(f"{group}: {text}" if group else text)

    def _clicked(self) -> None:
        self.chosen.emit(self.value)
