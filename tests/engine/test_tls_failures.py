"""What each end of a handshake is called, whatever the library says of it."""

import ssl
from typing import Any

import pytest

from app.engine.options import Server, TlsOptions
from app.engine.tls_failures import alert_in, refusal, rejected_certificate, rejection, tls_failure, wrong_version
from app.errors import (
    AlpnRefused,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRejected,
    CertificateSelfSigned,
    CertificateUnknownIssuer,
    CertificateWrongName,
    ClientCertificateRefused,
    HandshakeClosed,
    HandshakeRefused,
    NameRefused,
    NotTls,
    TlsFailed,
    TlsVersionRefused,
)
from tests.engine.test_certificates import der
from tests.fakes import certificates

SERVER = Server("server.test", 443, "")
TOLD: list[tuple[str, type[TlsFailed]]] = [
    ("protocol_version", TlsVersionRefused),
    ("no_application_protocol", AlpnRefused),
    ("unrecognized_name", NameRefused),
    ("certificate_required", ClientCertificateRefused),
    ("unknown_ca", ClientCertificateRefused),
    ("close_notify", HandshakeClosed),
    ("handshake_failure", HandshakeRefused),
    ("250", HandshakeRefused),
]


def verdict(code: int | None, message: str = "Something is wrong.") -> ssl.SSLCertVerificationError:
    error: Any = ssl.SSLCertVerificationError(message)
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("code", "identity", "kind", "words"),
    [
        (10, certificates.expired, CertificateExpired, "UTC"),
        (9, certificates.not_yet_valid, CertificateNotYetValid, "UTC"),
        (18, certificates.self_signed, CertificateSelfSigned, "localhost"),
        (19, certificates.good, CertificateUnknownIssuer, "Test authority"),
        (20, certificates.good, CertificateUnknownIssuer, "Test authority"),
        (21, certificates.good, CertificateUnknownIssuer, "Test authority"),
        (62, certificates.for_another_name, CertificateWrongName, "other.test"),
        (64, certificates.for_another_name, CertificateWrongName, "other.test"),
        (26, certificates.good, CertificateRejected, "something is wrong"),
    ],
)
def test_a_verdict_has_its_reason_from_the_certificate(code: int, identity: Any, kind: type, words: str) -> None:
    shown = der(identity())
    failure = rejection(SERVER, verdict(code), shown)
    assert type(failure) is kind
    assert words in str(failure)
    assert failure.certificate == shown


def test_without_the_certificate_the_librarys_words_stand() -> None:
    assert str(rejection(SERVER, verdict(10, "Certificate has expired."), b"")).endswith("certificate has expired.")


def test_a_certificate_with_many_names_shows_a_few() -> None:
    many = certificates._make(*(f"n{number}.test" for number in range(9)))
    assert "n4.test, …" in str(rejection(SERVER, verdict(62), der(many)))
    assert "n5.test" not in str(rejection(SERVER, verdict(62), der(many)))


def test_only_a_verdict_is_one() -> None:
    assert rejected_certificate(verdict(10))
    assert not rejected_certificate(verdict(65)), "BoringSSL's for what it has not come to"
    assert not rejected_certificate(verdict(None))
    assert not rejected_certificate(ssl.SSLError("x"))


@pytest.mark.parametrize(("alert", "kind"), TOLD)
def test_an_alert_says_what_it_means(alert: str, kind: type) -> None:
    failure = refusal(SERVER, alert)
    assert type(failure) is kind
    assert "_" not in str(failure)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ssl.SSLError(1, "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure"), "handshake_failure"),
        (ssl.SSLError(1, "[SSL] tlsv1 alert no application protocol (_ssl.c:1006)"), "no_application_protocol"),
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] (_ssl.c:1)"), "certificate_required"),
        (ssl.SSLError("error:10000460:SSL routines:OPENSSL_internal:TLSV1_ALERT_PROTOCOL_VERSION"), "protocol_version"),
        (ssl.SSLError("alert of some other kind"), ""),
        (ssl.SSLError("no such word"), ""),
        (ConnectionResetError("alert handshake failure"), ""),
        (None, ""),
    ],
)
def test_an_alert_is_found_in_a_librarys_words(error: Exception | None, name: str) -> None:
    assert alert_in(error) == name


SERVER_HELLO_1_2 = b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + bytes(32) + b"\x00\xc0\x2f\x00"


@pytest.mark.parametrize(
    ("error", "first", "tls", "kind"),
    [
        (ssl.SSLError("x"), b"HTTP/1.1 400 Bad Request", {}, NotTls),
        (verdict(65), b"SSH-2.0-x", {}, NotTls),
        (verdict(65), b"\x15\x03\x03\x00\x02\x02\x46", {}, TlsVersionRefused),
        (ssl.SSLEOFError("x"), b"", {}, HandshakeClosed),
        (ConnectionResetError("x"), b"\x16\x03\x03", {}, HandshakeClosed),
        (verdict(None), SERVER_HELLO_1_2, {"min_version": "1.3"}, TlsVersionRefused),
        (ssl.SSLError("x"), SERVER_HELLO_1_2, {}, TlsFailed),
    ],
)
def test_the_servers_first_bytes_say_more_than_the_library(
    error: Exception, first: bytes, tls: dict[str, Any], kind: type
) -> None:
    assert type(tls_failure(Server("server.test", 443, "", TlsOptions(**tls)), error, first)) is kind


def test_the_protocols_that_were_refused_are_named() -> None:
    assert "h2, http/1.1" in str(refusal(SERVER, "no_application_protocol"))
    offered = Server("server.test", 443, "", TlsOptions(alpn=("foo",)))
    assert "foo" in str(refusal(offered, "no_application_protocol"))


@pytest.mark.parametrize(
    ("tls", "chosen", "words"),
    [
        ({}, None, "asks for 1.2–1.3; the server’s TLS is too old."),
        ({"min_version": "1.3"}, "1.2", "asks for 1.3, the server for 1.2; change the TLS versions in the profile."),
        ({"max_version": "1.2"}, None, "asks for 1.2; change the TLS versions in the profile."),
        ({"ech_config": b"config"}, None, "asks for 1.3; the server’s TLS is too old."),
    ],
)
def test_the_versions_that_do_not_meet_are_named(tls: dict[str, Any], chosen: str | None, words: str) -> None:
    assert words in str(wrong_version(Server("server.test", 443, "", TlsOptions(**tls)), chosen))
