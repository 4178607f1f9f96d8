"""Certificates: one of the server's own making, and the pins that clients can know one by."""

import datetime
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from app.errors import BadFile, BadInput
from app.protocols.address import BadAddress, parse_host
from app.server.tls import server_context
from app.texts import translate
from app.transport.session import plain_reason
from app.wording import reason_of

# It is pinned, not renewed: whoever has the link trusts this certificate and no other.
_YEARS = 10


def self_signed(name: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    """A new certificate for `name` (a host name or an IP address) and its key, both PEM. Raises `BadInput`."""
    try:
        host = parse_host(name)
    except BadAddress as error:
        text = translate("certificate", "no certificate can be made for this name: {reason}")
        raise BadInput(text.format(reason=reason_of(error))) from None
    alternative = x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(host)[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), key_pem


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says of itself, and what it is known by."""

    pin: bytes
    """SHA-256 of it (DER)."""
    self_signed: bool
    name: str
    """The first host name or address it is for, or an empty text."""


def read_facts(certificate_pem: bytes) -> Facts:
    """Look at the first certificate in a PEM file. Raises `ValueError` where there is none."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    pin = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        name = next((str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress))), "")
    except x509.ExtensionNotFound:
        name = ""
    return Facts(pin, certificate.issuer == certificate.subject, name.removeprefix("*."))


def make_context(certificate: str, key: str) -> ssl.SSLContext:
    """The TLS settings of a server with these PEM files, which may be the same. Raises `BadFile`."""
    if _public_key_of_certificate(certificate) != _public_key(key):
        text = translate("certificate", "its key does not belong to the certificate in {file}")
        raise BadFile(text.format(file=certificate), key)
    try:
        return server_context(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise BadFile(plain_reason(error), certificate) from None


def _public_key_of_certificate(path: str) -> bytes:
    try:
        return _spki(x509.load_pem_x509_certificate(_read(path)).public_key())
    except (ValueError, UnsupportedAlgorithm):
        raise BadFile(translate("certificate", "it holds no certificate in PEM form"), path) from None


def _public_key(path: str) -> bytes:
    try:
        return _spki(load_pem_private_key(_read(path), None).public_key())
    except TypeError:
        text = translate("certificate", "its key is encrypted, and nobody is there to type the passphrase")
        raise BadFile(text, path) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadFile(translate("certificate", "it holds no private key in PEM form"), path) from None


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise BadFile(plain_reason(error), path) from None
