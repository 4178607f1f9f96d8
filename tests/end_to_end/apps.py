"""The apps that use the local proxy: curl, and some that say byte by byte what they want."""

import asyncio
import contextlib
import hashlib
import ipaddress
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.storage.profiles import BALANCED
from tests.end_to_end.programs import PATIENCE, Event, Program
from tests.fakes.targets import echo_target

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Fetched:
    """What curl brought. Codes: 0 fine, 97 the proxy refused, others in curl's manual under EXIT CODES."""

    code: int
    body: bytes
    complaint: str


async def curl(*arguments: str) -> Fetched:
    """Run curl, free from what the environment and its configuration say of proxies."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "--disable", "--silent", "--show-error", "--max-time", str(PATIENCE), *arguments),
        env={},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    body, complaint = await process.communicate()
    assert process.returncode is not None
    return Fetched(process.returncode, body, complaint.decode())


async def download(proxy: str, url: str, to: Path) -> str:
    """Fetch `url` into a file and return its SHA-256."""
    fetched = await curl("--proxy", proxy, "--output", str(to), url)
    assert fetched.code == 0, fetched.complaint
    return file_digest(to)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def status(proxy: str, url: str, *arguments: str) -> str:
    """The HTTP status that curl is told."""
    fetched = await curl("--proxy", proxy, "--output", "/dev/null", "--write-out", "%{http_code}", *arguments, url)
    return fetched.body.decode()


class Refused(Exception):
    """The proxy answered a SOCKS request with this code (RFC 1928 section 6)."""


def socks_address(host: str, port: int) -> bytes:
    """Host and port as SOCKS5 writes them."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return struct.pack("!BB", 3, len(host)) + host.encode() + struct.pack("!H", port)
    return bytes([1 if ip.version == 4 else 4]) + ip.packed + struct.pack("!H", port)


async def socks(port: int, command: int, host: str, at: int) -> tuple[Streams, tuple[str, int]]:
    """Ask the proxy for something; returns the connection and the address in its answer. Raises `Refused`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\5\1\0")
    assert await reader.readexactly(2) == b"\5\0"
    writer.write(bytes([5, command, 0]) + socks_address(host, at))
    _, reply, _, kind = await reader.readexactly(4)
    if kind not in (1, 4):
        raise Refused(reply)
    bound = ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16))
    (bound_port,) = struct.unpack("!H", await reader.readexactly(2))
    if reply != 0:
        writer.close()
        raise Refused(reply)
    return (reader, writer), (str(bound), bound_port)


@contextlib.asynccontextmanager
async def socks_connection(port: int, host: str, at: int) -> AsyncIterator[Streams]:
    """A connection to a target through the proxy. Raises `Refused`."""
    async with asyncio.timeout(PATIENCE):
        streams, _ = await socks(port, 1, host, at)
        try:
            yield streams
        finally:
            streams[1].close()


class UdpApp(asyncio.DatagramProtocol):
    """An app that sends datagrams through the proxy's UDP port."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, _addr: tuple[Any, ...]) -> None:
        """Keep where it came from, as SOCKS writes it, and what it is."""
        assert data[:3] == b"\0\0\0"
        end = {1: 10, 4: 22}.get(data[3]) or 7 + data[4]
        self.received.put_nowait((data[3:end], data[end:]))

    def send(self, payload: bytes, host: str, port: int) -> None:
        self.transport.sendto(b"\0\0\0" + socks_address(host, port) + payload)

    async def answer(self) -> tuple[bytes, bytes]:
        """The next datagram: where from, and what."""
        async with asyncio.timeout(PATIENCE):
            return await self.received.get()


@contextlib.asynccontextmanager
async def udp_app(port: int) -> AsyncIterator[UdpApp]:
    """An association with the proxy until the block ends."""
    (_, writer), relay = await socks(port, 3, "0.0.0.0", 0)
    transport, app = await asyncio.get_running_loop().create_datagram_endpoint(UdpApp, remote_addr=relay)
    try:
        yield app
    finally:
        transport.close()
        writer.close()
        await asyncio.sleep(0)


async def sessions_made(client: Program, port: int, ready_beside: int = BALANCED.min_idle) -> int:
    """How many sessions a client has made once there is one in use and as many beside it as are kept ready.

    Then one app after the other needs no more.
    """

    def ready(snapshot: Event) -> bool:
        return sum(session["state"] in ("idle", "warm") for session in snapshot["sessions"]) == ready_beside

    async with echo_target() as echo, socks_connection(port, *echo):
        snapshot = await client.snapshot(ready)
    return int(snapshot["sessions_made"])
