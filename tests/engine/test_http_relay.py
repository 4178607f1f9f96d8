"""Plain HTTP through the local proxy: apps that keep their connection, and origins of every kind."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from app.protocols.address import Address
from app.protocols.frames import END, FIN, PSH, SYNACK, pack
from tests.engine.apps import App, Proxy, app, serving, slow_dialling
from tests.fakes.listening import closed_port, listening, reset
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, scripted
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import PATIENCE, settle, until

OK = b"HTTP/1.1 200 OK\r\n"
HEAD_END = b"\r\n\r\n"


@dataclass
class Origin:
    """What a web server has seen."""

    address: Address
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0
    left: int = 0
    """How many connections have ended."""


Answer = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def say_path(head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the path that was asked for."""
    path = head.split(b" ")[1]
    writer.write(OK + b"Content-Length: %d\r\n\r\n%s" % (len(path), path))


@contextlib.asynccontextmanager
async def origin(answer: Answer = say_path) -> AsyncIterator[Origin]:
    """A web server that reads heads and leaves the rest to `answer`."""
    seen = Origin(Address("", 0))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while True:
                head = await reader.readuntil(HEAD_END)
                seen.heads.append(head)
                await answer(head, reader, writer)
                await writer.drain()
        finally:
            seen.left += 1

    async with listening(serve) as address:
        seen.address = address
        yield seen


@contextlib.asynccontextmanager
async def proxied(**options: object) -> AsyncIterator[tuple[Proxy, App]]:
    """An app at a proxy with a real server behind it."""
    async with anytls_server() as server, serving(server, **options) as proxy, app(proxy) as one:  # type: ignore[arg-type]  # they are the local proxy's
        yield proxy, one


def get(address: Address, path: str = "/", *headers: str) -> bytes:
    return request("GET", address, path, *headers)


def request(method: str, address: Address, path: str, *headers: str) -> bytes:
    lines = (f"{method} http://{address}{path} HTTP/1.1", f"Host: {address}", *headers, "", "")
    return "\r\n".join(lines).encode()


async def answer(one: App) -> tuple[bytes, bytes]:
    """The next answer's head, and its body where it has a length."""
    async with asyncio.timeout(PATIENCE):
        head = await one.reader.readuntil(HEAD_END)
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        return head, await one.reader.readexactly(int(length[1])) if length else b""


async def body(one: App) -> bytes:
    head, content = await answer(one)
    assert head.startswith(OK)
    return content


# ---- one connection, many requests


@both_loops
async def test_one_connection_asks_one_origin_again_and_again() -> None:
    async with origin() as web, proxied() as (proxy, one):
        for path in ("/a", "/b", "/c"):
            one.send(get(web.address, path))
            assert await body(one) == path.encode()
        assert web.connections == 1
        (info,) = proxy.snapshot().connections
        assert (info.protocol, info.target, info.state) == ("http", str(web.address), "open")
        assert info.up == sum(map(len, web.heads))


@both_loops
async def test_one_connection_asks_changing_origins() -> None:
    async with origin() as first, origin() as second, proxied() as (proxy, one):
        for number, web in enumerate((first, second, first, first, second)):
            one.send(get(web.address, f"/{number}"))
            assert await body(one) == b"/%d" % number
        assert [head.split()[1] for head in first.heads] == [b"/0", b"/2", b"/3"]
        assert [head.split()[1] for head in second.heads] == [b"/1", b"/4"]
        await until(lambda: (first.left, second.left) == (2, 1))
        assert len(proxy.local.connections.open) == 1


@both_loops
async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async with origin() as first, origin() as second, proxied() as (_, one):
        webs = [first, second, second, first] * 5
        one.send(b"".join(get(web.address, f"/{number}") for number, web in enumerate(webs)))
        for number in range(len(webs)):
            assert await body(one) == b"/%d" % number


async def test_what_the_app_tells_its_proxy_stays_with_the_proxy() -> None:
    async with origin() as web, proxied() as (_, one):
        one.send(
            get(web.address, "/x?y=z", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eDp5", "X-A: b")
        )
        await body(one)
        assert web.heads[0].startswith(b"GET /x?y=z HTTP/1.1\r\n")
        assert b"X-A: b" in web.heads[0]
        assert b"proxy" not in web.heads[0].lower()


async def test_names_are_left_to_the_server() -> None:
    asked: list[Address] = []

    async def script(peer: Peer) -> None:
        await peer.greet()
        asked.append((await peer.opened())[1])
        await peer.left()

    async with scripted(script) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(get(Address("known.to.the.server.test", 80)))
        await until(lambda: asked)
        assert asked == [Address("known.to.the.server.test", 80)]


async def test_an_app_that_ends_its_side_gets_its_answer() -> None:
    async with origin() as web, proxied() as (proxy, one):
        one.send(get(web.address, "/last"))
        one.writer.write_eof()
        assert await body(one) == b"/last"
        assert await one.rest() == b""
        await until(lambda: web.left == 1 and not proxy.local.connections.open)
        await settle()
        assert not proxy.local._http  # the socket too: there is nothing to wait for on it


async def test_an_origin_that_hangs_up_between_requests_is_called_again() -> None:
    async def once(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say_path(head, reader, writer)
        writer.close()

    async with origin(once) as web, proxied() as (proxy, one):
        for path in ("/a", "/b"):
            one.send(get(web.address, path))
            assert await body(one) == path.encode()
            await until(lambda: not proxy.local.connections.open)
        assert web.connections == 2


# ---- bodies


@both_loops
async def test_a_body_of_known_length_streams_through() -> None:
    """The origin gets the first half before the app has sent the second."""
    halves: list[bytes] = []

    async def take(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        halves.append(await reader.readexactly(50_000))
        halves.append(await reader.readexactly(50_000))
        await say_path(head, reader, writer)

    async with origin(take) as web, proxied() as (_, one):
        one.send(request("POST", web.address, "/up", "Content-Length: 100000") + b"a" * 50_000)
        await until(lambda: len(halves) == 1)
        one.send(b"b" * 50_000)
        assert await body(one) == b"/up"
        assert halves == [b"a" * 50_000, b"b" * 50_000]
        one.send(get(web.address, "/n"))


@both_loops
async def test_a_chunked_body_streams_through() -> None:
    chunks: list[bytes] = []

    async def take(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := int(await reader.readline(), 16):
            chunks.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        await say_path(head, reader, writer)

    async with origin(take) as web, proxied() as (_, one):
        one.send(request("POST", web.address, "/up", "Transfer-Encoding: chunked"))
        for text in (b"one", b"two", b"three"):
            one.send(b"%x\r\n%s\r\n" % (len(text), text))
            await until(lambda text=text: chunks[-1:] == [text])  # type: ignore[misc]  # a default argument
        one.send(b"0\r\n\r\n")
        assert await body(one) == b"/up"
        one.send(request("POST", web.address, "/more", "Transfer-Encoding: chunked") + b"0\r\n\r\n")
        assert await body(one) == b"/more"
        assert web.connections == 1


@both_loops
async def test_an_answer_without_a_length_lasts_until_its_end() -> None:
    async def until_close(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 300_000)
        await writer.drain()
        writer.close()

    async with origin(until_close) as web, proxied() as (proxy, one):
        one.send(get(web.address).replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _ = await answer(one)
        assert b"200" in head
        assert await one.rest() == b"x" * 300_000
        await until(lambda: not proxy.local.connections.open)


async def test_a_chunked_answer_comes_piece_by_piece() -> None:
    more = asyncio.Event()

    async def pieces(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await more.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    async with origin(pieces) as web, proxied() as (_, one):
        one.send(get(web.address))
        await answer(one)
        await one.expect(b"3\r\none\r\n")
        more.set()
        await one.expect(b"3\r\ntwo\r\n0\r\n\r\n")


# ---- failures


@both_loops
async def test_a_refused_target_is_502_with_the_reason_and_the_connection_goes_on() -> None:
    nobody = closed_port()
    async with origin() as web, proxied() as (proxy, one):
        one.send(get(nobody))
        head, content = await answer(one)
        assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        reason = f"The server could not reach the target: connect {nobody}: connection refused."
        assert content.decode() == reason + "\n"
        (info,) = proxy.snapshot().connections
        assert (info.state, info.reason) == ("failed", reason)
        one.send(get(web.address, "/next"))
        assert await body(one) == b"/next"


async def test_no_server_is_502_with_the_reason() -> None:
    async with scripted(Peer.left) as server:
        gone = server.server
    async with serving(gone) as proxy, app(proxy) as one:
        one.send(get(Address("known.to.the.server.test", 80)))
        head, content = await answer(one)
        assert head.startswith(b"HTTP/1.1 502 ")
        assert content == f"Nothing listens on {gone.host} port {gone.port}.\n".encode()


async def test_what_speaks_no_http_is_502() -> None:
    async def garble(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test ESMTP\r\n\r\n")

    async with origin(garble) as web, proxied() as (_, one):
        one.send(get(web.address))
        head, content = await answer(one)
        assert head.startswith(b"HTTP/1.1 502 ")
        assert content == b"what answered there does not speak HTTP/1\n"


@both_loops
async def test_an_origin_that_dies_in_mid_answer_is_no_orderly_end() -> None:
    async def die(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 10\r\n\r\nhalf")
        await writer.drain()
        reset(writer)

    async with origin(die) as web, proxied() as (proxy, one):
        one.send(get(web.address))
        assert await one.was_reset()
        await until(lambda: not proxy.local.connections.open)


@both_loops
async def test_a_session_that_dies_in_mid_answer_is_no_orderly_end() -> None:
    async def die(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        await peer.expect(PSH)
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, OK + b"\r\nhalf"))
        await peer.writer.drain()
        peer.reset()

    async with scripted(die) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(get(Address("192.0.2.1", 80)))
        assert await one.was_reset()
        (info,) = proxy.snapshot().connections
        assert info.state == "failed"
        assert info.reason.startswith("The session with the server ended")


@both_loops
async def test_an_app_that_goes_in_mid_answer_closes_the_stream() -> None:
    async def endless(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()
            await asyncio.sleep(0)

    async with origin(endless) as web, proxied() as (proxy, one):
        one.send(get(web.address))
        await answer(one)
        one.reset()
        await until(lambda: web.left == 1)
        assert not proxy.local.connections.open


@both_loops
async def test_an_app_that_goes_in_mid_request_closes_the_stream() -> None:
    async def take(_head: bytes, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10)

    async with origin(take) as web, proxied() as (proxy, one):
        one.send(request("POST", web.address, "/", "Content-Length: 10") + b"half")
        await until(lambda: web.heads)
        one.writer.close()
        await until(lambda: web.left == 1)
        await until(lambda: not proxy.local.connections.open)


async def test_an_app_that_goes_between_requests_closes_the_stream() -> None:
    async with origin() as web, proxied() as (proxy, one):
        one.send(get(web.address))
        await body(one)
        one.writer.close()
        await until(lambda: web.left == 1)
        await until(lambda: not proxy.local.connections.open)


# ---- other protocols


@both_loops
async def test_an_upgrade_is_raw_both_ways() -> None:
    async def switch(_head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome")
        while data := await reader.read(1024):
            writer.write(data)
        writer.write(b"bye")
        writer.close()

    async with origin(switch) as web, proxied() as (proxy, one):
        one.send(get(web.address, "/", "Connection: Upgrade", "Upgrade: echo"))
        head, _ = await answer(one)
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"upgrade: echo" in head.lower()
        await one.expect(b"welcome")
        for data in (b"\0\5\4", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000):
            one.send(data)
            await one.expect(data)
        one.writer.write_eof()
        assert await one.rest() == b"bye"
        one.writer.close()
        await until(lambda: not proxy.local.connections.open)
        (info,) = proxy.snapshot().connections
        assert (info.state, info.protocol) == ("closed", "http")
        assert info.up > 100_000


@pytest.mark.parametrize("how", [END, FIN])
@both_loops
async def test_an_upgrade_may_end_with_the_words_that_agree_to_it(how: int) -> None:
    """All of it comes in one piece: the answer, the last word, and the end of the stream."""

    async def switch(peer: Peer) -> None:
        await peer.greet(half_close=True)
        stream_id, _ = await peer.opened()
        await peer.expect(PSH)
        said = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nbye"
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, said), pack(how, stream_id))
        await peer.left()

    async with scripted(switch) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(get(Address("192.0.2.1", 80), "/", "Connection: Upgrade", "Upgrade: echo"))
        head, _ = await answer(one)
        assert head.startswith(b"HTTP/1.1 101 ")
        await one.expect(b"bye")
        one.writer.close()
        await until(lambda: not proxy.local.connections.open)
        assert not server.peers[1:]
        assert proxy.snapshot().sessions


async def test_connect_after_plain_requests_makes_a_tunnel() -> None:
    async with origin() as web, proxied() as (proxy, one):
        one.send(get(web.address, "/plain"))
        assert await body(one) == b"/plain"
        one.send(f"CONNECT {web.address} HTTP/1.1\r\nHost: {web.address}\r\n\r\n".encode())
        head, _ = await answer(one)
        assert head.startswith(b"HTTP/1.1 200 ")
        one.send(b"GET /raw HTTP/1.1\r\n\r\n")
        assert await body(one) == b"/raw"
        assert [connection.protocol for connection in proxy.local.connections] == ["http", "connect"]


# ---- credentials


async def test_without_credentials_an_app_is_asked_for_them_and_may_try_again() -> None:
    async with origin() as web, proxied(credentials=("someone", "open sesame")) as (proxy, one):
        for wrong in ((), ("Proxy-Authorization: Basic eDp5",), ("Proxy-Authorization: Bearer x",)):
            one.send(get(web.address, "/", *wrong))
            head, _ = await answer(one)
            assert head.startswith(b"HTTP/1.1 407 ")
            assert b'proxy-authenticate: basic realm="' in head.lower()
        assert not web.connections
        one.send(get(web.address, "/in", "Proxy-Authorization: Basic c29tZW9uZTpvcGVuIHNlc2FtZQ=="))
        assert await body(one) == b"/in"
        assert not any("sesame" in line or "c29t" in line for line in proxy.log)


# ---- pace


def paused_streams(proxy: Proxy) -> int:
    sessions = [session for upstream in proxy.tunnel.upstreams for session in upstream.sessions.values()]
    return sum(stream.paused for session in sessions for stream in session.streams.values())


@both_loops
async def test_an_app_that_reads_slowly_slows_its_origin() -> None:
    size = 64 * 1024 * 1024
    sent = 0

    async def large(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(OK + b"Content-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with origin(large) as web, anytls_server() as server, serving(server) as proxy, app(proxy, small=True) as one:
        one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it has one
        one.send(get(web.address))
        await until(lambda: paused_streams(proxy))
        await settle()
        stopped_at = sent
        assert stopped_at < size / 2
        one.writer.transport.resume_reading()  # type: ignore[attr-defined]  # it has one
        await one.reader.readuntil(HEAD_END)
        await one.expect(b"x" * (stopped_at + 1024 * 1024))


@both_loops
async def test_an_app_that_reads_slowly_slows_the_origins_it_asks_next() -> None:
    """Each answer is small enough to be over before it could be paused."""

    async def some(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 50000\r\n\r\n" + bytes(50_000))

    asked = 240
    async with (
        origin(some) as first,
        origin(some) as second,
        anytls_server() as server,
        serving(server) as proxy,
        app(proxy, small=True) as one,
    ):
        one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it has one
        one.send((get(first.address) + get(second.address)) * (asked // 2))
        await until(lambda: paused_streams(proxy))
        await settle(100)
        assert len(first.heads) + len(second.heads) < asked / 2
        one.writer.transport.resume_reading()  # type: ignore[attr-defined]  # it has one
        for _ in range(asked):
            assert len(await body(one)) == 50_000


@both_loops
async def test_an_origin_that_reads_slowly_slows_the_app() -> None:
    go_on = asyncio.Event()
    size = 32 * 1024 * 1024

    async def slow(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await reader.readexactly(size)
        await say_path(head, reader, writer)

    async with origin(slow) as web, proxied() as (proxy, one):
        one.send(request("POST", web.address, "/up", f"Content-Length: {size}") + bytes(size))
        transport = one.writer.transport
        await until(lambda: held_sessions(proxy))
        await settle()
        assert transport.get_write_buffer_size() > size / 4
        go_on.set()
        assert await body(one) == b"/up"


@both_loops
async def test_an_app_that_asks_far_ahead_has_to_wait() -> None:
    async def never(_head: bytes, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with origin(never) as web, proxied() as (_, one):
        requests = get(web.address) * 400_000
        one.send(requests)
        await until(lambda: web.heads)
        await settle(100)
        assert one.writer.transport.get_write_buffer_size() > len(requests) / 4


@both_loops
async def test_a_body_waits_in_the_app_while_a_session_is_made() -> None:
    size = 32 * 1024 * 1024

    async def take(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(size)
        await say_path(head, reader, writer)

    async with origin(take) as web, proxied() as (proxy, one):
        with slow_dialling(proxy) as may_dial:
            one.send(request("POST", web.address, "/up", f"Content-Length: {size}") + bytes(size))
            await until(lambda: proxy.local.connections.open)
            await settle(100)
            assert one.writer.transport.get_write_buffer_size() > size / 4
            may_dial.set()
            assert await body(one) == b"/up"


async def test_a_connection_ended_while_its_session_is_made_leaves_the_session_to_others() -> None:
    async with origin() as web, proxied() as (proxy, one):
        with slow_dialling(proxy) as may_dial:
            one.send(get(web.address))
            await until(lambda: proxy.local.connections.open)
            (connection,) = proxy.local.connections.open.values()
            connection.end()
            assert await one.was_reset()
            may_dial.set()
            await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
            assert not web.connections


def held_sessions(proxy: Proxy) -> int:
    return sum(session.held for upstream in proxy.tunnel.upstreams for session in upstream.sessions.values())


@both_loops
async def test_a_congested_session_that_ends_does_not_hold_the_app_for_ever() -> None:
    """The server takes nothing for a while, and then closes the stream in the middle of an upload."""
    congested, done = asyncio.Event(), asyncio.Event()

    async def stuck(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id))
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]  # it has one
        await congested.wait()
        peer.send(pack(FIN, stream_id))
        await done.wait()
        peer.reader._transport.resume_reading()  # type: ignore[attr-defined]  # it has one
        await peer.left()

    size = 8 * 1024 * 1024
    async with scripted(stuck) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(request("POST", Address("192.0.2.1", 80), "/up", f"Content-Length: {size}") + bytes(size))
        await until(lambda: held_sessions(proxy))
        congested.set()
        head, _ = await answer(one)
        assert head.startswith(b"HTTP/1.1 502 ")
        one.send(b"TRACE\r\n\r\n")  # it is read, and no HTTP
        head, _ = await answer(one)
        assert head.startswith(b"HTTP/1.1 400 ")
        done.set()


# ---- the end


async def test_a_request_that_was_never_finished_leaves_nothing_behind() -> None:
    async with proxied() as (proxy, one):
        one.send(b"GET http://192.0.2.1/ HTTP/1.1\r\nHo")
        one.writer.write_eof()
        head, _ = await answer(one)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert await one.rest() == b""
        assert not list(proxy.local.connections)


async def test_a_kept_connection_is_closed_when_nothing_is_asked_for_long() -> None:
    async def once(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say_path(head, reader, writer)
        writer.close()

    async with origin(once) as web, proxied() as (proxy, one):
        one.send(get(web.address, "/a"))
        assert await body(one) == b"/a"
        await until(lambda: not proxy.local.connections.open)
        proxy.later(20)
        await settle()
        assert not one.reader.at_eof()
        proxy.later(60)
        assert await one.rest() == b""
