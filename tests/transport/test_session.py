"""One machine on one link: streams get what is theirs, in order, and every end is told once with its reason."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from app.errors import Failure, ServerAlert, SessionLost
from app.protocols import anytls
from app.protocols.events import Event, HeartResponded, Opened, SettingsReceived
from app.protocols.frames import (
    ALERT,
    END,
    FIN,
    HEART_REQUEST,
    HEART_RESPONSE,
    PSH,
    SERVER_SETTINGS,
    SETTINGS,
    SYN,
    WASTE,
    pack,
)
from app.protocols.padding import Padding
from app.transport.link import TlsLink
from app.transport.session import Session, listen_reason, plain_reason
from app.transport.stream import Stream
from tests.fakes import certificates
from tests.fakes.clients import UNPADDED
from tests.fakes.consumers import Recorder
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer
from tests.fakes.waiting import settle, until


class Plain(Session):
    """A session in the server's role that takes every stream and needs no login."""

    def __init__(self, link: TlsLink) -> None:
        super().__init__(link, anytls.Session(client=False, padding=Padding(UNPADDED), randbelow=lambda _n: 0))
        self.ends = 0
        self.opened: list[Stream] = []
        self.new_consumer: Callable[[], Recorder] = Recorder
        handlers: dict[type[Event], Callable[..., None]] = {
            Opened: self._on_opened,
            SettingsReceived: lambda _event: None,
            HeartResponded: lambda _event: None,
        }
        self._handlers |= handlers

    def ended(self) -> None:
        self.ends += 1

    def _on_opened(self, event: Opened) -> None:
        consumer = self.new_consumer()
        self.opened.append(self.add_stream(event.stream_id, consumer))
        self.machine.attach(event.stream_id, consumer.sink)


def recorder(stream: Stream) -> Recorder:
    assert isinstance(stream.consumer, Recorder)
    return stream.consumer


@contextlib.asynccontextmanager
async def conversation(*settings: str) -> AsyncIterator[tuple[Plain, Peer]]:
    """A session, and its peer, who has sent these settings and speaks in frames."""
    sessions: list[Plain] = []
    server_context, client_context = certificates.good().context(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.load_verify_locations(cadata=certificates.authority().pem.decode())

    def new() -> TlsLink:
        link = TlsLink(server_context, server_side=True)
        sessions.append(Plain(link))
        link.attach(sessions[0])
        return link

    listener = await asyncio.get_running_loop().create_server(new, "127.0.0.1", 0)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)  # of a fixed size, so that `fill` comes to an end
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, listener.sockets[0].getsockname())
    peer = Peer(1, *await asyncio.open_connection(sock=sock, ssl=client_context, server_hostname="server.test"))
    listener.close()
    lines = ("v=2", f"padding-md5={UNPADDED.md5}", *settings)
    peer.send(pack(SETTINGS, 0, "\n".join(lines).encode()))
    await peer.expect(SERVER_SETTINGS)
    try:
        yield sessions[0], peer
    finally:
        peer.writer.transport.abort()
        sessions[0].link.abort()
        await sessions[0].gone.wait()
        await settle(2)


async def fill(stream: Stream) -> int:
    """Send until the peer's kernel takes no more; returns how much."""
    sent = 0
    while True:
        while not stream.session.held:
            stream.send(bytes(256 * 1024))
            sent += 256 * 1024
        await settle(20)
        if stream.session.held:
            return sent


# ---- payload


@both_loops
async def test_only_who_was_given_something_is_told_that_it_is_all() -> None:
    class Counting(Recorder):
        def flush(self) -> None:
            self.said.append("flush")

    async with conversation() as (session, peer):
        session.new_consumer = Counting
        peer.send(pack(SYN, 1), pack(SYN, 2), pack(PSH, 2, b"b"))
        await until(lambda: len(session.opened) == 2 and recorder(session.opened[1]).data == b"b")
        half = pack(PSH, 2, b"cd")
        peer.send(half[:-1])
        await until(lambda: recorder(session.opened[1]).data == b"bc")
        peer.send(half[-1:])
        await until(lambda: recorder(session.opened[1]).data == b"bcd")
        assert recorder(session.opened[1]).said == ["flush"] * 3
        assert recorder(session.opened[0]).said == []


async def test_a_corked_session_keeps_what_is_to_be_sent_until_more_comes() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        session.corked = True
        session.opened[0].send(b"first")
        session.machine.outbox[:] = [bytes(it) for it in session.machine.outbox]  # the memory may be used again
        session.corked = False
        session.opened[0].send(b"second")
        assert await peer.expect(PSH) == (1, b"first")
        assert await peer.expect(PSH) == (1, b"second")


@both_loops
async def test_payload_reaches_its_stream_and_no_other() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1), pack(SYN, 2), pack(PSH, 2, b"b"), pack(PSH, 1, b"a"), pack(PSH, 2, b"bb"))
        await until(lambda: len(session.opened) == 2 and recorder(session.opened[1]).data == b"bbb")
        assert recorder(session.opened[0]).data == b"a"


@both_loops
async def test_payload_before_an_end_is_flushed_before_the_end_is_told() -> None:
    class Collector(Recorder):
        def flush(self) -> None:
            self.said.append(f"flush {bytes(self.data)!r}")

    async with conversation("end=1") as (session, peer):
        session.new_consumer = Collector
        peer.send(pack(SYN, 1), pack(PSH, 1, b"last words"), pack(END, 1))
        await until(lambda: session.opened and "ended" in recorder(session.opened[0]).said)
        said = recorder(session.opened[0]).said
        assert said[: said.index("ended") + 1] == ["flush b'last words'", "ended"]
        peer.send(pack(SYN, 2), pack(PSH, 2, b"really"), pack(FIN, 2))
        await until(lambda: len(session.opened) == 2 and recorder(session.opened[1]).over)
        said = recorder(session.opened[1]).said
        assert said[: said.index("closed") + 1] == ["flush b'really'", "closed"]
        assert recorder(session.opened[1]).error is None


# ---- ends of streams


async def test_closing_tells_the_other_side_once_and_not_the_consumer() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        session.opened[0].close()
        session.opened[0].close()
        assert await peer.expect(FIN) == (1, b"")
        assert session.streams == {}
        assert recorder(session.opened[0]).said == []
        peer.send(pack(PSH, 1, b"crossing"), pack(FIN, 1), pack(HEART_REQUEST))
        await peer.expect(HEART_RESPONSE)
        assert recorder(session.opened[0]).said == []


async def test_an_end_where_the_peer_knows_none_closes_both_ways() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        session.opened[0].end()
        assert await peer.expect(FIN) == (1, b"")
        assert session.opened[0].closed


async def test_an_end_where_the_peer_knows_it_leaves_the_other_way_open() -> None:
    async with conversation("end=1") as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        stream = session.opened[0]
        stream.end()
        assert await peer.expect(END) == (1, b"")
        peer.send(pack(PSH, 1, b"still talking"))
        await until(lambda: recorder(stream).data == b"still talking")
        assert not stream.closed
        peer.send(pack(END, 1))
        await until(lambda: recorder(stream).over)
        assert recorder(stream).error is None


async def test_an_end_that_answers_an_end_closes_the_stream() -> None:
    async with conversation("end=1") as (session, peer):
        peer.send(pack(SYN, 1), pack(END, 1))
        await until(lambda: session.opened and recorder(session.opened[0]).said == ["ended"])
        session.opened[0].end()
        assert await peer.expect(FIN) == (1, b"")
        assert session.opened[0].closed
        assert session.streams == {}


# ---- the pace


@both_loops
async def test_streams_are_held_and_released_with_the_link_and_so_are_new_ones() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        first = session.opened[0]
        sent = await fill(first)
        assert recorder(first).said[-1] == "hold"
        peer.send(pack(SYN, 2))
        await until(lambda: len(session.opened) == 2)
        assert recorder(session.opened[1]).said == ["hold"]
        received = 0
        while received < sent:
            received += len((await peer.expect(PSH))[1])
        await until(lambda: not session.held)
        assert recorder(first).said[-2:] == recorder(session.opened[1]).said == ["hold", "release"]


async def test_a_flood_of_heartbeats_is_answered_by_a_few() -> None:
    async with conversation() as (_session, peer):
        peer.send(pack(HEART_REQUEST) * 20_000, pack(ALERT, 0, b"enough"))
        answers = 0
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await peer.expect(HEART_RESPONSE):
                answers += 1
        assert 1 <= answers < 200


async def test_a_peer_that_asks_without_reading_is_owed_no_queue_of_answers() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        sent = await fill(session.opened[0])
        for _ in range(50):
            peer.send(pack(HEART_REQUEST))
            await settle(1)
        received = 0
        while received < sent:
            received += len((await peer.expect(PSH))[1])
        session.opened[0].send(b"next")
        answers = 0
        while (await peer.frame())[0] == HEART_RESPONSE:
            answers += 1
        assert 1 <= answers <= 3, "one when the way was free again, and what came behind"
        assert peer.frames[-1] == (PSH, 1, b"next")


# ---- the end of the session


@both_loops
async def test_a_lost_connection_ends_every_stream_once() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1), pack(SYN, 2))
        await until(lambda: len(session.opened) == 2)
        peer.reset()
        await session.gone.wait()
        for stream in session.opened:
            assert recorder(stream).said == ["closed"]
            assert isinstance(recorder(stream).error, SessionLost)
        assert session.over
        assert session.ends == 1
        session.link.abort()
        await settle(2)
        assert session.ends == 1


async def test_an_alert_is_the_reason_that_streams_are_given() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1), pack(ALERT, 0, b"go \x1b[31maway"))
        await session.gone.wait()
        error = recorder(session.opened[0]).error
        assert isinstance(error, ServerAlert)
        assert error.message.startswith("go ")
        assert error.message.isprintable()


async def test_a_breach_of_the_protocol_is_answered_and_ends_the_session() -> None:
    server_context, client_context = certificates.good().context(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
    sessions: list[Plain] = []

    def new() -> TlsLink:
        link = TlsLink(server_context, server_side=True)
        sessions.append(Plain(link))
        link.attach(sessions[0])
        return link

    listener = await asyncio.get_running_loop().create_server(new, "127.0.0.1", 0)
    peer = Peer(1, *await asyncio.open_connection(*listener.sockets[0].getsockname(), ssl=client_context))
    listener.close()
    peer.send(pack(SYN, 1))
    assert (await peer.expect(ALERT))[1] == b"client did not send its settings"
    assert await peer.reader.read() == b""
    await sessions[0].gone.wait()
    assert "broke the protocol" in str(sessions[0].failure)
    peer.writer.close()
    await settle(2)


async def test_closing_is_orderly_and_its_streams_know_who_did_it() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(SYN, 1))
        await until(lambda: session.opened)
        session.close()
        assert await peer.reader.read() == b""
        await session.gone.wait()
        assert session.closed_here
        assert "on this side" in str(recorder(session.opened[0]).error)


async def test_the_first_reason_is_kept() -> None:
    async with conversation() as (session, _peer):
        first = SessionLost("first")
        session.fail(first)
        session.fail(SessionLost("second"))
        session.close()
        await session.gone.wait()
        assert session.failure is first


async def test_a_consumer_may_close_its_stream_while_all_are_told_of_the_end() -> None:
    class Nervous(Recorder):
        def closed(self, error: Failure | None) -> None:
            super().closed(error)
            for stream in session.opened:
                stream.close()

    async with conversation() as (session, peer):
        session.new_consumer = Nervous
        peer.send(pack(SYN, 1), pack(SYN, 2))
        await until(lambda: len(session.opened) == 2)
        peer.reset()
        await session.gone.wait()
        assert [recorder(stream).said for stream in session.opened] == [["closed"], []]


async def test_padding_is_drained() -> None:
    async with conversation() as (session, peer):
        peer.send(pack(WASTE, 0, bytes(60_000)), pack(SYN, 1), pack(WASTE, 9, b"x"), pack(PSH, 1, b"data"))
        await until(lambda: session.opened and recorder(session.opened[0]).data == b"data")


# ---- words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "the other side closed it"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "the other side closed it"),
        (ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)"), "the other side closed it"),
        (TimeoutError(), "it timed out"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "connection reset by peer"),
        (OSError(errno.ENETUNREACH, "anything at all"), "network is unreachable"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not known"),
        (ConnectionResetError("closed"), "closed"),
        (OSError(), "the other side closed it"),
        (OSError("line\nfeed\x1b[1m"), None),
    ],
)
def test_reasons_are_plain_words(error: Exception | None, words: str | None) -> None:
    reason = plain_reason(error)
    if words is not None:
        assert reason.lower() == words
    assert reason.isprintable()
    assert "_ssl.c" not in reason
    assert "Errno" not in reason


def test_a_tls_error_is_named_by_openssls_reason() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    incoming = ssl.MemoryBIO()
    incoming.write(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
    assert plain_reason(caught.value) == "http request"


def test_a_tls_error_is_named_by_boringssls_last_word() -> None:
    error = ssl.SSLError("SSL operation: error:10000410:SSL routines:OPENSSL_internal:NO_SHARED_GROUP")
    assert not hasattr(error, "reason")
    assert plain_reason(error) == "no shared group"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), "something else listens there already"),
        (OverflowError("bind(): port must be 0-65535."), "there is no such port"),
        (UnicodeError("label empty or too long"), "that is no host name"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
    ],
)
def test_why_a_port_cannot_be_opened(error: Exception, words: str) -> None:
    assert listen_reason(error) == words
