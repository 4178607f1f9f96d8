"""The local proxy: one port, told apart by the first byte into SOCKS and HTTP, every request into a stream.

Apps are answered at once and their first bytes travel with the request; waiting for the server's word would cost
every connection a round trip. With exact replies they wait for it, for a while.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import Final, cast

from app.engine.app_relay import AppRelay, Outcome
from app.engine.connections import Connection, Connections
from app.engine.http_relay import HttpRelay, Leg
from app.engine.options import LocalOptions, Timings
from app.engine.tunnel import Tunnel
from app.engine.udp_relay import UdpAssociation
from app.errors import BadInput, Failure, ListenFailed, TargetRefused
from app.protocols.address import Address, is_loopback
from app.protocols.http_proxy import HttpProxy, ToLocal
from app.protocols.settings import VERSION
from app.protocols.socks import (
    Command,
    Reply,
    SocksRequest,
    SocksServer,
    failure_reply,
    looks_like_socks,
    reply_for,
    success_reply,
)
from app.tasks import Tasks
from app.texts import translate
from app.transport.session import listen_reason
from app.transport.stream import Stream

_log = logging.getLogger("anytls.local")

# How long an app may take to say what it wants, in seconds; then it is taken for one that never will.
_ASK_WITHIN: Final = 30.0

# Every connection costs two descriptors and a session: what `system.resources` raises the limit to allows it.
MAX_CONNECTIONS: Final = 16_384

_BACKLOG: Final = 1024


# Turns of the loop in which its sockets are closed, also of an app that it has just accepted: that one is met, turned
# away and closed in a turn each.
_TURNS_TO_CLOSE: Final = 4


class LocalProxy:
    """Listens for apps and carries their connections over a tunnel."""

    def __init__(self, options: LocalOptions, timings: Timings, tunnel: Tunnel, tasks: Tasks) -> None:
        _check(options)
        self.connections = Connections(asyncio.get_running_loop().time)
        self.options = options
        self._timings = timings
        self._tunnel = tunnel
        self._tasks = tasks
        self._server: asyncio.Server | None = None
        self._login = _Login(options.credentials)
        self._address: Address | None = None
        self._moving = asyncio.Lock()
        self._asking: set[_Asking] = set()
        self._http: set[HttpRelay] = set()
        self._waiting: set[AppRelay] = set()
        self.associations: set[UdpAssociation] = set()

    async def listen(self) -> Address:
        """Open the port and say which. Raises `ListenFailed`."""
        self._server = await self._open(self.options)
        self._address = Address(*self._server.sockets[0].getsockname()[:2])
        return self._address

    async def move(self, options: LocalOptions) -> Address:
        """Listen as `options` say from now on; connections that are open stay as they are.

        Raises `BadInput` or `ListenFailed`, and all stays as it was then.
        """
        _check(options)
        async with self._moving:
            return await self._move(options)

    async def _move(self, options: LocalOptions) -> Address:
        if self._server is None or self._address is None:
            self.options = options
            return await self.listen()
        if options.host == self.options.host and options.port in (self.options.port, self._address.port):
            self.options, self._login.credentials = options, options.credentials
            return self._address
        old = self._server
        try:
            self._server = await self._open(options)
        except ListenFailed:
            if options.port != self._address.port:
                raise
            # Another address at the same port, "all" instead of one: not both can be had at a time.
            self._server = await self._instead(old, options)
        old.close()
        self.options = options
        self._address = Address(*self._server.sockets[0].getsockname()[:2])
        return self._address

    async def _instead(self, old: asyncio.Server, options: LocalOptions) -> asyncio.Server:
        assert self._address is not None
        old.close()
        try:
            await asyncio.sleep(0)  # lets the loop close the socket
            return await self._open(options)
        except BaseException:
            self._server = await self._open(replace(self.options, port=self._address.port))
            raise

    async def _open(self, options: LocalOptions) -> asyncio.Server:
        host, port, login = options.host, options.port, _Login(options.credentials)
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: _Asking(self, login), host, port, backlog=_BACKLOG)
        except (OSError, OverflowError, UnicodeError) as error:
            raise ListenFailed(host, port, listen_reason(error)) from None
        try:
            for one in server.sockets:
                _check(replace(options, host=one.getsockname()[0]))  # a name may lead anywhere
        except BadInput:
            server.close()
            raise
        self._login = login
        return server

    def use(self, tunnel: Tunnel) -> None:
        """Carry new connections over `tunnel` from now on."""
        self._tunnel = tunnel
        for association in tuple(self.associations):
            association.use(tunnel)

    def end_connections(self) -> None:
        """Close every app's connection that is carried or waits to be."""
        for connection in tuple(self.connections.open.values()):
            connection.end()

    def tick(self, now: float) -> None:
        """Look for what has waited too long; called about once a second."""
        for asking in tuple(self._asking):
            asking.check(now)
        for http in tuple(self._http):
            http.check(now, _ASK_WITHIN)
        for relay in tuple(self._waiting):
            if relay.connection.closed_at is not None:
                self._waiting.discard(relay)
            elif now - relay.connection.opened_at > self._timings.exact_reply:
                self._waiting.discard(relay)
                relay.accepted()
        for association in tuple(self.associations):
            association.check(now)

    async def close(self) -> None:
        """Stop listening and close every app's connection."""
        if self._server is not None:
            self._server.close()
        for asking in tuple(self._asking):
            asking.abort()
        for http in tuple(self._http):
            http.abort()
        for association in tuple(self.associations):
            association.close()
        self.end_connections()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)

    # ---- what apps ask for

    def asked(self, asking: "_Asking") -> bool:
        """A new app is there; false where it comes too late or there are too many."""
        if self._server is None or not self._server.is_serving():
            return False
        if len(self._asking) + len(self._http) + len(self.connections.open) >= MAX_CONNECTIONS:
            _log.warning("more than %d connections, one is turned away", MAX_CONNECTIONS)
            return False
        self._asking.add(asking)
        return True

    def answered(self, asking: "_Asking") -> None:
        """The app has said what it wants, or is gone."""
        self._asking.discard(asking)

    def arrived(self, relay: HttpRelay) -> None:
        self._http.add(relay)

    def left(self, relay: HttpRelay) -> None:
        self._http.discard(relay)

    def socks(self, transport: asyncio.Transport, request: SocksRequest, rest: bytes) -> None:
        """Carry out a SOCKS request."""
        version = request.version
        if request.command is Command.UDP_ASSOCIATE:
            association = UdpAssociation(self, self._tunnel, self._tasks, self.options.udp_connect)
            association.adopt(transport)
            return
        outcome = _socks_outcome(version)
        self._start(transport, f"socks{version}", request.address, rest, outcome)

    def tunnel(self, transport: asyncio.Transport, target: Address, rest: bytes, http: HttpProxy) -> None:
        """Carry out an HTTP CONNECT."""
        self._start(transport, "connect", target, rest, _http_outcome(http))

    def _start(
        self, transport: asyncio.Transport, protocol: str, target: Address, rest: bytes, outcome: Outcome
    ) -> None:
        connection = self.add(protocol, target)
        exact = self.options.exact_replies
        relay = AppRelay(self, connection, outcome if exact else None)
        if not exact:
            transport.write(outcome(None))
        relay.adopt(transport, rest)
        if exact:
            self._waiting.add(relay)
        self.carry(relay)

    # ---- streams for relays

    def carry(self, relay: AppRelay, *, fresh: bool = False) -> None:
        tunnel = self._tunnel
        route = tunnel.route()
        stream = None if fresh else tunnel.open_now(route, relay.target, relay)
        if stream is not None:
            self._join(relay, stream)
        else:
            self._tasks.start(self._dial(tunnel, relay, route, fresh), f"connection {relay.connection.number}")

    def open(self, connection: Connection, leg: Leg) -> None:
        tunnel = self._tunnel
        route = tunnel.route()
        stream = tunnel.open_now(route, connection.target, leg)
        if stream is not None:
            leg.joined(stream)
        else:
            self._tasks.start(self._dial_leg(tunnel, connection, leg, route), f"connection {connection.number}")

    def add(self, protocol: str, target: Address) -> Connection:
        return self.connections.add(protocol, target)

    def relay(self, connection: Connection) -> AppRelay:
        return AppRelay(self, connection)

    def over(self, connection: Connection, failure: Failure | None) -> None:
        if failure is not None and connection.closed_at is None:
            _log.info("connection %d failed: %s", connection.number, failure)
        self.connections.remove(connection, failure)

    def _join(self, relay: AppRelay, stream: Stream) -> None:
        relay.joined(stream)
        machine = stream.session.machine
        if relay in self._waiting and machine.known and machine.version < VERSION:
            self._waiting.discard(relay)
            relay.accepted()  # a server of version 1 never says a word about a target

    async def _dial(self, tunnel: Tunnel, relay: AppRelay, route: list[int], fresh: bool) -> None:
        try:
            session = await tunnel.session(route, fresh=fresh)
        except Failure as failure:
            relay.failed(failure)
            return
        if relay.gone:
            tunnel.put_back(session)
        else:
            self._join(relay, tunnel.open_on(session, relay.target, relay))

    async def _dial_leg(self, tunnel: Tunnel, connection: Connection, leg: Leg, route: list[int]) -> None:
        try:
            session = await tunnel.session(route)
        except Failure as failure:
            leg.failed(failure)
            return
        if connection.closed_at is not None:
            tunnel.put_back(session)
        else:
            leg.joined(tunnel.open_on(session, connection.target, leg))


@dataclass(slots=True)
class _Login:
    """What one listener asks its apps for, also those that say nothing until another listener has taken its place."""

    credentials: tuple[str, str] | None = field(repr=False)


class _Asking(asyncio.Protocol):
    """One app until it is known what it wants."""

    def __init__(self, proxy: LocalProxy, login: _Login) -> None:
        self._proxy = proxy
        self._login = login
        self._transport: asyncio.Transport | None = None
        self._socks: SocksServer | None = None
        self._since = asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._proxy.asked(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._socks is None and not looks_like_socks(data[0]):
            self._proxy.answered(self)
            HttpRelay(self._proxy, HttpProxy(self._login.credentials)).adopt(transport, data)
            return
        if self._socks is None:
            self._socks = SocksServer(self._login.credentials)
        progress = self._socks.receive(data)
        if progress.reply:
            transport.write(progress.reply)
        if progress.failed is not None:
            _log.info("a SOCKS connection ended: %s", progress.failed)
            transport.close()
        elif progress.request is not None:
            self._proxy.answered(self)
            self._proxy.socks(transport, progress.request, progress.rest)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._proxy.answered(self)

    def check(self, now: float) -> None:
        """Close a connection that says nothing."""
        if now - self._since > _ASK_WITHIN:
            self.abort()

    def abort(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.abort()


def _check(options: LocalOptions) -> None:
    if options.credentials is None and not is_loopback(options.host):
        text = translate("connection", "listening on {host} lets others in, so it needs a local user and password")
        raise BadInput(text.format(host=options.host))


def _socks_outcome(version: int) -> Outcome:
    def outcome(failure: Failure | None) -> bytes:
        if failure is None:
            return success_reply(version)
        if isinstance(failure, TargetRefused):
            return failure_reply(version, reply_for(failure.message))
        return failure_reply(version, Reply.GENERAL_FAILURE)

    return outcome


def _http_outcome(http: HttpProxy) -> Outcome:
    def outcome(failure: Failure | None) -> bytes:
        actions = http.upstream_opened() if failure is None else http.upstream_failed(str(failure))
        return b"".join(action.data for action in actions if isinstance(action, ToLocal))

    return outcome
