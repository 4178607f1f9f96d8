"""A relay copies both ways at the slower side's pace, and ends each way as it ended on the other side."""

import asyncio
import contextlib
import hashlib
import random
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from app.engine.options import Server as ServerToDial
from app.engine.session import ClientSession
from app.errors import SessionLost
from app.protocols.address import Address, encode_socks
from app.protocols.frames import END, FIN, PSH, SYNACK, pack
from app.server.server import Server
from app.server.session import ServerSession
from app.transport import relay as relay_module
from app.transport.relay import Relay
from app.transport.session import Session
from tests.fakes.clients import log_in
from tests.fakes.consumers import Recorder
from tests.fakes.listening import listening, reset
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, scripted
from tests.fakes.servers import anytls_server, anytls_server_itself
from tests.fakes.targets import echo_target, late_target
from tests.fakes.waiting import settle, until

MIB = 1024 * 1024
SOMEWHERE = Address("192.0.2.1", 80)

# What a transport may keep: its mark, and what one read of the other side brings beyond it.
MOST_OF_A_SOCKET = 256 * 1024 + 256 * 1024
MOST_OF_A_LINK = 128 * 1024 + 64 * 1024 + 4096


class App:
    """A local program and the relay that serves it."""

    def __init__(self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relay = relay
        self.reader = reader
        self.writer = writer

    @property
    def waiting(self) -> int:
        """Bytes that the relay keeps for this program."""
        assert self.relay._transport is not None
        return self.relay._transport.get_write_buffer_size()


@contextlib.asynccontextmanager
async def new_app() -> AsyncIterator[App]:
    """A program whose relay has no stream yet."""
    relay = Relay()
    listener = await asyncio.get_running_loop().create_server(lambda: relay, "127.0.0.1", 0)
    hold_little(*listener.sockets)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    listener.close()
    await until(lambda: relay._transport is not None)
    try:
        yield App(relay, reader, writer)
    finally:
        writer.transport.abort()
        relay.reset()
        await settle(2)


@contextlib.asynccontextmanager
async def app_on(session: ClientSession, target: Address = SOMEWHERE) -> AsyncIterator[App]:
    """A program whose relay has a stream to `target`."""
    async with new_app() as app:
        join(app, session, target)
        yield app


@contextlib.asynccontextmanager
async def through_a_server(target: Address) -> AsyncIterator[tuple[App, ClientSession, Server]]:
    """A program whose relay has a stream to `target` through a real server."""
    async with anytls_server_itself() as (dialled, server):
        assert server._listener is not None
        hold_little(*server._listener.sockets)
        async with log_in(dialled) as session, app_on(session, target) as app:
            assert session.link.transport is not None
            hold_little(session.link.transport.get_extra_info("socket"))
            yield app, session, server


def hold_little(*sockets: Any) -> None:
    """Let the kernel keep as much for each, and for what they accept, whatever it makes of a fast reader otherwise."""
    for sock in sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)


def join(app: App, session: ClientSession, target: Address = SOMEWHERE) -> None:
    app.relay.joined(session.open(encode_socks(target), app.relay))


def servers_session(server: Server) -> ServerSession:
    (session,) = server.sessions
    return session


# ---- payload


@both_loops
async def test_random_data_survives_both_ways_at_once_with_slow_readers() -> None:
    async def one(server: ServerToDial, target: Address, seed: int) -> None:
        data = random.Random(seed).randbytes(3 * MIB + seed)
        received = hashlib.sha256()
        async with log_in(server) as session, app_on(session, target) as app:

            async def read() -> None:
                while chunk := await app.reader.read(40_000 + seed):
                    received.update(chunk)
                    await asyncio.sleep(0)

            reading = asyncio.create_task(read())
            for at in range(0, len(data), 100_000):
                app.writer.write(data[at : at + 100_000])
                await app.writer.drain()
            app.writer.write_eof()
            await reading
        assert received.digest() == hashlib.sha256(data).digest()

    async with echo_target() as target, anytls_server() as server:
        await asyncio.gather(*(one(server, target, seed) for seed in range(4)))


@both_loops
async def test_what_waited_for_the_stream_goes_out_when_it_is_there() -> None:
    async with late_target() as target, anytls_server() as server, log_in(server) as session, new_app() as app:
        app.writer.write(b"early")
        app.writer.write_eof()
        await settle()
        join(app, session, target)
        assert await app.reader.read() == b"got early"


@both_loops
async def test_an_end_that_was_said_before_the_stream_was_there_is_said_again() -> None:
    async with late_target() as target, anytls_server() as server, log_in(server) as session, new_app() as app:
        app.writer.write_eof()
        await settle()
        join(app, session, target)
        assert await app.reader.read() == b"got "


@both_loops
async def test_a_socket_is_adopted_with_what_its_first_protocol_has_read() -> None:
    relay = Relay()

    class Greeter(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            relay.adopt(self.transport, data[5:])

    async with echo_target() as target, anytls_server() as server, log_in(server) as session:
        listener = await asyncio.get_running_loop().create_server(Greeter, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        listener.close()
        writer.write(b"HELLOand more")
        await until(lambda: relay._transport is not None)
        relay.joined(session.open(encode_socks(target), relay))
        assert await reader.readexactly(8) == b"and more"
        writer.write(b", and then some")
        assert await reader.readexactly(15) == b", and then some"
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await settle(2)


# ---- the pace


@both_loops
async def test_a_reader_that_stops_stops_the_target_and_nothing_piles_up() -> None:
    data = random.Random(5).randbytes(32 * MIB)
    sent = 0

    async def pour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for at in range(0, len(data), 64 * 1024):
            writer.write(data[at : at + 64 * 1024])
            await writer.drain()
            sent = at

    async with listening(pour) as target, through_a_server(target) as (app, _session, server):
        await standstill(lambda: sent)
        assert 0 < sent < len(data) - MIB
        assert app.waiting <= MOST_OF_A_SOCKET
        assert buffered(servers_session(server)) <= MOST_OF_A_LINK
        assert await app.reader.readexactly(len(data)) == data
        assert await app.reader.read() == b""


@both_loops
async def test_a_target_that_stops_stops_the_app_and_nothing_piles_up() -> None:
    data = random.Random(6).randbytes(32 * MIB)
    sent = 0
    go_on = asyncio.Event()
    received = bytearray()

    async def lazy(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        while chunk := await reader.read(64 * 1024):
            received.extend(chunk)

    async with listening(lazy) as target, through_a_server(target) as (app, session, server):

        async def pour() -> None:
            nonlocal sent
            for at in range(0, len(data), 64 * 1024):
                app.writer.write(data[at : at + 64 * 1024])
                await app.writer.drain()
                sent = at
            app.writer.write_eof()

        pouring = asyncio.create_task(pour())
        await standstill(lambda: sent)
        assert 0 < sent < len(data) - MIB
        assert buffered(session) <= MOST_OF_A_LINK
        (stream,) = servers_session(server).streams.values()
        assert isinstance(stream.consumer, Relay)
        assert stream.consumer._transport is not None
        assert stream.consumer._transport.get_write_buffer_size() <= MOST_OF_A_SOCKET
        go_on.set()
        await pouring
        await until(lambda: len(received) == len(data))
    assert received == data


async def standstill(count) -> None:
    """Wait until a number grows no more."""
    last = -1
    while count() != last:
        last = count()
        await settle(60)


def buffered(session: Session) -> int:
    assert session.link.transport is not None
    return session.link.transport.get_write_buffer_size()


@both_loops
async def test_a_socket_that_comes_to_a_held_session_waits() -> None:
    async def read_nothing(peer: Peer) -> None:
        await peer.greet()
        await go_on.wait()
        await peer.left()

    relay, go_on, data = Relay(), asyncio.Event(), bytes(256 * 1024)
    async with scripted(read_nothing) as server, log_in(server.server) as session:
        other = session.open(encode_socks(SOMEWHERE), Recorder())
        await until(lambda: session.heard)
        while not session.held:
            while not session.held:
                other.send(data)
            await settle()
        relay.joined(session.open(encode_socks(SOMEWHERE), relay))
        listener = await asyncio.get_running_loop().create_server(lambda: relay, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        listener.close()
        before = buffered(session)
        for _ in range(40):
            writer.write(data)
            await asyncio.sleep(0.001)
        assert buffered(session) <= before + 128 * 1024, "one read's worth and not what the app would like to send"
        go_on.set()
        await until(lambda: not writer.transport.get_write_buffer_size())
        writer.transport.abort()
        relay.reset()
        await settle(2)


async def test_data_for_a_target_that_is_not_there_yet_waits_and_more_is_not_read() -> None:
    async with early_stream() as (relay, _session, peer):
        data = random.Random(7).randbytes(8 * MIB)
        for at in range(0, len(data), 60_000):
            peer.send(pack(PSH, 1, data[at : at + 60_000]))
        stream = relay._stream
        assert stream is not None
        await until(lambda: stream.paused)
        await settle()
        assert sum(map(len, relay._pieces)) <= 64 * 1024 + 256 * 1024
        async with echo_target() as target:
            await asyncio.get_running_loop().create_connection(lambda: relay, *target)
            received = b""
            while len(received) < len(data):
                received += (await peer.expect(PSH))[1]
            assert received == data
            relay.reset()


@contextlib.asynccontextmanager
async def early_stream() -> AsyncIterator[tuple[Relay, ClientSession, Peer]]:
    """A relay that has joined a stream (number 1) before its target is there."""
    ready: list[Peer] = []

    async def keep(peer: Peer) -> None:
        await peer.greet(half_close=True)
        await peer.opened()
        ready.append(peer)
        await peer.writer.wait_closed()

    relay = Relay()
    async with scripted(keep) as server, log_in(server.server) as session:
        relay.joined(session.open(encode_socks(SOMEWHERE), relay))
        await until(lambda: ready and session.machine.half_close)
        yield relay, session, ready[0]


# ---- ends, one by one


@both_loops
async def test_an_app_that_ends_its_sending_side_still_gets_the_answer() -> None:
    async with late_target() as target, through_a_server(target) as (app, _session, _server):
        app.writer.write(b"question")
        await settle()
        app.writer.write_eof()
        assert await app.reader.read() == b"got question"
        await until(lambda: app.relay.gone)


@both_loops
async def test_all_that_came_before_the_other_sides_end_is_handed_over_first() -> None:
    data = random.Random(8).randbytes(6 * MIB)

    async def pour(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        frames = [pack(PSH, 1, data[at : at + 60_000]) for at in range(0, len(data), 60_000)]
        peer.send(*frames, pack(FIN, 1))
        await peer.left()

    async with scripted(pour) as server, log_in(server.server) as session, app_on(session) as app:
        received = b""
        while chunk := await app.reader.read(30_000):
            received += chunk
            await asyncio.sleep(0)
        assert received == data


@both_loops
async def test_no_socket_is_left_where_the_target_ends_first() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))

    async with listening(leave) as target, through_a_server(target) as (app, _session, server):
        app.writer.write(b"hello")
        assert await app.reader.read() == b"hello"
        app.writer.close()
        await until(lambda: app.relay.gone)
        await until(lambda: not servers_session(server).streams)


@both_loops
async def test_no_socket_is_left_at_the_server_where_the_app_ends_first() -> None:
    async with late_target() as target, through_a_server(target) as (app, _session, server):
        await until(lambda: server.sessions and servers_session(server).streams)
        (stream,) = servers_session(server).streams.values()
        await until(lambda: isinstance(stream.consumer, Relay))
        relay = stream.consumer
        assert isinstance(relay, Relay)
        app.writer.write_eof()
        assert await app.reader.read() == b"got "
        await until(lambda: relay.gone and app.relay.gone)


@both_loops
async def test_an_app_may_go_on_sending_for_a_while_after_the_stream_was_closed() -> None:
    async def hang_up(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(PSH, 1, b"enough"), pack(FIN, 1))
        await peer.left()

    async with scripted(hang_up) as server, log_in(server.server) as session, app_on(session) as app:
        assert await app.reader.readexactly(6) == b"enough"
        await until(lambda: app.relay.gone)
        app.writer.write(bytes(100_000))
        await app.writer.drain()
        await settle()
        assert await app.reader.read() == b"", "an end, and not a reset that could overtake what was said"
        app.writer.close()
        await app.writer.wait_closed()


async def test_an_app_that_never_ends_is_cut_off_after_that_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(FIN, 1))
        await peer.left()

    monkeypatch.setattr(relay_module, "_LINGER", 0.01)
    async with scripted(hang_up) as server, log_in(server.server) as session, app_on(session) as app:
        assert await app.reader.read() == b""
        app.writer.write(b"still talking")
        assert app.relay._transport is not None
        await until(app.relay._transport.is_closing)


# ---- failures


@both_loops
async def test_a_refusal_is_a_reset() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(SYNACK, 1, b"connection refused"))
        await peer.left()

    async with scripted(refuse) as server, log_in(server.server) as session, app_on(session) as app:
        with pytest.raises(ConnectionResetError):
            await app.reader.read()


@both_loops
async def test_a_lost_session_is_a_reset() -> None:
    async def crash(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(PSH, 1, b"half a"))
        await peer.expect(PSH)
        peer.reset()

    async with scripted(crash) as server, log_in(server.server) as session, app_on(session) as app:
        assert await app.reader.readexactly(6) == b"half a"
        app.writer.write(b"go on")
        with pytest.raises(ConnectionResetError):
            await app.reader.read()


@both_loops
async def test_an_app_that_goes_away_closes_the_stream() -> None:
    seen = asyncio.Event()

    async def watch(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        assert await peer.expect(FIN) == (1, b"")
        seen.set()

    async with scripted(watch) as server, log_in(server.server) as session, app_on(session) as app:
        reset(app.writer)
        await until(seen.is_set)
        assert session.streams == {}


async def test_an_app_that_ends_after_the_target_closes_the_stream() -> None:
    seen = asyncio.Event()

    async def watch(peer: Peer) -> None:
        await peer.greet(half_close=True)
        await peer.opened()
        peer.send(pack(END, 1))
        assert await peer.expect(FIN) == (1, b"")
        seen.set()
        await peer.left()

    async with scripted(watch) as server, log_in(server.server) as session, app_on(session) as app:
        assert await app.reader.read() == b""
        app.writer.write_eof()
        await until(seen.is_set)
        await until(lambda: app.relay.gone)


async def test_a_stream_that_is_closed_before_its_target_is_there_leaves_no_socket() -> None:
    gone = asyncio.Event()

    async def target(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        gone.set()

    async with early_stream() as (relay, _session, peer), listening(target) as address:
        peer.send(pack(FIN, 1))
        await until(lambda: relay.gone)
        await asyncio.get_running_loop().create_connection(lambda: relay, *address)
        await until(gone.is_set)


async def test_an_end_that_comes_before_the_target_is_there_is_passed_on_to_it() -> None:
    async with early_stream() as (relay, _session, peer), late_target() as target:
        peer.send(pack(PSH, 1, b"all of it"), pack(END, 1))
        await settle()
        await asyncio.get_running_loop().create_connection(lambda: relay, *target)
        assert await peer.expect(PSH) == (1, b"got all of it")
        await peer.expect(FIN)


async def test_a_reset_without_a_socket_is_remembered() -> None:
    relay = Relay()
    relay.closed(SessionLost("gone"))
    assert relay.gone
