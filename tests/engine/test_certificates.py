"""What certificates say of themselves, whatever they are."""

import datetime
import ssl
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from app.engine.certificates import is_weak, read_certificate, spki_hash
from tests.fakes import certificates
from tests.fakes.certificates import NAMES, Identity


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def test_all_that_is_shown() -> None:
    identity = certificates.good()
    facts = read_certificate(der(identity))
    assert facts is not None
    assert (facts.subject, facts.issuer, facts.names) == (NAMES[0], "Test authority", NAMES)
    assert facts.not_before < datetime.datetime.now(datetime.UTC) < facts.not_after
    assert (facts.sha256, facts.spki_sha256) == (identity.pin, identity.spki_pin)
    assert not facts.self_issued


def test_one_that_vouches_for_itself() -> None:
    facts = read_certificate(der(certificates.self_signed()))
    assert facts is not None
    assert facts.self_issued


@pytest.mark.parametrize("junk", [b"", b"\x30\x03\x02\x01\x00", der(certificates.good())[:-1]])
def test_what_is_no_certificate(junk: bytes) -> None:
    assert read_certificate(junk) is None
    assert spki_hash(junk) is None


def odd(subject: list[x509.NameAttribute], *extensions: x509.ExtensionType) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + certificates.DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_without_a_common_name_the_whole_name_is_shown() -> None:
    facts = read_certificate(odd([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Some \u202e company")]))
    assert facts is not None
    assert facts.subject.startswith("O=Some")
    assert "\u202e" not in facts.subject
    assert (facts.issuer, facts.names) == ("", ())


def test_only_hosts_are_names_and_not_without_end() -> None:
    many = [x509.RFC822Name("a@example.org"), *(x509.DNSName(f"h{i}.example.org") for i in range(300))]
    facts = read_certificate(odd([], x509.SubjectAlternativeName(many)))
    assert facts is not None
    assert facts.names[:2] == ("h0.example.org", "h1.example.org")
    assert len(facts.names) == 100


def test_no_name_is_longer_than_a_dialog_can_show() -> None:
    words, host = "word " * 12, ".".join(["label" * 10] * 4)
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    subject = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, words)] * 50
    facts = read_certificate(odd(subject, names))
    assert facts is not None
    assert facts.subject.startswith("O=word word")
    assert facts.names == (host[:80] + "…",)
    assert len(facts.subject) <= 81
    assert facts.subject.endswith("…")


@pytest.mark.parametrize("name", ["a3023000", "a5020500"], ids=["x400Address", "ediPartyName"])
def test_a_kind_of_name_that_is_not_known_here_is_no_name(name: str) -> None:
    names = bytes.fromhex(f"3004{name}")
    facts = read_certificate(odd([], x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, names)))
    assert facts is not None
    assert facts.names == ()


def test_a_version_that_is_not_known_here_is_not_read() -> None:
    """OpenSSL takes any, so a server can show one."""
    third, later = bytes.fromhex("a003020102"), bytes.fromhex("a003020104")
    shown = der(certificates.good()).replace(third, later)
    assert read_certificate(shown) is None
    assert spki_hash(shown) is None


def test_a_kind_of_text_that_is_not_known_here_is_not_read() -> None:
    utf8, bits = bytes.fromhex("06035504030c"), bytes.fromhex("060355040303")
    shown = der(certificates.self_signed()).replace(utf8, bits)
    assert read_certificate(shown) is None


@pytest.mark.parametrize(
    ("identity", "weak"),
    [
        (certificates.good, False),
        (certificates.authority, False),
        (lambda: certificates.with_a_key_of(2048), False),
        (lambda: certificates.with_a_key_of(2047), True),
        (certificates.with_a_weak_key, True),
        (certificates.with_a_weak_signature, True),
    ],
)
def test_what_could_be_forged(identity: Callable[[], Identity], weak: bool) -> None:
    assert is_weak(der(identity())) is weak


def test_what_cannot_be_read_is_not_trusted() -> None:
    shown = der(certificates.with_a_key_of(2048))
    assert all(map(is_weak, (b"", b"junk", shown[:200])))
    for at in range(len(shown)):
        assert isinstance(is_weak(shown[:at]), bool)
        for bit in range(8):
            assert isinstance(is_weak(shown[:at] + bytes((shown[at] ^ 1 << bit,)) + shown[at + 1 :]), bool)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # some authorities have odd ones
def test_no_authority_of_the_system_has_a_key_that_could_be_forged() -> None:
    """Of every kind there is; their own signatures, which nobody looks at, are the old ones in part."""
    for one in ssl.create_default_context().get_ca_certs(binary_form=True):
        certificate = x509.load_der_x509_certificate(one)
        algorithm = certificate.signature_hash_algorithm
        assert is_weak(one) is (algorithm is not None and algorithm.name in ("sha1", "md5"))
