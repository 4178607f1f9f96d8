"""What a server's certificate says of itself, to be shown and to be compared with a pin."""

import datetime
import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import Final

from app.protocols.text import printable

# Signatures over MD5 and SHA-1, by their numbers in DER (RFC 8017, RFC 5758), and the shortest RSA key.
_WEAK: Final = tuple(
    map(bytes.fromhex, ("2a864886f70d010104", "2a864886f70d010105", "2a8648ce3d0401", "2a8648ce380403"))
)
_VERSION: Final = 0xA0  # the tag before the version, which the first version has not
_RSA: Final = bytes.fromhex("2a864886f70d010101")
_SHORTEST_RSA: Final = 2048

# A certificate may name hundreds of hosts; more than these are not read.
_NAMES: Final = 100

# Characters of each that are shown: a common name has 64 (RFC 5280 §A.1) and hardly a host has more. Longer ones would
# push the warning and the buttons of a dialog off the screen.
_LONGEST: Final = 80


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
    except (ValueError, TypeError, x509.InvalidVersion):  # OpenSSL takes more versions and kinds of text
        return None


def spki_hash(der: bytes) -> bytes | None:
    """SHA-256 of a certificate's public key (SubjectPublicKeyInfo, DER); None where it cannot be read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(der).public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None


def is_weak(der: bytes) -> bool:
    """Whether a certificate's key or signature could be forged: OpenSSL refuses one, BoringSSL leaves that to Chrome.

    Read byte by byte (X.690), because this is asked of every server. What cannot be read is not trusted either: the
    libraries take more than DER here and there.
    """
    try:
        return _could_be_forged(der)
    except (IndexError, ValueError):
        return True


def _could_be_forged(der: bytes) -> bool:
    contents, algorithm, _signature = _elements(_elements(der)[0])
    fields = _elements(contents)
    kind, key = _elements(fields[6 if contents[0] == _VERSION else 5])
    if _elements(kind)[0] == _RSA:
        modulus = _elements(_elements(key[1:])[0])[0]
        if int.from_bytes(modulus, "big").bit_length() < _SHORTEST_RSA:
            return True
    return _elements(algorithm)[0] in _WEAK


def _elements(data: bytes) -> list[bytes]:
    """The bodies of the elements that stand one after the other in DER."""
    found, at = [], 0
    while at < len(data):
        length, start = data[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        at = start + length
        found.append(data[start:at])
    return found


def _common_name(name: object) -> str:
    from cryptography import x509

    assert isinstance(name, x509.Name)
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return printable(str(common[0].value) if common else name.rfc4514_string(), _LONGEST)


def _names(certificate: object) -> tuple[str, ...]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return ()
    hosts = (name for name in names if isinstance(name, x509.DNSName | x509.IPAddress))
    return tuple(printable(str(name.value), _LONGEST) for name in islice(hosts, _NAMES))
