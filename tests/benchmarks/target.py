"""What the load wants to reach, in a process of its own: a source, a sink and an echo over TCP, an echo over UDP.

Prints its two ports as JSON and runs until it is stopped.
"""

import asyncio
import json
import sys
from typing import Any, cast

from app.loops import new_event_loop
from app.system.resources import raise_file_limit
from tests.benchmarks.wire import CHUNK, COMMAND, DONE, DOWN, ECHO, HOST, UP, pattern

_PATTERN = memoryview(pattern())

# All connections of a thread may receive into the same memory where reads are not pending, which is everywhere but on
# Windows; there each has its own.
_SHARED = memoryview(bytearray(CHUNK))


class Target(asyncio.BufferedProtocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = memoryview(bytearray(CHUNK)) if sys.platform == "win32" else _SHARED
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._command = b""
        self._left = 0
        self._at = 0
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=4 * CHUNK)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        data = self._buffer[:count]
        while data:
            data = self._take(data)

    def pause_writing(self) -> None:
        self._paused = True
        if self._command == ECHO and self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        if self._command == DOWN:
            self._send_pattern()
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _take(self, data: memoryview) -> memoryview:
        """Use the first bytes of `data`; returns the rest."""
        assert self._transport is not None
        if not self._left:
            missing = COMMAND.size - len(self._head)
            self._head += data[:missing]
            if len(self._head) == COMMAND.size:
                self._begin()
            return data[missing:]
        piece = data[: self._left]
        self._left -= len(piece)
        if self._command == ECHO:
            self._transport.write(bytes(piece))
        elif not self._left:
            self._transport.write(DONE)
        return data[len(piece) :]

    def _begin(self) -> None:
        assert self._transport is not None
        (self._command, self._left), self._head = COMMAND.unpack(self._head), b""
        if self._command == DOWN:
            self._at = 0
            self._send_pattern()
        elif self._command not in (UP, ECHO):
            self._transport.abort()

    def _send_pattern(self) -> None:
        assert self._transport is not None
        while self._left and not self._paused:
            piece = _PATTERN[self._at : self._at + min(CHUNK, self._left)]
            self._left -= len(piece)
            self._at = (self._at + len(piece)) % len(_PATTERN)
            self._transport.write(piece)


class UdpEcho(asyncio.DatagramProtocol):
    """Sends every datagram back."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self._transport is not None:
            self._transport.sendto(data, addr)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Target, HOST, 0, backlog=4096)
    datagrams, _ = await loop.create_datagram_endpoint(UdpEcho, (HOST, 0))
    ports = {"tcp": server.sockets[0].getsockname()[1], "udp": datagrams.get_extra_info("sockname")[1]}
    print(json.dumps(ports), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    raise_file_limit()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve())
