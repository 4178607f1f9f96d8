"""A connection to a server, stage by stage, and the failure that each thing gone wrong is."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.engine import tls
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.stages import StageResult
from app.engine.tls_context import make_context
from app.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateSelfSigned,
    CertificateUnknownIssuer,
    CertificateWrongName,
    DialFailed,
    HandshakeClosed,
    NameNotResolved,
    NothingListens,
    NotTls,
    PinMismatch,
    StageTimedOut,
    TlsFailed,
    TlsVersionRefused,
    Unreachable,
)
from app.protocols.address import Address
from app.transport import tcp
from app.transport.link import TlsLink
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.libraries import both_libraries
from tests.fakes.listening import closed_port, deaf, listening, reset, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.steps import cancel_everywhere
from tests.fakes.waiting import settle, until
from tests.server.targets import needs_proc, open_sockets

TIMINGS = Timings()
QUICK = Timings(tcp=0.05, tls=0.05)


async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


def tls_server(
    identity: Identity | None = None, context: ssl.SSLContext | None = None
) -> contextlib.AbstractAsyncContextManager[Address]:
    return listening(take, context=context or (identity or certificates.good()).context())


def at(address: Address, host: str | None = None, **options: Any) -> Server:
    return Server(host or address.host, address.port, "", TlsOptions(**options))


@contextlib.asynccontextmanager
async def dialled(server: Server, timings: Timings = TIMINGS) -> AsyncIterator[tls.Dialled]:
    connection = await tls.dial(server, make_context(server.tls), timings)
    try:
        yield connection
    finally:
        connection.link.abort()
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def connected(
    identity: Identity | None = None, context: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[tls.Dialled]:
    """A connection to a server that shows this certificate or has this context."""
    async with tls_server(identity, context) as address, dialled(at(address, **options)) as connection:
        yield connection


async def failure_of(server: Server, timings: Timings = TIMINGS) -> Any:
    """How dialling this server fails. A socket left open would be warned of, which fails the test."""
    with pytest.raises(DialFailed) as caught:
        await tls.dial(server, make_context(server.tls), timings)
    await asyncio.sleep(0.01)  # the server hears of it
    failure: Any = caught.value
    assert (failure.host, failure.port) == (server.host, server.port)
    return failure


# ---- what works


@both_loops
@both_libraries
async def test_each_stage_is_counted(fingerprint: str, ca_file: str) -> None:
    async with tls_server() as address:
        server = at(address, fingerprint=fingerprint, verification=Verification.CA_FILE, ca_file=ca_file)
        async with dialled(server) as connection:
            assert connection.handshake_ms > 0
            assert connection.link.established


async def test_stages_are_told_up_to_the_one_that_fails() -> None:
    stages: list[StageResult] = []
    with deaf() as address:
        server = at(address, verification=Verification.NONE)
        with pytest.raises(StageTimedOut) as caught:
            await tls.dial(server, make_context(server.tls), QUICK, stages.append)
    assert [(stage.name, stage.ok) for stage in stages] == [("dns", True), ("tcp", True), ("tls", False)]
    assert [stage.error for stage in stages] == [None, None, caught.value]


async def test_a_slow_lookup_says_nothing_of_the_server(ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = tcp.resolve

    async def slow(host: str, port: int) -> Sequence[tcp.AddressInfo]:
        await asyncio.sleep(0.3)
        return await resolve(host, port)

    monkeypatch.setattr(tcp, "resolve", slow)
    stages: list[StageResult] = []
    async with tls_server() as address:
        server = at(address, verification=Verification.CA_FILE, ca_file=ca_file)
        connection = await tls.dial(server, make_context(server.tls), TIMINGS, stages.append)
        connection.link.abort()
        await asyncio.sleep(0.01)
    lookup, *others = (stage.ms for stage in stages)
    assert lookup >= 290
    assert sum(others) <= connection.handshake_ms < lookup + sum(others)


async def test_a_name_with_several_addresses_reaches_the_one_that_listens(ca_file: str) -> None:
    async with tls_server() as address:
        server = at(address, "localhost", verification=Verification.CA_FILE, ca_file=ca_file)
        async with dialled(server) as connection:
            assert connection.link.established


@both_libraries
async def test_the_systems_authorities_are_trusted(
    fingerprint: str, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls_server() as address:
        assert isinstance(await failure_of(at(address, fingerprint=fingerprint)), CertificateUnknownIssuer)
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        async with dialled(at(address, fingerprint=fingerprint)) as connection:
            assert connection.link.established


@pytest.mark.parametrize("identity", [certificates.self_signed, certificates.expired, certificates.for_another_name])
@both_libraries
async def test_everything_is_accepted_where_nothing_is_verified(fingerprint: str, identity: Any) -> None:
    async with connected(identity(), fingerprint=fingerprint, verification=Verification.NONE) as connection:
        assert connection.link.established


@pytest.mark.parametrize(
    "options",
    [{"certificate_pin": "pin"}, {"spki_pin": "spki_pin"}, {"certificate_pin": "pin", "spki_pin": "spki_pin"}],
)
@both_libraries
async def test_a_pinned_certificate_needs_no_issuer_and_no_name(fingerprint: str, options: dict[str, str]) -> None:
    identity = certificates.self_signed()
    pins = {option: getattr(identity, name) for option, name in options.items()}
    async with connected(identity, fingerprint=fingerprint, verification=Verification.PIN, **pins) as connection:
        assert connection.link.established


# ---- what is said in the hello


@pytest.mark.parametrize(
    ("host", "server_name", "sent"),
    [
        ("localhost", None, "localhost"),
        ("127.0.0.1", None, None),
        ("127.0.0.1", "server.test", "server.test"),
        ("localhost", "127.0.0.1", None),
        ("localhost", "::1", None),
        ("localhost", "", None),
    ],
)
@both_libraries
async def test_a_name_is_sent_and_an_address_is_not(
    fingerprint: str, host: str, server_name: str | None, sent: str | None
) -> None:
    context = certificates.good().context()
    seen: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    async with connected(
        context=context, host=host, server_name=server_name, fingerprint=fingerprint, verification=Verification.NONE
    ):
        assert seen == [sent]


@both_libraries
async def test_the_name_that_is_sent_is_the_one_that_is_checked(fingerprint: str, ca_file: str) -> None:
    async with tls_server() as address:
        options: dict[str, Any] = {"verification": Verification.CA_FILE, "ca_file": ca_file, "fingerprint": fingerprint}
        async with dialled(at(address, server_name="server.test", **options)):
            pass
        failure = await failure_of(at(address, server_name="wrong.test", **options))
        assert isinstance(failure, CertificateWrongName)
        assert "server.test" in str(failure), "the names that it is for"


@pytest.mark.parametrize(("alpn", "chosen"), [((), None), (("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1")])
async def test_alpn_is_offered_as_told(alpn: tuple[str, ...], chosen: str | None) -> None:
    context = certificates.good().context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with connected(context=context, verification=Verification.NONE, alpn=alpn) as connection:
        assert connection.link.tls.selected_alpn_protocol() == chosen


@pytest.mark.parametrize(
    ("options", "version"),
    [({}, "TLSv1.3"), ({"max_version": "1.2"}, "TLSv1.2"), ({"min_version": "1.3"}, "TLSv1.3")],
)
@both_libraries
async def test_versions_are_kept_to(fingerprint: str, options: dict[str, Any], version: str) -> None:
    async with connected(fingerprint=fingerprint, verification=Verification.NONE, **options) as connection:
        assert connection.link.tls.version() == version


@both_libraries
async def test_no_common_version_fails_the_handshake(fingerprint: str) -> None:
    context = certificates.good().context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    loop = asyncio.get_running_loop()
    links: list[TlsLink] = []

    def serve() -> TlsLink:
        links.append(TlsLink(context, server_side=True))
        return links[-1]

    listener = await loop.create_server(serve, "127.0.0.1", 0)
    address = Address(*listener.sockets[0].getsockname())
    failure = await failure_of(at(address, fingerprint=fingerprint, verification=Verification.NONE, min_version="1.3"))
    assert type(failure) is TlsVersionRefused
    assert "1.3" in str(failure)
    listener.close()
    for link in links:
        link.abort()
    await settle(2)


# ---- certificates that are not accepted


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (certificates.expired, CertificateExpired),
        (certificates.not_yet_valid, CertificateNotYetValid),
        (certificates.for_another_name, CertificateWrongName),
        (certificates.self_signed, CertificateSelfSigned),
    ],
)
@both_loops
@both_libraries
async def test_a_certificate_is_rejected_for_its_own_reason(
    fingerprint: str, identity: Any, kind: Any, ca_file: str
) -> None:
    async with tls_server(identity()) as address:
        failure = await failure_of(
            at(
                address,
                server_name="server.test",
                fingerprint=fingerprint,
                verification=Verification.CA_FILE,
                ca_file=ca_file,
            )
        )
        assert type(failure) is kind
        assert failure.stage == "tls"
        assert "_ssl" not in str(failure)
        assert failure.certificate == identity().certificate.public_bytes(Encoding.DER)


@both_libraries
async def test_a_certificate_for_another_address_has_the_wrong_name(fingerprint: str, ca_file: str) -> None:
    async with tls_server(certificates.for_another_name()) as address:
        failure = await failure_of(
            at(address, fingerprint=fingerprint, verification=Verification.CA_FILE, ca_file=ca_file)
        )
        assert type(failure) is CertificateWrongName


@both_libraries
async def test_an_authority_that_nobody_knows_is_an_unknown_issuer(fingerprint: str, tmp_path: Path) -> None:
    strangers = tmp_path / "other.pem"
    strangers.write_bytes(certificates.self_signed().pem)
    async with tls_server() as address:
        server = at(address, fingerprint=fingerprint, verification=Verification.CA_FILE, ca_file=str(strangers))
        assert type(await failure_of(server)) is CertificateUnknownIssuer


@pytest.mark.parametrize(
    "pins",
    [
        {"certificate_pin": b"\0" * 32},
        {"spki_pin": b"\0" * 32},
        {"certificate_pin": b"\0" * 32, "spki_pin": certificates.good},
        {"certificate_pin": certificates.good, "spki_pin": b"\0" * 32},
    ],
)
@both_loops
@both_libraries
async def test_another_than_the_pinned_certificate_is_rejected(fingerprint: str, pins: dict[str, Any]) -> None:
    good = certificates.good()
    right = {"certificate_pin": good.pin, "spki_pin": good.spki_pin}
    wanted: dict[str, Any] = {name: right[name] if pin is certificates.good else pin for name, pin in pins.items()}
    wrong = next(name for name, pin in pins.items() if pin is not certificates.good)
    async with tls_server() as address:
        failure = await failure_of(at(address, fingerprint=fingerprint, verification=Verification.PIN, **wanted))
        assert type(failure) is PinMismatch
        assert right[wrong].hex() in str(failure), "what the server shows, for whoever wants to pin it"
        assert wanted[wrong].hex() in str(failure)
        assert failure.certificate == good.certificate.public_bytes(Encoding.DER)


# ---- no connection


@both_loops
async def test_nothing_listens() -> None:
    failure = await failure_of(at(closed_port()))
    assert type(failure) is NothingListens
    assert failure.stage == "tcp"


async def test_nothing_listens_on_any_address_of_a_name() -> None:
    assert type(await failure_of(at(closed_port(), "localhost"))) is NothingListens


@both_loops
async def test_an_address_that_cannot_be_reached() -> None:
    failure = await failure_of(Server("255.255.255.255", 1, ""))
    assert type(failure) is Unreachable
    assert failure.stage == "tcp"
    assert "Errno" not in str(failure)


@pytest.mark.parametrize("host", ["nothing.invalid", "two..dots", "x" * 70 + ".test"])
@both_loops
async def test_a_name_that_does_not_resolve(host: str) -> None:
    failure = await failure_of(Server(host, 443, ""))
    assert type(failure) is NameNotResolved
    assert failure.stage == "dns"


@pytest.mark.parametrize("stage", ["dns", "tcp", "tls"])
@both_loops
@both_libraries
async def test_each_stage_has_its_own_patience(fingerprint: str, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_arguments: object) -> Any:
        await asyncio.get_running_loop().create_future()

    if stage == "dns":
        monkeypatch.setattr(tcp, "resolve", never)
    with deaf() if stage == "tls" else unanswering() as address:
        failure = await failure_of(at(address, fingerprint=fingerprint, verification=Verification.NONE), QUICK)
    assert type(failure) is StageTimedOut
    assert failure.stage == stage
    assert "0.05 s" in str(failure)


# ---- no TLS


async def close_at_once(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    pass


async def reset_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def close_after_the_hello(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)


async def speak_plainly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.test ESMTP ready\r\n")
    await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    ("peer", "kind"),
    [
        (close_at_once, HandshakeClosed),
        (reset_at_once, HandshakeClosed),
        (close_after_the_hello, HandshakeClosed),
        (speak_plainly, NotTls),
    ],
)
@both_loops
@both_libraries
async def test_who_does_not_speak_tls_fails_the_handshake(fingerprint: str, peer: Any, kind: Any) -> None:
    async with listening(peer) as address:
        failure = await failure_of(at(address, fingerprint=fingerprint, verification=Verification.NONE))
        assert type(failure) is kind
        assert failure.stage == "tls"


@pytest.mark.parametrize("name", ["two..dots", ".test", "x" * 70, "nul\0.test"])
@both_libraries
async def test_a_name_that_cannot_be_sent_fails_the_handshake(fingerprint: str, name: str) -> None:
    with deaf() as address:
        failure = await failure_of(
            at(address, server_name=name, fingerprint=fingerprint, verification=Verification.NONE)
        )
        assert type(failure) is TlsFailed
        assert "host name" in str(failure)


@needs_proc
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@both_libraries
@both_loops
async def test_giving_up_anywhere_leaves_no_socket(fingerprint: str, host: str, ca_file: str) -> None:
    async with tls_server() as address:
        server = at(address, host, fingerprint=fingerprint, verification=Verification.CA_FILE, ca_file=ca_file)
        context = make_context(server.tls)
        before = open_sockets()

        async def dial() -> None:
            (await tls.dial(server, context, TIMINGS)).link.abort()

        assert await cancel_everywhere(dial) >= 2  # the transport's beginning and the handshake, at the least
        await until(lambda: open_sockets() == before)


@needs_proc
@pytest.mark.parametrize("stage", ["tcp", "tls"])
@both_loops
async def test_what_breaks_between_two_stages_leaves_no_socket(stage: str) -> None:
    def broken(result: StageResult) -> None:
        if result.name == stage:
            raise ZeroDivisionError

    async with tls_server() as address:
        server = at(address, verification=Verification.NONE)
        before = open_sockets()
        with pytest.raises(ZeroDivisionError) as caught:
            await tls.dial(server, make_context(server.tls), TIMINGS, broken)
        await until(lambda: open_sockets() == before)
        assert caught.value.__traceback__ is not None, "which holds all that there was to close"


@needs_proc
async def test_what_breaks_in_another_tls_library_leaves_no_socket() -> None:
    class Broken:
        def wrap_bio(self, *_arguments: object) -> Any:
            raise ZeroDivisionError

    with deaf() as address:
        server = at(address, verification=Verification.NONE)
        before = open_sockets()
        with pytest.raises(ZeroDivisionError) as caught:
            await tls.dial(server, cast(ssl.SSLContext, Broken()), TIMINGS)
        assert open_sockets() == before
        assert caught.value.__traceback__ is not None, "which holds all that there was to close"
