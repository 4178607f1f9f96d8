"""A connection to a server, stage by stage, and the failure that each thing gone wrong is."""

import asyncio
import contextlib
import os
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.engine import tls
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.stages import StageResult
from app.errors import (
    BadFile,
    BadInput,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnknownIssuer,
    CertificateWrongName,
    DialFailed,
    NameNotResolved,
    NothingListens,
    PinMismatch,
    StageTimedOut,
    TlsFailed,
    Unreachable,
)
from app.protocols.address import Address
from app.transport import tcp
from app.transport.link import TlsLink
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.listening import closed_port, deaf, listening, reset, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.waiting import settle

TIMINGS = Timings()
QUICK = Timings(tcp=0.05, tls=0.05)


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(certificates.authority().pem)
    return str(path)


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
    connection = await tls.dial(server, tls.make_context(server.tls), timings)
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


async def failure_of(server: Server, timings: Timings = TIMINGS) -> DialFailed:
    """How dialling this server fails. A socket left open would be warned of, which fails the test."""
    with pytest.raises(DialFailed) as caught:
        await tls.dial(server, tls.make_context(server.tls), timings)
    assert (caught.value.host, caught.value.port) == (server.host, server.port)
    return caught.value


# ---- what works


@both_loops
async def test_each_stage_is_counted(ca_file: str) -> None:
    async with tls_server() as address:
        server = at(address, verification=Verification.CA_FILE, ca_file=ca_file)
        async with dialled(server) as connection:
            assert connection.handshake_ms > 0
            assert connection.link.established


async def test_stages_are_told_up_to_the_one_that_fails() -> None:
    stages: list[StageResult] = []
    with deaf() as address:
        server = at(address, verification=Verification.NONE)
        with pytest.raises(StageTimedOut) as caught:
            await tls.dial(server, tls.make_context(server.tls), QUICK, stages.append)
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
        connection = await tls.dial(server, tls.make_context(server.tls), TIMINGS, stages.append)
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


async def test_the_systems_authorities_are_trusted(ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with tls_server() as address:
        assert isinstance(await failure_of(at(address)), CertificateUnknownIssuer)
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        async with dialled(at(address)) as connection:
            assert connection.link.established


@pytest.mark.parametrize("identity", [certificates.self_signed, certificates.expired, certificates.for_another_name])
async def test_everything_is_accepted_where_nothing_is_verified(identity: Any) -> None:
    async with connected(identity(), verification=Verification.NONE) as connection:
        assert connection.link.established


@pytest.mark.parametrize("options", [{"certificate_pin": "pin"}, {"spki_pin": "spki_pin"}, {}])
async def test_a_pinned_certificate_needs_no_issuer_and_no_name(options: dict[str, str]) -> None:
    identity = certificates.self_signed()
    pins = {option: getattr(identity, name) for option, name in options.items()}
    async with connected(identity, verification=Verification.PIN, **pins) as connection:
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
async def test_a_name_is_sent_and_an_address_is_not(host: str, server_name: str | None, sent: str | None) -> None:
    context = certificates.good().context()
    seen: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    async with connected(context=context, host=host, server_name=server_name, verification=Verification.NONE):
        assert seen == [sent]


async def test_the_name_that_is_sent_is_the_one_that_is_checked(ca_file: str) -> None:
    async with tls_server() as address:
        options: dict[str, Any] = {"verification": Verification.CA_FILE, "ca_file": ca_file}
        async with dialled(at(address, server_name="server.test", **options)):
            pass
        failure = await failure_of(at(address, server_name="wrong.test", **options))
        assert isinstance(failure, CertificateWrongName)


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
async def test_versions_are_kept_to(options: dict[str, Any], version: str) -> None:
    async with connected(verification=Verification.NONE, **options) as connection:
        assert connection.link.tls.version() == version


async def test_no_common_version_fails_the_handshake() -> None:
    context = certificates.good().context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: TlsLink(context, server_side=True), "127.0.0.1", 0)
    address = Address(*listener.sockets[0].getsockname())
    failure = await failure_of(at(address, verification=Verification.NONE, min_version="1.3"))
    assert type(failure) is TlsFailed
    assert "protocol version" in str(failure), "what the server's alert says"
    listener.close()
    await settle(2)


# ---- certificates that are not accepted


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (certificates.expired, CertificateExpired),
        (certificates.not_yet_valid, CertificateNotYetValid),
        (certificates.for_another_name, CertificateWrongName),
        (certificates.self_signed, CertificateUnknownIssuer),
    ],
)
@both_loops
async def test_a_certificate_is_rejected_for_its_own_reason(identity: Any, kind: type, ca_file: str) -> None:
    async with tls_server(identity()) as address:
        failure = await failure_of(
            at(address, server_name="server.test", verification=Verification.CA_FILE, ca_file=ca_file)
        )
        assert type(failure) is kind
        assert failure.stage == "tls"
        assert "_ssl" not in str(failure)


async def test_a_certificate_for_another_address_has_the_wrong_name(ca_file: str) -> None:
    async with tls_server(certificates.for_another_name()) as address:
        failure = await failure_of(at(address, verification=Verification.CA_FILE, ca_file=ca_file))
        assert type(failure) is CertificateWrongName


async def test_an_authority_that_nobody_knows_is_an_unknown_issuer(tmp_path: Path) -> None:
    strangers = tmp_path / "other.pem"
    strangers.write_bytes(certificates.self_signed().pem)
    async with tls_server() as address:
        server = at(address, verification=Verification.CA_FILE, ca_file=str(strangers))
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
async def test_another_than_the_pinned_certificate_is_rejected(pins: dict[str, Any]) -> None:
    good = certificates.good()
    right = {"certificate_pin": good.pin, "spki_pin": good.spki_pin}
    wanted: dict[str, Any] = {name: right[name] if pin is certificates.good else pin for name, pin in pins.items()}
    wrong = next(name for name, pin in pins.items() if pin is not certificates.good)
    async with tls_server() as address:
        failure = await failure_of(at(address, verification=Verification.PIN, **wanted))
        assert type(failure) is PinMismatch
        assert right[wrong].hex() in str(failure), "what the server shows, for whoever wants to pin it"


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
async def test_each_stage_has_its_own_patience(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_arguments: object) -> Any:
        await asyncio.get_running_loop().create_future()

    if stage == "dns":
        monkeypatch.setattr(tcp, "resolve", never)
    with deaf() if stage == "tls" else unanswering() as address:
        failure = await failure_of(at(address, verification=Verification.NONE), QUICK)
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
    ("peer", "words"),
    [
        (close_at_once, "closed the connection"),
        (reset_at_once, "closed the connection"),
        (close_after_the_hello, "closed the connection"),
        (speak_plainly, "does not speak TLS"),
    ],
)
@both_loops
async def test_who_does_not_speak_tls_fails_the_handshake(peer: Any, words: str) -> None:
    async with listening(peer) as address:
        failure = await failure_of(at(address, verification=Verification.NONE))
        assert type(failure) is TlsFailed
        assert failure.stage == "tls"
        assert words in str(failure)


@pytest.mark.parametrize("name", ["two..dots", ".test", "x" * 70, "nul\0.test"])
async def test_a_name_that_cannot_be_sent_fails_the_handshake(name: str) -> None:
    with deaf() as address:
        failure = await failure_of(at(address, server_name=name, verification=Verification.NONE))
        assert type(failure) is TlsFailed
        assert "host name" in str(failure)


async def test_giving_up_in_the_middle_leaves_no_socket() -> None:
    with deaf() as address:
        server = at(address, verification=Verification.NONE)
        dialling = asyncio.create_task(tls.dial(server, tls.make_context(server.tls), TIMINGS))
        await asyncio.sleep(0.02)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling


# ---- options that cannot be used


@pytest.mark.parametrize("verification", [Verification.SYSTEM, Verification.CA_FILE])
def test_a_certificate_cannot_be_checked_without_a_name(verification: Verification, ca_file: str) -> None:
    with pytest.raises(BadInput, match="name"):
        tls.make_context(TlsOptions(server_name="", verification=verification, ca_file=ca_file))


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFile) as caught:
        tls.make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=str(path)))
    assert str(path) in str(caught.value)
    assert "_ssl" not in str(caught.value)


@pytest.mark.parametrize("ca_file", [None, ""])
def test_no_ca_file_at_all_does_not_mean_the_systems_authorities(ca_file: str | None) -> None:
    with pytest.raises(BadInput, match="CA file"):
        tls.make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=ca_file))


def test_old_versions_are_off_unless_asked_for_and_nothing_below_1_2_can_be() -> None:
    context = tls.make_context(TlsOptions(verification=Verification.NONE))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    options = replace(TlsOptions(verification=Verification.NONE), min_version="1.3")
    assert tls.make_context(options).minimum_version == ssl.TLSVersion.TLSv1_3


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_a_ca_file_that_never_ends_is_refused_at_once(tmp_path: Path) -> None:
    """A thread that waits for a pipe would keep the program from ending."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (str(pipe), os.devnull):
        with pytest.raises(BadFile, match="not a file"):
            tls.make_context(TlsOptions(verification=Verification.CA_FILE, ca_file=path))
