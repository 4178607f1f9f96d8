"""What there is to see of a running tunnel, as frozen values that may go to another thread."""

import asyncio
from dataclasses import dataclass

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


def take_snapshot(tunnel: Tunnel, connections: Connections) -> Snapshot:
    """Look at everything once."""
    now = asyncio.get_running_loop().time()
    upstreams = tunnel.upstreams
    sessions = [(upstream, session) for upstream in upstreams for session in upstream.sessions.values()]
    return Snapshot(
        up=sum(upstream.bytes_sent for upstream in upstreams) + sum(session.bytes_sent for _, session in sessions),
        down=sum(upstream.bytes_received for upstream in upstreams)
        + sum(session.bytes_received for _, session in sessions),
        sessions_made=sum(upstream.made for upstream in upstreams),
        sessions_reused=sum(upstream.reused for upstream in upstreams),
        sessions=tuple(_session_info(upstream, session, now) for upstream, session in sessions),
        connections=tuple(_connection_info(connection, now) for connection in connections),
    )


def _session_info(upstream: Upstream, session: ClientSession, now: float) -> SessionInfo:
    cipher = session.link.tls.cipher()
    return SessionInfo(
        number=session.number,
        server=str(upstream.server),
        state=session.state.value,
        age=now - session.created_at,
        idle=now - session.idle_since if session.at_rest else 0.0,
        served=session.machine.opened,
        open_streams=len(session.streams),
        up=session.bytes_sent,
        down=session.bytes_received,
        handshake_ms=session.handshake_ms,
        tls_version=session.link.tls.version() or "",
        cipher=cipher[0] if cipher else "",
        padding=upstream.padding.scheme.md5,
    )


def _connection_info(connection: Connection, now: float) -> ConnectionInfo:
    session = connection.stream.session if connection.stream else None
    end = now if connection.closed_at is None else connection.closed_at
    return ConnectionInfo(
        number=connection.number,
        protocol=connection.protocol,
        target=str(connection.target),
        session=session.number if isinstance(session, ClientSession) else None,
        state=connection.state,
        up=connection.bytes_sent,
        down=connection.bytes_received,
        seconds=end - connection.opened_at,
        reason=str(connection.failure) if connection.failure else "",
    )
