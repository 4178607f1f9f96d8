"""How a server proves who it is, in the form: by authorities, by one file, by its own certificate, or not at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.client.form import ProfileDraft
from app.storage.profiles import Verification
from app.ui.base import Retranslating, column
from app.ui.form_fields import Choice, Field, line_edit
from app.ui.form_file import FileField
from app.ui.tokens import MEDIUM

_KINDS: Final[tuple[Verification, ...]] = ("system", "ca-file", "pin", "none")


class VerificationFields(Retranslating, QWidget):
    """The choice, and what the chosen one needs."""

    edited = Signal(str)  # the field that was typed in, "" for a choice

    def __init__(self) -> None:
        super().__init__()
        self.kind: Choice[Verification] = Choice(_KINDS)
        self.kind_field = Field(self.kind)
        self.ca_field = FileField()
        self.ca_file = self.ca_field.edit
        self.pin = line_edit(ltr=True)
        self.pin_field = Field(self.pin)
        self.setLayout(column(self.kind_field, self.ca_field, self.pin_field, spacing=MEDIUM))
        self._connect()
        self.retranslate()
        self._show_needed()

    def _connect(self) -> None:
        self.kind.chosen.connect(self._show_needed)
        self.kind.chosen.connect(lambda: self.edited.emit(""))
        for name, field in (("ca_file", self.ca_file), ("pin", self.pin)):
            field.textChanged.connect(lambda _text, name=name: self.edited.emit(name))

    def retranslate(self) -> None:
        self.kind_field.set_title(self.tr("The server's certificate"))
        self.kind.set_words(
            (
                self.tr("is checked by the system's authorities"),
                self.tr("is checked by an authority of my own"),
                self.tr("has to be this one (pinned)"),
                self.tr("is not checked"),
            )
        )
        self.ca_field.set_title(self.tr("The authority's certificate (PEM file)"))
        files = self.tr("Certificates {patterns}").format(patterns="(*.pem *.crt *.cer)")
        self.ca_field.ask(self.tr("Choose the authority's certificate"), [files])
        self.pin_field.set_title(self.tr("SHA-256 of the certificate"))
        self.pin.setPlaceholderText(self.tr("64 hexadecimal digits, or base64 of the public key's"))
        self._warn()

    def put(self, draft: ProfileDraft) -> None:
        """Show what the draft says."""
        self.kind.set_value(draft.verification)
        self.ca_file.setText(draft.ca_file)
        self.pin.setText(draft.pin)
        self.pin.setCursorPosition(0)  # what does not fit is read from its start

    def take(self, draft: ProfileDraft) -> ProfileDraft:
        """The draft with what is shown here."""
        return replace(draft, verification=self.kind.value(), ca_file=self.ca_file.text(), pin=self.pin.text())

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong under each field."""
        self.kind_field.set_problem(problems.get("verification", ""))
        self.ca_field.set_problem(problems.get("ca_file", ""))
        self.pin_field.set_problem(problems.get("pin", ""))

    def _show_needed(self) -> None:
        self.ca_field.setVisible(self.kind.value() == "ca-file")
        self.pin_field.setVisible(self.kind.value() == "pin")
        self._warn()

    def _warn(self) -> None:
        text = self.tr("Anyone on the way can pretend to be the server, read along and take the password.")
        self.kind_field.set_hint(text if self.kind.value() == "none" else "", "bad")
