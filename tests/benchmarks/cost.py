"""What the hot paths cost, counted instead of timed: bytecode instructions, which are the same on every machine.

The parts are real (TLS, session, relay, local proxy), the sockets are not: what would come from them is handed over in
pieces of a fixed size. Each figure is given in records of a bare TLS relay, which copies without any protocol: so the
version of Python makes little difference.
"""

import asyncio
import gc
import os
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Final

from app.engine.local_proxy import LocalProxy, _Asking, _Login
from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings
from app.engine.session import ClientSession
from app.engine.tunnel import Tunnel
from app.protocols import anytls
from app.protocols.address import Address, encode_socks
from app.protocols.frames import PSH, SYNACK, pack
from app.protocols.padding import Padding
from app.tasks import Tasks
from app.transport.link import TlsLink
from app.transport.relay import Relay
from tests.benchmarks.way import GREETING, socks_connect
from tests.fakes import certificates
from tests.fakes.clients import UNPADDED, Keeper

RECORD: Final = 16 * 1024
MEGA: Final = 2**20

# What the reference server sends: frames of 32 KiB, each in two full records and a third of seven bytes.
_FRAME: Final = 32 * 1024
_TARGET: Final = Address("192.0.2.1", 80)


if sys.version_info >= (3, 12):

    def instructions(work: Callable[[], object]) -> int:
        """How many bytecode instructions `work` takes, in Python code of all its depth.

        By PEP 669: from Python 3.13 on a second trace of the same code sees none of them.
        """
        count, here, monitoring = 0, threading.get_ident(), sys.monitoring

        def instruction(_code: CodeType, _offset: int) -> None:
            nonlocal count
            count += threading.get_ident() == here

        monitoring.use_tool_id(monitoring.PROFILER_ID, __name__)
        try:
            monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.INSTRUCTION, instruction)
            monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.INSTRUCTION)
            work()
        finally:
            monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.NO_EVENTS)
            monitoring.free_tool_id(monitoring.PROFILER_ID)
        return count

else:

    def instructions(work: Callable[[], object]) -> int:
        """How many bytecode instructions `work` takes, in Python code of all its depth."""
        count = 0

        def trace(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal count
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            count += event == "opcode"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(before)
        return count


def garbage(work: Callable[[], object]) -> int:
    """How many objects `work` leaves behind that hold each other, and that only a collection can free."""
    was_on = gc.isenabled()  # the tests have it off: see their conftest.py
    gc.collect()
    gc.disable()
    try:
        work()
        return gc.collect()
    finally:
        if was_on:
            gc.enable()


class _Void:
    """A socket into nowhere."""

    def __init__(self, file: int) -> None:
        self._file = file

    def fileno(self) -> int:
        return self._file

    def setsockopt(self, *_what: object) -> None:
        """There is nothing to set."""


class Wire(asyncio.Transport):
    """A transport whose other end takes everything at once: its socket is a file that swallows it."""

    def __init__(self, file: int, keeps: bool = False) -> None:
        super().__init__({} if keeps else {"socket": _Void(file)})
        self.protocol: Any = None
        self.written = bytearray()
        self._closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Nobody waits for it."""

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            protocol, self.protocol = self.protocol, None
            protocol.connection_lost(None)

    abort = close


class Place:
    """A client's session whose server is here, too."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._from_client, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._server = certificates.good().context().wrap_bio(self._from_client, self._to_client, server_side=True)
        self.link = TlsLink(client_context(), server_name="server.test")
        self._wire = Wire(file, keeps=True)
        self._wire.protocol = self.link
        self.link.connection_made(self._wire)
        self._shake_hands()
        machine = anytls.Session(client=True, padding=Padding(UNPADDED), randbelow=lambda _: 0)
        server = Server("192.0.2.2", 443, "password")
        self.tunnel = Tunnel(EngineOptions((server,), pool=PoolOptions(min_idle=0)), Tasks())
        self.session = ClientSession(1, server, self.link, machine, Keeper())
        self.link.attach(self.session)

    def pool(self) -> None:
        """Leave the session to the tunnel."""
        self.session.home = self.tunnel.upstreams[0]
        self.session.home.session_free(self.session)

    def wire(self) -> Wire:
        """An app's socket."""
        return Wire(self._file)

    def records(self, *plain: bytes) -> bytes:
        """What the server sends when it writes each of these."""
        for one in plain:
            self._server.write(one)
        return self._to_client.read()

    def come(self, encrypted: bytes) -> None:
        """Let it come, in reads as large as the client takes them."""
        buffer = self.link.get_buffer(-1)
        for at in range(0, len(encrypted), len(buffer)):
            piece = encrypted[at : at + len(buffer)]
            buffer[: len(piece)] = piece
            self.link.buffer_updated(len(piece))

    def _shake_hands(self) -> None:
        while True:
            self._from_client.write(self._wire.written)
            self._wire.written.clear()
            try:
                self._server.do_handshake()
            except ssl.SSLWantReadError:
                self.come(self._to_client.read())
            else:
                self.come(self._to_client.read())
                return


@contextmanager
def place() -> Iterator[Place]:
    """A session and its surroundings, until the block ends."""
    file = os.open(os.devnull, os.O_WRONLY)
    here = Place(file)
    try:
        yield here
    finally:
        here.link.abort()
        os.close(file)


def client_context() -> ssl.SSLContext:
    """What trusts the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates.authority().pem.decode())
    return context


def bare_record() -> float:
    """Instructions that a relay without a protocol needs for one record that it decrypts and passes on."""
    with place() as here:
        encrypted = here.records(*[bytes(RECORD)] * 64)
        incoming, tls, written = here.link._incoming, here.link.tls, here.wire()

        def relay() -> None:
            for at in range(0, len(encrypted), 256 * 1024):
                incoming.write(encrypted[at : at + 256 * 1024])
                try:
                    while data := tls.read(RECORD):
                        written.write(data)
                except ssl.SSLWantReadError:
                    pass

        return instructions(relay) / 64


def down() -> float:
    """Instructions for a MiB that is downloaded."""
    with place() as here:
        relay = Relay()
        relay.adopt(here.wire())
        relay.joined(here.session.open(encode_socks(_TARGET), relay))
        here.come(here.records(pack(SYNACK, 1)))
        encrypted = here.records(*[pack(PSH, 1, bytes(_FRAME))] * (4 * MEGA // _FRAME))
        return instructions(lambda: here.come(encrypted)) / 4


def up() -> float:
    """Instructions for a MiB that is uploaded."""
    with place() as here:
        relay = Relay()
        relay.adopt(here.wire())
        relay.joined(here.session.open(encode_socks(_TARGET), relay))
        count = len(relay.get_buffer(-1))

        def send() -> None:
            for _ in range(4 * MEGA // count):
                relay.buffer_updated(count)

        return instructions(send) / (4 * MEGA // count * count / MEGA)


async def connection(count: Callable[[Callable[[], object]], int] = instructions) -> float:
    """What is counted for one connection: SOCKS5, a small request, its answer, and the app's end of it."""
    with place() as here:
        here.pool()
        proxy = LocalProxy(LocalOptions(port=0), Timings(), here.tunnel, Tasks())
        await proxy.listen()
        request, login, total = socks_connect(80), _Login(None), 40

        def one(answer: tuple[bytes, bytes]) -> None:
            wire = here.wire()
            wire.protocol = _Asking(proxy, login)
            wire.protocol.connection_made(wire)
            wire.protocol.data_received(GREETING)
            wire.protocol.data_received(request)
            wire.protocol.buffer_updated(128)
            for part in answer:
                here.come(part)
            wire.protocol.eof_received()

        def several(first: int) -> int:
            streams = range(first, first + total)
            answers = [(here.records(pack(SYNACK, it)), here.records(pack(PSH, it, bytes(128)))) for it in streams]

            def all_of_them() -> None:
                for answer in answers:
                    one(answer)

            return count(all_of_them)

        several(1)  # from now on each connection makes room for the next
        try:
            return several(1 + total) / total
        finally:
            await proxy.close()
