"""What a form says about TLS, and what is wrong with it."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from app.client.form_tls import NEW_TLS, USUAL_RESOLVER, TlsDraft, fingerprint_choices
from app.engine import fingerprints
from app.storage.profiles import DEFAULT_FINGERPRINT, Profile, ProfileServer
from tests.fakes.ech import CONFIG

ECH = base64.b64encode(CONFIG).decode()
PEM = f"-----BEGIN ECHCONFIG----- {ECH} -----END ECHCONFIG-----"  # as a line takes it
OWN = TlsDraft(fingerprint="none")
CHROME = TlsDraft(fingerprint="chrome")
BARE = Profile("n", (ProfileServer("h.example"),))


def problems(draft: TlsDraft, sends_name: bool = True) -> dict[str, str]:
    return draft.problems(sends_name)


def test_a_new_form_is_a_new_profile() -> None:
    assert problems(NEW_TLS) == {}
    assert replace(BARE, **NEW_TLS.fields()) == BARE
    assert NEW_TLS.fingerprint == DEFAULT_FINGERPRINT


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": "none", "ciphers": "ECDHE+AESGCM", "curve": "secp384r1", "min_tls": "1.2", "max_tls": "1.3"},
        {"fingerprint": "chrome:152", "ech_config": CONFIG, "fragment": True},
        {"fingerprint": "file", "hello_file": "hello.bin", "ech_resolver": "https://dns.example/q"},
        {"client_certificate": "me.pem", "client_key": "me.key"},
        {"fingerprint": "firefox"},
    ],
)
def test_a_saved_profile_comes_back_as_it_was(changes: dict[str, Any]) -> None:
    profile = replace(BARE, **changes)
    draft = TlsDraft.of(profile)
    assert problems(draft) == {}
    assert replace(BARE, **draft.fields()) == profile


def test_what_is_out_of_use_is_not_saved() -> None:
    draft = TlsDraft(
        fingerprint="chrome", hello_file="h", ech_config="!", ech_resolver="!", ciphers="no such", curve="?"
    )
    assert problems(draft) == {}
    saved = replace(BARE, **draft.fields())
    assert saved == replace(BARE, fingerprint="chrome")


@pytest.mark.parametrize("text", [ECH, f" {ECH} ", PEM])
def test_an_ech_configuration_in_every_form(text: str) -> None:
    draft = replace(CHROME, ech="config", ech_config=text)
    assert problems(draft) == {}
    assert draft.fields()["ech_config"] == CONFIG


def test_the_usual_resolver_is_there_already() -> None:
    draft = replace(CHROME, ech="resolver")
    assert problems(draft) == {}
    assert draft.fields()["ech_resolver"] == USUAL_RESOLVER


@pytest.mark.parametrize(
    ("draft", "field", "sentence"),
    [
        (TlsDraft(fingerprint="file", hello_file=" "), "hello_file", "Choose the file that holds the ClientHello."),
        (
            replace(CHROME, ech="config"),
            "ech_config",
            "Paste the ECH configuration: base64, or a PEM block.",
        ),
        (
            replace(CHROME, ech="config", ech_config="AAAA"),
            "ech_config",
            "The ECH configuration is cut short or damaged.",
        ),
        (
            replace(CHROME, ech="resolver", ech_resolver="http://dns.example"),
            "ech_resolver",
            "The resolver is not an https:// address.",
        ),
        (
            replace(OWN, ech="resolver"),
            "ech",
            "The name can be sent encrypted only with Chrome's fingerprint.",
        ),
        (
            replace(CHROME, ech="resolver", max_tls="1.2"),
            "ech",
            "The name can be sent encrypted only with TLS 1.3.",
        ),
        (replace(OWN, min_tls="1.3", max_tls="1.2"), "max_tls", "The highest version is below the lowest one."),
        (
            replace(OWN, client_key="me.key"),
            "client_key",
            "Choose the certificate too that this key belongs to.",
        ),
        (
            replace(OWN, ciphers="NO-SUCH-SUITE"),
            "ciphers",
            "These are no cipher suites by OpenSSL's names, with colons between them.",
        ),
        (
            replace(OWN, ciphers="ALL;rm"),
            "ciphers",
            "These are no cipher suites by OpenSSL's names, with colons between them.",
        ),
        (
            replace(OWN, curve="x25520"),
            "curve",
            "This is no curve that can be chosen here, as prime256v1 or secp384r1 can.",
        ),
        (
            replace(OWN, curve="X\0"),
            "curve",
            "This is no curve that can be chosen here, as prime256v1 or secp384r1 can.",
        ),
    ],
)
def test_what_cannot_be_is_said(draft: TlsDraft, field: str, sentence: str) -> None:
    assert problems(draft) == {field: sentence}


def test_there_has_to_be_a_name_to_encrypt() -> None:
    draft = replace(CHROME, ech="resolver")
    assert problems(draft, sends_name=False) == {"ech": "There is no name to encrypt, because none is sent."}


def test_what_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "known", lambda: ("chrome", "chrome:152"))
    assert fingerprint_choices() == ("chrome", "chrome:152", "none", "file")
    monkeypatch.setattr(fingerprints, "known", lambda: ())
    assert fingerprint_choices() == ("chrome", "none")
