"""The long way takes what it says: half a round trip each way, and a whole one more for the first bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.benchmarks import delay
from tests.benchmarks.wire import HOST
from tests.fakes.listening import listening


@asynccontextmanager
async def long_way() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)

    async with listening(echo) as target:
        server = await asyncio.get_running_loop().create_server(lambda: delay._Near(target.port), HOST, 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            server.close()
            writer.close()
            await writer.wait_closed()


async def test_the_first_answer_takes_two_round_trips_and_the_next_one_at_the_least() -> None:
    loop = asyncio.get_running_loop()
    async with long_way() as (reader, writer):
        for trips in (2, 1, 1):
            before = loop.time()
            writer.write(b"question")
            assert await reader.readexactly(8) == b"question"
            assert loop.time() - before >= (trips - 0.05) * delay.ROUND_TRIP, "it came sooner than it can"


async def test_nothing_is_lost_or_overtakes() -> None:
    async with long_way() as (reader, writer):
        for number in range(200):
            writer.write(f"{number:04}".encode())
            await asyncio.sleep(0)
        assert await reader.readexactly(800) == b"".join(f"{number:04}".encode() for number in range(200))


async def test_an_end_is_passed_on() -> None:
    async with long_way() as (reader, writer):
        writer.write(b"last")
        assert await reader.readexactly(4) == b"last"
        writer.write_eof()
        assert await reader.read() == b""
