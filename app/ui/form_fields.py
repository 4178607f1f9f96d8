"""What forms are made of: a field with its label above and its error below; choices that the wheel leaves alone."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.ui.base import Button, Retranslating, column, label, repolish, set_role
from app.ui.tokens import SMALL, TINY

T = TypeVar("T", bound=str)


class Field(QWidget):
    """One thing to fill in: title, the control, a hint, and what is wrong with it."""

    def __init__(self, control: QWidget, *beside: QWidget, focus: QWidget | None = None) -> None:
        """`focus` is the part of `control` that takes what is typed; widgets `beside` go under the control."""
        super().__init__()
        self.control = focus or control
        self.title = wrapped("muted")
        self.title.setBuddy(self.control)
        self.hint = wrapped("faint")
        self.problem = wrapped("bad")
        self.hint.hide()
        self.problem.hide()
        self.setLayout(column(self.title, control, *beside, self.hint, self.problem, spacing=TINY))

    def set_title(self, text: str) -> None:
        """What the field is, in words; a screen reader reads it too. It begins where the control does in any script."""
        align_start(self.title)
        self.title.setText(text)
        self.control.setAccessibleName(text)

    def set_hint(self, text: str, role: str = "faint") -> None:
        """One line of help, "" for none."""
        _say(self.hint, text, role)

    def set_problem(self, text: str) -> None:
        """What is wrong, "" for nothing."""
        _say(self.problem, text, "bad")
        self.control.setAccessibleDescription(text)
        mark_invalid(self.control, bool(text))


def wrapped(role: str, text: str = "", *, selectable: bool = False) -> QLabel:
    """A label of as many lines as it needs at its width, and no more."""
    made = label(role, text, wrap=True, selectable=selectable)
    policy = made.sizePolicy()
    policy.setVerticalPolicy(QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    made.setSizePolicy(policy)
    return made


def align_start(where: QLabel) -> None:
    """Let its text begin where everything else does, whatever script it is in: Qt goes by the text's own."""
    mirrored = where.layoutDirection() == Qt.LayoutDirection.RightToLeft
    side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
    where.setAlignment(side | Qt.AlignmentFlag.AlignAbsolute)


def mark_invalid(control: QWidget, invalid: bool) -> None:
    """Outline a control that cannot be used as it is."""
    if bool(control.property("invalid")) != invalid:
        control.setProperty("invalid", invalid)
        repolish(control)


def _say(where: QLabel, text: str, role: str) -> None:
    where.setText(text)
    where.setVisible(bool(text))
    set_role(where, role)


def scroll_area(inside: QWidget) -> QScrollArea:
    """`inside`, scrolling up and down, on the ground of whatever is around it."""
    made = QScrollArea()
    made.setWidgetResizable(True)
    made.setFrameShape(QFrame.Shape.NoFrame)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setWidget(inside)
    inside.setAutoFillBackground(False)
    made.viewport().setAutoFillBackground(False)
    return made


def room_for(dialog: QWidget, otherwise: QSize) -> QSize:
    """How large the window is that a dialog belongs to; `otherwise` for a dialog of its own."""
    parent = dialog.parentWidget()
    return otherwise if parent is None else parent.window().size()


def line_edit(*, ltr: bool = False, longest: int = 0) -> QLineEdit:
    """A line to type in; `ltr` for what is written from left to right in every language."""
    made = QLineEdit()
    if ltr:
        made.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        made.setInputMethodHints(
            Qt.InputMethodHint.ImhNoAutoUppercase
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhPreferLatin
        )
    if longest:
        made.setMaxLength(longest)
    return made


class Choice(QComboBox, Generic[T]):
    """One of several values, each with its words. Scrolling past does not change it."""

    chosen = Signal()

    def __init__(self, values: Sequence[T]) -> None:
        super().__init__()
        for value in values:
            self.addItem(value, value)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(8)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.currentIndexChanged.connect(self.chosen)

    def value(self) -> T:
        """The value that is chosen."""
        value: T = self.currentData()
        return value

    def set_value(self, value: T) -> None:
        """Choose a value; one that is not offered yet is added under its own name."""
        if self.findData(value) < 0:
            self.addItem(value, value)
        self.setCurrentIndex(self.findData(value))

    def set_words(self, words: Sequence[str]) -> None:
        """The words for the values, in their order."""
        for at, text in enumerate(words):
            self.setItemText(at, text)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        """Let the form scroll."""
        event.ignore()


class Seconds(QDoubleSpinBox):
    """A number of seconds that scrolling past does not change."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setDecimals(1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(SMALL, 0, SMALL, 0)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        """Let the form scroll."""
        event.ignore()

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """Without a fraction where there is none."""
        return self.locale().toString(value, "f", 0 if value == int(value) else 1)


class Number(QSpinBox):
    """A whole number that scrolling past does not change."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(SMALL, 0, SMALL, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        """Let the form scroll."""
        event.ignore()


class Folded(Retranslating, QWidget):
    """A part of a form that is folded away until its title is pressed."""

    def __init__(self, *fields: QWidget) -> None:
        super().__init__()
        self.switch = Button("link", "chevron", " ")
        self.switch.setCheckable(True)
        self.inside = QWidget()
        content = QVBoxLayout(self.inside)
        content.setContentsMargins(0, SMALL, 0, 0)
        content.setSpacing(2 * SMALL)
        for field in fields:
            content.addWidget(field)
        self.inside.hide()
        self.switch.toggled.connect(self._fold)
        layout = column(self.switch, self.inside, spacing=0)
        layout.setAlignment(self.switch, Qt.AlignmentFlag.AlignLeading)
        self.setLayout(layout)

    def set_title(self, text: str) -> None:
        """The words that fold it in and out."""
        self.switch.setText(text)

    def _fold(self, out: bool) -> None:
        self.inside.setVisible(out)
        self.switch.set_icon_name("chevron-down" if out else "chevron")
