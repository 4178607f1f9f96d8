"""A second look at a server: its certificate, its time, and which hello it likes."""

import asyncio
import contextlib
import datetime
import email.utils
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.engine import diagnosis, handshake, tls
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.tls_context import make_context
from app.errors import CertificateExpired, CertificateNotYetValid, CertificateRejected, ClockWrong, HandshakeClosed
from app.protocols import client_hello
from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.certificates import DAY, Identity
from tests.fakes.ech import INNER, watched
from tests.fakes.libraries import both_libraries
from tests.fakes.listening import closed_port, deaf, listening, reset
from tests.fakes.loops import both_loops

TIMINGS = Timings()
NOW = datetime.datetime.now(datetime.UTC)


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def at(address: Address, host: str = "", **options: Any) -> Server:
    return Server(host or address.host, address.port, "secret", TlsOptions(**options))


async def seen(server: Server, *, ask_time: bool = True, timings: Timings = TIMINGS) -> diagnosis.Look | None:
    found = await diagnosis.look(server, await handshake.resolve(server), timings, ask_time=ask_time)
    await asyncio.sleep(0.01)  # the server hears that it is over
    return found


def answering(answer: bytes, asked: list[bytes] | None = None) -> Callable[..., Awaitable[None]]:
    """A server that says this to any request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if asked is not None:
            asked.append(request)
        writer.write(answer)
        await reader.read()

    return serve


def dated(time: datetime.datetime) -> bytes:
    date = email.utils.format_datetime(time, usegmt=True)
    return f"HTTP/1.1 403 Forbidden\r\nServer: x\r\nDate: {date}\r\n\r\n".encode()


# ---- what is seen


@pytest.mark.parametrize(
    "made",
    [certificates.good, certificates.expired, certificates.self_signed, certificates.for_another_name],
)
@both_libraries
@both_loops
async def test_a_certificate_is_seen_whatever_it_is(fingerprint: str, made: Callable[[], Identity]) -> None:
    async with listening(answering(b""), context=made().context()) as address:
        look = await seen(at(address, fingerprint=fingerprint), ask_time=False)
    assert look == diagnosis.Look(der(made()))


@both_libraries
async def test_the_time_is_asked_of_an_http_server(fingerprint: str) -> None:
    asked: list[bytes] = []
    time = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
    async with listening(answering(dated(time), asked), context=certificates.good().context()) as address:
        look = await seen(at(address, fingerprint=fingerprint, server_name="server.test"))
    assert look is not None
    assert look.time == time
    assert asked == [b"HEAD / HTTP/1.1\r\nHost: server.test\r\nConnection: close\r\n\r\n"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nDate: some other day\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nDate: Tue, 99 Feb 2026 04:05:06 GMT\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nDate: \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\r\n\r\n",
        b"\0" * 100_000,
        b"",
    ],
    ids=["no date", "words", "no such day", "no text", "endless", "nothing"],
)
async def test_a_server_without_a_time(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_ANSWER", 0.1)
    async with listening(answering(answer), context=certificates.good().context()) as address:
        assert await seen(at(address)) == diagnosis.Look(der(certificates.good()))


async def test_a_time_without_a_zone_is_the_worlds() -> None:
    answer = b"HTTP/1.1 200 OK\r\nDate: Tue, 03 Feb 2026 04:05:06 -0000\r\n\r\n"
    async with listening(answering(answer), context=certificates.good().context()) as address:
        look = await seen(at(address))
    assert look is not None
    assert look.time == datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)


async def test_who_hangs_up_when_asked_has_no_time() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reset(writer)

    async with listening(hang_up, context=certificates.good().context()) as address:
        assert await seen(at(address)) == diagnosis.Look(der(certificates.good()))


async def test_nobody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_PATIENCE", 0.1)
    assert await seen(at(closed_port())) is None
    with deaf() as address:
        assert await seen(at(address)) is None
        assert await seen(at(address), timings=Timings(tls=0.05)) is None
    assert await seen(at(closed_port(), server_name="two..dots")) is None


@pytest.mark.parametrize("options", [{"ech_config": b"\0\0"}, {"ech_resolver": "https://nobody.invalid/"}])
async def test_a_name_that_is_to_be_hidden_is_not_sent(options: dict[str, Any]) -> None:
    async with listening(answering(b""), context=certificates.good().context()) as address, watched(address) as passage:
        look = await seen(at(passage.address, server_name=INNER, fingerprint="chrome", **options), ask_time=False)
        assert look == diagnosis.Look(der(certificates.good()))
        (hello,) = passage.sent
        assert INNER.encode() not in hello
        assert client_hello.parse(bytes(hello)).server_name is None


async def test_a_hidden_name_is_told_only_where_it_is_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question for the time names nobody to a stranger."""
    monkeypatch.setattr(diagnosis, "_ANSWER", 0.1)
    asked: list[bytes] = []
    async with listening(answering(b"", asked), context=certificates.good().context()) as address:
        await seen(at(address, server_name=INNER, fingerprint="chrome", ech_config=b"\0\0"))
    assert INNER.encode() not in asked[0]


# ---- whose clock is wrong


@pytest.mark.parametrize(
    ("made", "off", "words"),
    [
        (certificates.expired_for_years, -750 * DAY, "750 days"),
        (certificates.expired, -2 * DAY, "2 days"),
        (certificates.expired, -1.5 * DAY, "36 hours"),
        (certificates.not_yet_valid, 2.5 * DAY, "2 days"),
        (certificates.good, -DAY / 48, "30 minutes"),
    ],
)
def test_a_certificate_that_is_valid_by_the_servers_clock(
    made: Callable[[], Identity], off: datetime.timedelta, words: str
) -> None:
    failure = diagnosis.with_clock(rejected(made()), datetime.datetime.now(datetime.UTC) + off)
    assert type(failure) is ClockWrong
    assert failure.reason == words
    assert "has the right time, your clock is off by" in str(failure)  # nobody vouches for the other one
    assert failure.certificate == der(made())


@pytest.mark.parametrize("time", [None, NOW, NOW - 5 * DAY])
def test_one_that_is_not(time: datetime.datetime | None) -> None:
    failure = rejected(certificates.expired())
    assert diagnosis.with_clock(failure, time) is failure


def test_one_that_cannot_be_read() -> None:
    failure = CertificateExpired("server.test", 443, "?", certificate=b"junk")
    assert diagnosis.with_clock(failure, NOW) is failure


def rejected(identity: Identity) -> CertificateRejected:
    return CertificateExpired("server.test", 443, "?", certificate=der(identity))


@pytest.mark.parametrize(
    ("made", "time", "kind"),
    [
        (certificates.expired_for_years, NOW - 750 * DAY, ClockWrong),
        (certificates.expired_for_years, NOW, CertificateExpired),
        (certificates.not_yet_valid, NOW + 2 * DAY, ClockWrong),
        (certificates.not_yet_valid, NOW, CertificateNotYetValid),
        (certificates.by_an_old_intermediate, NOW, CertificateRejected),
    ],
)
@both_libraries
async def test_a_dial_says_so(
    fingerprint: str, made: Callable[[], Identity], time: datetime.datetime, kind: type, tmp_path: Any
) -> None:
    ca_file = certificates.authority().saved(tmp_path)
    async with listening(answering(dated(time)), context=made().context()) as address:
        server = at(address, fingerprint=fingerprint, verification=Verification.CA_FILE, ca_file=ca_file)
        with pytest.raises(CertificateRejected) as caught:
            await tls.dial(server, make_context(server.tls), TIMINGS)
        await asyncio.sleep(0.01)
    assert type(caught.value) is kind


# ---- which hello is liked


@contextlib.asynccontextmanager
async def choosy(likes: Callable[[client_hello.ClientHello, int], bool]) -> AsyncIterator[Address]:
    """A server that closes on a hello that it does not like; `likes` is told which connection it is, from 1."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        head = await reader.readexactly(5)
        record = head + await reader.readexactly(int.from_bytes(head[3:]))
        if not likes(client_hello.parse(record), count):
            return
        theirs, ours = await asyncio.open_connection(*inside)
        ours.write(record)
        try:
            await asyncio.gather(copy(reader, ours), copy(theirs, writer))
        finally:
            ours.close()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    behind = listening(answering(b""), context=certificates.good().context())
    async with behind as inside, listening(serve) as address:
        yield address


def is_chromes(hello: client_hello.ClientHello, _count: int) -> bool:
    """By Chrome's own extension (ALPS)."""
    return 17613 in hello.extensions


@pytest.mark.parametrize(
    ("likes", "fingerprint", "words"),
    [
        (is_chromes, "none", "it works with Chrome’s fingerprint"),
        (lambda hello, count: not is_chromes(hello, count), "chrome", "it works without a fingerprint"),
        (lambda hello, count: False, "chrome", "with and without Chrome’s fingerprint alike"),
        (lambda hello, count: False, "none", "with and without Chrome’s fingerprint alike"),
        (lambda hello, count: count > 1, "chrome", "a second try worked"),
        (lambda hello, count: count > 1, "none", "a second try worked"),
    ],
)
@both_loops
async def test_the_other_hello_is_tried(likes: Any, fingerprint: str, words: str) -> None:
    async with choosy(likes) as address:
        server = at(address, fingerprint=fingerprint)
        with pytest.raises(HandshakeClosed) as caught:
            await tls.dial(server, make_context(server.tls), TIMINGS)
        compared = await diagnosis.compared_hello(caught.value, server, TIMINGS)
        await asyncio.sleep(0.01)
    assert type(compared) is HandshakeClosed
    assert words in compared.reason
    assert (compared.host, compared.port) == (server.host, server.port)


async def test_options_that_only_one_library_has_do_not_stand_in_the_way() -> None:
    async with choosy(is_chromes) as address:
        server = at(address, fingerprint="none", ciphers="ECDHE+AESGCM", curve="prime256v1")
        compared = await diagnosis.compared_hello(HandshakeClosed(*address, "?"), server, TIMINGS)
        await asyncio.sleep(0.01)
    assert "it works with Chrome’s fingerprint" in compared.reason


async def test_a_second_try_is_made_with_the_same_hello() -> None:
    async with choosy(lambda hello, _count: 0x0303 in hello.versions) as address:
        server = at(address, fingerprint="none", min_version="1.3")
        compared = await diagnosis.compared_hello(HandshakeClosed(*address, "?"), server, TIMINGS)
        await asyncio.sleep(0.01)
    assert "it works with Chrome’s fingerprint" in compared.reason, "which offers TLS 1.2 too"


async def test_a_hidden_name_is_not_tried_with_the_other_library() -> None:
    async with choosy(lambda hello, _count: False) as address, watched(address) as passage:
        server = at(passage.address, server_name=INNER, fingerprint="chrome", ech_config=b"\0\0")
        failure = HandshakeClosed(*address, "it gave no reason")
        compared = await diagnosis.compared_hello(failure, server, TIMINGS)
        await asyncio.sleep(0.01)
        assert compared.reason == failure.reason
        assert not any(INNER.encode() in sent for sent in passage.sent)


async def test_without_the_other_library_there_is_nothing_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.fingerprints.available", lambda: False)
    async with choosy(lambda hello, _count: False) as address:
        failure = HandshakeClosed(*address, "it gave no reason")
        assert await diagnosis.compared_hello(failure, at(address), TIMINGS) is failure
        await asyncio.sleep(0.01)
