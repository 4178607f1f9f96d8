"""Certificates of every kind that a client meets, each made once."""

import datetime
import functools
import hashlib
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "server.test", "127.0.0.1", "::1")
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def pin(self) -> bytes:
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).digest()

    @property
    def spki_pin(self) -> bytes:
        key = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(key).digest()

    def context(self) -> ssl.SSLContext:
        """The TLS settings of a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "identity.pem"
            path.write_bytes(self.pem + self.key_pem)
            context.load_cert_chain(path)
        return context


def _make(
    *names: str,
    issuer: Identity | None = None,
    start: datetime.timedelta = -DAY,
    end: datetime.timedelta = DAY,
    is_authority: bool = False,
) -> Identity:
    now = datetime.datetime.now(datetime.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + end)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    return Identity(certificate, key)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@functools.cache
def authority() -> Identity:
    return _make("Test authority", is_authority=True)


@functools.cache
def good() -> Identity:
    """Issued by `authority` for `NAMES`."""
    return _make(*NAMES, issuer=authority())


@functools.cache
def self_signed() -> Identity:
    return _make(*NAMES)


@functools.cache
def expired() -> Identity:
    return _make(*NAMES, issuer=authority(), start=-3 * DAY, end=-DAY)


@functools.cache
def not_yet_valid() -> Identity:
    return _make(*NAMES, issuer=authority(), start=DAY, end=3 * DAY)


@functools.cache
def for_another_name() -> Identity:
    return _make("other.test", issuer=authority())
