"""AnyTLS servers that follow a script, frame by frame, for all that a well-behaved server does not do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from app.engine.options import Server, TlsOptions, Verification
from app.protocols.address import Address, decode_socks
from app.protocols.frames import (
    END,
    FIN,
    HEADER,
    HEADER_SIZE,
    HEART_REQUEST,
    HEART_RESPONSE,
    PSH,
    SERVER_SETTINGS,
    SETTINGS,
    SYN,
    SYNACK,
    WASTE,
    pack,
)
from tests.fakes import certificates
from tests.fakes.listening import listening, reset

PASSWORD = "letmein"

Frame = tuple[int, int, bytes]
Script = Callable[["Peer"], Awaitable[None]]


@dataclass
class Peer:
    """The server's end of one connection. Its script reads frames and sends what it likes."""

    number: int
    """Which connection this is, from 1."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    settings: dict[str, str] = field(default_factory=dict)
    """What the client said of itself."""
    frames: list[Frame] = field(default_factory=list)
    """All that was read so far, without padding."""

    async def log_in(self) -> bytes:
        """Read the login; returns the password's hash."""
        hashed = await self.reader.readexactly(32)
        await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(2), "big"))
        return hashed

    async def frame(self) -> Frame:
        """The next frame that is not padding."""
        while True:
            command, stream_id, length = HEADER.unpack(await self.reader.readexactly(HEADER_SIZE))
            payload = await self.reader.readexactly(length)
            if command != WASTE:
                self.frames.append((command, stream_id, payload))
                return self.frames[-1]

    async def expect(self, command: int) -> tuple[int, bytes]:
        """The next frame, which has to be this one; returns stream and payload."""
        found, stream_id, payload = await self.frame()
        assert found == command, f"command {found} came where {command} was due"
        return stream_id, payload

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def greet(self, version: int = 2, *, half_close: bool = False) -> None:
        """Read login and settings, and answer as a server of this version does."""
        await self.log_in()
        _, payload = await self.expect(SETTINGS)
        self.settings = dict(line.split("=", 1) for line in payload.decode().split("\n"))
        if version >= 2:
            self.send(pack(SERVER_SETTINGS, 0, f"v={version}".encode() + (b"\nend=1" if half_close else b"")))

    async def opened(self) -> tuple[int, Address]:
        """The next stream that the client opens, and where it wants to go."""
        stream_id, _ = await self.expect(SYN)
        same_id, payload = await self.expect(PSH)
        assert same_id == stream_id
        found = decode_socks(payload)
        assert found is not None
        assert found[1] == len(payload), "the address has to be alone in its frame"
        return stream_id, found[0]

    async def left(self) -> None:
        """Read until the client is gone."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(64 * 1024):
                pass

    def reset(self) -> None:
        """End the connection as one that nobody knows any more ends."""
        reset(self.writer)


@dataclass
class Scripted:
    """Where a script is played, and to whom."""

    address: Address
    peers: list[Peer] = field(default_factory=list)

    @property
    def server(self) -> Server:
        return server_at(self.address)


def server_at(address: Address, **tls: Any) -> Server:
    """How the engine is told of a server that shows `certificates.good`."""
    if not tls:
        tls = {"verification": Verification.PIN, "certificate_pin": certificates.good().pin}
    return Server(address.host, address.port, PASSWORD, TlsOptions(**tls))


@contextlib.asynccontextmanager
async def scripted(script: Script, *, port: int = 0) -> AsyncIterator[Scripted]:
    """Play `script` to each client, over TLS, until the block ends. When a script ends its connection is closed."""
    peers: list[Peer] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(len(peers) + 1, reader, writer)
        peers.append(peer)
        await script(peer)

    async with listening(play, port=port, context=certificates.good().context()) as address:
        yield Scripted(address, peers)


# ---- scripts


async def echo(peer: Peer, version: int = 2, *, half_close: bool = False) -> None:
    """A small server whose targets repeat what they are told; it tells no outcome in version 1."""
    await peer.greet(version, half_close=half_close)
    fresh: set[int] = set()
    while True:
        command, stream_id, payload = await peer.frame()
        if command == SYN:
            fresh.add(stream_id)
        elif command == PSH and stream_id in fresh:
            fresh.discard(stream_id)
            if version >= 2:
                peer.send(pack(SYNACK, stream_id))
        elif command == PSH:
            peer.send(pack(PSH, stream_id, payload))
        elif command == END:
            peer.send(pack(END, stream_id))
        elif command == HEART_REQUEST and version >= 2:
            peer.send(pack(HEART_RESPONSE))
        else:
            assert command in (FIN, HEART_REQUEST, HEART_RESPONSE)


async def echo_v1(peer: Peer) -> None:
    """The same, as servers of version 1 do it."""
    await echo(peer, 1)


async def wrong_password(peer: Peer) -> None:
    """Close without a word, as the reference server does."""
    await peer.log_in()


async def mute(peer: Peer) -> None:
    """Take everything and never say a word."""
    await peer.left()


async def answer_http(peer: Peer) -> None:
    """What a web server makes of a login."""
    await peer.reader.read(1)
    peer.writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await peer.left()
