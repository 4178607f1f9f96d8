"""Whoever knows no password meets a web server, or nobody; never a sign of what the port really is."""

import asyncio
import contextlib
import logging

import pytest

from app.protocols.address import Address
from tests.fakes.listening import closed_port, listening, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.waiting import PATIENCE, settle, until
from tests.server.raw import PSH, SYNACK, RawClient, frame, ipv4, login, opening, running, settings
from tests.server.targets import needs_proc, open_sockets, target

MIB = 1024 * 1024
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

# What a stranger may send; all of it is told apart from a user's login by its first record.
STRANGERS = {
    "a web browser": REQUEST,
    "a long request": b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 5000 + b"\r\n\r\n",
    "a wrong password": login("wrong") + settings(),
    "a wrong password alone": login("wrong", 0),
    "ten bytes": bytes(10),
    "one byte": b"G",
    "random bytes": bytes(range(256)),
    "a login that is cut": login()[:31],
}
strangers = pytest.mark.parametrize("sent", STRANGERS.values(), ids=list(STRANGERS))


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(PAGE)


def web_server() -> contextlib.AbstractAsyncContextManager[Address]:
    return listening(_http)


async def read_exactly(client: RawClient, size: int) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await client.reader.readexactly(size)


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged for all to see."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


# ---- without a fallback


@both_loops
@strangers
async def test_a_stranger_is_closed_without_a_word(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with running() as served, served.connected() as client:
        client.send(sent, b"and more of it")
        assert await client.expect_end() == b""
        await until(lambda: not served.server.sessions)
        assert messages(caplog) == ["a stranger was turned away"]


# ---- with one


@both_loops
@strangers
async def test_a_stranger_is_handed_over_with_all_it_sent(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with target() as web, running(fallback=web.address) as served, served.connected() as client:
        client.send(sent)
        connection = await web.connection()
        await until(lambda: connection.received == sent)
        client.send(b"more")
        await until(lambda: connection.received == sent + b"more")
        connection.transport.write(b"what a web server says")
        assert await read_exactly(client, 22) == b"what a web server says"
        connection.transport.close()
        assert await client.expect_end() == b""
        assert messages(caplog) == ["a stranger is handed to the fallback"]


@both_loops
async def test_a_browser_gets_its_pages_on_one_connection() -> None:
    async with web_server() as web, running(fallback=web) as served, served.connected() as client:
        for _ in range(3):
            client.send(REQUEST[:9], REQUEST[9:])
            assert await read_exactly(client, len(PAGE)) == PAGE


async def test_browsers_are_spoken_to_in_http_1() -> None:
    """What answers there does not know HTTP/2."""
    async with web_server() as web, running(fallback=web) as served, served.connected() as client:
        negotiated = client.writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert negotiated == "http/1.1"


async def test_users_come_in_beside_strangers() -> None:
    async with (
        web_server() as web,
        target(echoes=True) as echo,
        running(fallback=web) as served,
        served.connected() as stranger,
        served.logged_in() as user,
    ):
        stranger.send(REQUEST)
        assert await read_exactly(stranger, len(PAGE)) == PAGE
        user.send(opening(1, ipv4(echo.address)) + frame(PSH, 1, b"ping"))
        await user.expect(SYNACK, 1)
        await user.expect(PSH, 1, b"ping")


@both_loops
async def test_ten_bytes_and_silence_are_for_the_fallback_to_judge() -> None:
    """A web server has its own patience; the server's must not show."""
    async with (
        target() as web,
        running({"login": 0.1}, fallback=web.address) as served,
        served.connected() as client,
    ):
        client.send(bytes(10))
        connection = await web.connection()
        await asyncio.sleep(0.3)
        assert not connection.over
        connection.transport.write(b"timeout")
        assert await read_exactly(client, 7) == b"timeout"


# ---- ends and pace


@both_loops
async def test_a_stranger_that_goes_is_gone_for_the_fallback_too() -> None:
    async with target() as web, running(fallback=web.address) as served:
        async with served.connected() as client:
            client.send(REQUEST)
            connection = await web.connection()
            await until(lambda: connection.received == REQUEST)
            await client.abort()
            await until(lambda: connection.over)
        await until(lambda: not served.server._fallbacks)


@both_loops
async def test_a_stranger_that_goes_before_the_fallback_is_reached() -> None:
    async with target() as web, running(fallback=web.address) as served:
        async with served.connected() as client:
            client.send(REQUEST)
            await client.abort()
        await settle()
        await until(lambda: not served.server._fallbacks and not served.server.sessions)
        await until(lambda: all(connection.over for connection in web.connections))


@both_loops
@pytest.mark.parametrize("moment", range(8))
async def test_a_stranger_that_goes_as_the_fallback_is_reached(moment: int) -> None:
    async with target() as web, running(fallback=web.address) as served, served.connected() as client:
        client.send(REQUEST)
        while not served.server._fallbacks:
            await asyncio.sleep(0)
        (fallback,) = served.server._fallbacks
        for _ in range(moment):
            await asyncio.sleep(0)
        fallback._link.abort()
        await until(lambda: not served.server._fallbacks)
        await until(lambda: all(connection.over for connection in web.connections))


@both_loops
async def test_an_unreachable_fallback_closes_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async with running(fallback=closed_port()) as served, served.connected() as client:
        client.send(REQUEST)
        assert await client.expect_end() == b""
        await until(lambda: not served.server._fallbacks)
        assert "the fallback is not reached: connection refused" in messages(caplog)


@both_loops
async def test_a_fallback_that_does_not_answer_is_given_up_and_costs_little_meanwhile() -> None:
    with unanswering() as nowhere:
        async with running({"connect": 0.3}, fallback=nowhere) as served, served.connected() as client:
            client.send(*[bytes(60_000)] * 500)
            await until(lambda: served.server._fallbacks)
            (fallback,) = served.server._fallbacks
            await settle()
            assert len(fallback._first) < MIB
            assert await client.expect_end() == b""
            await until(lambda: not served.server._fallbacks)


@both_loops
async def test_both_directions_go_at_the_slower_sides_pace() -> None:
    async with target(reads=False) as web, running(fallback=web.address) as served, served.connected() as client:
        client.send(*[bytes(60_000)] * 500)
        connection = await web.connection()
        connection.transport.write(bytes(32 * MIB))
        await until(lambda: served.server._fallbacks)
        (fallback,) = served.server._fallbacks
        link = fallback._link.transport
        assert link is not None
        assert fallback._transport is not None
        await until(lambda: not link.is_reading() and link.get_write_buffer_size())
        await settle()
        assert link.get_write_buffer_size() < MIB
        assert fallback._transport.get_write_buffer_size() < MIB
        connection.transport.resume_reading()
        assert await read_exactly(client, 32 * MIB) == bytes(32 * MIB)
        await until(lambda: len(connection.received) == 500 * 60_000)


async def test_strangers_are_counted() -> None:
    async with (
        target() as web,
        running({"strangers": 2}, fallback=web.address) as served,
        served.connected() as one,
        served.connected() as two,
        served.connected() as three,
    ):
        one.send(REQUEST)
        two.send(REQUEST)
        await until(lambda: len(served.server._fallbacks) == 2)
        three.send(REQUEST)
        assert await three.expect_end() == b""
        async with served.logged_in() as user:  # strangers take no user's place
            assert await user.ask() == []


@needs_proc
@both_loops
async def test_stop_closes_what_strangers_have() -> None:
    async with target() as web:
        before = open_sockets()
        async with running(fallback=web.address) as served, served.connected() as client:
            client.send(REQUEST)
            connection = await web.connection()
            await served.server.stop()
            assert not served.server._fallbacks
            await until(lambda: connection.over)
            connection.transport.abort()
        await until(lambda: open_sockets() == before)


@both_loops
async def test_stop_does_not_wait_for_a_fallback_that_does_not_answer() -> None:
    with unanswering() as nowhere:
        async with running(fallback=nowhere) as served, served.connected() as client:
            client.send(REQUEST)
            await until(lambda: served.server._fallbacks)
            await served.server.stop()
            assert not served.server._fallbacks
