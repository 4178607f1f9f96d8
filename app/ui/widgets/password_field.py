"""A field whose text is shown as dots until its eye is pressed."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.base import Retranslating, icon_button, name_it, row


class PasswordField(Retranslating, QWidget):
    """Dots and an eye. `edit` is the line edit itself, for its signals and its accessible name."""

    changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = QLineEdit()
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.edit.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.edit.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoAutoUppercase
            | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self.eye = icon_button("eye")
        self.eye.setCheckable(True)
        self.eye.toggled.connect(self._reveal)
        self.edit.textChanged.connect(self.changed)
        self.setLayout(row(self.edit, self.eye))
        self.setFocusProxy(self.edit)
        self.retranslate()

    def text(self) -> str:
        """What stands in it."""
        return self.edit.text()

    def set_text(self, text: str) -> None:
        """Put another text in."""
        self.edit.setText(text)

    def hide_text(self) -> None:
        """Show dots again."""
        self.eye.setChecked(False)

    def retranslate(self) -> None:
        name_it(self.eye, self.tr("Hide the password") if self.eye.isChecked() else self.tr("Show the password"))

    def _reveal(self, shown: bool) -> None:
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)
        self.eye.set_icon_name("eye-off" if shown else "eye")
        self.retranslate()
