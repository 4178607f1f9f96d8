"""A field for the path of a file: typed, or chosen."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.ui.base import Retranslating, button, row
from app.ui.form_fields import Field, line_edit


class FileField(Retranslating, Field):
    """`edit` has the path. `ask` sets the words of the dialog that the button opens."""

    typed = Signal(str)

    def __init__(self) -> None:
        self.edit = line_edit(ltr=True)
        self.browse = button("", "folder", " ")
        holder = QWidget()
        holder.setLayout(row(self.edit, self.browse))
        super().__init__(holder, focus=self.edit)
        self._question, self._filters = "", [""]
        self.edit.textChanged.connect(self.typed)
        self.browse.clicked.connect(self._choose)
        self.retranslate()

    def retranslate(self) -> None:
        self.browse.setText(self.tr("Choose…"))

    def ask(self, question: str, filters: Sequence[str]) -> None:
        """What the dialog is called, and which files it shows, as `QFileDialog` wants them."""
        self._question, self._filters = question, [*filters, self.tr("All files (*)")]

    def text(self) -> str:
        """The path."""
        return self.edit.text()

    def set_text(self, path: str) -> None:
        """Show a path."""
        self.edit.setText(path)

    def _choose(self) -> None:
        chooser = QFileDialog(self, self._question)
        chooser.setFileMode(QFileDialog.FileMode.ExistingFile)
        chooser.setNameFilters(self._filters)
        chooser.fileSelected.connect(self.set_text)
        chooser.finished.connect(chooser.deleteLater)
        chooser.open()
