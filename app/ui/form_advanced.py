"""What most people never touch: TLS and TCP, how sessions are kept, UDP, and how the program names itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app import NAME, __version__
from app.client.form import MAX_CLIENT_NAME, PresetName, ProfileDraft
from app.storage.profiles import IDLE_SECONDS, MIN_IDLE_SESSIONS, PRESETS, Preset, UdpMode
from app.ui.base import Retranslating, column
from app.ui.form_fields import Choice, Field, Folded, Number, Seconds, line_edit
from app.ui.form_tcp import TcpFields
from app.ui.form_tls import TlsFields
from app.ui.tokens import LARGE, MEDIUM

_PRESETS: Final[tuple[PresetName, ...]] = ("low-latency", "balanced", "saving", "own")
_UDP: Final[tuple[UdpMode, ...]] = ("connect", "packet")


class PresetFields(Retranslating, QWidget):
    """How eagerly idle sessions are kept: a preset, or three numbers."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.preset: Choice[PresetName] = Choice(_PRESETS)
        self.preset_field = Field(self.preset)
        self.check, self.idle = Seconds(*IDLE_SECONDS), Seconds(*IDLE_SECONDS)
        self.least = Number(*MIN_IDLE_SESSIONS)
        self.check_field, self.idle_field, self.least_field = Field(self.check), Field(self.idle), Field(self.least)
        self.numbers = QWidget()
        fields = (self.check_field, self.idle_field, self.least_field)
        self.numbers.setLayout(column(*fields, spacing=MEDIUM))
        self.setLayout(column(self.preset_field, self.numbers))
        self.preset.chosen.connect(self._show)
        for spin in (self.check, self.idle, self.least):
            spin.valueChanged.connect(self._show)
        self.retranslate()

    def retranslate(self) -> None:
        self.preset_field.set_title(self.tr("Idle sessions"))
        self.preset.set_words(
            (self.tr("Low latency"), self.tr("Balanced"), self.tr("Saving"), self.tr("Numbers of my own"))
        )
        self.check_field.set_title(self.tr("Look every"))
        self.idle_field.set_title(self.tr("Close after"))
        self.least_field.set_title(self.tr("Keep ready"))
        self.check.setSuffix(self.tr(" s"))
        self.idle.setSuffix(self.tr(" s"))
        self._show()

    def value(self) -> tuple[PresetName, Preset]:
        """The chosen preset, and the numbers that count where they are one's own."""
        return self.preset.value(), Preset(self.check.value(), self.idle.value(), self.least.value())

    def set_value(self, preset: PresetName, numbers: Preset) -> None:
        """Show these."""
        self.preset.set_value(preset)
        self.check.setValue(numbers.idle_check_interval)
        self.idle.setValue(numbers.idle_timeout)
        self.least.setValue(numbers.min_idle)

    def _show(self) -> None:
        name, numbers = self.value()
        own = name == "own"
        self.numbers.setVisible(own)
        shown = numbers if own else PRESETS[name]
        text = self.tr("Every {check:g} s, sessions that were idle for {idle:g} s are closed; {least} stay ready.")
        hint = text.format(check=shown.idle_check_interval, idle=shown.idle_timeout, least=shown.min_idle)
        self.preset_field.set_hint("" if own else hint)
        self.edited.emit()


class AdvancedFields(Retranslating, QWidget):
    """All of it, below each other."""

    edited = Signal(str)  # the field that was typed in, "" for a choice

    def __init__(self) -> None:
        super().__init__()
        self.alpn = line_edit(ltr=True)
        self.no_server_name = QCheckBox()
        self.tls, self.tcp = TlsFields(), TcpFields()
        self.folded_tcp = Folded(self.tcp)
        self.presets = PresetFields()
        self.udp: Choice[UdpMode] = Choice(_UDP)
        self.client_name = line_edit(ltr=True, longest=MAX_CLIENT_NAME)
        self.no_client_name = QCheckBox()
        self.alpn_field = Field(self.alpn)
        self.udp_field = Field(self.udp)
        self.client_field = Field(self.client_name, self.no_client_name)
        fields = (self.no_server_name, self.alpn_field, self.tls, self.folded_tcp, self.presets)
        self.setLayout(column(*fields, self.udp_field, self.client_field, spacing=LARGE))
        self._connect()
        self.retranslate()

    def _connect(self) -> None:
        for name, field in (("alpn", self.alpn), ("client_name", self.client_name)):
            field.textChanged.connect(lambda _text, name=name: self.edited.emit(name))
        self.udp.chosen.connect(self._chosen)
        for box in (self.no_server_name, self.no_client_name):
            box.toggled.connect(self._chosen)
        self.presets.edited.connect(self._chosen)
        for part in (self.tls, self.tcp):
            part.edited.connect(self.edited)
        self.tls.fingerprint.chosen.connect(self._show)

    def retranslate(self) -> None:
        self.no_server_name.setText(self.tr("Send no server name (SNI)"))
        self.alpn_field.set_title(self.tr("ALPN"))
        self.folded_tcp.set_title(self.tr("TCP"))
        self.udp_field.set_title(self.tr("UDP"))
        self.udp.set_words((self.tr("one stream for each destination"), self.tr("one stream for all destinations")))
        self.client_field.set_title(self.tr("Name told to the server"))
        self.client_name.setPlaceholderText(f"{NAME}/{__version__}")
        self.no_client_name.setText(self.tr("Tell no name"))
        self._show()

    def put(self, draft: ProfileDraft) -> None:
        """Show what the draft says."""
        self.alpn.setText(draft.alpn)
        self.no_server_name.setChecked(draft.no_server_name)
        self.tls.put(draft.tls)
        self.tcp.put(draft.tcp)
        self.presets.set_value(draft.preset, draft.numbers)
        self.udp.set_value(draft.udp_mode)
        self.client_name.setText(draft.client_name)
        self.no_client_name.setChecked(draft.no_client_name)
        self._show()

    def take(self, draft: ProfileDraft) -> ProfileDraft:
        """The draft with what is shown here."""
        preset, numbers = self.presets.value()
        return replace(
            draft,
            alpn=self.alpn.text(),
            no_server_name=self.no_server_name.isChecked(),
            tls=self.tls.value(),
            tcp=self.tcp.value(),
            preset=preset,
            numbers=numbers,
            udp_mode=self.udp.value(),
            client_name=self.client_name.text(),
            no_client_name=self.no_client_name.isChecked(),
        )

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong under each field."""
        self.alpn_field.set_problem(problems.get("alpn", ""))
        self.client_field.set_problem(problems.get("client_name", ""))
        self.tls.show_problems(problems)
        self.tcp.show_problems(problems)

    def _chosen(self) -> None:
        self._show()
        self.edited.emit("")

    def _show(self) -> None:
        own_hello = self.tls.value().own_hello
        usual = self.tr("none; for example h2, http/1.1") if own_hello else self.tr("as the fingerprint has it")
        self.alpn.setPlaceholderText(usual)
        self.client_name.setEnabled(not self.no_client_name.isChecked())
