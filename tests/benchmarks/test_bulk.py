"""The check that goes before every measurement finds a single wrong byte, in either direction; a download that ends is
no measurement."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.benchmarks.bulk import check, download
from tests.benchmarks.programs import target
from tests.benchmarks.way import LoadFailed, Way
from tests.benchmarks.wire import CHUNK, COMMAND, HOST
from tests.fakes.listening import listening

SIZE = 5 * 1024 * 1024


@contextlib.asynccontextmanager
async def flipping(port: int, *, up_at: int | None = None, down_at: int | None = None) -> AsyncIterator[int]:
    """A relay to `port` that turns one byte's bits around, so many bytes into a direction."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at: int | None) -> None:
        count = 0
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if at is not None and count <= at < count + len(data):
                    changed = bytearray(data)
                    changed[at - count] ^= 0xFF
                    data = bytes(changed)
                count += len(data)
                writer.write(data)
                await writer.drain()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, port)
        await asyncio.gather(copy(reader, back, up_at), copy(there, writer, down_at))

    async with listening(relay) as address:
        yield address.port


async def through(folder: Path, **flips: int) -> None:
    with target(folder) as ports:
        async with flipping(ports["tcp"], **flips) as port:
            await asyncio.to_thread(check, Way(port, ports["udp"]), SIZE)


async def test_what_arrives_whole_is_sound(tmp_path: Path) -> None:
    await through(tmp_path)


async def test_a_wrong_byte_of_a_download_is_found(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="download"):
        await through(tmp_path, down_at=SIZE - 1)


async def test_a_wrong_byte_of_an_upload_is_found(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="upload"):
        await through(tmp_path, up_at=SIZE // 2)


async def test_a_download_does_not_wait_for_its_slowest_stream() -> None:
    slow: list[asyncio.StreamReader] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slow[:] = slow or [reader]
        with contextlib.closing(writer):
            while True:
                _, size = COMMAND.unpack(await reader.readexactly(COMMAND.size))
                if reader in slow and size > 64 * 1024:
                    await reader.read()
                writer.write(bytes(size))
                await writer.drain()

    async with listening(serve) as address:
        found = await asyncio.to_thread(download, Way(address.port, 1), SIZE, 3)
    assert found["rate"] > 0


async def test_a_download_that_ends_early_is_found() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.readexactly(COMMAND.size)
            writer.write(bytes(64 * 1024))
            await reader.readexactly(COMMAND.size)
            await writer.drain()

    async with listening(leave) as address:
        with pytest.raises(LoadFailed, match="ended"):
            await asyncio.to_thread(download, Way(address.port, 1), SIZE, 2)
