"""A client that sends bytes as they are given and reads frames by its own hand, and the server that it talks to."""

import asyncio
import contextlib
import functools
import hashlib
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.protocols.address import Address
from app.server.certificate import make_context, self_signed
from app.server.options import Limits, ServerOptions
from app.server.server import Server
from app.server.session import ServerSession
from tests.fakes.waiting import PATIENCE

WASTE, SYN, PSH, FIN, SETTINGS, ALERT, UPDATE_PADDING, SYNACK = range(8)
HEART_REQUEST, HEART_RESPONSE, SERVER_SETTINGS = 8, 9, 10
END = 200

USERS = {"alice": "testpw", "bob": "b\u00fcro geheim"}
DEFAULT_MD5 = b"75cff2ad89aadf5e257059ee571ebe11"  # PROTOCOL.md §1.4

Frame = tuple[int, int, bytes]


def frame(command: int, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">BIH", command, stream, len(payload)) + payload


def login(password: str = "testpw", padding: int = 30) -> bytes:
    return hashlib.sha256(password.encode()).digest() + struct.pack(">H", padding) + bytes(padding)


def settings(version: int = 2, *more: bytes) -> bytes:
    lines = (b"v=%d" % version, b"client=raw/1", b"padding-md5=" + DEFAULT_MD5, *more)
    return frame(SETTINGS, 0, b"\n".join(lines))


HALF_CLOSE = b"end=1"


def ipv4(address: Address) -> bytes:
    return b"\x01" + bytes(map(int, address.host.split("."))) + struct.pack(">H", address.port)


def domain(name: str, port: int) -> bytes:
    return bytes((3, len(name))) + name.encode() + struct.pack(">H", port)


def opening(stream: int, address: bytes) -> bytes:
    """The frames that open a stream."""
    return frame(SYN, stream) + frame(PSH, stream, address)


class RawClient:
    """One TLS connection to a server. Every buffer that is sent is one TLS record, if it fits one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *records: bytes) -> None:
        for record in records:
            self.writer.write(record)

    async def frame(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(PATIENCE):
            command, stream, length = struct.unpack(">BIH", await self.reader.readexactly(7))
            return command, stream, await self.reader.readexactly(length)

    async def expect(self, command: int, stream: int = 0, payload: bytes | None = b"") -> bytes:
        """The next frame, which has to be this one; None takes any payload."""
        found = await self.frame()
        assert found[:2] == (command, stream), f"{found} came where command {command} of stream {stream} was due"
        assert payload is None or found[2] == payload, found
        return found[2]

    async def expect_payload(self, stream: int, payload: bytes) -> None:
        """Payload in as many frames as it takes."""
        received = bytearray()
        while len(received) < len(payload):
            received += await self.expect(PSH, stream, None)
        assert received == payload

    async def expect_end(self) -> bytes:
        """The connection's end, and what came before it."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(-1)
            except ConnectionError:  # what was not read yet makes a close a reset
                return b""

    async def ask(self, *records: bytes) -> list[Frame]:
        """Send, wait until the server has dealt with it, and return what it said: its heartbeat's answer comes last."""
        self.send(*records, frame(HEART_REQUEST))
        answers = []
        while (answer := await self.frame()) != (HEART_RESPONSE, 0, b""):
            answers.append(answer)
        return answers

    async def close(self) -> None:
        """Say goodbye."""
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.writer.wait_closed()

    async def abort(self) -> None:
        """Be gone without a goodbye."""
        self.writer.transport.abort()
        await asyncio.sleep(0)


@functools.cache
def server_context() -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(b"".join(self_signed("localhost", datetime.now(UTC))))
        return make_context(str(path), str(path))


@functools.cache
def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@dataclass
class Running:
    """A server and where it listens."""

    server: Server
    address: Address

    @property
    def session(self) -> ServerSession:
        """The only session."""
        (session,) = self.server.sessions
        return session

    @property
    def transport(self) -> asyncio.Transport:
        """The only session's end of its TCP connection."""
        assert self.session.link.transport is not None
        return self.session.link.transport

    @property
    def reading(self) -> bool:
        """Whether the only session is read."""
        return self.transport.is_reading()

    @property
    def unsent(self) -> int:
        """Bytes that the only session's client has not taken."""
        return self.transport.get_write_buffer_size()

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[RawClient]:
        """A client that has done nothing but the TLS handshake."""
        client = RawClient(*await asyncio.open_connection(*self.address, ssl=client_context()))
        try:
            yield client
        finally:
            await client.abort()

    @contextlib.asynccontextmanager
    async def logged_in(self, *more_settings: bytes, version: int = 2) -> AsyncIterator[RawClient]:
        """A client whose settings have been answered."""
        async with self.connected() as client:
            client.send(login(), settings(version, *more_settings))
            if version >= 2:
                await client.expect(SERVER_SETTINGS, 0, b"\n".join((b"v=2", *more_settings)))
            yield client

    @contextlib.asynccontextmanager
    async def streaming(self, target: Address, *more_settings: bytes, version: int = 2) -> AsyncIterator[RawClient]:
        """A client whose stream 1 has reached `target`."""
        async with self.logged_in(*more_settings, version=version) as client:
            client.send(opening(1, ipv4(target)))
            if version >= 2:
                await client.expect(SYNACK, 1)
            yield client


@contextlib.asynccontextmanager
async def running(limits: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Running]:
    """A server, stopped with the block."""
    options = {"users": USERS, "limits": Limits(**(limits or {})), **options}
    server = Server(ServerOptions(**options), server_context())
    address = await server.start()
    try:
        yield Running(server, address)
    finally:
        await server.stop()
