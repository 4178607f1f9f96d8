"""Servers that let in only who shows a certificate."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.engine import tls
from app.engine.options import Server as ServerToDial
from app.engine.options import Timings, TlsOptions, Verification
from app.engine.probe import probe
from app.engine.tls_context import make_context
from app.errors import BadFile, CertificateRejected, ClientCertificateRefused, Failure, HandshakeRefused
from app.server.options import ServerOptions
from app.server.server import Server
from tests.fakes import certificates
from tests.fakes.libraries import both_libraries
from tests.fakes.loops import both_loops
from tests.fakes.openssl import openssl_server
from tests.fakes.peers import PASSWORD

both_versions = pytest.mark.parametrize("version", ["1.2", "1.3"])


@contextlib.asynccontextmanager
async def strict_server(version: str, folder: Path) -> AsyncIterator[ServerToDial]:
    """An AnyTLS server that asks for a certificate of the test authority."""
    context = certificates.good().context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.authority().saved(folder))
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    server = Server(ServerOptions({"tester": PASSWORD}), context)
    address = await server.start()
    try:
        yield ServerToDial(address.host, address.port, PASSWORD)
    finally:
        await server.stop()


def with_options(server: ServerToDial, fingerprint: str, **shown: Any) -> ServerToDial:
    options = TlsOptions(verification=Verification.NONE, fingerprint=fingerprint, **shown)
    return ServerToDial(server.host, server.port, server.password, options)


async def failure_of(server: ServerToDial) -> Failure | None:
    """How a probe ends."""
    results = await probe(server, Timings(), "tester")
    await asyncio.sleep(0.01)
    assert all(result.ok for result in results[:-1])
    return results[-1].error


@both_versions
@both_libraries
@both_loops
async def test_ours_is_taken(fingerprint: str, version: str, tmp_path: Path) -> None:
    async with strict_server(version, tmp_path) as server:
        shown = certificates.client().saved(tmp_path)
        assert await failure_of(with_options(server, fingerprint, client_certificate=shown)) is None


@both_libraries
async def test_the_key_may_stand_in_a_file_of_its_own(fingerprint: str, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(certificates.client().pem)
    key.write_bytes(certificates.client().both_pem.partition(b"-----END CERTIFICATE-----")[2])
    async with strict_server("1.3", tmp_path) as server:
        shown = {"client_certificate": str(certificate), "client_key": str(key)}
        assert await failure_of(with_options(server, fingerprint, **shown)) is None


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (None, {"certificate required", "handshake failure"}),
        (certificates.self_signed, {"unknown ca"}),
        (certificates.expired, {"certificate expired"}),
    ],
    ids=["none", "of a stranger", "expired"],
)
@both_versions
@both_libraries
@both_loops
async def test_another_is_refused(fingerprint: str, version: str, shown: Any, reason: set[str], tmp_path: Path) -> None:
    options = {} if shown is None else {"client_certificate": shown().saved(tmp_path)}
    async with strict_server(version, tmp_path) as server:
        failure = await failure_of(with_options(server, fingerprint, **options))
    assert isinstance(failure, HandshakeRefused)
    # TLS 1.2 has no word for a certificate that is missing.
    assert isinstance(failure, ClientCertificateRefused) or (version == "1.2" and shown is None)
    assert failure.reason in reason


@pytest.mark.parametrize(("options", "seen"), [(("-verify", "1"), True), ((), False)])
@both_libraries
async def test_it_is_shown_to_who_asks(fingerprint: str, options: tuple[str, ...], seen: bool, tmp_path: Path) -> None:
    async with openssl_server("-tls1_3", *options) as server:
        shown = certificates.client().saved(tmp_path)
        dialling = with_options(ServerToDial(*server.address, ""), fingerprint, client_certificate=shown)
        connection = await tls.dial(dialling, make_context(dialling.tls), Timings())
        await server.says("CIPHER is")
        connection.link.abort()
        await asyncio.sleep(0.01)
        assert any("tester" in line for line in server.said) is seen


@pytest.mark.parametrize("made", [certificates.self_signed, certificates.expired])
@both_versions
@both_libraries
async def test_who_has_not_proved_himself_is_not_shown_it(
    fingerprint: str, version: str, made: Any, tmp_path: Path
) -> None:
    """Nor when his certificate is looked at once more: in TLS 1.3 whoever is on the way would not see it otherwise."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificates.authority().pem)
    options = TlsOptions(
        "server.test",
        verification=Verification.CA_FILE,
        ca_file=str(authority),
        fingerprint=fingerprint,
        client_certificate=certificates.client().saved(tmp_path),
    )
    async with openssl_server(f"-tls{version.replace('.', '_')}", "-verify", "1", "-www", identity=made()) as server:
        with pytest.raises(CertificateRejected) as caught:
            await tls.dial(ServerToDial(*server.address, "", options), make_context(options), Timings())
        await asyncio.sleep(0.05)
        assert caught.value.certificate == made().certificate.public_bytes(Encoding.DER)
        assert not any("tester" in line for line in server.said)


@both_libraries
async def test_a_key_that_does_not_fit_is_said_before_anything_is_sent(fingerprint: str, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", certificates.good().saved(tmp_path)
    certificate.write_bytes(certificates.client().pem)
    nobody = ServerToDial("nobody.invalid", 443, "")
    with pytest.raises(BadFile, match="do not belong together"):
        await failure_of(with_options(nobody, fingerprint, client_certificate=str(certificate), client_key=key))
