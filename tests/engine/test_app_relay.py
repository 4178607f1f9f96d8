"""An app keeps its connection when an idle session turns out to be dead, and hears the outcome if it asked for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest

from app.engine.app_relay import AppRelay, Carrier
from app.engine.connections import Connection, Connections
from app.engine.session import ClientSession
from app.errors import Failure, NothingListens, SessionLost, TargetRefused
from app.protocols.address import Address, encode_socks
from app.protocols.frames import END, FIN, HEART_REQUEST, HEART_RESPONSE, PSH, SYNACK, pack
from tests.fakes.clients import Upstreams, upstream_to
from tests.fakes.consumers import Recorder
from tests.fakes.listening import reset
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, Script, echo, scripted
from tests.fakes.waiting import settle, until

TARGET = Address("192.0.2.1", 80)


class Desk(Carrier):
    """Opens streams on idle sessions, or on new ones, and keeps what it is told."""

    def __init__(self, upstreams: Upstreams) -> None:
        self.upstream = upstreams.upstream
        self.tasks = upstreams.tasks
        self.asked: list[str] = []
        self.connections = Connections(asyncio.get_running_loop().time)
        self.ended: list[Failure | None] = []

    def carry(self, relay: AppRelay, *, fresh: bool = False) -> None:
        session = None if fresh else self.upstream.take()
        self.asked.append("a new one" if session is None else "an idle one")
        self.tasks.start(self._open(relay, session), "open")

    async def _open(self, relay: AppRelay, session: ClientSession | None) -> None:
        session = session or await self.upstream.dial()
        relay.joined(session.open(encode_socks(relay.target), relay))

    def over(self, connection: Connection, failure: Failure | None) -> None:
        self.ended.append(failure)
        self.connections.remove(connection, failure)


class App:
    """A local program and the relay that serves it."""

    def __init__(self, relay: AppRelay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relay = relay
        self.reader = reader
        self.writer = writer


def told(failure: Failure | None) -> bytes:
    """What an app is told in exact mode."""
    return b"yes;" if failure is None else f"no: {failure};".encode()


@contextlib.asynccontextmanager
async def app_at(desk: Desk, *, exact: bool = False) -> AsyncIterator[App]:
    """A program that has asked for `TARGET`, with "early" behind its request."""
    relay = AppRelay(desk, desk.connections.add("socks5", TARGET), told if exact else None)

    class Asking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            relay.adopt(self.transport, data)
            desk.carry(relay)

    listener = await asyncio.get_running_loop().create_server(Asking, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    listener.close()
    writer.write(b"early")
    await until(lambda: relay._transport is not None)
    try:
        yield App(relay, reader, writer)
    finally:
        writer.transport.abort()
        relay.reset()
        await settle(2)


@contextlib.asynccontextmanager
async def desk_with(script: Script, *, idle: int = 0, warm: int = 0) -> AsyncIterator[tuple[Desk, list[Peer]]]:
    """A desk with sessions that have carried a stream, or have only logged in."""
    async with scripted(script) as server, upstream_to(server.server) as upstreams:
        desk = Desk(upstreams)
        sessions = [await desk.upstream.dial() for _ in range(idle)]
        for session in sessions:
            consumer = Recorder()
            stream = session.open(encode_socks(TARGET), consumer)
            stream.send(b"x")
            await until(lambda consumer=consumer: consumer.data)  # type: ignore[misc]  # the type of a default
            stream.close()
        for _ in range(warm):
            desk.upstream.pool.put(await desk.upstream.dial())
        yield desk, server.peers


async def serve_one(peer: Peer) -> None:
    """Serve the stream that makes a session an idle one."""
    await peer.greet()
    await peer.opened()
    _, payload = await peer.expect(PSH)
    peer.send(pack(SYNACK, 1), pack(PSH, 1, payload))
    await peer.expect(FIN)


async def first_dies(peer: Peer) -> None:
    """The first session is dead when its second stream comes; the client cannot know."""
    if peer.number > 1:
        await echo(peer)
    await serve_one(peer)
    await peer.frame()
    peer.reset()


# ---- a dead session


@both_loops
async def test_the_first_bytes_go_to_a_new_session_when_the_idle_one_was_dead() -> None:
    async with desk_with(first_dies, idle=1) as (desk, peers), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        app.writer.write(b"and on it goes")
        assert await app.reader.readexactly(14) == b"and on it goes"
        assert desk.asked == ["an idle one", "a new one"]
        assert len(peers) == 2
        assert desk.ended == []
        assert app.relay.connection.state == "open"


@both_loops
async def test_all_that_the_app_said_so_far_goes_along() -> None:
    said = asyncio.Event()

    async def slow_death(peer: Peer) -> None:
        if peer.number > 1:
            await echo(peer)
        await serve_one(peer)
        while (await peer.frame())[2] != b"third":
            pass
        said.set()
        peer.reset()

    async with desk_with(slow_death, idle=1) as (desk, _), app_at(desk) as app:
        for piece in (b"second", b"third"):
            await settle()
            app.writer.write(piece)
        await said.wait()
        assert await app.reader.readexactly(16) == b"earlysecondthird"


async def test_of_many_dead_sessions_only_one_costs_the_app_time() -> None:
    async def all_old_ones_die(peer: Peer) -> None:
        if peer.number > 3:
            await echo(peer)
        await serve_one(peer)
        await peer.frame()
        peer.reset()

    async with desk_with(all_old_ones_die, idle=3) as (desk, peers), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        assert desk.asked == ["an idle one", "a new one"]
        assert len(peers) == 4


async def test_a_session_that_was_kept_ready_may_be_dead_too() -> None:
    async def only_new_ones_live(peer: Peer) -> None:
        if peer.number == 2:
            await peer.log_in()
            await peer.frame()
            peer.reset()
            return
        await echo(peer)

    async with desk_with(only_new_ones_live, idle=1, warm=1) as (desk, peers), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        assert desk.asked == ["an idle one", "a new one"]
        assert len(peers) == 3


async def test_an_end_that_the_app_has_said_is_said_again() -> None:
    ended = asyncio.Event()

    async def script(peer: Peer) -> None:
        if peer.number == 1:
            await serve_one(peer)
            await ended.wait()
            peer.reset()
            return
        await peer.greet(half_close=True)
        await peer.opened()
        await peer.expect(PSH)
        await peer.expect(END)
        peer.send(pack(PSH, 1, b"the answer"), pack(END, 1))
        await peer.left()

    async with desk_with(script, idle=1) as (desk, _), app_at(desk) as app:
        app.writer.write_eof()
        await until(lambda: app.relay._source_ended)
        ended.set()
        assert await app.reader.read() == b"the answer"


async def test_bytes_are_counted_for_both_sessions() -> None:
    async with desk_with(first_dies, idle=1) as (desk, _), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        assert app.relay.connection.bytes_received == 5
        assert app.relay.connection.bytes_sent == 10, "what went to the dead one went over the line, too"


async def test_a_server_that_retires_a_session_is_asked_on_a_new_one() -> None:
    async def retire(peer: Peer) -> None:
        if peer.number > 1:
            await echo(peer)
        await serve_one(peer)
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id, b"session reached its maximum age"))
        await peer.left()

    async with desk_with(retire, idle=1) as (desk, _), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        assert desk.asked == ["an idle one", "a new one"]


# ---- what cannot be moved


async def is_reset(app: App) -> bool:
    """Whether the app's connection ends with a reset; whatever comes before is passed over."""
    try:
        await app.reader.read()
    except ConnectionResetError:
        return True
    return False


@pytest.mark.parametrize("answer", [pack(SYNACK, 2), pack(PSH, 2, b"half an ans")])
async def test_after_an_answer_nothing_is_moved(answer: bytes) -> None:
    """The server may have acted on what it was told; doing it twice could do harm."""

    async def answer_and_die(peer: Peer) -> None:
        await serve_one(peer)
        await peer.opened()
        await peer.expect(PSH)
        peer.send(answer)
        await settle()
        peer.reset()

    async with desk_with(answer_and_die, idle=1) as (desk, peers), app_at(desk) as app:
        assert await is_reset(app)
        await until(lambda: desk.ended)
        assert isinstance(desk.ended[0], SessionLost)
        assert len(peers) == 1


async def test_a_new_session_that_dies_is_not_a_dead_one() -> None:
    async def die(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.reset()

    async with desk_with(die) as (desk, peers), app_at(desk) as app:
        assert await is_reset(app)
        assert desk.asked == ["a new one"]
        assert len(peers) == 1


async def test_nothing_is_moved_twice() -> None:
    async def always_die(peer: Peer) -> None:
        if peer.number == 1:
            await serve_one(peer)
        else:
            await peer.greet()
        await peer.frame()
        peer.reset()

    async with desk_with(always_die, idle=1) as (desk, peers), app_at(desk) as app:
        assert await is_reset(app)
        assert desk.asked == ["an idle one", "a new one"]
        assert len(peers) == 2


async def test_an_upload_that_is_under_way_is_too_large_to_be_moved() -> None:
    async def take_much_and_die(peer: Peer) -> None:
        await serve_one(peer)
        taken = 0
        while taken < 40_000:
            taken += len((await peer.frame())[2])
        peer.reset()

    async with desk_with(take_much_and_die, idle=1) as (desk, peers), app_at(desk) as app:
        app.writer.write(bytes(40_000))
        assert await is_reset(app)
        assert len(peers) == 1


async def test_nothing_is_moved_when_we_close_the_session_ourselves() -> None:
    async def be_silent(peer: Peer) -> None:
        await serve_one(peer)
        await peer.left()

    async with desk_with(be_silent, idle=1) as (desk, peers), app_at(desk) as app:
        await until(lambda: app.relay.connection.stream)
        await desk.upstream.close()
        assert await is_reset(app)
        assert len(peers) == 1


async def test_nothing_is_moved_for_an_app_that_has_gone() -> None:
    gone = asyncio.Event()

    async def die(peer: Peer) -> None:
        await serve_one(peer)
        await gone.wait()
        peer.reset()

    async with desk_with(die, idle=1) as (desk, peers), app_at(desk) as app:
        reset(app.writer)
        await until(lambda: app.relay.gone)
        gone.set()
        await until(lambda: not desk.upstream.sessions)
        await settle()
        assert desk.asked == ["an idle one"]
        assert len(peers) == 1


async def test_a_refusal_is_no_death() -> None:
    async def refuse(peer: Peer) -> None:
        await serve_one(peer)
        await peer.opened()
        peer.send(pack(SYNACK, 2, b"connection refused"))
        await peer.left()

    async with desk_with(refuse, idle=1) as (desk, _), app_at(desk) as app:
        assert await is_reset(app)
        await until(lambda: desk.ended)
        assert isinstance(desk.ended[0], TargetRefused)
        assert desk.asked == ["an idle one"]


async def test_what_was_kept_is_let_go_with_the_first_answer() -> None:
    async with desk_with(echo) as (desk, _), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        assert app.relay._kept is None


# ---- what an app is told


@both_loops
async def test_an_app_that_wants_to_know_is_told_when_the_server_has_spoken() -> None:
    spoken = asyncio.Event()

    async def think_first(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        assert await peer.expect(PSH) == (1, b"early"), "what came along travels along"
        await spoken.wait()
        peer.send(pack(HEART_REQUEST))
        await peer.expect(HEART_RESPONSE)  # and what came later does not
        peer.send(pack(SYNACK, 1))
        assert await peer.expect(PSH) == (1, b"later")
        peer.send(pack(PSH, 1, b"data"))
        await peer.left()

    async with desk_with(think_first) as (desk, _), app_at(desk, exact=True) as app:
        app.writer.write(b"later")
        await settle()
        assert app.reader._buffer == b""  # type: ignore[attr-defined]  # it has not been told yet
        spoken.set()
        assert await app.reader.readexactly(8) == b"yes;data"


async def test_data_is_a_yes_and_comes_behind_it() -> None:
    async def no_synack(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(PSH, 1, b"data"))
        await peer.left()

    async with desk_with(no_synack) as (desk, _), app_at(desk, exact=True) as app:
        assert await app.reader.readexactly(8) == b"yes;data"


@both_loops
async def test_a_refusal_is_told_and_followed_by_an_orderly_end() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(SYNACK, 1, b"connection refused"))
        await peer.left()

    async with desk_with(refuse) as (desk, _), app_at(desk, exact=True) as app:
        assert await app.reader.read() == b"no: The server could not reach the target: connection refused.;"
        app.writer.close()
        await until(lambda: desk.ended)
        assert [type(failure) for failure in desk.ended] == [TargetRefused]


async def test_a_lost_session_and_an_early_end_are_told() -> None:
    async def die(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        if peer.number == 1:
            peer.reset()
        else:
            peer.send(pack(FIN, 1))
            await peer.left()

    async with desk_with(die) as (desk, _):
        async with app_at(desk, exact=True) as app:
            assert (await app.reader.read()).startswith(b"no: The session with the server ended")
        async with app_at(desk, exact=True) as app:
            assert await app.reader.read() == b"no: The session with the server ended: the server closed the stream.;"


async def test_whoever_has_waited_for_long_enough_may_go_on() -> None:
    async def be_silent(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        assert await peer.expect(PSH) == (1, b"early")
        assert await peer.expect(PSH) == (1, b"later")
        peer.send(pack(PSH, 1, b"data"))
        await peer.left()

    async with desk_with(be_silent) as (desk, _), app_at(desk, exact=True) as app:
        app.writer.write(b"later")
        await until(lambda: app.relay.connection.stream)
        app.relay.accepted()
        app.relay.accepted()
        assert await app.reader.readexactly(8) == b"yes;data"


async def test_an_app_is_told_the_outcome_on_the_new_session_after_a_move() -> None:
    async with desk_with(first_dies, idle=1) as (desk, _), app_at(desk, exact=True) as app:
        assert await app.reader.readexactly(9) == b"yes;early"


# ---- ends


@pytest.mark.parametrize("exact", [False, True])
async def test_no_stream_at_all_is_told_or_is_a_reset(exact: bool) -> None:
    async with desk_with(echo) as (desk, _):
        failure = NothingListens("server.test", 443)
        desk.carry = lambda relay, *, fresh=False: relay.failed(failure)  # type: ignore[method-assign]  # the case
        async with app_at(desk, exact=exact) as app:
            if exact:
                assert await app.reader.read() == told(failure)
                app.writer.close()
            else:
                assert await is_reset(app)
            await until(lambda: desk.ended == [failure])


async def test_an_app_that_goes_is_counted_once_and_its_stream_is_closed() -> None:
    async with desk_with(echo) as (desk, peers):
        async with app_at(desk) as app:
            assert await app.reader.readexactly(5) == b"early"
            reset(app.writer)
            await until(lambda: app.relay.gone)
        assert desk.ended == [None]
        assert app.relay.connection.closed_at is not None
        assert desk.connections.open == {}
        await until(lambda: peers[0].frames[-1] == (FIN, 1, b""))


async def test_a_connection_can_be_ended_from_outside() -> None:
    async with desk_with(echo) as (desk, _), app_at(desk) as app:
        assert await app.reader.readexactly(5) == b"early"
        app.relay.connection.end()
        assert await is_reset(app)
        await until(lambda: desk.ended == [None])


async def test_a_connection_counts_as_open_until_its_app_has_ended_too() -> None:
    async def hang_up(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.send(pack(PSH, 1, b"bye"), pack(FIN, 1))
        await peer.left()

    async with desk_with(hang_up) as (desk, _), app_at(desk) as app:
        assert await app.reader.read() == b"bye"
        assert app.relay.connection.state == "ending"
        assert desk.ended == []
        app.writer.close()
        await until(lambda: desk.ended == [None])
