"""What there is to see of a running tunnel, as frozen values that may go to another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the window knows these values before there is an engine
    from app.engine.connections import Connection, Connections
    from app.engine.session import ClientSession
    from app.engine.tunnel import Tunnel
    from app.engine.upstream import Upstream


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session. Ages in seconds, payload in bytes, seen from the client."""

    number: int
    server: str
    state: str
    age: float
    idle: float
    """For how long it has been idle; 0 while it is not."""
    served: int
    """Streams it has carried, the open ones included."""
    open_streams: int
    up: int
    down: int
    handshake_ms: float
    tls_version: str
    cipher: str
    padding: str
    """MD5 of the padding scheme in force, as the protocol names schemes."""
    idle_timeout: float = 0.0
    """For how long it may be idle before it is closed."""
    target: str = ""
    """Where its stream leads, "host:port"; empty while it carries none for an app."""


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One app connection."""

    number: int
    protocol: str
    target: str
    session: int | None
    state: str
    up: int
    down: int
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Totals since the start, and what is open now with what ended lately."""

    up: int
    down: int
    sessions_made: int
    sessions_reused: int
    """Streams that found a session that had carried one before."""
    sessions: tuple[SessionInfo, ...]
    connections: tuple[ConnectionInfo, ...]
    warming: int = 0
    """Sessions that are being dialled."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a tunnel has carried in all."""

    up: int = 0
    down: int = 0
    made: int = 0
    reused: int = 0

    @classmethod
    def of(cls, tunnel: Tunnel) -> Totals:
        """Of its sessions, those that are gone included."""
        upstreams = tunnel.upstreams
        sessions = [session for upstream in upstreams for session in upstream.sessions.values()]
        return cls(
            up=sum(it.bytes_sent for it in upstreams) + sum(it.bytes_sent for it in sessions),
            down=sum(it.bytes_received for it in upstreams) + sum(it.bytes_received for it in sessions),
            made=sum(it.made for it in upstreams),
            reused=sum(it.reused for it in upstreams),
        )

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.up + other.up, self.down + other.down, self.made + other.made, self.reused + other.reused)


def take_snapshot(tunnels: Sequence[Tunnel], connections: Connections, gone: Totals = Totals()) -> Snapshot:
    """Look at everything once; `gone` is what tunnels have carried that are not there any more."""
    now = asyncio.get_running_loop().time()
    totals = sum(map(Totals.of, tunnels), gone)
    targets: dict[int, str] = {}
    seen = tuple(_connection_info(connection, now, targets) for connection in connections)
    upstreams = [upstream for tunnel in tunnels for upstream in tunnel.upstreams]
    return Snapshot(
        up=totals.up,
        down=totals.down,
        sessions_made=totals.made,
        sessions_reused=totals.reused,
        sessions=tuple(
            _session_info(upstream, server, session, now, targets.get(session.number, ""))
            for upstream, server in ((upstream, str(upstream.server)) for upstream in upstreams)
            for session in upstream.sessions.values()
        ),
        connections=seen,
        warming=sum(upstream.dialling for upstream in upstreams),
    )


def _session_info(upstream: Upstream, server: str, session: ClientSession, now: float, target: str) -> SessionInfo:
    return SessionInfo(
        number=session.number,
        server=server,
        state=session.state.value,
        age=now - session.created_at,
        idle=now - session.idle_since if session.at_rest else 0.0,
        served=session.machine.opened,
        open_streams=len(session.streams),
        up=session.bytes_sent,
        down=session.bytes_received,
        handshake_ms=session.handshake_ms,
        tls_version=session.tls_version,
        cipher=session.cipher,
        padding=upstream.padding.scheme.md5,
        idle_timeout=upstream.idle_timeout,
        target=target,
    )


def _connection_info(connection: Connection, now: float, targets: dict[int, str]) -> ConnectionInfo:
    """Also notes in `targets` where the session leads that carries it."""
    from app.engine.session import ClientSession

    session = connection.stream.session if connection.stream else None
    target = str(connection.target)
    if isinstance(session, ClientSession):
        targets[session.number] = target
    end = now if connection.closed_at is None else connection.closed_at
    return ConnectionInfo(
        number=connection.number,
        protocol=connection.protocol,
        target=target,
        session=session.number if isinstance(session, ClientSession) else None,
        state=connection.state,
        up=connection.bytes_sent,
        down=connection.bytes_received,
        seconds=end - connection.opened_at,
        reason=str(connection.failure) if connection.failure else "",
    )
