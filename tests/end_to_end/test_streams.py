"""Connections side by side, and connections that end in one direction before the other."""

import asyncio
import os
import random
from collections.abc import AsyncIterator

import pytest

from app.protocols.address import Address
from app.system.resources import raise_file_limit
from tests.end_to_end.apps import Streams, sessions_made, socks_connection
from tests.end_to_end.programs import Tunnel
from tests.fakes.listening import listening
from tests.fakes.targets import echo_target

CONNECTIONS = 500

# Above what one TLS record or one socket buffer takes, so that both directions have to wait for each other.
ANSWER = os.urandom(300_000)


@pytest.fixture
async def echo() -> AsyncIterator[Address]:
    async with echo_target() as address:
        yield address


async def exchange(streams: Streams, sent: bytes) -> None:
    """Send bytes to a target that repeats them, and compare."""
    reader, writer = streams
    writer.write(sent)
    assert await reader.readexactly(len(sent)) == sent


async def test_500_connections_at_once(tunnel: Tunnel, echo: Address) -> None:
    """All are open when the first one closes, and none hears a byte of another's."""
    raise_file_limit()
    all_open = asyncio.Barrier(CONNECTIONS)
    dice = random.Random(CONNECTIONS)
    sizes = [dice.randrange(1, 50_000) for _ in range(CONNECTIONS)]
    before = await tunnel.client.snapshot()

    async def one(size: int) -> None:
        async with socks_connection(tunnel.port, *echo) as streams:
            await exchange(streams, os.urandom(size))
            await all_open.wait()
            await exchange(streams, os.urandom(size))

    async with asyncio.TaskGroup() as group:
        for size in sizes:
            group.create_task(one(size))

    after = await tunnel.client.snapshot()
    assert after["up"] - before["up"] == after["down"] - before["down"] == 2 * sum(sizes)
    assert tunnel.client.states() == ["connecting", "on"]


@pytest.mark.parametrize("dialect", ["socks5", "connect"])
async def test_an_app_that_has_said_all_gets_the_whole_answer(tunnel: Tunnel, dialect: str) -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"%d:" % len(await reader.read()) + ANSWER)
        await writer.drain()

    async with listening(answer_at_the_end) as target:
        reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.port)
        if dialect == "connect":
            writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        else:
            writer.write(b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1" + target.port.to_bytes(2, "big"))
            await reader.readexactly(2 + 10)
        writer.write(ANSWER)
        writer.write_eof()
        assert await reader.read() == b"%d:" % len(ANSWER) + ANSWER
        writer.close()


async def test_a_target_that_has_said_all_goes_on_listening(tunnel: Tunnel) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def say_and_listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"that is all")
        writer.write_eof()
        heard.put_nowait(await reader.read())

    async with listening(say_and_listen) as target, socks_connection(tunnel.port, *target) as (reader, writer):
        assert await reader.read() == b"that is all"
        writer.write(ANSWER)
        writer.write_eof()
        assert await heard.get() == ANSWER


async def test_a_target_that_closes_first_is_heard_to_the_end(tunnel: Tunnel) -> None:
    async def say_and_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(ANSWER)
        await writer.drain()

    async with listening(say_and_go) as target, socks_connection(tunnel.port, *target) as (reader, writer):
        writer.write(b"give")
        assert await reader.read() == ANSWER


async def test_sessions_are_used_again(tunnel: Tunnel, echo: Address) -> None:
    before = await sessions_made(tunnel.client, tunnel.port)
    for _ in range(20):
        async with socks_connection(tunnel.port, *echo) as streams:
            await exchange(streams, b"once more")
    assert (await tunnel.client.snapshot())["sessions_made"] == before
