"""Rows of the settings page: what a setting is, a line that explains it, its control, and what is wrong with it."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QLineEdit, QWidget

from app.ui.base import column, icon_button, label, name_it, repolish, row
from app.ui.tokens import GIANT, LARGE, SMALL, TINY
from app.ui.widgets.password_field import PasswordField
from app.ui.widgets.segmented import Segmented
from app.ui.widgets.switch import Switch

_SIDE_BY_SIDE: Final = 14 * GIANT  # pixels of a row; a narrower one has its control below the words
_FIELD: Final = 7 * GIANT
_NARROWEST: Final = 5 * GIANT
_FILL: Final = Qt.AlignmentFlag(0)
_LONG_FIELD: Final = 10 * GIANT


class SettingRow(QWidget):
    """Words on one side, `control` on the other, a problem below. `edited` has the value that a person chose."""

    edited = Signal(object)

    def __init__(self, control: QWidget, width: int = 0) -> None:
        """A control of some `width` (pixels) goes below the words of a narrow row, a small one stays beside them."""
        super().__init__()
        self.control = control
        self._width = width
        self.name = label()
        self.explanation = label("muted", wrap=True)
        self.problem = label("bad", wrap=True)
        self.problem.hide()
        self.name.setWordWrap(True)
        self._sides = row(spacing=LARGE)
        self._sides.addLayout(column(self.name, self.explanation, spacing=TINY), 1)
        self._sides.addWidget(control, 1 if width else 0, Qt.AlignmentFlag.AlignVCenter if not width else _FILL)
        if width:
            control.setMaximumWidth(width)
            control.setMinimumWidth(min(_NARROWEST, control.minimumSizeHint().width()))
        self.setLayout(column(self._sides, self.problem, spacing=TINY))
        self.name.setBuddy(self._target)

    def set_texts(self, name: str, explanation: str = "") -> None:
        """The setting's name and the line below it."""
        self.name.setText(name)
        self.explanation.setText(explanation)
        self.explanation.setVisible(bool(explanation))
        self._target.setAccessibleName(name)
        self._target.setAccessibleDescription(explanation)

    @property
    def _target(self) -> QWidget:
        """What the keyboard reaches."""
        proxy: QWidget | None = self.control.focusProxy()
        return self.control if proxy is None else proxy

    def show_problem(self, text: str) -> None:
        """Say what is wrong, or nothing with ""."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_value(self, value: Any) -> None:
        """Show the value in force. Nothing is emitted."""
        raise NotImplementedError

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Put a wide control where there is room for it."""
        super().resizeEvent(event)
        if self._width:
            below = event.size().width() < _SIDE_BY_SIDE
            way = QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight
            self._sides.setDirection(way)
            self._sides.setSpacing(SMALL if below else LARGE)


class SwitchRow(SettingRow):
    """On or off."""

    def __init__(self) -> None:
        self.switch = Switch()
        super().__init__(self.switch)
        self.switch.toggled.connect(self.edited.emit)

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self.switch):
            self.switch.setChecked(bool(value))
        self.switch.update()


class ChoiceRow(SettingRow):
    """One of several values, in a list that folds out."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.box = QComboBox()
        self.box.setMinimumContentsLength(1)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for value in values:
            self.box.addItem("", value)
        super().__init__(self.box, _FIELD)
        self.box.currentIndexChanged.connect(lambda at: self.edited.emit(self.box.itemData(at)))

    def set_choices(self, words: Sequence[str]) -> None:
        """The values in words, in their order."""
        with QSignalBlocker(self.box):
            for at, text in enumerate(words):
                self.box.setItemText(at, text)

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))


class SegmentedRow(SettingRow):
    """One of a few values, all in sight."""

    def __init__(self, values: Sequence[Hashable]) -> None:
        self._values = tuple(values)
        self.segmented = Segmented(self._values)
        super().__init__(self.segmented, _FIELD)
        self.segmented.chosen.connect(self.edited.emit)

    def set_choices(self, words: Sequence[str]) -> None:
        """The values in words, in their order."""
        self.segmented.name(dict(zip(self._values, words, strict=True)), self.name.text())

    def show_value(self, value: Any) -> None:
        self.segmented.choose(value)


class TextRow(SettingRow):
    """One line of text, taken over when Enter is pressed or the field is left."""

    def __init__(self, *, number: bool = False, long: bool = False) -> None:
        """`edited` has an int where a `number` is asked for and typed, else what stands there."""
        self.field = QLineEdit()
        self.field.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self._number = number
        if number:
            self.field.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self._shown = ""
        super().__init__(self.field, _LONG_FIELD if long else _FIELD)
        self.field.editingFinished.connect(self._finished)
        self.field.textEdited.connect(lambda: self.show_problem(""))

    @property
    def value(self) -> Any:
        """What stands in the field."""
        text = self.field.text().strip()
        return int(text) if self._number and text.isdecimal() and len(text) < 10 else text

    def show_value(self, value: Any) -> None:
        self._shown = str(value)
        if self.field.text() != self._shown:
            self.field.setText(self._shown)
            self.field.setCursorPosition(0)

    def show_problem(self, text: str) -> None:
        super().show_problem(text)
        self.field.setProperty("invalid", bool(text))
        repolish(self.field)

    def _finished(self) -> None:
        if self.field.text().strip() != self._shown:
            self._shown = self.field.text().strip()
            self.edited.emit(self.value)


class SecretRow(SettingRow):
    """A password that is fetched only when somebody wants to see or copy it. `edited` has one that was typed."""

    wanted = Signal()
    copy_asked = Signal()
    random_asked = Signal()

    def __init__(self) -> None:
        self.field = PasswordField()
        self.field.edit.setPlaceholderText("•" * 12)
        self.copy = icon_button("copy")
        self.dice = icon_button("dice")
        control = QWidget()
        control.setLayout(row(self.field, self.copy, self.dice, spacing=TINY))
        control.setFocusProxy(self.field.edit)
        super().__init__(control, _LONG_FIELD)
        self._shown = ""
        self.field.edit.editingFinished.connect(self._finished)
        self.field.eye.toggled.connect(lambda on: self.wanted.emit() if on and not self.field.text() else None)
        self.copy.clicked.connect(self.copy_asked)
        self.dice.clicked.connect(self.random_asked)

    def name_buttons(self, copy: str, dice: str) -> None:
        """What the buttons do, for the pointer and for a screen reader."""
        name_it(self.copy, copy)
        name_it(self.dice, dice)

    def show_value(self, value: Any) -> None:
        self._shown = str(value)
        self.field.set_text(self._shown)

    def forget(self) -> None:
        """Keep the password out of the window while the page is not looked at."""
        self.field.hide_text()
        self.show_value("")

    def _finished(self) -> None:
        if self.field.text() not in ("", self._shown):
            self._shown = self.field.text()
            self.edited.emit(self._shown)
