"""A local proxy whose clock the test turns, and apps that tell it byte by byte what they want."""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.engine.local_proxy import LocalProxy
from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings
from app.engine.session import ClientSession
from app.engine.snapshot import Snapshot, take_snapshot
from app.engine.stages import OnStage, unheard
from app.engine.tunnel import Tunnel
from app.protocols.address import Address, encode_socks
from app.tasks import Tasks
from tests.fakes.listening import reset
from tests.fakes.waiting import PATIENCE

# What cannot be had is not tried again.
IMPATIENT = Timings(give_up=0.0)

NONE_READY = PoolOptions(min_idle=0)


@dataclass
class Proxy:
    """A running local proxy with all that it stands on. Nothing ticks unless the test says so."""

    local: LocalProxy
    tunnel: Tunnel
    address: Address
    log: list[str]
    """What was logged so far, from the level "info" on."""

    def snapshot(self) -> Snapshot:
        return take_snapshot([self.tunnel], self.local.connections)

    def later(self, seconds: float) -> None:
        """Let the proxy believe that so much time has passed."""
        self.local.tick(asyncio.get_running_loop().time() + seconds)


@contextlib.asynccontextmanager
async def serving(
    *servers: Server, timings: Timings = IMPATIENT, pool: PoolOptions = NONE_READY, **local: Any
) -> AsyncIterator[Proxy]:
    """Serve apps until the block ends. A traceback in the log fails the test."""
    options = EngineOptions(servers, pool=pool, local=LocalOptions(**{"port": 0, **local}), timings=timings)
    tasks = Tasks()
    tunnel = Tunnel(options, tasks)
    proxy = LocalProxy(options.local, timings, tunnel, tasks)
    await tunnel.prepare()
    with logged() as log:
        address = await proxy.listen()
        try:
            yield Proxy(proxy, tunnel, address, log)
        finally:
            await proxy.close()
            await tasks.close()
            await tunnel.close()


@contextlib.contextmanager
def logged() -> Iterator[list[str]]:
    """Gather what is logged; after the block no traceback may be in it."""
    gatherer = _Gatherer()
    ours = logging.getLogger("anytls")
    level = ours.level
    ours.setLevel(logging.INFO)
    logging.getLogger().addHandler(gatherer)
    try:
        yield gatherer.messages
    finally:
        logging.getLogger().removeHandler(gatherer)
        ours.setLevel(level)
    assert not gatherer.tracebacks


class _Gatherer(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []
        self.tracebacks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("anytls"):
            self.messages.append(record.getMessage())
        if record.exc_info:
            self.tracebacks.append(self.format(record))


class App:
    """One connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def expect(self, data: bytes) -> None:
        """This comes next."""
        async with asyncio.timeout(PATIENCE):
            try:
                assert await self.reader.readexactly(len(data)) == data
            except asyncio.IncompleteReadError as error:
                raise AssertionError(f"only {error.partial!r} came") from None

    async def rest(self) -> bytes:
        """All that comes until an orderly end."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def was_reset(self) -> bool:
        """Whether the connection ends with a reset; what comes before is passed over."""
        try:
            await self.rest()
        except ConnectionResetError:
            return True
        return False

    @property
    def heard(self) -> bytes:
        """What has come and was not read yet."""
        return bytes(self.reader._buffer)  # type: ignore[attr-defined]  # a look that takes nothing away

    def reset(self) -> None:
        """Go away without a word."""
        reset(self.writer)


@contextlib.asynccontextmanager
async def app(proxy: Proxy, *, small: bool = False) -> AsyncIterator[App]:
    """Connect to the proxy; `small` leaves little room for what the app does not read."""
    sock = socket.socket(socket.AF_INET6 if ":" in proxy.address.host else socket.AF_INET)
    if small:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, tuple(proxy.address))
    except OSError:
        sock.close()
        raise
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        yield App(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


# ---- the ways to ask for a connection: what is sent, and what is answered where all is well


def socks4(target: Address) -> bytes:
    return b"\4\1" + struct.pack("!H", target.port) + socket.inet_aton(target.host) + b"somebody\0"


def socks4a(target: Address) -> bytes:
    return b"\4\1" + struct.pack("!H", target.port) + b"\0\0\0\1somebody\0" + target.host.encode() + b"\0"


def socks5(target: Address, command: int = 1) -> bytes:
    return b"\5\1\0\5" + bytes((command, 0)) + encode_socks(target)


def connect(target: Address) -> bytes:
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()


GRANTED4 = b"\0\x5a" + bytes(6)
GRANTED5 = b"\5\0\5\0\0\1" + bytes(6)
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"

DIALECTS: dict[str, tuple[Callable[[Address], bytes], bytes]] = {
    "socks4": (socks4, GRANTED4),
    "socks4a": (socks4a, GRANTED4),
    "socks5": (socks5, GRANTED5),
    "connect": (connect, CONNECTED),
}


@contextlib.contextmanager
def slow_dialling(proxy: Proxy) -> Iterator[asyncio.Event]:
    """Let no session be made before the event is set."""
    upstream = proxy.tunnel.upstreams[0]
    dial, may_dial = upstream.dial, asyncio.Event()

    async def slow(on_stage: OnStage = unheard) -> ClientSession:
        await may_dial.wait()
        return await dial(on_stage)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upstream, "dial", slow)
        yield may_dial


def descriptors() -> int:
    """How many descriptors this process holds."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
