"""The local proxy: what apps may ask for and how, what they are told, and what happens to those that misbehave."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.engine import local_proxy
from app.engine.local_proxy import LocalProxy
from app.engine.options import LocalOptions, PoolOptions
from app.errors import BadInput, ListenFailed
from app.protocols.address import Address
from app.protocols.frames import FIN, PSH, SYN, SYNACK, pack
from app.tasks import Tasks
from tests.engine.apps import (
    CONNECTED,
    DIALECTS,
    GRANTED4,
    GRANTED5,
    IMPATIENT,
    app,
    connect,
    serving,
    slow_dialling,
    socks4,
    socks4a,
    socks5,
)
from tests.fakes.listening import closed_port, free_port
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, echo, echo_v1, scripted, server_at
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target, late_target
from tests.fakes.waiting import settle, until

NAMED = Address("known.to.the.server.test", 443)
CREDENTIALS = ("someone", "open sesame")

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def deciding(decide: Callable[[Peer, int], Awaitable[None]]) -> Callable[[Peer], Awaitable[None]]:
    """A server that leaves it to `decide` what becomes of its first stream."""

    async def script(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        await decide(peer, stream_id)
        await peer.left()

    return script


# ---- dialects


@both_loops
@every_dialect
async def test_each_dialect_reaches_its_target(dialect: str) -> None:
    ask, answer = DIALECTS[dialect]
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(ask(target))
        await one.expect(answer)
        one.send(b"hello")
        await one.expect(b"hello")
        (connection,) = proxy.local.connections.open.values()
        assert (connection.protocol, connection.target) == (dialect.removesuffix("a"), target)
        one.writer.write_eof()
        assert await one.rest() == b""
        await until(lambda: not proxy.local.connections.open)


@both_loops
@every_dialect
async def test_what_an_app_sends_right_behind_its_request_arrives(dialect: str) -> None:
    ask, answer = DIALECTS[dialect]
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(ask(target) + b"early")
        await one.expect(answer + b"early")


@every_dialect
async def test_a_request_may_come_byte_by_byte(dialect: str) -> None:
    ask, answer = DIALECTS[dialect]
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        for byte in ask(target) + b"early":
            one.send(bytes((byte,)))
            await asyncio.sleep(0)
        await one.expect(answer + b"early")


@pytest.mark.parametrize("ask", [socks4a, socks5, connect])
async def test_names_are_left_to_the_server(ask: Callable[[Address], bytes]) -> None:
    asked: list[Address] = []

    async def script(peer: Peer) -> None:
        await peer.greet()
        asked.append((await peer.opened())[1])
        await peer.left()

    async with scripted(script) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(ask(NAMED))
        await until(lambda: asked)
        assert asked == [NAMED]


async def test_early_data_travels_in_the_same_breath_as_the_request() -> None:
    """The server has said nothing at all yet when the app's first bytes reach it."""
    frames: list[tuple[int, int, bytes]] = []

    async def script(peer: Peer) -> None:
        await peer.log_in()
        while len(frames) < 4:
            frames.append(await peer.frame())
        await peer.left()

    async with scripted(script) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(socks5(NAMED) + b"early")
        await until(lambda: len(frames) == 4)
        assert [command for command, _, _ in frames[1:]] == [SYN, PSH, PSH]
        assert frames[3][2] == b"early"
        await one.expect(GRANTED5)


@both_loops
async def test_an_app_that_ends_its_side_gets_the_whole_answer() -> None:
    async with late_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(socks5(target) + b"question")
        one.writer.write_eof()
        assert await one.rest() == GRANTED5 + b"got question"


async def test_apps_share_a_session_one_after_the_other() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy:
        for _ in range(3):
            async with app(proxy) as one:
                one.send(socks5(target) + b"x")
                await one.expect(GRANTED5 + b"x")
            await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
        assert proxy.snapshot().sessions_made == 1
        assert proxy.snapshot().sessions_reused == 2


# ---- credentials


def login(user: str, password: str) -> bytes:
    return b"\5\1\2\1" + bytes((len(user),)) + user.encode() + bytes((len(password),)) + password.encode()


async def test_the_right_credentials_open_the_door() -> None:
    basic = b"Proxy-Authorization: Basic c29tZW9uZTpvcGVuIHNlc2FtZQ==\r\n\r\n"
    async with (
        echo_target() as target,
        anytls_server() as server,
        serving(server, credentials=CREDENTIALS) as proxy,
        app(proxy) as one,
        app(proxy) as other,
    ):
        one.send(login(*CREDENTIALS) + socks5(target)[3:] + b"x")
        await one.expect(b"\5\2\1\0" + GRANTED5[2:] + b"x")
        other.send(connect(target)[:-2] + basic + b"y")
        await other.expect(CONNECTED + b"y")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (login("someone", "guesswork"), b"\5\2\1\1"),
        (login("somebody", "open sesame"), b"\5\2\1\1"),
        (b"\5\1\0", b"\5\xff"),
        (socks4(Address("127.0.0.1", 80)), b"\0\x5b" + bytes(6)),
        (socks4a(NAMED), b"\0\x5b" + bytes(6)),
    ],
    ids=["wrong password", "wrong user", "no login", "socks4", "socks4a"],
)
async def test_no_one_else_comes_in(request_: bytes, answer: bytes) -> None:
    async with anytls_server() as server, serving(server, credentials=CREDENTIALS) as proxy, app(proxy) as one:
        one.send(request_)
        assert await one.rest() == answer
        assert len(proxy.log) == 1
        assert not any(word in proxy.log[0] for word in ("sesame", "guesswork", "some"))
        assert not list(proxy.local.connections)


async def test_connect_without_credentials_gets_407() -> None:
    async with anytls_server() as server, serving(server, credentials=CREDENTIALS) as proxy, app(proxy) as one:
        one.send(connect(NAMED))
        await one.expect(b"HTTP/1.1 407 Proxy Authentication Required\r\n")
        assert not list(proxy.local.connections)


# ---- listening


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "server.test"])
async def test_listening_beyond_loopback_needs_credentials(host: str) -> None:
    with pytest.raises(BadInput, match=r"needs a local user and password"):
        async with serving(host=host):
            pass


async def test_with_credentials_others_may_be_let_in() -> None:
    async with anytls_server() as server, serving(server, host="0.0.0.0", credentials=CREDENTIALS) as proxy:
        assert proxy.address.host == "0.0.0.0"


async def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenFailed, match=f"127.0.0.1 port {port}: something else listens there already"):
            async with serving(server_at(closed_port()), port=port):
                pass


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("192.0.2.1", 0), ("no..name", 0)])
async def test_an_address_that_cannot_be_had_is_named(host: str, port: int) -> None:
    with pytest.raises(ListenFailed, match=host):
        async with serving(server_at(closed_port()), host=host, port=port, credentials=CREDENTIALS):
            pass


# ---- apps that misbehave


@both_loops
@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0",
        b"\r\r\r\r",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"CONNECT no-port HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\5\0",
        b"\5\1\0\5\2\0\1\1\2\3\4\0\x50",
        b"\5\1\0\5\1\0\2",
        b"\4\2\0\x50\1\2\3\4\0",
        b"\4\1\0\x50\1\2\3\4" + b"x" * 300,
    ],
)
async def test_garbage_ends_its_own_connection_alone(garbage: bytes) -> None:
    async with (
        echo_target() as target,
        anytls_server() as server,
        serving(server) as proxy,
        app(proxy) as good,
        app(proxy) as bad,
    ):
        good.send(socks5(target) + b"a")
        await good.expect(GRANTED5 + b"a")
        proxy.log.clear()
        bad.send(garbage)
        await bad.rest()
        assert len(proxy.log) == 1
        good.send(b"b")
        await good.expect(b"b")


@pytest.mark.parametrize("said", [b"", b"\5\1", b"\4", b"G", b"CONNECT here:1 HTTP/1.1\r\nHo"])
async def test_an_app_that_never_says_what_it_wants_is_not_waited_for(said: bytes) -> None:
    async with serving(server_at(closed_port())) as proxy, app(proxy) as one:
        one.send(said)
        await settle()
        proxy.later(20)
        await settle()
        assert not one.reader.at_eof()
        proxy.later(40)
        assert await one.was_reset() or one.reader.at_eof()


async def test_an_app_that_has_been_answered_may_be_silent_for_hours() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(socks5(target))
        await one.expect(GRANTED5)
        proxy.later(10_000)
        one.send(b"still there")
        await one.expect(b"still there")


async def test_those_who_are_too_many_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_proxy, "MAX_CONNECTIONS", 2)
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy:
        async with app(proxy) as one, app(proxy) as idle:
            one.send(socks5(target) + b"a")
            await one.expect(GRANTED5 + b"a")
            idle.send(b"G")
            await settle()
            async with app(proxy) as another:
                assert await another.was_reset() or another.reader.at_eof()
            assert proxy.log[-1] == "more than 2 connections, one is turned away"
        await until(lambda: not proxy.local.connections.open)
        async with app(proxy) as another:
            another.send(socks5(target) + b"b")
            await another.expect(GRANTED5 + b"b")


# ---- targets that cannot be reached


@both_loops
@every_dialect
async def test_a_refused_target_resets_at_once_and_the_reason_stands(dialect: str) -> None:
    ask, _ = DIALECTS[dialect]
    target = closed_port()
    async with anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(ask(target))
        assert await one.was_reset()
        (info,) = proxy.snapshot().connections
        reason = f"The server could not reach the target: connect {target}: connection refused."
        assert (info.state, info.reason, info.target) == ("failed", reason, str(target))
        assert sum(reason in line for line in proxy.log) == 1


async def test_a_server_that_cannot_be_reached_resets_too() -> None:
    address = closed_port()
    async with serving(server_at(address)) as proxy, app(proxy) as one:
        one.send(socks5(NAMED))
        assert await one.was_reset()
        (info,) = proxy.snapshot().connections
        assert info.reason == f"Nothing listens on 127.0.0.1 port {address.port}."


@both_loops
async def test_an_app_that_goes_away_frees_its_session() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy:
        async with app(proxy) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
            one.reset()
        await until(lambda: not proxy.local.connections.open)
        await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)


async def test_a_connection_ended_while_its_session_is_made_leaves_the_session_to_others() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        with slow_dialling(proxy) as may_dial:
            one.send(socks5(target) + b"x")
            await until(lambda: proxy.local.connections.open)
            (connection,) = proxy.local.connections.open.values()
            connection.end()
            assert await one.was_reset()
            may_dial.set()
            await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
            (info,) = proxy.snapshot().sessions
            assert (info.state, info.served) == ("warm", 0)


# ---- exact replies


async def decided(error: bytes, request: bytes) -> bytes:
    """What an app is told when the server decides like this about its target."""

    async def decide(peer: Peer, stream_id: int) -> None:
        peer.send(pack(SYNACK, stream_id, error))

    async with (
        scripted(deciding(decide)) as server,
        serving(server.server, exact_replies=True) as proxy,
        app(proxy) as one,
    ):
        one.send(request)
        return await one.rest()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (b"dial tcp 192.0.2.1:443: connect: connection refused", 5),
        (b"lookup known.to.the.server.test: no such host", 4),
        (b"connect: network is unreachable", 3),
        (b"blocked by rules", 2),
        (b"dial tcp 192.0.2.1:443: i/o timeout", 6),
        (b"no luck today", 1),
    ],
)
async def test_exact_socks5_replies_carry_the_code(error: bytes, code: int) -> None:
    assert await decided(error, socks5(NAMED)) == b"\5\0\5" + bytes((code, 0, 1)) + bytes(6)


async def test_an_exact_socks4_reply_is_a_rejection() -> None:
    assert await decided(b"connection refused", socks4a(NAMED)) == b"\0\x5b" + bytes(6)


async def test_an_exact_answer_to_connect_is_502_with_the_reason() -> None:
    answer = await decided(b"connection refused", connect(NAMED))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert answer.endswith(b"\r\n\r\nThe server could not reach the target: connection refused.\n")


@both_loops
@every_dialect
async def test_exact_replies_with_a_real_server(dialect: str) -> None:
    ask, granted = DIALECTS[dialect]
    refused = {"socks5": b"\5\0\5\5", "connect": b"HTTP/1.1 502 "}.get(dialect, b"\0\x5b")
    async with echo_target() as target, anytls_server() as server, serving(server, exact_replies=True) as proxy:
        async with app(proxy) as one:
            one.send(ask(target) + b"early")
            await one.expect(granted + b"early")
        async with app(proxy) as one:
            one.send(ask(closed_port()))
            assert (await one.rest()).startswith(refused)


@every_dialect
async def test_an_exact_reply_waits_for_the_servers_word(dialect: str) -> None:
    ask, granted = DIALECTS[dialect]
    said = asyncio.Event()
    heard: list[bytes] = []

    async def decide(peer: Peer, stream_id: int) -> None:
        heard.append((await peer.expect(PSH))[1])
        await said.wait()
        peer.send(pack(SYNACK, stream_id))

    target = Address("192.0.2.1", 443)
    async with (
        scripted(deciding(decide)) as server,
        serving(server.server, exact_replies=True) as proxy,
        app(proxy) as one,
    ):
        one.send(ask(target) + b"early")
        await until(lambda: heard)
        await settle()
        proxy.later(IMPATIENT.exact_reply / 2)
        assert heard == [b"early"]
        method = granted[:2] if dialect == "socks5" else b""
        assert one.heard == method
        said.set()
        await one.expect(granted)


async def test_an_exact_reply_is_not_waited_for_for_ever() -> None:
    async def decide(peer: Peer, stream_id: int) -> None:
        command, _, payload = await peer.frame()
        assert (command, payload) == (PSH, b"later")
        peer.send(pack(PSH, stream_id, b"answer"))

    async with (
        scripted(deciding(decide)) as server,
        serving(server.server, exact_replies=True) as proxy,
        app(proxy) as one,
    ):
        one.send(socks5(NAMED))
        await until(lambda: server.peers and server.peers[0].frames)
        await settle()
        proxy.later(IMPATIENT.exact_reply + 1)
        await one.expect(GRANTED5)
        one.send(b"later")
        await one.expect(b"answer")


async def test_an_exact_reply_tells_when_there_is_no_server() -> None:
    async with serving(server_at(closed_port()), exact_replies=True) as proxy:
        async with app(proxy) as one:
            one.send(socks5(NAMED))
            assert await one.rest() == b"\5\0\5\1\0\1" + bytes(6)
        async with app(proxy) as one:
            one.send(connect(NAMED))
            answer = await one.rest()
            assert answer.startswith(b"HTTP/1.1 502 ")
            assert b"Nothing listens on" in answer


async def test_an_exact_reply_tells_when_the_server_closes_the_stream() -> None:
    async def decide(peer: Peer, stream_id: int) -> None:
        peer.send(pack(FIN, stream_id))

    async with (
        scripted(deciding(decide)) as server,
        serving(server.server, exact_replies=True) as proxy,
        app(proxy) as one,
    ):
        one.send(socks5(NAMED))
        assert await one.rest() == b"\5\0\5\1\0\1" + bytes(6)


async def test_the_word_of_a_server_of_version_1_is_not_waited_for_once_it_is_known() -> None:
    async with scripted(echo_v1) as server, serving(server.server, exact_replies=True) as proxy:
        async with app(proxy) as one:
            one.send(socks4a(NAMED) + b"x")  # the target's own answer is as good as the server's word
            await one.expect(GRANTED4 + b"x")
        await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
        async with app(proxy) as one:
            one.send(socks4a(NAMED))
            await one.expect(GRANTED4)


# ---- the end


@both_loops
async def test_close_ends_every_app_whatever_it_is_doing() -> None:
    async with scripted(echo) as server, serving(server.server) as proxy:
        async with app(proxy) as silent, app(proxy) as asking, app(proxy) as busy, app(proxy) as udp, app(proxy) as web:
            asking.send(b"\5")
            busy.send(socks5(NAMED) + b"x")
            await busy.expect(GRANTED5 + b"x")
            udp.send(socks5(NAMED, command=3))
            await udp.expect(b"\5\0\5\0\0\1\x7f\0\0\1")
            web.send(b"GET http://known.to.the.server.test/ HTTP/1.1\r\nHost: x\r\n")
            await settle()
            await proxy.local.close()
            for one in (silent, asking, busy, udp, web):
                assert await one.was_reset() or one.reader.at_eof()
        with pytest.raises(ConnectionRefusedError):
            async with app(proxy):
                pass


@pytest.mark.asyncio(loop_factories=["uvloop"])  # asyncio itself forgets one that it has just accepted (3.11)
async def test_close_ends_an_app_that_is_just_arriving() -> None:
    for turns in range(6):
        with socket.socket() as arriving:
            async with serving(server_at(closed_port())) as proxy:
                arriving.connect(proxy.address)
                for _ in range(turns):
                    await asyncio.sleep(0)
                await proxy.local.close()
                await settle()
                arriving.setblocking(False)
                with contextlib.suppress(ConnectionResetError):
                    assert arriving.recv(1) == b""  # and nothing that is still open


async def test_close_does_not_wait_for_apps_that_linger() -> None:
    """The target has ended; the app has been told and keeps its own side open."""

    async def bye(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, b"bye"), pack(FIN, stream_id))
        await peer.left()

    async with scripted(bye) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(socks5(NAMED))
        assert await one.rest() == GRANTED5 + b"bye"
        await proxy.local.close()
        assert not proxy.local.connections.open
        one.send(b"anyone there?")
        await settle()
        one.send(b"no one is")
        with pytest.raises(ConnectionError):
            await one.writer.drain()


async def test_a_dead_session_is_replaced_before_the_app_notices() -> None:
    served: list[Peer] = []

    async def dies_when_idle(peer: Peer) -> None:
        served.append(peer)
        if len(served) > 1:
            await echo(peer)
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, b"x"))
        await peer.expect(PSH)
        await peer.expect(FIN)
        await peer.opened()
        peer.reset()

    timings = replace(IMPATIENT, give_up=5.0)
    async with scripted(dies_when_idle) as server, serving(server.server, timings=timings) as proxy:
        async with app(proxy) as one:
            one.send(socks5(NAMED) + b"x")
            await one.expect(GRANTED5 + b"x")
            one.reset()
        await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
        async with app(proxy) as one:
            one.send(socks5(NAMED) + b"again")
            await one.expect(GRANTED5 + b"again")
        assert len(served) == 2


async def test_warm_sessions_are_used_first() -> None:
    pool = PoolOptions(min_idle=2)
    async with scripted(echo) as server, serving(server.server, pool=pool) as proxy:
        proxy.tunnel.upstreams[0].warm_up()
        await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 2)
        async with app(proxy) as one:
            one.send(socks5(NAMED) + b"x")
            await one.expect(GRANTED5 + b"x")
            (info,) = proxy.snapshot().connections
            assert info.session == 2


# ---- elsewhere, and for others


async def test_moving_says_where_and_moving_nowhere_says_so_too() -> None:
    async with scripted(echo) as server, serving(server.server) as proxy:
        here = proxy.local.options
        assert await proxy.local.move(here) == proxy.address
        assert await proxy.local.move(replace(here, port=proxy.address.port)) == proxy.address
        port = free_port()
        assert await proxy.local.move(replace(here, port=port)) == Address("127.0.0.1", port)
        assert proxy.local.options.port == port


@pytest.mark.parametrize(("said", "answer"), [(b"\x05\x01\x00", b"\x05\xff"), (connect(NAMED), b"HTTP/1.1 407 ")])
@both_loops
async def test_who_came_while_a_login_was_asked_for_needs_it_however_late(said: bytes, answer: bytes) -> None:
    """Else a stranger of the network would wait for the moment in which other computers are shut out again."""
    lan = LocalOptions(host="0.0.0.0", port=free_port(), credentials=CREDENTIALS)
    async with scripted(echo) as server, serving(server.server) as proxy:
        await proxy.local.move(lan)
        here = Address("127.0.0.1", lan.port)
        reader, writer = await asyncio.open_connection(*here)
        await until(lambda: proxy.local._asking)
        assert await proxy.local.move(replace(lan, host="127.0.0.1", credentials=None)) == here
        writer.write(said)
        assert await reader.readexactly(len(answer)) == answer
        writer.close()
        reader, writer = await asyncio.open_connection(*here)
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\x00"
        writer.close()


async def test_a_login_asked_for_at_the_same_place_holds_at_once() -> None:
    async with scripted(echo) as server, serving(server.server) as proxy:
        reader, writer = await asyncio.open_connection(*proxy.address)
        await until(lambda: proxy.local._asking)
        await proxy.local.move(replace(proxy.local.options, credentials=CREDENTIALS))
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\xff"
        writer.close()


async def test_a_local_name_that_leads_elsewhere_needs_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name it is this computer alone; the address is what counts in the end."""
    resolve = asyncio.get_running_loop().getaddrinfo

    async def astray(_host: str, port: int, **more: Any) -> Any:
        return await resolve("0.0.0.0", port, **more)

    async with scripted(echo) as server, serving(server.server) as proxy:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", astray)
        port = free_port()
        with pytest.raises(BadInput, match="lets others in"):
            await proxy.local.move(LocalOptions("printer.localhost", port))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_what_never_listened_begins_where_it_is_told() -> None:
    async with scripted(echo) as server, serving(server.server) as proxy:
        other = LocalProxy(LocalOptions(port=1), IMPATIENT, proxy.tunnel, Tasks())
        try:
            address = await other.move(LocalOptions(port=0))
            _, writer = await asyncio.open_connection(*address)
            writer.close()
        finally:
            await other.close()


async def test_two_moves_at_a_time_come_one_after_the_other() -> None:
    async with scripted(echo) as server, serving(server.server) as proxy:
        ports = [free_port() for _ in range(2)]
        here = proxy.local.options
        await asyncio.gather(*(proxy.local.move(replace(here, port=port)) for port in ports))
        open_ports = []
        for port in (proxy.address.port, *ports):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            writer.close()
            open_ports.append(port)
        assert open_ports == [proxy.local.options.port]


async def test_other_tunnels_carry_what_comes_after() -> None:
    async with (
        scripted(echo) as first,
        scripted(echo) as second,
        serving(first.server) as proxy,
        serving(second.server) as other,
        app(proxy) as one,
        app(proxy) as two,
    ):
        one.send(socks5(NAMED) + b"x")
        await one.expect(GRANTED5 + b"x")
        proxy.local.use(other.tunnel)
        two.send(socks5(NAMED) + b"y")
        await two.expect(GRANTED5 + b"y")
        one.send(b"still here")
        await one.expect(b"still here")
        assert (len(first.peers), len(second.peers)) == (1, 1)
        proxy.local.end_connections()
        assert await one.was_reset()
        assert await two.was_reset()
