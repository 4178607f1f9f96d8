"""Certificates: one of the server's own making, and the pins that clients can know one by."""

import datetime
import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.errors import BadFile
from app.transport.session import plain_reason

# It is pinned, not renewed: whoever has the link trusts this certificate and no other.
_YEARS = 10


def self_signed(name: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    """A new certificate for `name` (a host name or an IP address) and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName([_alternative_name(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), key_pem


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


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
    """The TLS settings of a server with these PEM files. Raises `BadFile`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for path in (certificate, key):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            raise BadFile(plain_reason(error), path) from None
    try:
        # An encrypted key would ask for its passphrase on the terminal, which a server has not got.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError):
        raise BadFile(f"it is no certificate with the unencrypted key in {key}", certificate) from None
    return context
