"""The server's side of UDP over TCP, versions 1 and 2: a stream of packets in and out of datagram sockets."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from app.errors import Failure
from app.protocols import uot
from app.protocols.address import Address, BadAddress, ip_or_none
from app.protocols.streams import Sink
from app.server.session import Host, ServerSession
from app.transport.session import plain_reason
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.server")

# Packets that wait for a name to be resolved or a socket to be opened: what one client sends in one round trip.
_MAX_WAITING: Final = 64

# Destinations whose socket and address are remembered; one more costs another lookup.
_MAX_ROUTES: Final = 256

Route = tuple[socket.socket, Any]
"""A socket and the address to send to, None where it is connected to it."""


class UdpTarget(Consumer):
    """A stream that carries datagrams. Where there is no room for one it is dropped, as datagrams are."""

    def __init__(self, session: ServerSession, stream: Stream, host: Host, version: int) -> None:
        self._session = session
        self._stream = stream
        self._host = host
        self._request_reader = uot.RequestReader() if version == 2 else None
        self._packets: uot.PacketReader | None = None
        self._connected = False
        self._pieces: list[memoryview] = []
        self._waiting: deque[tuple[Address | None, bytes]] = deque()
        self._routes: dict[Address | None, Route] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._transports: set[asyncio.BaseTransport] = set()
        self._busy = False
        self._held = False
        self._over = False

    def start(self, first: bytes) -> None:
        """Take over the stream with what has come for it."""
        self._session.targets.add(self)
        self._stream.consumer = self
        if not self._stream.closed:
            self._session.machine.attach(self._stream.id, self.sink)
        if self._request_reader is None:
            self._open_for_all()
        self._take(first)

    def abort(self) -> None:
        """Close it at once."""
        self._waiting.clear()
        self.closed(None)

    # ---- the stream's side

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
        if error is not None:
            self._waiting.clear()
        self._leave()

    def hold(self) -> None:
        self._held = True

    def release(self) -> None:
        self._held = False

    # ---- the sockets' side

    def opened(self, transport: asyncio.BaseTransport) -> None:
        self._transports.add(transport)

    def lost(self, transport: asyncio.BaseTransport) -> None:
        self._transports.discard(transport)
        self._leave()

    def deliver(self, data: bytes, source: tuple[Any, ...]) -> None:
        """A datagram for the client; dropped while it reads too slowly."""
        if self._over or self._held:
            return
        try:
            address = None if self._connected else Address(source[0].partition("%")[0], source[1])
            self._stream.send(uot.packet(data, address))
        except (uot.BadUot, BadAddress) as error:
            _log.debug("stream %d: a datagram was dropped: %s", self._stream.id, error)

    # ---- what the client sends

    def _take(self, data: bytes) -> None:
        try:
            if self._packets is None:
                data = self._read_request(data)
            if self._packets is not None:
                self._pass_on(self._packets.feed(data))
        except (uot.BadUot, BadAddress) as error:
            _log.debug("stream %d: no UDP over TCP: %s", self._stream.id, error)
            if self._packets is None:
                self._session.accept(self._stream, f"bad request: {error}")
            else:
                self._stream.close()
            self.closed(None)

    def _read_request(self, data: bytes) -> bytes:
        assert self._request_reader is not None
        found = self._request_reader.feed(data)
        if found is None:
            return b""
        request, rest = found
        if request.connect:
            self._connected = True
            self._packets = uot.PacketReader(True)
            self._start(lambda: self._open(request.destination))
        else:
            self._open_for_all()
        return rest

    def _open_for_all(self) -> None:
        self._packets = uot.PacketReader(False)
        self._session.accept(self._stream)

    def _pass_on(self, packets: list[tuple[Address | None, bytes]]) -> None:
        for destination, data in packets:
            route = self._known(destination)
            if route is not None:
                self._send(route, data)
            elif len(self._waiting) < _MAX_WAITING:
                self._waiting.append((destination, data))
        self._go_on()

    def _known(self, destination: Address | None) -> Route | None:
        route = self._routes.get(destination)
        if route is None and destination is not None:
            family, address = _literal(destination)
            if family in self._sockets:
                route = self._remember(destination, (self._sockets[family], address))
        return route

    def _remember(self, destination: Address | None, route: Route) -> Route:
        if len(self._routes) >= _MAX_ROUTES:
            del self._routes[next(iter(self._routes))]
        self._routes[destination] = route
        return route

    def _send(self, route: Route, data: bytes) -> None:
        sock, address = route
        try:
            # Not through the transport: it drops empty datagrams before Python 3.13, and it has a queue.
            if address is None:
                sock.send(data)
            else:
                sock.sendto(data, address)
        except OSError as error:
            _log.debug("stream %d: a datagram was dropped: %s", self._stream.id, plain_reason(error))

    # ---- what takes time, one thing after the other

    def _go_on(self) -> None:
        if self._waiting and not self._busy:
            self._start(self._send_waiting)

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._busy = True
        task = self._host.tasks.start(work(), f"UDP of stream {self._stream.id}")
        task.add_done_callback(self._rested)

    def _rested(self, task: asyncio.Task[Any]) -> None:
        self._busy = False
        if task.cancelled():
            self._waiting.clear()
        self._go_on()
        self._leave()

    async def _open(self, destination: Address) -> None:
        try:
            family, address = await self._resolve(destination)
            self._remember(None, (await self._socket(family, address), None))
        except (OSError, UnicodeError) as error:
            self._session.accept(self._stream, f"connect udp {destination}: {plain_reason(error)}")
            self.abort()
        else:
            self._session.accept(self._stream)

    async def _send_waiting(self) -> None:
        while self._waiting:
            destination, data = self._waiting.popleft()
            route = self._known(destination)
            try:
                if route is None and destination is not None:
                    route = await self._find(destination)
            except (OSError, UnicodeError) as error:
                _log.debug("stream %d: a datagram was dropped: %s", self._stream.id, plain_reason(error))
            if route is not None:
                self._send(route, data)

    async def _find(self, destination: Address) -> Route:
        family, address = await self._resolve(destination)
        sock = self._sockets.get(family)
        if sock is None:
            sock = self._sockets[family] = await self._socket(family)
        return self._remember(destination, (sock, address))

    async def _resolve(self, destination: Address) -> tuple[int, Any]:
        family, address = _literal(destination)
        if family is not None:
            return family, address
        async with asyncio.timeout(self._host.limits.connect):
            infos = await asyncio.get_running_loop().getaddrinfo(*destination, type=socket.SOCK_DGRAM)
        # Nothing says that a datagram went nowhere, so the family that every server has comes first.
        chosen = min(infos, key=lambda info: info[0] != socket.AF_INET)
        return chosen[0], chosen[4]

    async def _socket(self, family: int, connect_to: Any = None) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        protocol = _Datagrams(self)
        try:
            sock.setblocking(False)
            if connect_to is None:
                sock.bind(("", 0))
            else:
                sock.connect(connect_to)
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=sock)
        except BaseException:
            protocol.give_up()
            sock.close()
            raise
        return sock

    def _leave(self) -> None:
        """Close what is open, once the stream is over and nothing is under way; the session hears of the last."""
        if self._over and not self._busy:
            for transport in tuple(self._transports):
                transport.close()
            if not self._transports:
                self._session.target_gone(self)


def _literal(destination: Address) -> tuple[int | None, Any]:
    """Family and address of a destination that needs no lookup."""
    ip = ip_or_none(destination.host)
    if ip is None:
        return None, None
    return (socket.AF_INET6 if ip.version == 6 else socket.AF_INET), (str(ip), destination.port)


class _Datagrams(asyncio.DatagramProtocol):
    """A datagram socket's events. Errors are ICMP's words about one datagram and end nothing."""

    def __init__(self, target: UdpTarget) -> None:
        self._target = target
        self._transport: asyncio.DatagramTransport | None = None
        self._given_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        if self._given_up:
            self._transport.abort()
        else:
            self._target.opened(transport)

    def give_up(self) -> None:
        """Close what was opened meanwhile, of whose end uvloop does not tell."""
        self._given_up = True
        if self._transport is not None:
            self._transport.abort()
            self._target.lost(self._transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._target.deliver(data, addr)

    def connection_lost(self, _exc: Exception | None) -> None:
        assert self._transport is not None
        self._target.lost(self._transport)
