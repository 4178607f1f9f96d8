"""The TLS settings of both libraries: what they refuse, and what leaves with them."""

import base64
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import utls

from app.engine import fingerprints
from app.engine.options import TlsOptions, Verification
from app.engine.tls_context import ResumingContext, hello_of, make_context, website_context
from app.errors import BadFile, BadInput
from app.protocols.client_hello import plain
from tests.fakes import certificates
from tests.fakes.ech import CONFIG
from tests.fakes.hello_prints import ja3, ja4
from tests.fakes.libraries import both_libraries
from tests.protocols.test_client_hello import FULL, hello, of_the_standard_library


def unverified(**options: Any) -> ssl.SSLContext:
    return make_context(TlsOptions(verification=Verification.NONE, **options))


# ---- whose hello it is


def test_chromes_hello_is_the_newest_that_is_known() -> None:
    sent = hello_of(unverified(fingerprint="chrome"), "example.com")
    assert ja4(sent) == utls.Fingerprint.from_preset("chrome:stable").ja4_hash
    assert sent.alpn == (b"h2", b"http/1.1")


@pytest.mark.parametrize("name", [name for name in fingerprints.known() if ":" in name])
def test_each_major_has_its_own(name: str) -> None:
    sent = hello_of(unverified(fingerprint=name), "example.com")
    assert ja4(sent) == utls.Fingerprint.from_preset(name).ja4_hash


def test_two_connections_differ_in_order_alone() -> None:
    context = unverified(fingerprint="chrome")
    hellos = [hello_of(context, "example.com") for _ in range(4)]
    assert len({ja4(hello) for hello in hellos}) == 1
    assert len({ja3(hello) for hello in hellos}) > 1


def test_no_name_is_sent_for_an_address() -> None:
    context = unverified(fingerprint="chrome")
    assert hello_of(context, "192.0.2.1").server_name is None
    assert hello_of(context, "2001:db8::1").server_name is None
    assert hello_of(context, None).server_name is None


def test_alpn_is_as_the_profile_says() -> None:
    assert hello_of(unverified(fingerprint="chrome", alpn=("http/1.1",)), "example.com").alpn == (b"http/1.1",)
    assert hello_of(unverified(alpn=("h2",)), "example.com").alpn == (b"h2",)


def test_the_standard_librarys_is_its_own() -> None:
    context = unverified()
    assert isinstance(context, ResumingContext)
    assert hello_of(context, "example.com").alpn == ()


def test_a_lowest_version_does_not_change_chromes_hello() -> None:
    sent = hello_of(unverified(fingerprint="chrome", min_version="1.3"), "example.com")
    assert ja4(sent) == ja4(hello_of(unverified(fingerprint="chrome"), "example.com"))
    assert plain(hello_of(unverified(fingerprint="chrome", max_version="1.2"), "example.com").versions) == []


def test_the_standard_librarys_ciphers_and_curve_can_be_chosen() -> None:
    sent = hello_of(unverified(ciphers="ECDHE-RSA-AES128-GCM-SHA256", curve="secp384r1"), "example.com")
    assert 0xC02F in sent.ciphers
    assert 0xC030 not in sent.ciphers
    assert sent.groups == (24,)


def test_a_platform_without_the_library_sends_the_standard_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "available", lambda: False)
    assert isinstance(unverified(fingerprint="chrome"), ResumingContext)
    with pytest.raises(BadInput, match="ECH"):
        unverified(fingerprint="chrome", ech_config=CONFIG)


# ---- a captured one


def chromes() -> bytes:
    context = unverified(fingerprint="chrome:131")
    memory = vars(context)["memory_bio"]
    incoming, outgoing = memory(), memory()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="example.org").do_handshake()
    return bytes(outgoing.read())


@pytest.mark.parametrize(
    "written",
    [
        lambda raw: raw,
        lambda raw: raw.hex().encode() + b"\n",
        base64.encodebytes,
    ],
    ids=["bytes", "hexadecimal", "base64"],
)
def test_a_captured_hello_is_sent_again(tmp_path: Path, written: Any) -> None:
    path = tmp_path / "hello.bin"
    raw = chromes()
    path.write_bytes(written(raw))
    sent = hello_of(unverified(fingerprint="file", hello_file=str(path)), "example.com")
    assert ja4(sent) == utls.Fingerprint.from_preset("chrome:131").ja4_hash
    assert sent.server_name == "example.com", "and not the name that was captured"


def test_one_that_cannot_be_sent_as_it_is_is_refused_and_says_why(tmp_path: Path) -> None:
    """BoringSSL leaves out what it does not have, and the library says nothing of it."""
    path = tmp_path / "hello.bin"
    path.write_bytes(of_the_standard_library("example.com", "h2"))
    with pytest.raises(BadFile, match="cannot be sent from here"):
        unverified(fingerprint="file", hello_file=str(path))
    path.write_bytes(hello(*FULL, ciphers=(0x1301, 0xC02F, 0x00FF, 0x0004)))
    with pytest.raises(BadFile, match=r"faithfully.*cipher_suites"):
        unverified(fingerprint="file", hello_file=str(path))
    uncompressed_points, compressed_ones = bytes.fromhex("000b00020100"), bytes.fromhex("000b00020101")
    path.write_bytes(chromes().replace(uncompressed_points, compressed_ones))
    with pytest.raises(BadFile, match=r"these would differ: extension 11\.$"):
        unverified(fingerprint="file", hello_file=str(path))


@pytest.mark.parametrize(
    "content", [None, b"", b"no hello", b"\x16\x03\x01\x00\x05\x01", b"00" * 50, hello(*FULL)[:-3]]
)
def test_a_file_that_holds_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "hello.bin"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFile, match=r"hello\.bin"):
        unverified(fingerprint="file", hello_file=str(path))


def test_the_check_of_a_capture_leaves_verification_on(tmp_path: Path, ca_file: str) -> None:
    path = tmp_path / "hello.bin"
    path.write_bytes(chromes())
    options = TlsOptions(verification=Verification.CA_FILE, ca_file=ca_file, fingerprint="file", hello_file=str(path))
    context = make_context(options)
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


# ---- client certificates


@both_libraries
def test_a_client_certificate_is_read_with_its_key(tmp_path: Path, fingerprint: str) -> None:
    identity = certificates.good()
    both, cert, key = tmp_path / "both.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    both.write_bytes(identity.pem + identity.key_pem)
    cert.write_bytes(identity.pem)
    key.write_bytes(identity.key_pem)
    unverified(fingerprint=fingerprint, client_certificate=str(both))
    unverified(fingerprint=fingerprint, client_certificate=str(cert), client_key=str(key))
    with pytest.raises(BadFile, match="key"):
        unverified(fingerprint=fingerprint, client_certificate=str(cert))
    key.write_bytes(certificates.self_signed().key_pem)
    with pytest.raises(BadFile, match="do not belong together"):
        unverified(fingerprint=fingerprint, client_certificate=str(cert), client_key=str(key))
    with pytest.raises(BadFile, match=r"none\.pem"):
        unverified(fingerprint=fingerprint, client_certificate=str(tmp_path / "none.pem"))


# ---- sessions


def test_a_connection_without_a_ticket_has_nothing_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResumingContext, "looks_left", 1)
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    connection = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    context.keep(connection)
    assert (context._sessions, ResumingContext.looks_left) == ([], 0)
    again = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    assert not again.session_reused


# ---- trust and versions


@both_libraries
def test_unverified_is_unverified_and_the_rest_is_not(fingerprint: str, ca_file: str) -> None:
    assert unverified(fingerprint=fingerprint).verify_mode == ssl.CERT_NONE
    for options in ({}, {"verification": Verification.CA_FILE, "ca_file": ca_file}):
        context = make_context(TlsOptions(fingerprint=fingerprint, **options))  # type: ignore[arg-type]  # named above
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname


def test_only_its_own_authority_is_trusted_where_one_is_named(ca_file: str) -> None:
    context = make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=ca_file))
    assert len(context.get_ca_certs()) == 1


def test_a_file_may_say_more_than_its_certificates(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(
        "# Zürich’s authority\n".encode("latin-1", "replace") + certificates.authority().pem + b"\n-- end\n"
    )
    context = make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=str(path)))
    assert len(context.get_ca_certs()) == 1


# ---- options that cannot be used


@pytest.mark.parametrize("verification", [Verification.SYSTEM, Verification.CA_FILE])
def test_a_certificate_cannot_be_checked_without_a_name(verification: Verification, ca_file: str) -> None:
    with pytest.raises(BadInput, match="name"):
        make_context(TlsOptions(server_name="", verification=verification, ca_file=ca_file))


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFile) as caught:
        make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=str(path)))
    assert str(path) in str(caught.value)
    assert "_ssl" not in str(caught.value)


@pytest.mark.parametrize("ca_file", [None, ""])
def test_no_ca_file_at_all_does_not_mean_the_systems_authorities(ca_file: str | None) -> None:
    with pytest.raises(BadInput, match="CA file"):
        make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=ca_file))


@both_libraries
def test_without_a_pin_nothing_passes_for_pinned(fingerprint: str) -> None:
    with pytest.raises(BadInput, match="pin"):
        make_context(TlsOptions(fingerprint=fingerprint, verification=Verification.PIN))


def test_no_choice_of_ciphers_does_without_a_certificate_or_encryption() -> None:
    context = unverified(ciphers="ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    described = [one["description"] for one in context.get_ciphers()]
    assert described
    assert not any("Au=None" in one or "Enc=None" in one for one in described)


def test_old_versions_are_off_unless_asked_for_and_nothing_below_1_2_can_be() -> None:
    context = make_context(TlsOptions(verification=Verification.NONE))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert unverified(min_version="1.3").minimum_version == ssl.TLSVersion.TLSv1_3


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_a_ca_file_that_never_ends_is_refused_at_once(tmp_path: Path) -> None:
    """A thread that waits for a pipe would keep the program from ending."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (str(pipe), os.devnull):
        with pytest.raises(BadFile, match="not a file"):
            make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=path))


def test_a_file_that_is_too_large_is_refused_and_not_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(certificates.authority().pem + bytes(4 * 1024 * 1024))
    with pytest.raises(BadFile, match="larger than 4194304 bytes"):
        make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=str(path)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fingerprint": "firefox"}, "firefox"),
        ({"fingerprint": "chrome", "ciphers": "AES128-SHA"}, "without a fingerprint"),
        ({"fingerprint": "chrome", "curve": "X25519"}, "without a fingerprint"),
        ({"ciphers": "NO-SUCH-SUITE"}, "cipher suites"),
        ({"ciphers": "aNULL:@SECLEVEL=0"}, "cipher suites"),
        ({"ciphers": "eNULL:@SECLEVEL=0"}, "cipher suites"),
        ({"curve": "no-such-curve"}, "curve"),
        ({"ech_config": CONFIG}, "Chrome"),
        ({"ech_resolver": "https://192.0.2.1/dns-query"}, "Chrome"),
        ({"fingerprint": "chrome", "ech_config": CONFIG, "server_name": ""}, "no name"),
        ({"fingerprint": "file"}, "not named"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        unverified(**options)


def test_a_website_proves_itself_by_the_systems_authorities() -> None:
    context = website_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert {*context.get_ca_certs(binary_form=True)} >= {*make_context(TlsOptions()).get_ca_certs(binary_form=True)}
