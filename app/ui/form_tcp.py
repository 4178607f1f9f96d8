"""How the TCP connections to a server are made, in the form."""

from collections.abc import Mapping
from typing import Final, get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app.client.form_tcp import TcpDraft
from app.client.options import unmet_wishes
from app.storage.profiles import KEEPALIVE_SECONDS, USER_TIMEOUT_SECONDS, Profile
from app.transport.options import Family, TcpOptions
from app.ui.base import Retranslating, column
from app.ui.form_fields import Choice, Field, Seconds, line_edit, wrapped
from app.ui.tokens import LARGE, TINY

_FAMILIES: Final[tuple[Family, ...]] = get_args(Family)


class TcpFields(Retranslating, QWidget):
    """`put` shows a draft, `value` is what is shown."""

    edited = Signal(str)  # the field that was typed in, "" for a choice

    def __init__(self) -> None:
        super().__init__()
        self.family: Choice[Family] = Choice(_FAMILIES)
        self.source = line_edit(ltr=True)
        self.keepalive, self.user_timeout = Seconds(0, KEEPALIVE_SECONDS[1]), Seconds(0, USER_TIMEOUT_SECONDS[1])
        self.no_delay, self.multipath = QCheckBox(), QCheckBox()
        self.missing = wrapped("warn")
        self.family_field, self.source_field = Field(self.family), Field(self.source)
        self.keepalive_field, self.timeout_field = Field(self.keepalive), Field(self.user_timeout)
        boxes = column(self.no_delay, self.multipath, self.missing, spacing=TINY)
        fields = (self.family_field, self.source_field, self.keepalive_field, self.timeout_field)
        self.setLayout(column(*fields, boxes, spacing=LARGE))
        self._connect()
        self.retranslate()

    def _connect(self) -> None:
        self.source.textChanged.connect(lambda: self.edited.emit("source"))
        self.keepalive.valueChanged.connect(lambda: self.edited.emit("keepalive"))
        self.user_timeout.valueChanged.connect(lambda: self.edited.emit("user_timeout"))
        self.family.chosen.connect(lambda: self.edited.emit(""))
        for box in (self.no_delay, self.multipath):
            box.toggled.connect(self._toggled)

    def retranslate(self) -> None:
        self.family_field.set_title(self.tr("Addresses"))
        self.family.set_words(
            (
                self.tr("in the system's order"),
                self.tr("IPv4 first"),
                self.tr("IPv6 first"),
                self.tr("IPv4 only"),
                self.tr("IPv6 only"),
            )
        )
        self.source_field.set_title(self.tr("Connect from"))
        self.source.setPlaceholderText(self.tr("an interface or a local address"))
        self.keepalive_field.set_title(self.tr("Probe a silent connection after"))
        self.timeout_field.set_title(self.tr("Give up on unanswered data after"))
        for seconds in (self.keepalive, self.user_timeout):
            seconds.setSuffix(self.tr(" s"))
        self.keepalive.setSpecialValueText(self.tr("never"))
        self.user_timeout.setSpecialValueText(self.tr("as the system has it"))
        self.no_delay.setText(self.tr("Send small pieces at once"))
        self.multipath.setText(self.tr("Multipath TCP where possible"))
        self._show()

    def put(self, draft: TcpDraft) -> None:
        """Show what the draft says."""
        self.family.set_value(draft.family)
        self.source.setText(draft.source)
        self.keepalive.setValue(draft.keepalive)
        self.user_timeout.setValue(draft.user_timeout)
        self.no_delay.setChecked(draft.no_delay)
        self.multipath.setChecked(draft.multipath)

    def value(self) -> TcpDraft:
        """What is shown."""
        return TcpDraft(
            family=self.family.value(),
            source=self.source.text(),
            keepalive=self.keepalive.value(),
            user_timeout=self.user_timeout.value(),
            no_delay=self.no_delay.isChecked(),
            multipath=self.multipath.isChecked(),
        )

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong under each field."""
        self.source_field.set_problem(problems.get("source", ""))
        self.keepalive_field.set_problem(problems.get("keepalive", ""))
        self.timeout_field.set_problem(problems.get("user_timeout", ""))

    def _toggled(self) -> None:
        self._show()
        self.edited.emit("")

    def _show(self) -> None:
        asked = Profile("", (), fingerprint="none", tcp=TcpOptions(multipath=self.multipath.isChecked()))
        text = " ".join(unmet_wishes(asked))
        self.missing.setText(text)
        self.missing.setVisible(bool(text))
