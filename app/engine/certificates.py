"""What a server's certificate says of itself, to be shown and to be compared with a pin."""

import datetime
import hashlib
from dataclasses import dataclass
from typing import Final

from app.protocols.text import printable

# A certificate may name hundreds of hosts; more than these are not read.
_NAMES: Final = 100


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Of one X.509 certificate (RFC 5280). All text comes from the server; it is printable and cut."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """The host names and addresses that it is for."""
    not_before: datetime.datetime
    not_after: datetime.datetime
    sha256: bytes
    spki_sha256: bytes | None
    """Of the public key (SubjectPublicKeyInfo); None for a kind of key that is not known here."""
    self_issued: bool


def read_certificate(der: bytes) -> CertificateFacts | None:
    """What it says; None where it cannot be read."""
    # Imported for those who look at certificates: everybody else saves 10 MB.
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        return CertificateFacts(
            subject=_common_name(certificate.subject),
            issuer=_common_name(certificate.issuer),
            names=_names(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            sha256=hashlib.sha256(der).digest(),
            spki_sha256=spki_hash(der),
            self_issued=certificate.subject == certificate.issuer,
        )
    except ValueError:
        return None


def spki_hash(der: bytes) -> bytes | None:
    """SHA-256 of a certificate's public key (SubjectPublicKeyInfo, DER); None where it cannot be read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(der).public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _common_name(name: object) -> str:
    from cryptography import x509

    assert isinstance(name, x509.Name)
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return printable(str(common[0].value)) if common else printable(name.rfc4514_string())


def _names(certificate: object) -> tuple[str, ...]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    return tuple(printable(str(name.value)) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))[
        :_NAMES
    ]
