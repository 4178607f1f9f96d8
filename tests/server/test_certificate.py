"""A certificate of the server's own works for the name it was made for, and no file is bad without a plain sentence."""

import contextlib
import datetime
import hashlib
import ipaddress
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from app.errors import BadFile, BadInput
from app.server.certificate import make_context, read_facts, self_signed

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, its key, another key, and all that can be wrong with them."""
    folder = tmp_path_factory.mktemp("pem")
    certificate, key = self_signed("localhost", NOW)
    _, other = self_signed("localhost", NOW)
    encrypted = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    )
    for name, content in {
        "cert.pem": certificate,
        "key.pem": key,
        "both.pem": certificate + key,
        "both_key_first.pem": key + certificate,
        "other_key.pem": other,
        "encrypted.pem": encrypted,
        "garbage.pem": b"\x00\xff" * 100,
        "broken.pem": certificate.replace(b"M", b"N"),
        "empty.pem": b"",
    }.items():
        (folder / name).write_bytes(content)
    return folder


def shake_hands(server: ssl.SSLContext, name: str, certificate: Path) -> ssl.SSLObject:
    """A verified handshake in memory; returns the client's side."""
    context = ssl.create_default_context(cafile=certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = context.wrap_bio(to_client, to_server, server_hostname=name)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client_side, server_side):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    client_side.do_handshake()
    return client_side


# ---- certificates of the server's own


@pytest.mark.parametrize("name", ["localhost", "server.test", "127.0.0.1", "::1", "b\u00fccher.test"])
def test_it_is_valid_for_its_name(name: str, tmp_path: Path) -> None:
    certificate, key = self_signed(name, NOW)
    path = tmp_path / "both.pem"
    path.write_bytes(certificate + key)
    assert shake_hands(make_context(str(path), str(path)), name, path).version() == "TLSv1.3"


def test_it_is_for_no_other_name(files: Path) -> None:
    both = files / "both.pem"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(make_context(str(both), str(both)), "server.test", both)


def test_it_lasts_for_years_and_forgives_a_slow_clock() -> None:
    certificate = x509.load_pem_x509_certificate(self_signed("localhost", NOW)[0])
    assert certificate.not_valid_before_utc <= NOW - datetime.timedelta(hours=23)
    assert certificate.not_valid_after_utc >= NOW + datetime.timedelta(days=9 * 365)


def test_a_long_name_fits() -> None:
    """The field for the common name holds 64 characters; what counts is the alternative name."""
    name = ".".join(["label" * 10] * 4)
    assert read_facts(self_signed(name, NOW)[0]).name == name


def test_no_two_are_alike() -> None:
    (one, one_key), (two, two_key) = self_signed("localhost", NOW), self_signed("localhost", NOW)
    assert one != two
    assert one_key != two_key


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 300])
def test_a_name_that_is_none_is_said(name: str) -> None:
    with pytest.raises(BadInput, match=r"^This cannot be used: no certificate can be made for this name: "):
        self_signed(name, NOW)


# ---- what a certificate is known by


def test_the_pin_is_the_hash_of_what_the_client_sees(files: Path) -> None:
    both = files / "both.pem"
    shown = shake_hands(make_context(str(both), str(both)), "localhost", both).getpeercert(True)
    assert shown is not None
    assert read_facts(both.read_bytes()).pin == hashlib.sha256(shown).digest()


@pytest.mark.parametrize("name", ["localhost", "192.0.2.1", "2001:db8::1"])
def test_facts_name_what_it_is_for(name: str) -> None:
    facts = read_facts(self_signed(name, NOW)[0])
    assert facts.name == name
    assert facts.self_signed


def test_facts_of_certificates_that_others_have_made() -> None:
    assert read_facts(_issued([x509.DNSName("*.server.test")])).name == "server.test"
    assert read_facts(_issued([x509.UniformResourceIdentifier("a:b"), x509.IPAddress(_IP)])).name == str(_IP)
    assert read_facts(_issued([])).name == ""
    assert not read_facts(_issued([])).self_signed


_IP = ipaddress.ip_address("192.0.2.7")


def _issued(names: list[x509.GeneralName]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "subject")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("pem", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_no_facts_without_a_certificate(pem: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (its words are the library's)
        read_facts(pem)


# ---- files


@pytest.mark.parametrize("names", [("cert.pem", "key.pem"), ("both.pem",) * 2, ("both_key_first.pem",) * 2])
def test_certificate_and_key_may_share_a_file(files: Path, names: tuple[str, str]) -> None:
    context = make_context(*(str(files / name) for name in names))
    assert shake_hands(context, "localhost", files / "cert.pem").version() == "TLSv1.3"


def test_old_tls_and_renegotiation_are_off(files: Path) -> None:
    context = make_context(str(files / "cert.pem"), str(files / "key.pem"))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(
    ("certificate", "key", "blamed", "reason"),
    [
        ("missing.pem", "key.pem", "missing.pem", "no such file or directory"),
        ("cert.pem", "missing.pem", "missing.pem", "no such file or directory"),
        (".", "key.pem", ".", "is a directory"),
        ("cert.pem", ".", ".", "is a directory"),
        ("a\0b", "key.pem", "a\0b", "embedded null byte"),
        ("garbage.pem", "key.pem", "garbage.pem", "it holds no certificate in PEM form"),
        ("empty.pem", "key.pem", "empty.pem", "it holds no certificate in PEM form"),
        ("broken.pem", "key.pem", "broken.pem", "it holds no certificate in PEM form"),
        ("key.pem", "key.pem", "key.pem", "it holds no certificate in PEM form"),
        ("cert.pem", "garbage.pem", "garbage.pem", "it holds no private key in PEM form"),
        ("cert.pem", "cert.pem", "cert.pem", "it holds no private key in PEM form"),
        ("cert.pem", "encrypted.pem", "encrypted.pem", "its key is encrypted"),
        ("cert.pem", "other_key.pem", "other_key.pem", "its key does not belong to the certificate in "),
    ],
)
def test_a_bad_file_is_one_plain_sentence(files: Path, certificate: str, key: str, blamed: str, reason: str) -> None:
    with pytest.raises(BadFile) as caught:
        make_context(str(files / certificate), str(files / key))
    assert caught.value.path == str(files / blamed)
    assert caught.value.reason.startswith(reason)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden here")
def test_an_unreadable_file_is_one_plain_sentence(tmp_path: Path) -> None:
    path = tmp_path / "secret.pem"
    path.touch(mode=0)
    with pytest.raises(BadFile, match="permission denied"):
        make_context(str(path), str(path))


def test_a_key_that_openssl_does_not_accept_is_one_plain_sentence(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak")])
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + datetime.timedelta(days=1))
    path = tmp_path / "weak.pem"
    path.write_bytes(
        certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(BadFile, match=r"ee key too small\.$"):
        make_context(str(path), str(path))


def test_an_encrypted_key_asks_nobody(files: Path) -> None:
    """With a terminal at hand OpenSSL would ask there; a process of its own shows that nothing is read or written."""
    script = (
        "import sys\nfrom app.errors import BadFile\nfrom app.server.certificate import make_context\n"
        "try:\n    make_context(*sys.argv[1:])\nexcept BadFile as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(files / "cert.pem"), str(files / "encrypted.pem")],
        input="passphrase\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "its key is encrypted" in done.stdout
    assert done.stderr == ""
