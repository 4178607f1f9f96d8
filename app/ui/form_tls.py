"""How TLS looks on the wire, in the form: whose ClientHello it is, whether it hides the name, and what few need."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app.client.form_tls import USUAL_RESOLVER, Ech, TlsDraft, Version, fingerprint_choices
from app.client.options import unmet_wishes
from app.storage.profiles import Profile
from app.ui.base import Retranslating, column, row
from app.ui.form_fields import Choice, Field, Folded, line_edit
from app.ui.form_file import FileField
from app.ui.tokens import LARGE, MEDIUM

_ECH: Final[tuple[Ech, ...]] = ("off", "config", "resolver")
_VERSIONS: Final[tuple[Version, ...]] = ("", "1.2", "1.3")


class TlsFields(Retranslating, QWidget):
    """`put` shows a draft, `value` is what is shown."""

    edited = Signal(str)  # the field that was typed in, "" for a choice

    def __init__(self) -> None:
        super().__init__()
        self.fingerprint: Choice[str] = Choice(fingerprint_choices())
        self.fingerprint_field = Field(self.fingerprint)
        self.hello_field = FileField()
        self.ech: Choice[Ech] = Choice(_ECH)
        self.ech_field = Field(self.ech)
        self.ech_config, self.ech_resolver = line_edit(ltr=True), line_edit(ltr=True)
        self.config_field, self.resolver_field = Field(self.ech_config), Field(self.ech_resolver)
        self.fragment = QCheckBox()
        self._make_rare()
        shown = (self.fingerprint_field, self.hello_field, self.ech_field, self.config_field, self.resolver_field)
        self.setLayout(column(*shown, self.fragment, self.rare, spacing=LARGE))
        self._connect()
        self.retranslate()

    def _make_rare(self) -> None:
        self.min_tls: Choice[Version] = Choice(_VERSIONS)
        self.max_tls: Choice[Version] = Choice(_VERSIONS)
        self.min_field, self.max_field = Field(self.min_tls), Field(self.max_tls)
        self.certificate_field, self.key_field = FileField(), FileField()
        self.ciphers, self.curve = line_edit(ltr=True), line_edit(ltr=True)
        self.ciphers_field, self.curve_field = Field(self.ciphers), Field(self.curve)
        versions = QWidget()
        versions.setLayout(row(self.min_field, self.max_field, spacing=MEDIUM))
        self.rare = Folded(versions, self.certificate_field, self.key_field, self.ciphers_field, self.curve_field)

    def _connect(self) -> None:
        typed = {
            "hello_file": self.hello_field.edit,
            "ech_config": self.ech_config,
            "ech_resolver": self.ech_resolver,
            "client_certificate": self.certificate_field.edit,
            "client_key": self.key_field.edit,
            "ciphers": self.ciphers,
            "curve": self.curve,
        }
        for name, field in typed.items():
            field.textChanged.connect(lambda _text, name=name: self.edited.emit(name))
        for choice in (self.fingerprint, self.ech, self.min_tls, self.max_tls):
            choice.chosen.connect(self._chosen)
        self.fragment.toggled.connect(lambda: self.edited.emit(""))

    def retranslate(self) -> None:
        self._name_fingerprints()
        files = self.tr("Certificates {patterns}").format(patterns="(*.pem *.crt *.cer *.key)")
        self.hello_field.set_title(self.tr("The captured ClientHello"))
        self.hello_field.ask(self.tr("Choose the captured ClientHello"), [])
        self.ech_field.set_title(self.tr("Encrypted server name (ECH)"))
        self.ech.set_words(
            (self.tr("off"), self.tr("with this configuration"), self.tr("with the configuration in the DNS"))
        )
        self.config_field.set_title(self.tr("ECH configuration"))
        self.ech_config.setPlaceholderText(self.tr("base64, or a PEM block"))
        self.resolver_field.set_title(self.tr("Resolver (DNS over HTTPS)"))
        self.ech_resolver.setPlaceholderText(USUAL_RESOLVER)
        self.fragment.setText(self.tr("Send the ClientHello in pieces"))
        self.rare.set_title(self.tr("TLS versions, client certificate"))
        self.min_field.set_title(self.tr("Lowest TLS version"))
        self.max_field.set_title(self.tr("Highest TLS version"))
        self.min_tls.set_words((self.tr("usual"), "TLS 1.2", "TLS 1.3"))
        self.max_tls.set_words((self.tr("usual"), "TLS 1.2", "TLS 1.3"))
        self.certificate_field.set_title(self.tr("Client certificate (PEM file)"))
        self.certificate_field.ask(self.tr("Choose the client certificate"), [files])
        self.key_field.set_title(self.tr("Its key, if in another file"))
        self.key_field.ask(self.tr("Choose the private key"), [files])
        self.ciphers_field.set_title(self.tr("Cipher suites of TLS 1.2"))
        self.ciphers.setPlaceholderText(self.tr("as OpenSSL has them, for example ECDHE+AESGCM"))
        self.curve_field.set_title(self.tr("Elliptic curve"))
        self.curve.setPlaceholderText(self.tr("as OpenSSL has it, for example prime256v1"))
        self._show()

    def put(self, draft: TlsDraft) -> None:
        """Show what the draft says."""
        self.fingerprint.set_value(draft.fingerprint)
        self._name_fingerprints()
        self.hello_field.set_text(draft.hello_file)
        self.ech.set_value(draft.ech)
        self.ech_config.setText(draft.ech_config)
        self.ech_resolver.setText(draft.ech_resolver)
        self.fragment.setChecked(draft.fragment)
        self.min_tls.set_value(draft.min_tls)
        self.max_tls.set_value(draft.max_tls)
        self.certificate_field.set_text(draft.client_certificate)
        self.key_field.set_text(draft.client_key)
        self.ciphers.setText(draft.ciphers)
        self.curve.setText(draft.curve)
        self.ech_config.setCursorPosition(0)  # what does not fit is read from its start

    def value(self) -> TlsDraft:
        """What is shown."""
        return TlsDraft(
            fingerprint=self.fingerprint.value(),
            hello_file=self.hello_field.text(),
            ech=self.ech.value(),
            ech_config=self.ech_config.text(),
            ech_resolver=self.ech_resolver.text(),
            fragment=self.fragment.isChecked(),
            min_tls=self.min_tls.value(),
            max_tls=self.max_tls.value(),
            client_certificate=self.certificate_field.text(),
            client_key=self.key_field.text(),
            ciphers=self.ciphers.text(),
            curve=self.curve.text(),
        )

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong under each field."""
        fields = {
            "hello_file": self.hello_field,
            "ech": self.ech_field,
            "ech_config": self.config_field,
            "ech_resolver": self.resolver_field,
            "max_tls": self.max_field,
            "client_key": self.key_field,
            "ciphers": self.ciphers_field,
            "curve": self.curve_field,
        }
        for name, field in fields.items():
            field.set_problem(problems.get(name, ""))

    def _chosen(self) -> None:
        self._show()
        self.edited.emit("")

    def _show(self) -> None:
        draft = self.value()
        self.hello_field.setVisible(draft.fingerprint == "file")
        self.config_field.setVisible(draft.ech == "config")
        self.resolver_field.setVisible(draft.ech == "resolver")
        self.ciphers_field.setVisible(draft.own_hello)
        self.curve_field.setVisible(draft.own_hello)
        wishes = unmet_wishes(Profile("", (), fingerprint=draft.fingerprint))
        self.fingerprint_field.set_hint(" ".join(wishes), "warn")
        asked = self.tr(
            "The resolver is asked for it and learns the server's name; nobody on the way does, unless that name is "
            "the host too, which the system's DNS is asked for."
        )
        self.resolver_field.set_hint(asked)

    def _name_fingerprints(self) -> None:
        """Words for what is offered; what a profile has besides keeps its own name."""
        self.fingerprint_field.set_title(self.tr("TLS fingerprint"))
        words = {
            "chrome": self.tr("Chrome, the newest that is known"),
            "none": self.tr("none (Python's own)"),
            "file": self.tr("a ClientHello captured in a file"),
        }
        for at in range(self.fingerprint.count()):
            value = self.fingerprint.itemData(at)
            major = value.removeprefix("chrome:")
            self.fingerprint.setItemText(at, words.get(value) or (f"Chrome {major}" if major != value else value))
