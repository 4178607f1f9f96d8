"""SOCKS5 UDP ASSOCIATE over UoT version 2: a datagram socket for one app, and streams to where its datagrams go.

By default every destination has a stream of its own in connect mode, which every server understands; with
`connect=False` one stream carries them all (PROTOCOL.md §1.13). A stream is opened by the first datagram and never
before, because servers read the request before they answer, and some clients' watchdogs wait for that answer.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from typing import Any, Final, Protocol

from app.engine.connections import Connection
from app.engine.tunnel import Tunnel
from app.errors import Failure
from app.protocols import uot
from app.protocols.address import Address, BadAddress
from app.protocols.socks import BadSocks, Reply, decode_udp, encode_udp, failure_reply, success_reply
from app.protocols.streams import Sink
from app.tasks import Tasks
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.udp")

# Each destination holds a session while it lives; browsers talk to a dozen at once, resolvers to one or two.
_MAX_FLOWS: Final = 64
_MAX_ASSOCIATIONS: Final = 256

# RFC 4787 asks NATs for at least two minutes, and for five where they can; a stream costs more than a NAT's entry.
_IDLE: Final = 120.0

# Datagrams that wait for a stream to be opened: what a resolver or a QUIC handshake sends before it hears anything.
_MAX_WAITING: Final = 32


class Host(Protocol):
    """The local proxy, as an association sees it."""

    associations: "set[UdpAssociation]"

    def add(self, protocol: str, target: Address) -> Connection: ...

    def over(self, connection: Connection, failure: Failure | None) -> None: ...


class _Flow(Consumer):
    """One destination's stream, or in packet mode everyone's."""

    def __init__(self, association: "UdpAssociation", connection: Connection, destination: Address, connect: bool):
        self.connection = connection
        self.used_at = connection.opened_at
        self._association = association
        self._destination = destination
        self._connect = connect
        self._reader = uot.PacketReader(connect)
        self._stream: Stream | None = None
        self._waiting: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._pieces: list[memoryview] = []
        self._held = False
        self.over = False

    def send(self, payload: bytes | memoryview, destination: Address) -> None:
        """One datagram; dropped, as datagrams are, where there is no room for it."""
        packet = uot.packet(payload, None if self._connect else destination)
        if self._stream is None:
            self._waiting.append(packet)
        elif not self._held:
            self._stream.send(packet)

    def joined(self, stream: Stream) -> None:
        """The stream is there. The request shares the first packet's frame, for the servers that want them so."""
        self._stream = stream
        self.connection.joined(stream)
        request = uot.request(self._connect, self._destination)
        for packet in self._waiting:
            if len(request) + len(packet) > uot.MAX_PACKET:
                stream.send(request)
                request = b""
            stream.send(request + packet)
            request = b""
        self._waiting.clear()

    @property
    def sink(self) -> Sink:
        return self._pieces.append

    def flush(self) -> None:
        if not self._pieces or self._stream is None:
            return
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._stream.count_received(len(data))
        try:
            packets = self._reader.feed(data)
        except (uot.BadUot, BadAddress) as error:
            _log.info("connection %d: the server sent no datagrams: %s", self.connection.number, error)
            self.close()
            return
        for source, payload in packets:
            self._association.deliver(self, source or self._destination, payload)

    def accepted(self) -> None:
        """Datagrams were sent already."""

    def ended(self) -> None:
        self.close()

    def closed(self, error: Failure | None) -> None:
        self.over = True
        self._association.flow_over(self, error)

    def hold(self) -> None:
        self._held = True

    def release(self) -> None:
        self._held = False

    def close(self) -> None:
        """Close the stream."""
        if not self.over:
            self.closed(None)
            if self._stream is not None:
                self._stream.close()


class UdpAssociation(asyncio.Protocol):
    """Lives as long as the app's SOCKS connection, which carries nothing more."""

    def __init__(self, host: Host, tunnel: Tunnel, tasks: Tasks, connect: bool) -> None:
        self._host = host
        self._tunnel = tunnel
        self._tasks = tasks
        self._connect = connect
        self._now = asyncio.get_running_loop().time
        self._control: asyncio.Transport | None = None
        self._socket: asyncio.DatagramTransport | None = None
        self._app: tuple[Any, ...] | None = None
        self._flows: OrderedDict[Address | None, _Flow] = OrderedDict()

    def use(self, tunnel: Tunnel) -> None:
        """Open new flows over `tunnel` from now on."""
        self._tunnel = tunnel

    def adopt(self, control: asyncio.Transport) -> None:
        """Take over the app's SOCKS connection and answer it when the datagram socket is there."""
        self._control = control
        control.set_protocol(self)
        if len(self._host.associations) >= _MAX_ASSOCIATIONS:
            self._refuse("there are too many UDP associations")
            return
        self._host.associations.add(self)
        self._tasks.start(self._open(), "UDP association")

    def check(self, now: float) -> None:
        """Close the flows that have been silent for long."""
        for flow in tuple(self._flows.values()):
            if now - flow.used_at > _IDLE:
                flow.close()

    def close(self) -> None:
        """End the association and everything that belongs to it."""
        self._host.associations.discard(self)
        for flow in tuple(self._flows.values()):
            flow.close()
        if self._socket is not None:
            self._socket.close()
        if self._control is not None:
            self._control.close()

    # ---- the app's SOCKS connection

    def connection_lost(self, _exc: Exception | None) -> None:
        self.close()

    # ---- datagrams from the app

    def datagram_received(self, data: bytes, source: tuple[Any, ...]) -> None:
        """One SOCKS5 datagram, from the app or from someone who has no business here."""
        if not self._from_app(source):
            return
        try:
            decoded = decode_udp(data)
            if decoded is None:
                return
            target, payload = decoded
            flow = self._flow(target)
            flow.used_at = self._now()
            flow.send(payload, target)
        except (BadSocks, BadAddress, uot.BadUot) as error:
            _log.info("a datagram was dropped: %s", error)

    def deliver(self, flow: _Flow, source: Address, payload: bytes) -> None:
        """A datagram for the app."""
        flow.used_at = self._now()
        if self._socket is not None and self._app is not None and not self._socket.is_closing():
            self._socket.sendto(encode_udp(source, payload), self._app)

    def flow_over(self, flow: _Flow, failure: Failure | None) -> None:
        """A flow's stream is gone; the next datagram to its destination opens another."""
        for key, known in tuple(self._flows.items()):
            if known is flow:
                del self._flows[key]
        self._host.over(flow.connection, failure)

    # ---- inside

    async def _open(self) -> None:
        assert self._control is not None
        host = self._control.get_extra_info("sockname")[0]
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(host, 0)
            )
        except OSError:
            self._refuse("no UDP port could be had")
            return
        self._socket = transport
        if self._control.is_closing():
            self.close()
            return
        self._control.write(success_reply(5, Address(*transport.get_extra_info("sockname")[:2])))

    def _refuse(self, reason: str) -> None:
        assert self._control is not None
        _log.warning("UDP refused: %s", reason)
        self._control.write(failure_reply(5, Reply.GENERAL_FAILURE))
        self.close()

    def _from_app(self, source: tuple[Any, ...]) -> bool:
        """The first datagram from the app's own address binds the association to its port (RFC 1928 section 7)."""
        if self._app is None and self._control is not None:
            peer = self._control.get_extra_info("peername")
            if peer is not None and peer[0] == source[0]:
                self._app = source
        return source == self._app

    def _flow(self, target: Address) -> _Flow:
        key = target if self._connect else None
        flow = self._flows.get(key)
        if flow is not None:
            self._flows.move_to_end(key)
            return flow
        if len(self._flows) >= _MAX_FLOWS:
            next(iter(self._flows.values())).close()
        return self._open_flow(key, target)

    def _open_flow(self, key: Address | None, target: Address) -> _Flow:
        connection = self._host.add("udp", target)
        flow = self._flows[key] = _Flow(self, connection, target, self._connect)
        connection.end = flow.close
        self._carry(flow)
        return flow

    def _carry(self, flow: _Flow) -> None:
        tunnel = self._tunnel
        route = tunnel.route()
        session = tunnel.take(route)
        if session is None:
            self._tasks.start(self._dial(tunnel, flow, route), f"connection {flow.connection.number}")
        else:
            # The first datagram is on its way into `flow.send`: the stream is joined when it has got there.
            asyncio.get_running_loop().call_soon(self._join, flow, session)

    def _join(self, flow: _Flow, session: Any) -> None:
        if flow.over or session.over:
            self._tunnel.put_back(session)
            flow.closed(session.failure)
        else:
            flow.joined(self._tunnel.open_on(session, uot.TARGET_V2, flow))

    async def _dial(self, tunnel: Tunnel, flow: _Flow, route: list[int]) -> None:
        try:
            session = await tunnel.session(route)
        except Failure as failure:
            flow.closed(failure)
        else:
            self._join(flow, session)


class _Datagrams(asyncio.DatagramProtocol):
    """The datagram socket's events. Errors are ICMP's words about one datagram and end nothing."""

    def __init__(self, association: UdpAssociation) -> None:
        self._association = association

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._association.datagram_received(data, addr)
