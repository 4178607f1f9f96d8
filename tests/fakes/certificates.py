"""Certificates of every kind that a client meets, each made once."""

import dataclasses
import datetime
import functools
import hashlib
import ipaddress
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ("localhost", "server.test", "127.0.0.1", "::1")
DAY = datetime.timedelta(days=1)

# What an authority's key is for. It has to be said, as whose key has signed: Python 3.13 checks by RFC 5280's letter.
_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate with its key, and those between it and an authority that are shown with it."""

    certificate: x509.Certificate
    key: Key
    between: tuple[x509.Certificate, ...] = ()
    weak: bool = False
    """No server of today's would show it unless it is told to."""

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def both_pem(self) -> bytes:
        """All that a server needs: certificates and key."""
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.between))
        return chain + self.key_pem

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
        if self.weak:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(self.saved(folder))
        return context

    def saved(self, folder: str | Path) -> str:
        """A file in `folder` with all of it."""
        path = Path(folder) / f"{self.pin.hex()[:16]}.pem"
        path.write_bytes(self.both_pem)
        return str(path)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _make(
    *names: str | x509.GeneralName,
    issuer: Identity | None = None,
    start: datetime.timedelta = -DAY,
    end: datetime.timedelta = DAY,
    is_authority: bool = False,
    usage: x509.ObjectIdentifier | None = None,
    key: Key | None = None,
    common_name: str = "",
    named: bool = True,
    between: tuple[Identity, ...] = (),
) -> Identity:
    """`names` stand in the certificate unless it is to have its common name alone."""
    now = datetime.datetime.now(datetime.UTC)
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or str(names[0]))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if is_authority:
        builder = builder.add_extension(_SIGNS, critical=True)
    if issuer is not None:
        its = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        vouching = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(its)
        builder = builder.add_extension(vouching, critical=False)
    if named:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_alternative, names))), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Identity(certificate, key, tuple(one.certificate for one in between))


def _alternative(name: str | x509.GeneralName) -> x509.GeneralName:
    if isinstance(name, x509.GeneralName):
        return name
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


@functools.cache
def for_names(*names: str) -> Identity:
    """Issued by `authority` for these."""
    return _make(*names, issuer=authority())


@functools.cache
def expired_for(*names: str) -> Identity:
    return _make(*names, issuer=authority(), start=-3 * DAY, end=-DAY)


@functools.cache
def expired_for_years() -> Identity:
    return _make(*NAMES, issuer=authority(), start=-800 * DAY, end=-700 * DAY)


@functools.cache
def client() -> Identity:
    """What a client shows."""
    return _make("tester", issuer=authority(), usage=ExtendedKeyUsageOID.CLIENT_AUTH)


# ---- chains


@functools.cache
def intermediate() -> Identity:
    return _make("Test intermediate", issuer=authority(), is_authority=True)


@functools.cache
def with_chain() -> Identity:
    """Issued by `intermediate`, which is shown with it."""
    return _make(*NAMES, issuer=intermediate(), between=(intermediate(),))


@functools.cache
def without_chain() -> Identity:
    """Issued by `intermediate`, which is not shown."""
    return _make(*NAMES, issuer=intermediate())


@functools.cache
def by_an_old_intermediate() -> Identity:
    old = _make("Old intermediate", issuer=authority(), is_authority=True, start=-3 * DAY, end=-DAY)
    return _make(*NAMES, issuer=old, between=(old,))


@functools.cache
def by_no_authority() -> Identity:
    """Issued by somebody who has a certificate of `authority` and may not issue any."""
    return _make(*NAMES, common_name="server", issuer=good(), between=(good(),))


# ---- what else can be wrong


@functools.cache
def without_names() -> Identity:
    """With a common name alone, as it was done in former times."""
    return _make("server.test", issuer=authority(), named=False)


@functools.cache
def address_as_a_name() -> Identity:
    return _make(x509.DNSName("127.0.0.1"), issuer=authority(), common_name="127.0.0.1")


@functools.cache
def for_clients_alone() -> Identity:
    return _make(*NAMES, issuer=authority(), usage=ExtendedKeyUsageOID.CLIENT_AUTH)


@functools.cache
def with_a_key_of(bits: int) -> Identity:
    """Of RSA."""
    made = _make(*NAMES, issuer=authority(), key=rsa.generate_private_key(65537, bits))
    return dataclasses.replace(made, weak=bits < 2048)


def with_a_weak_key() -> Identity:
    return with_a_key_of(1024)


@functools.cache
def with_a_weak_signature() -> Identity:
    """Signed over SHA-1, by OpenSSL's command, for the library that signs the others does so no more."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with tempfile.TemporaryDirectory() as folder:
        ca, extensions = authority().saved(folder), Path(folder) / "extensions"
        extensions.write_text("subjectAltName=DNS:server.test\nbasicConstraints=critical,CA:FALSE\n")
        command = ["openssl", "x509", "-req", "-sha1", "-days", "1", "-CA", ca, "-CAkey", ca, "-set_serial", "1"]
        signed = subprocess.run(
            [*command, "-extfile", str(extensions)],
            input=request.public_bytes(Encoding.PEM),
            check=True,
            capture_output=True,
        )
    return Identity(x509.load_pem_x509_certificate(signed.stdout), key, weak=True)


@functools.cache
def with_a_broken_signature() -> Identity:
    """As if issued by `authority`, with another's signature."""
    impostor = dataclasses.replace(authority(), key=ec.generate_private_key(ec.SECP256R1()))
    return _make(*NAMES, issuer=impostor)
