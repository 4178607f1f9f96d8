"""What is sent arrives unchanged, whoever uses its memory again, and a socket that is gone is told by its transport."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest

from app.transport import sending
from app.transport.sending import Sender
from tests.fakes.listening import reset
from tests.fakes.loops import both_loops
from tests.fakes.waiting import settle, until

MIB = 1024 * 1024


class End(asyncio.Protocol):
    """A socket with its transport, which hears of the pace and of the end."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.full = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False

    def connection_lost(self, _exc: Exception | None) -> None:
        self.lost = True


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[Sender, End, asyncio.StreamReader, asyncio.StreamWriter]]:
    end = End()
    listener = await asyncio.get_running_loop().create_server(lambda: end, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    listener.close()
    await until(lambda: hasattr(end, "transport"))
    try:
        yield Sender(end.transport), end, reader, writer
    finally:
        writer.transport.abort()
        end.transport.abort()
        await settle(2)


@both_loops
@pytest.mark.parametrize("direct", [True, False])
async def test_memory_that_is_used_again_reaches_a_slow_reader_as_it_was(
    direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not direct:
        monkeypatch.setattr(sending, "_DIRECT", False)
    data = random.Random(1).randbytes(12 * MIB)
    async with connected() as (sender, end, reader, _):

        async def pour() -> None:
            memory = bytearray(MIB)
            view = memoryview(memory)
            for at in range(0, len(data), MIB):
                memory[:] = data[at : at + MIB]
                sender.send_pieces([view[:5], view[5:100_000], view[100_000:900_001]])
                sender.send(bytes(view[900_001:]))
                while end.full:
                    await asyncio.sleep(0)
            end.transport.write_eof()

        pouring = asyncio.create_task(pour())
        received = bytearray()
        while chunk := await reader.read(70_001):
            received += chunk
            await asyncio.sleep(0)
        await pouring
    assert received == data


@both_loops
async def test_what_is_sent_comes_behind_what_the_transport_still_has() -> None:
    async with connected() as (sender, end, reader, _):
        first = random.Random(2).randbytes(8 * MIB)
        end.transport.write(first)
        assert end.transport.get_write_buffer_size()
        sender.send(b"second")
        sender.send_pieces([memoryview(b"thi"), memoryview(b"rd")])
        end.transport.write_eof()
        assert await reader.read(-1) == first + b"secondthird"


@both_loops
async def test_both_ways_of_sending_keep_their_order() -> None:
    async with connected() as (sender, end, reader, _):
        for number in range(300):
            [end.transport.write, sender.send][number % 2](f"{number:04}".encode())
            if not number % 7:
                await asyncio.sleep(0)
        assert await reader.readexactly(1200) == b"".join(f"{number:04}".encode() for number in range(300))


@both_loops
async def test_a_connection_that_is_gone_is_told_by_the_transport() -> None:
    async with connected() as (sender, end, _, writer):
        reset(writer)
        while not end.lost:
            sender.send_pieces([memoryview(b"into the void")])
            sender.send(b"and again")
            await asyncio.sleep(0)
        assert end.transport.is_closing()


@both_loops
async def test_nothing_is_written_to_a_number_that_has_become_anothers() -> None:
    async with connected() as (sender, end, _, _):
        number = end.transport.get_extra_info("socket").fileno()
        end.transport.abort()
        await until(lambda: end.lost)
        held: list[socket.socket] = []
        while not held or held[-1].fileno() < number:
            held += socket.socketpair()
        sender.send(b"not for you")
        sender.send_pieces([memoryview(b"nor this")])
        for one in held:
            one.setblocking(False)
            with pytest.raises(BlockingIOError):
                one.recv(1)
        for one in held:
            one.close()
