"""Carries out what `protocols.http_proxy` decides for one app that speaks plain HTTP to the proxy.

Each origin's stream is a `_Leg`; the app's socket is shared by them in turn. CONNECT and a switch of protocols hand
the socket over to an `AppRelay`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from app.engine.app_relay import AppRelay
from app.engine.connections import Connection
from app.errors import Failure
from app.protocols.address import Address
from app.protocols.http_proxy import (
    Action,
    CloseLocal,
    CloseUpstream,
    HttpProxy,
    Open,
    Raw,
    ToLocal,
    ToUpstream,
    Tunnel,
)
from app.protocols.streams import Sink
from app.transport.relay import close_gracefully, reset
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.local")


class Carrier(Protocol):
    """Who opens streams."""

    def open(self, connection: Connection, leg: "Leg") -> None:
        """Open a stream to `connection.target` and give it to `leg.joined`, or call `leg.failed`."""

    def add(self, protocol: str, target: Address) -> Connection:
        """A new connection."""

    def over(self, connection: Connection, failure: Failure | None) -> None:
        """The connection has ended."""

    def tunnel(self, transport: asyncio.Transport, target: Address, rest: bytes, http: HttpProxy) -> None:
        """Carry out CONNECT on this socket."""

    def relay(self, connection: Connection) -> AppRelay:
        """A relay for a connection that is counted already."""

    def arrived(self, relay: "HttpRelay") -> None:
        """`relay` has an app's socket."""

    def left(self, relay: "HttpRelay") -> None:
        """The socket is closed, or somebody else has it."""


class Leg(Consumer):
    """One origin's stream."""

    def __init__(self, relay: "HttpRelay", carrier: Carrier, target: Address) -> None:
        self.connection = carrier.add("http", target)
        self.connection.end = relay.abort
        self.stream: Stream | None = None
        self.pieces: list[memoryview] = []
        self.waiting = bytearray()  # for a stream that is being opened: a head and one read's worth of a body
        self._relay = relay
        self._carrier = carrier

    def joined(self, stream: Stream) -> None:
        """The stream is there."""
        self.stream = stream
        self.connection.joined(stream)
        if self.waiting:
            stream.send(bytes(self.waiting))
            self.waiting.clear()
        self._relay.opened()

    def failed(self, failure: Failure) -> None:
        """No stream could be opened."""
        self.closed(failure)

    def send(self, data: bytes) -> None:
        """Send to the origin, now or when the stream is there."""
        if self.stream is None:
            self.waiting += data
        else:
            self.stream.send(data)

    def leave(self) -> None:
        """The relay is done with it."""
        self._carrier.over(self.connection, None)
        if self.stream is not None:
            self.stream.close()

    @property
    def sink(self) -> Sink:
        return self.pieces.append

    def flush(self) -> None:
        if self.pieces and self.stream is not None:
            data = b"".join(self.pieces)
            self.pieces.clear()
            self.stream.count_received(len(data))
            self._relay.upstream_bytes(self, data)

    def accepted(self) -> None:
        """HTTP's own answer says it."""

    def ended(self) -> None:
        self._relay.upstream_eof(self)

    def closed(self, error: Failure | None) -> None:
        self._carrier.over(self.connection, error)
        if error is None:
            self._relay.upstream_eof(self)
        else:
            self._relay.upstream_failed(self, error)

    def hold(self) -> None:
        self._relay.hold()

    def release(self) -> None:
        self._relay.release()


class HttpRelay(asyncio.Protocol):
    """One app's socket while it speaks HTTP/1 to the proxy."""

    def __init__(self, carrier: Carrier, http: HttpProxy) -> None:
        self._carrier = carrier
        self._http = http
        self._transport: asyncio.Transport | None = None
        self._leg: Leg | None = None
        self._held = False
        self._full = False
        self._over = False
        self._source_ended = False
        self._linger: asyncio.TimerHandle | None = None
        self._asked_at = asyncio.get_running_loop().time()
        self._do: dict[type[Any], Callable[[Any], None]] = {
            ToLocal: self._to_local,
            ToUpstream: self._to_upstream,
            Open: self._open,
            Tunnel: self._tunnel,
            Raw: self._raw,
            CloseUpstream: self._close_upstream,
            CloseLocal: self._close_local,
        }

    def adopt(self, transport: asyncio.Transport, first: bytes) -> None:
        """Take over a socket with what has come on it."""
        self._transport = transport
        transport.set_protocol(self)
        self._carrier.arrived(self)
        self.data_received(first)

    # ---- the app's side

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._carry_out(self._http.local_bytes(data))

    def eof_received(self) -> bool:
        self._source_ended = True
        if not self._over:
            self._carry_out(self._http.local_eof())
        return not self._over

    def connection_lost(self, _exc: Exception | None) -> None:
        self._over = True
        if self._linger is not None:
            self._linger.cancel()
        self._carrier.left(self)
        self._leave()

    def pause_writing(self) -> None:
        self._full = True
        if self._leg is not None and self._leg.stream is not None:
            self._leg.stream.pause()

    def resume_writing(self) -> None:
        self._full = False
        if self._leg is not None and self._leg.stream is not None:
            self._leg.stream.resume()

    # ---- the origin's side; a leg that was left is not listened to

    def opened(self) -> None:
        """The stream is there."""
        if self._full:  # of the answers of other origins: the transport says so only once
            self.pause_writing()
        self._carry_out(self._http.upstream_opened())

    def upstream_bytes(self, leg: Leg, data: bytes) -> None:
        """Bytes from the origin."""
        if leg is self._leg:
            self._carry_out(self._http.upstream_bytes(data))

    def upstream_eof(self, leg: Leg) -> None:
        """The origin sends no more."""
        if leg is self._leg:
            self._carry_out(self._http.upstream_eof())

    def upstream_failed(self, leg: Leg, failure: Failure) -> None:
        """The origin cannot be reached or was lost."""
        if leg is self._leg:
            self._carry_out(self._http.upstream_failed(str(failure)))

    def hold(self) -> None:
        """Read no more from the app."""
        self._held = True
        self._pace()

    def release(self) -> None:
        """Read on."""
        self._held = False
        self._pace()

    def check(self, now: float, patience: float) -> None:
        """Close an app's socket on which nothing has been asked for so long, in seconds."""
        if self._leg is not None:
            self._asked_at = now
        elif not self._over and now - self._asked_at > patience:
            self._close_local(CloseLocal())

    def abort(self) -> None:
        """Close the app's socket at once."""
        if self._transport is not None:
            reset(self._transport)

    # ---- actions

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if self._over:
                return
            self._do[type(action)](action)
        self._pace()

    def _pace(self) -> None:
        transport = self._transport
        if transport is None or self._over or transport.is_closing():
            return
        opening = self._leg is not None and self._leg.stream is None
        if opening or self._held or self._http.paused:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _to_local(self, action: ToLocal) -> None:
        assert self._transport is not None
        self._transport.write(action.data)

    def _to_upstream(self, action: ToUpstream) -> None:
        if self._leg is not None:
            self._leg.send(action.data)

    def _open(self, action: Open) -> None:
        self._leg = Leg(self, self._carrier, action.address)
        self._carrier.open(self._leg.connection, self._leg)

    def _tunnel(self, action: Tunnel) -> None:
        assert self._transport is not None
        self._over = True
        self._carrier.left(self)
        self._carrier.tunnel(self._transport, action.address, action.rest, self._http)

    def _raw(self, _action: Raw) -> None:
        leg, transport = self._leg, self._transport
        if leg is None or leg.stream is None or transport is None:
            return
        self._leg, self._over = None, True
        self._carrier.left(self)
        relay = self._carrier.relay(leg.connection)
        relay.adopt(transport)
        relay.take(leg.stream)
        relay.accepted()

    def _close_upstream(self, _action: CloseUpstream) -> None:
        self._leave()

    def _close_local(self, action: CloseLocal) -> None:
        assert self._transport is not None
        if action.reason is not None:
            _log.info("an HTTP connection ended: %s", action.reason)
        self._over = True
        self._leave()
        if action.reset:
            reset(self._transport)
        elif self._source_ended:
            self._transport.close()
        else:
            self._linger = close_gracefully(self._transport)

    def _leave(self) -> None:
        leg, self._leg = self._leg, None
        self._held = False  # nobody will say any more that its session has room again
        if leg is not None:
            leg.leave()
