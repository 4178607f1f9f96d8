"""TLS in the form: what is offered, what each choice shows, and what is said about it."""

import base64
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.client.form_tls import TlsDraft
from app.engine import fingerprints
from app.ui.form_tls import TlsFields
from tests.fakes.ech import CONFIG

ECH = base64.b64encode(CONFIG).decode()
FULL = TlsDraft(
    fingerprint="chrome:152",
    hello_file="hello.bin",
    ech="config",
    ech_config=ECH,
    ech_resolver="https://dns.example/q",
    fragment=True,
    min_tls="1.2",
    max_tls="1.3",
    client_certificate="me.pem",
    client_key="me.key",
    ciphers="ALL",
    curve="X25519",
)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "available", lambda: True)


@pytest.fixture
def fields(known: None, qtbot: QtBot) -> TlsFields:
    made = TlsFields()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize("draft", [TlsDraft(), FULL, replace(FULL, ech="resolver", fingerprint="none")])
def test_what_goes_in_comes_out(fields: TlsFields, draft: TlsDraft) -> None:
    fields.put(draft)
    assert fields.value() == draft


def test_fingerprints_have_words(fields: TlsFields) -> None:
    words = [fields.fingerprint.itemText(at) for at in range(fields.fingerprint.count())]
    assert words[:2] == ["Chrome, the newest that is known", "Chrome 152"]
    assert words[-2:] == ["none (Python's own)", "a ClientHello captured in a file"]
    fields.put(TlsDraft(fingerprint="netscape"))
    assert fields.fingerprint.currentText() == "netscape"


def test_one_that_cannot_be_had_says_so(fields: TlsFields) -> None:
    fields.put(TlsDraft(fingerprint="chrome"))
    assert not fields.fingerprint_field.hint.isVisible()
    fields.put(TlsDraft(fingerprint="firefox"))
    assert fields.fingerprint_field.hint.text().startswith("The ClientHello of “firefox” cannot be had")
    assert fields.fingerprint_field.hint.property("role") == "warn"


def test_a_system_without_the_library_says_so(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "available", lambda: False)
    fields = TlsFields()
    qtbot.addWidget(fields)
    fields.put(TlsDraft(fingerprint="chrome"))
    assert [fields.fingerprint.itemData(at) for at in range(fields.fingerprint.count())] == ["chrome", "none"]
    assert "Python's own ClientHello is sent instead" in fields.fingerprint_field.hint.text()


@pytest.mark.parametrize(
    ("name", "own", "file"), [("chrome", False, False), ("none", True, False), ("file", False, True)]
)
def test_each_fingerprint_shows_what_it_needs(fields: TlsFields, name: str, own: bool, file: bool) -> None:
    fields.rare.switch.setChecked(True)
    fields.fingerprint.set_value(name)
    assert fields.ciphers_field.isVisible() is own
    assert fields.curve_field.isVisible() is own
    assert fields.hello_field.isVisible() is file


def test_each_kind_of_ech_shows_what_it_needs(fields: TlsFields) -> None:
    assert not fields.config_field.isVisible()
    assert not fields.resolver_field.isVisible()
    fields.ech.set_value("config")
    assert fields.config_field.isVisible()
    fields.ech.set_value("resolver")
    assert not fields.config_field.isVisible()
    assert fields.resolver_field.isVisible()
    assert "learns the server's name" in fields.resolver_field.hint.text()


def test_a_pasted_pem_block_is_one_line(qtbot: QtBot, fields: TlsFields) -> None:
    fields.put(TlsDraft(fingerprint="chrome", ech="config"))
    fields.ech_config.insert(f"-----BEGIN ECHCONFIG-----\n{ECH}\n-----END ECHCONFIG-----\n")
    assert fields.value().problems(sends_name=True) == {}
    assert fields.value().fields()["ech_config"] == CONFIG


def test_what_few_need_is_folded_away(fields: TlsFields) -> None:
    assert not fields.min_tls.isVisible()
    fields.rare.switch.click()
    assert fields.min_tls.isVisible()


def test_typing_tells_which_field(fields: TlsFields) -> None:
    told: list[str] = []
    fields.edited.connect(told.append)
    typed = {
        "hello_file": fields.hello_field.edit,
        "ech_config": fields.ech_config,
        "client_certificate": fields.certificate_field.edit,
        "client_key": fields.key_field.edit,
        "ciphers": fields.ciphers,
        "curve": fields.curve,
    }
    for field in typed.values():
        field.setText("x")
    fields.ech_resolver.setText("y")
    assert told == [*typed, "ech_resolver"]
    fields.fragment.setChecked(True)
    fields.ech.set_value("resolver")
    fields.max_tls.set_value("1.2")
    assert told[7:] == ["", "", ""]


def test_problems_stand_under_their_fields(fields: TlsFields) -> None:
    parts = {
        "hello_file": fields.hello_field,
        "ech": fields.ech_field,
        "ech_config": fields.config_field,
        "ech_resolver": fields.resolver_field,
        "max_tls": fields.max_field,
        "client_key": fields.key_field,
        "ciphers": fields.ciphers_field,
        "curve": fields.curve_field,
    }
    fields.show_problems({name: f"No {name}." for name in parts} | {"alpn": "Elsewhere."})
    assert [part.problem.text() for part in parts.values()] == [f"No {name}." for name in parts]
    fields.show_problems({})
    assert {part.problem.text() for part in parts.values()} == {""}


def test_every_control_has_a_name(fields: TlsFields) -> None:
    controls = (
        *(fields.fingerprint, fields.hello_field.edit, fields.ech, fields.ech_config, fields.ech_resolver),
        *(fields.min_tls, fields.max_tls, fields.certificate_field.edit, fields.key_field.edit),
        *(fields.ciphers, fields.curve),
    )
    assert all(control.accessibleName() for control in controls)
    assert fields.fragment.text()
    assert fields.rare.switch.text()
