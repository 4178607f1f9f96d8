"""A server opens its port, keeps its limits, answers odd clients as the reference does, and leaves nothing behind."""

import asyncio
import contextlib
import gc
import json
import logging
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import ListenFailed
from app.protocols.address import Address
from app.server.options import ServerOptions
from app.server.server import Server
from app.transport.link import TlsLink
from tests.fakes.listening import listening, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.waiting import until
from tests.server.raw import (
    ALERT,
    FIN,
    HEART_RESPONSE,
    PSH,
    SERVER_SETTINGS,
    SYNACK,
    UPDATE_PADDING,
    USERS,
    RawClient,
    Running,
    client_context,
    domain,
    frame,
    ipv4,
    login,
    opening,
    running,
    server_context,
    settings,
)
from tests.server.targets import needs_proc, open_sockets, target, udp_socket

MIB = 1024 * 1024


def info(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged for all to see."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


# ---- the port


async def test_it_says_where_it_listens() -> None:
    async with running() as served:
        assert served.address.host == "127.0.0.1"
        assert served.address.port


@pytest.mark.parametrize("host", ["nothing.invalid", "192.0.2.1", "a" * 100])
async def test_an_address_that_is_not_here_is_one_sentence(host: str) -> None:
    server = Server(ServerOptions(USERS, host), server_context())
    with pytest.raises(ListenFailed, match=rf"^Cannot listen on {host} port 0: [^\n]+\.$"):
        await server.start()
    await server.stop()


@pytest.mark.parametrize("port", [-1, 70_000])
async def test_a_port_that_does_not_exist_is_one_sentence(port: int) -> None:
    with pytest.raises(ListenFailed, match=r"there is no such port\.$"):
        await Server(ServerOptions(USERS, port=port), server_context()).start()


async def test_a_port_in_use_is_one_sentence() -> None:
    async with running() as served:
        with pytest.raises(ListenFailed, match=r"something else listens there already\.$"):
            await Server(ServerOptions(USERS, port=served.address.port), server_context()).start()


# ---- who may come, and for how long


@both_loops
@pytest.mark.parametrize("sent", ["nothing", "half a handshake", "half a login"])
async def test_whoever_does_not_log_in_is_cut(sent: str, caplog: pytest.LogCaptureFixture) -> None:
    async with running({"login": 0.3}) as served:
        context = None if sent != "half a login" else client_context()
        client = RawClient(*await asyncio.open_connection(*served.address, ssl=context))
        if sent == "half a handshake":
            client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        elif sent == "half a login":
            client.send(login()[:40])
        assert await client.expect_end() == b""
        await until(lambda: not served.server.sessions)
        await client.abort()
        assert info(caplog) == ["the session of a guest is closed: the login took too long"]


async def test_whoever_has_logged_in_may_be_silent() -> None:
    """Sessions are pre-warmed: a client logs in long before it has a stream to open."""
    async with running({"login": 0.2}) as served, served.connected() as client:
        client.send(login())
        await until(lambda: served.session.logged_in)
        await asyncio.sleep(0.4)
        assert await client.ask(settings()) == [(SERVER_SETTINGS, 0, b"v=2")]
        assert served.server._deadline is None


@both_loops
async def test_newcomers_are_turned_away_where_there_is_no_room(caplog: pytest.LogCaptureFixture) -> None:
    async with running({"sessions": 2}) as served:
        async with served.logged_in() as one, served.logged_in() as two:
            for _ in range(3):
                with pytest.raises((ConnectionError, ssl.SSLError)):
                    await asyncio.open_connection(*served.address, ssl=client_context())
            assert await one.ask() == await two.ask() == []
        await until(lambda: not served.server.sessions)
        async with served.logged_in() as another:
            assert await another.ask() == []
        assert info(caplog) == ["there are 2 sessions, newcomers are turned away"]


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="Linux names these options so")
async def test_the_kernel_watches_for_clients_that_are_gone() -> None:
    async with running() as served, served.logged_in():
        sock = served.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 120


@both_loops
@pytest.mark.parametrize(
    ("garbage", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a guest is gone: http request"),
        (b"\x00" * 300, "a guest is gone: [a-z ]+"),
        (b"\x16\x03\x01\x00\x05hello", "a guest is gone: [a-z ]+"),
        (b"", "a guest is gone: the other side closed it"),
    ],
)
async def test_no_tls_is_one_line_and_no_more(garbage: bytes, said: str, caplog: pytest.LogCaptureFixture) -> None:
    async with running() as served, served.logged_in() as other:
        client = RawClient(*await asyncio.open_connection(*served.address))
        client.send(garbage)
        client.writer.write_eof()
        await client.expect_end()
        await client.abort()
        await until(lambda: len(served.server.sessions) == 1)
        assert await other.ask() == []
        (line,) = info(caplog)
        assert re.fullmatch(said, line)


# ---- stop


def timers() -> list[Any]:
    """The timers that the running loop still has, where it lets itself be asked."""
    scheduled = getattr(asyncio.get_running_loop(), "_scheduled", ())
    return [handle for handle in scheduled if not handle.cancelled()]


@contextlib.asynccontextmanager
async def _handshake(served: Running) -> AsyncIterator[None]:
    _, writer = await asyncio.open_connection(*served.address)
    await until(lambda: served.server.sessions)
    yield
    writer.transport.abort()


@contextlib.asynccontextmanager
async def _guest(served: Running) -> AsyncIterator[None]:
    async with served.connected():
        yield


@contextlib.asynccontextmanager
async def _connecting(served: Running) -> AsyncIterator[None]:
    with unanswering() as nowhere:
        async with served.logged_in() as client:
            await client.ask(opening(1, ipv4(nowhere)) + frame(PSH, 1, bytes(50_000)))
            yield


@contextlib.asynccontextmanager
async def _lingering(served: Running) -> AsyncIterator[None]:
    async with target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        await client.ask(frame(FIN, 1))
        await until(lambda: connection.ended)
        assert served.session.targets
        yield


@contextlib.asynccontextmanager
async def _outliving(served: Running) -> AsyncIterator[None]:
    async with target() as held:
        async with served.streaming(held.address) as client:
            await client.ask(frame(FIN, 1))
        await until(lambda: served.session.over)
        assert served.session.targets
        yield


@contextlib.asynccontextmanager
async def _stuck(served: Running) -> AsyncIterator[None]:
    async with target(reads=False) as held, served.streaming(held.address) as client:
        (await held.connection()).transport.write(bytes(32 * MIB))
        client.send(*[frame(PSH, 1, bytes(60_000))] * 500)
        await until(lambda: served.session.held and not served.reading)
        yield


@contextlib.asynccontextmanager
async def _datagrams(served: Running) -> AsyncIterator[None]:
    with udp_socket() as peer:
        async with served.logged_in() as client:
            request = b"\x01" + ipv4(Address(*peer.getsockname())) + b"\x00\x01x"
            client.send(opening(1, domain("sp.v2.udp-over-tcp.arpa", 0)) + frame(PSH, 1, request))
            await client.expect(SYNACK, 1)
            yield


STATES = (_handshake, _guest, _connecting, _lingering, _outliving, _stuck, _datagrams)


@needs_proc
@both_loops
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__.strip("_"))
async def test_stop_leaves_nothing(state: Callable[[Running], contextlib.AbstractAsyncContextManager[None]]) -> None:
    before = open_sockets()
    async with running() as served:
        async with state(served):
            async with asyncio.timeout(5):
                await served.server.stop()
            assert not served.server.sessions
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert timers() == []
        await until(lambda: open_sockets() == before)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*served.address)


async def _tcp(served: Running, client: RawClient) -> AsyncGenerator[object]:
    async with target() as held:
        client.send(login() + settings() + opening(1, ipv4(held.address)) + frame(PSH, 1, b"x"))
        while True:
            yield served.session.targets


async def _udp(served: Running, client: RawClient) -> AsyncGenerator[object]:
    with udp_socket() as peer:
        request = b"\x01" + ipv4(Address(*peer.getsockname()))
        client.send(login() + settings() + opening(1, domain("sp.v2.udp-over-tcp.arpa", 0)) + frame(PSH, 1, request))
        while True:
            yield served.session.targets


async def _stranger(served: Running, client: RawClient) -> AsyncGenerator[object]:
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    while True:
        yield served.server._fallbacks


@needs_proc
@both_loops
@pytest.mark.parametrize("kind", [_tcp, _udp, _stranger], ids=lambda kind: kind.__name__.strip("_"))
async def test_stop_may_come_at_any_moment(kind: Callable[[Running, RawClient], AsyncGenerator[object]]) -> None:
    """Whatever has just been opened, and whoever has been told of it by then."""
    before = open_sockets()
    for rounds in range(12):
        async with (
            target() as web,
            running(fallback=web.address) as served,
            served.connected() as client,
            contextlib.aclosing(kind(served, client)) as begun,
        ):
            while not await anext(begun):
                await asyncio.sleep(0)
            for _ in range(rounds):
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await served.server.stop()
            assert not served.server.sessions
            assert not served.server._fallbacks
    gc.collect()  # a socket that is still open then is a warning, and that a failure
    await until(lambda: open_sockets() == before)


async def test_whoever_is_accepted_as_it_stops_is_turned_away() -> None:
    async with running() as served:
        await served.server.stop()
        assert not isinstance(served.server._arrived(), TlsLink)
        assert not served.server.sessions


async def test_stop_twice_and_without_a_start() -> None:
    server = Server(ServerOptions(USERS), server_context())
    await server.stop()
    async with running() as served:
        await served.server.stop()


# ---- odd clients, recorded with the reference's answers (tests/vectors/README.md)

PROBES: dict[str, dict[str, Any]] = {
    probe["name"]: probe for probe in json.loads((Path(__file__).parents[1] / "vectors" / "probes.json").read_text())
}
NAMES = {
    PSH: "PSH",
    FIN: "FIN",
    ALERT: "ALERT",
    UPDATE_PADDING: "UPDATE_PADDING",
    SYNACK: "SYNACK",
    HEART_RESPONSE: "HEART_RESP",
    SERVER_SETTINGS: "SERVER_SETTINGS",
}
PROBES_TARGET = b"\x7f\x00\x00\x01\x4a\x38"
OPENED = ["SERVER_SETTINGS sid=0 len=3 b'v=2'", "SYNACK sid=1", "PSH sid=1 len=4 b'ping'"]

# Where we answer differently, and mean to.
DIFFERENT = {
    "auth_split_after_34_padding_in_second_record": OPENED,  # padding may come late: some clients send it so
    "heart_request": [OPENED[0], "HEART_RESP sid=0", "HEART_RESP sid=0"],  # nobody matches answers by stream
    "settings_twice": OPENED,  # settings count once
    "unknown_cmd_with_data_7_looking_like_a_frame": OPENED,  # the reference loses its step
    "fin_right_after_data": OPENED[:1],  # the client's end was known before the target was reached
}

# What has to have come before the next record is sent, in frames: there the recording waited.
PACED = {
    "heart_request": (0, 2, 0),
    "dup_syn_same_id": (0, 3, 3, 0),
    "two_streams_interleaved_one_session": (0, 5, 6, 6, 0),
    "high_sid_and_descending": (0, 3, 0),
    "reuse_of_closed_sid": (0, 3, 3, 0),
}
RACES = {"two_streams_interleaved_one_session"}  # whichever target is reached first is told of first


def unpack(text: str) -> bytes:
    """`0a0b 00*230` is two bytes and 230 zeros."""
    pieces = (piece.partition("*") for piece in text.split())
    return b"".join(bytes.fromhex(byte) * int(count or 1) for byte, _, count in pieces)


async def _probed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The target of the recording: it echoes what follows its first line."""
    await reader.readuntil(b"\n")
    while data := await reader.read(65536):
        writer.write(data)


def summed(answers: list[str]) -> tuple[list[str], Counter[str]]:
    """All but the payload, and how much of that came on which stream: how it was cut says nothing."""
    payload = Counter[str]()
    for answer in answers:
        if answer.startswith("PSH"):
            _, stream, length, *_ = answer.split(" ")
            payload[stream] += int(length.removeprefix("len="))
    return [answer for answer in answers if not answer.startswith("PSH")], payload


async def hear(client: RawClient) -> str:
    """The next frame in the words of the recording."""
    command, stream, payload = await client.frame()
    return f"{NAMES[command]} sid={stream}" + (f" len={len(payload)} {payload[:70]!r}" if payload else "")


@pytest.mark.parametrize("name", sorted(PROBES))
async def test_odd_clients_are_answered_as_the_reference_answers_them(name: str) -> None:
    probe = PROBES[name]
    words, payload = summed(DIFFERENT.get(name, probe["answer"]))
    answers: list[str] = []
    async with running(users={"user": "pw"}) as served, listening(_probed) as at, served.connected() as client:
        for index, record in enumerate(probe["sent"]):
            client.send(unpack(record).replace(PROBES_TARGET, ipv4(at)[1:]))
            due = PACED[name][index] if name in PACED else 0
            while len(answers) < due:
                answers.append(await hear(client))
        while len(summed(answers)[0]) < len(words) or summed(answers)[1].total() < payload.total():
            answers.append(await hear(client))
        if probe["closed"] and name not in DIFFERENT:
            assert await client.expect_end() == b""
        else:
            assert await client.ask() == []
    heard = summed(answers)
    assert (sorted(heard[0]) if name in RACES else heard[0]) == (sorted(words) if name in RACES else words)
    assert heard[1] == payload
