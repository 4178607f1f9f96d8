"""The server's side of UDP over TCP, versions 1 and 2: a stream of packets in and out of datagram sockets."""

import asyncio
import logging
import socket
from collections import OrderedDict
from typing import Any, Final

from app.errors import Failure
from app.protocols import uot
from app.protocols.address import Address, BadAddress, ip_or_none
from app.protocols.anytls import Sink
from app.server.session import ServerSession
from app.tasks import Tasks
from app.transport.session import plain_reason
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.server")

# Packets that wait for a name to be resolved or a socket to be opened: what one client sends in one round trip.
_MAX_WAITING: Final = 64

# Names that one association has used, with their addresses.
_MAX_NAMES: Final = 64

Packet = tuple[Address | None, bytes]


class UdpTarget(Consumer):
    """A stream that carries datagrams."""

    def __init__(self, stream: Stream, session: ServerSession, version: int, tasks: Tasks) -> None:
        self._stream = stream
        self._session = session
        self._tasks = tasks
        self._request_reader = uot.RequestReader() if version == 2 else None
        self._packets: uot.PacketReader | None = None if version == 2 else uot.PacketReader(False)
        self._pieces: list[memoryview] = []
        self._waiting: list[Packet] = []
        self._sockets: dict[int, asyncio.DatagramTransport] = {}
        self._connected: asyncio.DatagramTransport | None = None
        self._names: OrderedDict[Address, tuple[Any, ...]] = OrderedDict()
        self._sending = False
        self._ready = False
        self._held = False
        self._over = False

    def start(self, first: bytes) -> None:
        """Take over the stream with what has come for it."""
        self._stream.session.machine.attach(self._stream.id, self.sink)
        self._stream.consumer = self
        if self._packets is not None:
            self._tasks.start(self._open(None), "UDP")
        self._take(first)

    @property
    def sink(self) -> Sink:
        return self._pieces.append

    def flush(self) -> None:
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._stream.count_received(len(data))
            self._take(data)

    def accepted(self) -> None:
        """A server's streams are not accepted by their client."""

    def ended(self) -> None:
        self._stream.close()
        self.closed(None)

    def closed(self, error: Failure | None) -> None:
        self._over = True
        for transport in (*self._sockets.values(), self._connected):
            if transport is not None:
                transport.close()

    def hold(self) -> None:
        self._held = True

    def release(self) -> None:
        self._held = False

    def deliver(self, data: bytes, source: tuple[Any, ...]) -> None:
        """A datagram for the client; dropped while it reads too slowly."""
        if self._over or self._held:
            return
        try:
            address = None if self._connected is not None else Address(source[0].partition("%")[0], source[1])
            self._stream.send(uot.packet(data, address))
        except (uot.BadUot, BadAddress) as error:
            _log.info("stream %d: a datagram was dropped: %s", self._stream.id, error)

    # ---- inside

    def _take(self, data: bytes) -> None:
        try:
            if self._packets is None:
                data = self._read_request(data)
            if self._packets is not None:
                self._pass_on(self._packets.feed(data))
        except (uot.BadUot, BadAddress) as error:
            _log.info("stream %d: no UDP over TCP: %s", self._stream.id, error)
            self._session.accept(self._stream, f"bad request: {error}")
            self.closed(None)

    def _read_request(self, data: bytes) -> bytes:
        assert self._request_reader is not None
        found = self._request_reader.feed(data)
        if found is None:
            return b""
        request, rest = found
        self._packets = uot.PacketReader(request.connect)
        self._tasks.start(self._open(request.destination if request.connect else None), "UDP")
        return rest

    def _pass_on(self, packets: list[Packet]) -> None:
        self._waiting += packets[: max(0, _MAX_WAITING - len(self._waiting))]
        if self._ready and self._waiting and not self._sending:
            self._sending = True
            self._tasks.start(self._send_waiting(), "UDP names")

    async def _open(self, destination: Address | None) -> None:
        try:
            if destination is not None:
                self._connected = await self._endpoint(remote_addr=tuple(destination))
        except (OSError, UnicodeError) as error:
            self._session.accept(self._stream, f"connect udp {destination}: {plain_reason(error)}")
            self.closed(None)
            return
        if self._over:
            self.closed(None)
            return
        self._ready = True
        self._session.accept(self._stream)
        self._pass_on([])

    async def _send_waiting(self) -> None:
        try:
            while self._waiting and not self._over:
                destination, data = self._waiting.pop(0)
                if self._connected is not None:
                    self._connected.sendto(data)
                elif destination is not None:
                    await self._send_to(destination, data)
        finally:
            self._sending = False

    async def _send_to(self, destination: Address, data: bytes) -> None:
        try:
            family, address = await self._resolved(destination)
            transport = self._sockets.get(family)
            if transport is None:
                anywhere = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104 (replies come from anywhere)
                transport = self._sockets[family] = await self._endpoint(local_addr=(anywhere, 0))
            transport.sendto(data, address)
        except (OSError, UnicodeError) as error:
            _log.info("stream %d: a datagram was dropped: %s", self._stream.id, plain_reason(error))

    async def _resolved(self, destination: Address) -> tuple[int, tuple[Any, ...]]:
        ip = ip_or_none(destination.host)
        if ip is not None:
            return (socket.AF_INET6 if ip.version == 6 else socket.AF_INET), tuple(destination)
        known = self._names.get(destination)
        if known is None:
            infos = await asyncio.get_running_loop().getaddrinfo(*destination, type=socket.SOCK_DGRAM)
            known = self._names[destination] = (infos[0][0], infos[0][4])
            if len(self._names) > _MAX_NAMES:
                self._names.popitem(last=False)
        return known[0], known[1]

    async def _endpoint(self, **where: Any) -> asyncio.DatagramTransport:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Datagrams(self), **where)
        return transport


class _Datagrams(asyncio.DatagramProtocol):
    """A datagram socket's events. Errors are ICMP's words about one datagram and end nothing."""

    def __init__(self, target: UdpTarget) -> None:
        self._target = target

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._target.deliver(data, addr)
