"""Where streams lead in these tests: a target whose every connection the test holds in its hand."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from app.protocols.address import Address
from tests.fakes.waiting import PATIENCE, settle

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sockets are counted as Linux shows them")


class Connection(asyncio.Protocol):
    """A target's end of one connection."""

    def __init__(self, target: "Target") -> None:
        self._target = target
        self.received = bytearray()
        self.ended = False
        self.lost = False
        self.error: Exception | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self.ended or self.lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._target.accepted.put_nowait(self)
        self._target.connections.append(self)
        if not self._target.reads:  # uvloop begins to read after this, whatever it is told here
            asyncio.get_running_loop().call_soon(self.transport.pause_reading)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self._target.echoes:
            self.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.error = error


class Target:
    """A listening target. `reads` and `echoes` say what it does with what it is sent."""

    def __init__(self, *, reads: bool, echoes: bool) -> None:
        self.reads = reads
        self.echoes = echoes
        self.accepted: asyncio.Queue[Connection] = asyncio.Queue()
        self.connections: list[Connection] = []
        self.address = Address("", 0)

    async def connection(self) -> Connection:
        """The next connection."""
        async with asyncio.timeout(PATIENCE):
            return await self.accepted.get()


@contextlib.asynccontextmanager
async def target(*, reads: bool = True, echoes: bool = False) -> AsyncIterator[Target]:
    """A target on loopback until the block ends."""
    held = Target(reads=reads, echoes=echoes)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(held), "127.0.0.1", 0)
    held.address = Address(*server.sockets[0].getsockname()[:2])
    try:
        yield held
    finally:
        await settle(3)  # asyncio of Python 3.11 forgets, open, a socket that is accepted as its server is closed
        server.close()
        for connection in held.connections:
            connection.transport.abort()
        await asyncio.sleep(0)


@contextlib.contextmanager
def udp_socket(family: int = socket.AF_INET, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A datagram socket that a test reads with the loop's `sock_recvfrom`."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((host, 0))
        yield sock


def open_sockets() -> int:
    """How many sockets this process holds."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the folder's own descriptor is gone by now
            found += entry.readlink().name.startswith("socket:")
    return found
