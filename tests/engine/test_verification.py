"""Certificates with every defect: both libraries come to the same verdict, in the same words."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.engine import tls
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.tls_context import make_context
from app.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRejected,
    CertificateSelfSigned,
    CertificateUnknownIssuer,
    CertificateWrongName,
)
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.libraries import both_libraries
from tests.fakes.listening import GONE, listening

Made = Callable[[], Identity]


async def outcome(identity: Identity, name: str, fingerprint: str, **options: Any) -> CertificateRejected | None:
    """The rejection of a server that shows `identity` and is asked for `name`; None where it is accepted."""

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(take, context=identity.context()) as address:
        server = Server("127.0.0.1", address.port, "", TlsOptions(name, fingerprint=fingerprint, **options))
        try:
            connection = await tls.dial(server, make_context(server.tls), Timings())
        except CertificateRejected as rejection:
            await asyncio.sleep(0.01)
            return rejection
        connection.link.abort()
        await asyncio.sleep(0.01)
        return None


def checked(ca_file: str) -> dict[str, Any]:
    return {"verification": Verification.CA_FILE, "ca_file": ca_file}


REJECTED: list[tuple[Made, type[CertificateRejected], str]] = [
    (certificates.expired, CertificateExpired, "has expired on 20"),
    (certificates.not_yet_valid, CertificateNotYetValid, "is not valid before 20"),
    (certificates.self_signed, CertificateSelfSigned, "has issued its certificate itself (localhost)"),
    (certificates.without_chain, CertificateUnknownIssuer, "an issuer that is not known here (Test intermediate)"),
    (certificates.for_another_name, CertificateWrongName, "is for other names: other.test."),
    (certificates.without_names, CertificateWrongName, "is for other names: server.test."),
    (certificates.by_an_old_intermediate, CertificateRejected, "one that vouches for it is out of date"),
    (certificates.by_no_authority, CertificateRejected, "invalid ca certificate"),
    (certificates.for_clients_alone, CertificateRejected, "purpose"),
    (certificates.with_a_broken_signature, CertificateRejected, "signature"),
]


@pytest.mark.parametrize(("made", "kind", "words"), REJECTED, ids=[made.__name__ for made, _, _ in REJECTED])
@both_libraries
async def test_what_is_wrong_with_a_certificate_is_said(
    fingerprint: str, made: Made, kind: type[CertificateRejected], words: str, ca_file: str
) -> None:
    rejection = await outcome(made(), "server.test", fingerprint, **checked(ca_file))
    assert type(rejection) is kind
    assert words in str(rejection)
    assert rejection.certificate == made().certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("date", [b"1 Jan 2024 0:0:0 +99999999999999999999", b"Mon, 1 Jan 99999999999999 00:00:00 GMT"])
@both_libraries
async def test_a_server_whose_time_is_none_has_an_expired_certificate(
    fingerprint: str, date: bytes, ca_file: str
) -> None:
    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, *GONE):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nDate: " + date + b"\r\n\r\n")
            await reader.read()

    async with listening(tell, context=certificates.expired().context()) as address:
        options = TlsOptions("server.test", fingerprint=fingerprint, **checked(ca_file))
        with pytest.raises(CertificateExpired):
            await tls.dial(Server("127.0.0.1", address.port, "", options), make_context(options), Timings())
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("made", [certificates.with_a_weak_key, certificates.with_a_weak_signature])
@both_libraries
async def test_what_is_too_weak_today_is_not_accepted(fingerprint: str, made: Made, ca_file: str) -> None:
    rejection = await outcome(made(), "server.test", fingerprint, **checked(ca_file))
    assert type(rejection) is CertificateRejected
    assert "too weak" in str(rejection)


@both_libraries
async def test_a_chain_that_is_shown_whole_is_accepted(fingerprint: str, ca_file: str) -> None:
    assert await outcome(certificates.with_chain(), "server.test", fingerprint, **checked(ca_file)) is None


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*.server.test", "one.server.test", True),
        ("*.server.test", "ONE.server.test", True),
        ("*.server.test", "server.test", False),
        ("*.server.test", "two.one.server.test", False),
        ("one*.server.test", "one1.server.test", False),
        ("one.*.test", "one.server.test", False),
        ("*.test", "server.test", False),
        ("*", "server.test", False),
        ("server.test", "SERVER.test", True),
        ("server.test", "server.test.", True),
        ("xn--bcher-kva.test", "bücher.test", True),
    ],
)
@both_libraries
async def test_which_names_a_certificate_is_for(
    fingerprint: str, pattern: str, name: str, fits: bool, ca_file: str
) -> None:
    rejection = await outcome(certificates.for_names(pattern), name, fingerprint, **checked(ca_file))
    assert (rejection is None) is fits
    assert rejection is None or type(rejection) is CertificateWrongName


@pytest.mark.parametrize(
    ("made", "fits"),
    [
        (certificates.good, True),
        (lambda: certificates.for_names("127.0.0.2"), False),
        (certificates.address_as_a_name, False),
        (lambda: certificates.for_names("*.0.0.1"), False),
    ],
)
@both_libraries
async def test_an_address_has_to_stand_in_the_certificate_as_one(
    fingerprint: str, made: Made, fits: bool, ca_file: str
) -> None:
    rejection = await outcome(made(), "127.0.0.1", fingerprint, **checked(ca_file))
    assert (rejection is None) is fits
    assert rejection is None or type(rejection) is CertificateWrongName
