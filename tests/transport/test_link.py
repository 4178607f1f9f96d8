"""A TLS link hands records over one by one, keeps no queue, and says once how it ended."""

import asyncio
import contextlib
import hashlib
import random
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from app.protocols.anytls import Buffer
from app.protocols.opening import MAX_OPENING
from app.transport import link as link_module
from app.transport.link import TlsLink
from tests.fakes import certificates
from tests.fakes.listening import listening, reset
from tests.fakes.loops import both_loops
from tests.fakes.waiting import settle, until

MIB = 1024 * 1024


class Records:
    """An owner that keeps all it is told."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.said: list[str] = []
        self.error: Exception | None = None

    @property
    def data(self) -> bytes:
        return b"".join(self.records)

    @property
    def is_lost(self) -> bool:
        return "lost" in self.said

    def received(self, data: Buffer) -> None:
        self.records.append(bytes(data))

    def batch_received(self) -> None:
        if not self.said or self.said[-1] != "batch":
            self.said.append("batch")

    def hold(self) -> None:
        self.said.append("hold")

    def release(self) -> None:
        self.said.append("release")

    def lost(self, error: Exception | None) -> None:
        self.said.append("lost")
        self.error = error


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates.authority().pem.decode())
    return context


class End:
    """A link with its owner."""

    def __init__(self, link: TlsLink) -> None:
        self.link = link
        self.owner = Records()


@contextlib.asynccontextmanager
async def server_ends(
    on_new: Callable[[End], None] = lambda end: None, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[End]]]:
    """Listen with a server's links, which are given owners at once; gives the port and what has come."""
    ends: list[End] = []
    context = context or certificates.good().context()

    def new() -> TlsLink:
        end = End(TlsLink(context, server_side=True))
        ends.append(end)
        on_new(end)
        end.link.attach(end.owner)
        return end.link

    listener = await asyncio.get_running_loop().create_server(new, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1], ends
    finally:
        listener.close()
        for end in ends:
            end.link.abort()
        await until(lambda: all(end.owner.is_lost or end.link.transport is None for end in ends))


async def connect(port: int, *, name: str = "server.test") -> End:
    """A client's link, connected and on its way to shake hands."""
    end = End(TlsLink(client_context(), server_name=name))
    await asyncio.get_running_loop().create_connection(lambda: end.link, "127.0.0.1", port)
    return end


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[tuple[End, End]]:
    """Two links that have shaken hands, the client's first."""
    async with server_ends() as (port, ends):
        client = await connect(port)
        await client.link.handshake()
        client.link.attach(client.owner)
        await until(lambda: ends and ends[0].link.established)
        try:
            yield client, ends[0]
        finally:
            client.link.abort()
            await until(lambda: client.owner.is_lost)


@both_loops
@pytest.mark.parametrize("sending", ["client", "server"])
async def test_each_buffer_is_a_record_of_its_own(sending: str) -> None:
    sizes = [1, 30, 16 * 1024, 7, 500]
    async with pair() as (client, server):
        sender, receiver = (client, server) if sending == "client" else (server, client)
        sender.link.write([bytes(size) for size in sizes])
        await until(lambda: len(receiver.owner.records) == len(sizes))
        assert [len(record) for record in receiver.owner.records] == sizes
        assert set(receiver.owner.said) == {"batch"}


@both_loops
async def test_what_is_larger_than_a_record_arrives_in_full_ones() -> None:
    async with pair() as (client, server):
        client.link.write([memoryview(random.Random(1).randbytes(40_000))])
        await until(lambda: len(server.owner.data) == 40_000)
        assert [len(record) for record in server.owner.records] == [16_384, 16_384, 7_232]
        assert server.owner.data == random.Random(1).randbytes(40_000)


class Lent(Records):
    """An owner that looks at what it was lent when it has to, and no sooner."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Buffer] = []

    def received(self, data: Buffer) -> None:
        self.pieces.append(data)

    def batch_received(self) -> None:
        self.records.append(b"".join(self.pieces))
        self.pieces.clear()


@both_loops
async def test_records_are_gathered_for_an_owner_to_whom_they_mean_nothing() -> None:
    data = random.Random(9).randbytes(8 * MIB)
    async with pair() as (client, server):
        owner = client.owner = Lent()
        client.link.attach(owner)
        client.link.gathers = True
        for at in range(0, len(data), 50_000):
            server.link.write([data[at : at + 50_000]])
        await until(lambda: len(owner.data) == len(data))
        assert owner.data == data
        assert max(map(len, owner.records)) > 64 * 1024


class Watched:
    """Memory that OpenSSL reads from, and how much has lain there at most; it never gives any of that back."""

    def __init__(self, memory: ssl.MemoryBIO) -> None:
        self.most = 0
        self._memory = memory

    @property
    def pending(self) -> int:
        return self._memory.pending

    def write(self, data: Buffer) -> int:
        written = self._memory.write(data)
        self.most = max(self.most, self.pending)
        return written


@both_loops
async def test_a_large_read_does_not_stay_in_the_memory_of_a_connection() -> None:
    data = random.Random(11).randbytes(8 * MIB)
    async with pair() as (client, server):
        watched = Watched(client.link._incoming)
        client.link._incoming = cast(ssl.MemoryBIO, watched)
        client.link.gathers = True
        server.link.write([data])
        await until(lambda: len(client.owner.data) == len(data))
        assert client.owner.data == data
        assert max(map(len, client.owner.records)) > 64 * 1024, "no read was larger than what is watched for"
        assert watched.most < 20 * 1024


@both_loops
async def test_more_than_openssl_is_given_at_a_time_may_be_no_data() -> None:
    context = certificates.good().context()
    context.num_tickets = 500  # about 130 KB
    async with server_ends(context=context) as (port, ends):
        client = await connect(port)
        await client.link.handshake()
        await until(lambda: ends and ends[0].link.established)
        ends[0].link.write([b"at last"])
        client.link.attach(client.owner)
        await until(lambda: client.owner.data)
        assert client.owner.data == b"at last"
        client.link.abort()


class Choked(Records):
    """An owner that fails on whatever it is given."""

    def received(self, data: Buffer) -> None:
        super().received(data)
        raise RuntimeError


@both_loops
@pytest.mark.parametrize("gathers", [False, True])
async def test_an_owner_that_fails_is_not_given_the_same_again(gathers: bool) -> None:
    async with pair() as (client, server):
        owner = client.owner = Choked()
        client.link.attach(owner)
        client.link.gathers = gathers
        for record in (b"one", b"two"):
            server.link.tls.write(record)
        encrypted = server.link._outgoing.read()
        client.link.get_buffer(-1)[: len(encrypted)] = encrypted
        with pytest.raises(RuntimeError):
            client.link.buffer_updated(len(encrypted))
        assert owner.data == (b"onetwo" if gathers else b"one")


@both_loops
async def test_the_link_ends_behind_what_was_gathered() -> None:
    async with pair() as (client, server):
        client.link.pause_reading()
        client.link.gathers = True
        server.link.write([b"last ", b"words"])
        server.link.close()
        client.link.resume_reading()
        await until(lambda: client.owner.is_lost)
        assert client.owner.data == b"last words"
        assert client.owner.error is None


class ForeignContext:
    """Another TLS library, as one looks from here: its objects lend no memory of their own and are not Python's."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_bio(self, *arguments: Any) -> "ForeignTls":
        return ForeignTls(self._context.wrap_bio(*arguments))


class ForeignTls:
    def __init__(self, tls: ssl.SSLObject) -> None:
        self._tls = tls
        self.do_handshake, self.write, self.unwrap = tls.do_handshake, tls.write, tls.unwrap

    def read(self, count: int) -> bytes:
        return self._tls.read(count)


@both_loops
async def test_speaks_through_another_tls_library() -> None:
    data = random.Random(10).randbytes(2 * MIB)
    async with server_ends() as (port, ends):
        context = cast(ssl.SSLContext, ForeignContext(client_context()))
        client = End(TlsLink(context, server_name="server.test"))
        await asyncio.get_running_loop().create_connection(lambda: client.link, "127.0.0.1", port)
        await client.link.handshake()
        client.link.attach(client.owner)
        client.link.write([data])
        await until(lambda: ends and ends[0].owner.data == data)
        ends[0].link.write([data])
        ends[0].link.close()
        await until(lambda: client.owner.is_lost)
        assert client.owner.data == data
        assert client.owner.error is None


async def test_a_buffer_may_be_used_again_once_it_is_written() -> None:
    async with pair() as (client, server):
        buffer = bytearray(b"first")
        client.link.write([memoryview(buffer)])
        buffer[:] = b"other"
        client.link.write([memoryview(buffer)])
        await until(lambda: len(server.owner.records) == 2)
        assert server.owner.records == [b"first", b"other"]


@both_loops
async def test_what_comes_before_a_client_attaches_its_owner_is_kept() -> None:
    async with server_ends() as (port, ends):
        client = await connect(port)
        await client.link.handshake()
        await until(lambda: ends and ends[0].link.established)
        ends[0].link.write([b"early", b"bird"])
        await settle()
        assert client.link.established
        client.link.attach(client.owner)
        await until(lambda: len(client.owner.records) == 2)
        assert client.owner.records == [b"early", b"bird"]
        client.link.abort()


@both_loops
async def test_what_comes_with_the_end_of_the_handshake_is_kept_too() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        await reader.read()

    context = certificates.good().context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the server speaks last
    async with listening(greet, context=context) as address:
        client = await connect(address.port)
        await client.link.handshake()
        await settle()
        client.link.attach(client.owner)
        await until(lambda: client.owner.data == b"welcome")
        client.link.abort()


@both_loops
async def test_speaks_with_a_client_that_is_not_ours() -> None:
    async with server_ends() as (port, ends):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(), server_hostname="server.test"
        )
        writer.write(b"question")
        await until(lambda: ends and ends[0].owner.data == b"question")
        ends[0].link.write([b"answer"])
        ends[0].link.close()
        assert await reader.read(-1) == b"answer"
        writer.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="asks openssl to change keys")
async def test_goes_on_after_a_change_of_keys() -> None:
    async with server_ends() as (port, ends):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in (b"before\n", b"K\n", b"after\n"):  # K asks for new keys, in both directions
                await until(lambda: ends and ends[0].link.established)
                process.stdin.write(line)
                process.stdin.flush()
                await settle()
            await until(lambda: ends[0].owner.data == b"before\nafter\n")
            ends[0].link.write([b"still here\n"])
            ends[0].link.close()
            assert b"still here" in await asyncio.to_thread(process.stdout.read)


# ---- handshakes that fail


async def test_a_certificate_that_is_not_accepted_raises_from_handshake() -> None:
    async with server_ends() as (port, ends):
        client = await connect(port, name="wrong.test")
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.link.handshake()
        await until(lambda: ends[0].owner.is_lost)
        assert isinstance(ends[0].owner.error, ssl.SSLError), "the server is told why by an alert"


@both_loops
async def test_an_end_within_the_handshake_raises_from_handshake() -> None:
    async def leave(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with listening(leave) as address:
        client = await connect(address.port)
        with pytest.raises(ConnectionResetError):
            await client.link.handshake()


async def test_an_end_before_the_handshake_is_awaited_raises_too() -> None:
    async def leave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with listening(leave) as address:
        client = await connect(address.port)
        await settle()
        with pytest.raises(ConnectionResetError):
            await client.link.handshake()


@both_loops
async def test_garbage_ends_a_servers_link_with_a_tls_error() -> None:
    async with server_ends() as (port, ends):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n" * 100)
        await reader.read(-1)
        writer.close()
        await until(lambda: ends[0].owner.is_lost)
        assert isinstance(ends[0].owner.error, ssl.SSLError)
        assert ends[0].owner.data == b""


@both_loops
@pytest.mark.parametrize("said", [b"\x16\x03\x01\x47\x00", b"\x16\x03\x01\xff\xff"], ids=["long", "longest"])
async def test_a_head_that_no_record_has_is_answered_at_once(said: bytes) -> None:
    async with server_ends() as (port, ends):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)  # and nothing behind it
        assert (await reader.read(-1))[:1] == b"\x15", "no alert"
        writer.close()
        await until(lambda: ends[0].owner.is_lost)
        assert isinstance(ends[0].owner.error, ssl.SSLError)


@both_loops
async def test_nothing_is_kept_of_a_handshake_that_failed() -> None:
    async with server_ends() as (port, ends):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x17\x03\x03\x00\x01a" * 1000)  # no handshake begins so
        await until(lambda: ends and ends[0].owner.is_lost)
        assert isinstance(ends[0].owner.error, ssl.SSLError)
        writer.close()
        assert not ends[0].link._early


async def test_garbage_after_the_handshake_ends_the_link_with_a_tls_error() -> None:
    async with pair() as (client, server):
        assert client.link.transport is not None
        client.link.transport.write(b"\x17\x03\x03\x00\x20" + bytes(32))  # a record that nobody has encrypted
        await until(lambda: server.owner.is_lost)
        assert isinstance(server.owner.error, ssl.SSLError)


# ---- the pace


@both_loops
async def test_a_peer_that_does_not_read_holds_the_owner_and_what_waits_is_bounded() -> None:
    async with pair() as (client, server):
        server.link.pause_reading()
        transport = client.link.transport
        assert transport is not None
        chunk, sent, most = random.Random(2).randbytes(64 * 1024), 0, 0
        while "hold" not in client.owner.said:
            client.link.write([chunk])
            sent += len(chunk)
            most = max(most, transport.get_write_buffer_size())
            await asyncio.sleep(0)
            assert sent < 64 * MIB, "somebody must have stored all this"
        assert most < 256 * 1024
        server.link.resume_reading()
        await until(lambda: client.owner.said[-1] == "release")
        await until(lambda: len(server.owner.data) == sent)
        assert hashlib.sha256(server.owner.data).digest() == hashlib.sha256(chunk * (sent // len(chunk))).digest()


async def test_nothing_is_handed_over_while_reading_is_paused() -> None:
    async with pair() as (client, server):
        server.link.pause_reading()
        client.link.write([b"later"])
        await settle()
        assert server.owner.records == []
        server.link.resume_reading()
        await until(lambda: server.owner.records == [b"later"])


# ---- the end


@both_loops
@pytest.mark.parametrize("closing", ["client", "server"])
async def test_close_is_orderly_for_both_and_told_once(closing: str) -> None:
    async with pair() as (client, server):
        end = client if closing == "client" else server
        end.link.close()
        await until(lambda: client.owner.is_lost and server.owner.is_lost)
        assert client.owner.error is None
        assert server.owner.error is None
        end.link.close()
        end.link.abort()
        await settle()
        assert client.owner.said.count("lost") == server.owner.said.count("lost") == 1


@both_loops
async def test_close_hands_over_what_is_still_to_be_sent() -> None:
    async with pair() as (client, server):
        server.link.write([b"x"])
        await until(lambda: client.owner.data == b"x")  # a socket closed with something unread resets its connection
        server.link.pause_reading()
        data = random.Random(3).randbytes(8 * MIB)
        client.link.write([data])
        client.link.close()
        assert not client.owner.is_lost
        server.link.resume_reading()
        await until(lambda: server.owner.is_lost)
        assert server.owner.data == data
        await until(lambda: client.owner.is_lost)
        assert client.link._grace is None or client.link._grace.cancelled()


async def test_close_says_goodbye_so_that_nobody_can_cut_the_end_off() -> None:
    def talk(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            tls = client_context().wrap_socket(sock, server_hostname="server.test", suppress_ragged_eofs=False)
            with tls:
                return tls.recv(100) + tls.recv(100)  # raises where the end comes without a goodbye

    async with server_ends() as (port, ends):
        talking = asyncio.create_task(asyncio.to_thread(talk, port))
        await until(lambda: ends and ends[0].link.established)
        ends[0].link.write([b"all there is"])
        ends[0].link.close()
        assert await talking == b"all there is"


@both_loops
async def test_close_does_not_wait_for_ever_for_a_peer_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "_CLOSE_GRACE", 0.01)
    async with pair() as (client, server):
        server.link.pause_reading()
        client.link.write([bytes(16 * MIB)])
        client.link.close()
        await until(lambda: client.owner.is_lost)


@both_loops
async def test_abort_is_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pair() as (client, server):
        server.link.pause_reading()
        client.link.write([bytes(16 * MIB)])
        client.link.abort()
        await until(lambda: client.owner.is_lost)
        server.link.resume_reading()
        await until(lambda: server.owner.is_lost)
        assert len(server.owner.data) < 16 * MIB


@both_loops
async def test_a_reset_is_an_error() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reset(writer)

    async with listening(leave, context=certificates.good().context()) as address:
        client = await connect(address.port)
        await client.link.handshake()
        client.link.attach(client.owner)
        client.link.write([b"x"])
        await until(lambda: client.owner.is_lost)
        assert isinstance(client.owner.error, ConnectionResetError)


async def test_everything_is_in_vain_on_a_closed_link() -> None:
    async with pair() as (client, server):
        client.link.close()
        client.link.write([b"too late"])
        client.link.pause_reading()
        client.link.resume_reading()
        await until(lambda: server.owner.is_lost)
        assert server.owner.records == []


async def test_everything_is_in_vain_before_there_is_a_connection() -> None:
    link = TlsLink(client_context(), server_name="server.test")
    link.write([b"too early"])
    link.pause_reading()
    link.resume_reading()
    link.close()
    link.abort()
    assert link.transport is None
    assert not link.established


async def test_an_owner_who_comes_after_the_end_is_told_of_it() -> None:
    async with server_ends() as (port, ends):
        client = await connect(port)
        await client.link.handshake()
        client.link.abort()
        await until(lambda: ends[0].owner.is_lost)
        client.link.attach(client.owner)
        assert client.owner.is_lost


async def test_an_owner_can_hand_over_to_another_with_what_is_left() -> None:
    class Doorman(Records):
        def __init__(self, link: TlsLink, next_owner: Records) -> None:
            super().__init__()
            self._link = link
            self._next = next_owner

        def received(self, data: Buffer) -> None:
            super().received(data)
            self._link.attach(self._next)

    rest = random.Random(12).randbytes(MIB)
    async with pair() as (client, server):
        doorman = Doorman(server.link, server.owner)
        server.link.attach(doorman)
        client.link.write([b"one", b"two", b"three", rest])
        await until(lambda: len(server.owner.data) == len(b"twothree" + rest))
        assert doorman.records == [b"one"]
        assert server.owner.records[:2] == [b"two", b"three"]
        assert server.owner.data == b"twothree" + rest


async def test_waiting_for_the_handshake_is_bounded_by_its_caller_alone() -> None:
    async def be_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(be_silent) as address:
        client = await connect(address.port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await client.link.handshake()
        client.link.abort()


# ---- what the handshake leaves behind


@pytest.mark.parametrize("said", [b"220 mail.test ESMTP\r\n", b"x" * 5000])
@both_loops
async def test_the_first_bytes_of_the_other_side_are_kept_for_who_asks_why(said: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()

    async with listening(greet) as address:
        link = TlsLink(client_context(), server_name="server.test")
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        with pytest.raises(ssl.SSLError):
            await link.handshake()
        assert link.opening == said[:MAX_OPENING]
        link.abort()
        await asyncio.sleep(0.01)


async def segments(fragment: bool) -> list[bytes]:
    """A ClientHello for `server.test`, as its segments reach the other side."""
    seen: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            seen.append(piece)

    async with listening(collect) as address:
        link = TlsLink(client_context(), server_name="server.test", fragment=fragment)
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: link, *address)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await until(lambda: len(b"".join(seen)) > 4 and len(b"".join(seen)) >= 5 + int.from_bytes(b"".join(seen)[3:5]))
        link.abort()
    return seen


@both_loops
async def test_a_hello_in_pieces_never_shows_the_name_in_one() -> None:
    pieces = await segments(True)
    assert b"server.test" in b"".join(pieces)
    assert len(pieces) == 3
    assert not any(b"server.test" in piece for piece in pieces)


async def test_a_hello_is_one_piece_unless_told_otherwise() -> None:
    (piece,) = await segments(False)
    assert b"server.test" in piece


@both_loops
async def test_a_handshake_in_pieces_works() -> None:
    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(wait, context=certificates.good().context()) as address:
        link = TlsLink(client_context(), server_name="localhost", fragment=True)
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        await link.handshake()
        assert link.established
        link.abort()
        await asyncio.sleep(0.01)


async def test_giving_up_between_two_pieces_sends_no_more() -> None:
    seen: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            seen.append(piece)

    async with listening(collect) as address:
        link = TlsLink(client_context(), server_name="server.test", fragment=True)
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        link.abort()
        await asyncio.sleep(0.1)
    assert len(b"".join(seen)) <= 1
