"""What a running program says of itself to another: the fields of `status --json` and of `connect --json`."""

from typing import Any

from app.client.client import Client
from app.client.profiles import Entry
from app.engine.snapshot import ConnectionInfo, SessionInfo, Snapshot


async def status_fields(client: Client, active: Entry | None) -> dict[str, Any]:
    """State, profile, where the local proxy listens, totals in bytes and the sessions; `error` where there is one."""
    snapshot = await client.snapshot()
    fields: dict[str, Any] = {
        "state": client.state.value,
        "profile": active.profile.name if active else None,
        "listen": str(client.address) if client.address else None,
        "up": snapshot.up if snapshot else 0,
        "down": snapshot.down if snapshot else 0,
        "sessions": [session_fields(session) for session in snapshot.sessions] if snapshot else [],
    }
    if client.failure:
        fields["error"] = str(client.failure)
    return fields


def snapshot_fields(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON has it; the keys are part of the command's interface."""
    return {
        "up": snapshot.up,
        "down": snapshot.down,
        "sessions_made": snapshot.sessions_made,
        "sessions_reused": snapshot.sessions_reused,
        "warming": snapshot.warming,
        "sessions": [session_fields(session) for session in snapshot.sessions],
        "connections": [connection_fields(connection) for connection in snapshot.connections],
    }


def session_fields(session: SessionInfo) -> dict[str, Any]:
    """One session: seconds, bytes, milliseconds."""
    return {
        "number": session.number,
        "server": session.server,
        "state": session.state,
        "age": round(session.age, 1),
        "idle": round(session.idle, 1),
        "streams_served": session.served,
        "open_streams": session.open_streams,
        "up": session.up,
        "down": session.down,
        "handshake_ms": round(session.handshake_ms, 1),
        "tls": session.tls_version,
        "cipher": session.cipher,
        "padding": session.padding,
        "idle_timeout": session.idle_timeout,
        "target": session.target,
    }


def connection_fields(connection: ConnectionInfo) -> dict[str, Any]:
    """One app connection: bytes, seconds."""
    return {
        "number": connection.number,
        "protocol": connection.protocol,
        "target": connection.target,
        "session": connection.session,
        "state": connection.state,
        "up": connection.up,
        "down": connection.down,
        "seconds": round(connection.seconds, 1),
        "reason": connection.reason,
    }
