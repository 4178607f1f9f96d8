"""Where streams lead: small servers on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from app.protocols.address import Address
from tests.fakes.listening import listening


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def echo_target() -> contextlib.AbstractAsyncContextManager[Address]:
    """Repeats what it is told, and ends when its client ends."""
    return listening(_echo)


async def _answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.read(-1)
    writer.write(b"got " + request)
    await writer.drain()


def late_target() -> contextlib.AbstractAsyncContextManager[Address]:
    """Answers only when its client has ended its sending side, as protocols with half-close do."""
    return listening(_answer_at_the_end)


class _UdpEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.transport.sendto(data, addr)


@contextlib.asynccontextmanager
async def udp_echo_target() -> AsyncIterator[Address]:
    """Sends every datagram back."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_UdpEcho, local_addr=("127.0.0.1", 0))
    try:
        yield Address(*transport.get_extra_info("sockname")[:2])
    finally:
        transport.close()
        await asyncio.sleep(0)
