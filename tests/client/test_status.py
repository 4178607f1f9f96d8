"""The fields that other programs read: their names are an interface."""

import json
from pathlib import Path

from app.client.status import connection_fields, session_fields, snapshot_fields, status_fields
from app.engine.snapshot import ConnectionInfo, SessionInfo, Snapshot
from app.errors import NothingListens
from tests.fakes.desk import desk

SESSION = SessionInfo(
    number=7,
    server="example.org:443",
    state="idle",
    age=12.345,
    idle=3.21,
    idle_timeout=30.0,
    served=4,
    open_streams=0,
    up=10,
    down=20,
    handshake_ms=41.26,
    tls_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    padding="a" * 32,
    target="",
)
CONNECTION = ConnectionInfo(
    number=1,
    protocol="socks5",
    target="example.com:443",
    session=7,
    state="open",
    up=1,
    down=2,
    seconds=0.06,
    reason="",
)
SNAPSHOT = Snapshot(
    up=10, down=20, sessions_made=3, sessions_reused=2, warming=1, sessions=(SESSION,), connections=(CONNECTION,)
)


def test_a_session() -> None:
    assert session_fields(SESSION) == {
        "number": 7,
        "server": "example.org:443",
        "state": "idle",
        "age": 12.3,
        "idle": 3.2,
        "streams_served": 4,
        "open_streams": 0,
        "up": 10,
        "down": 20,
        "handshake_ms": 41.3,
        "tls": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "padding": "a" * 32,
        "idle_timeout": 30.0,
        "target": "",
    }


def test_a_connection() -> None:
    assert connection_fields(CONNECTION) == {
        "number": 1,
        "protocol": "socks5",
        "target": "example.com:443",
        "session": 7,
        "state": "open",
        "up": 1,
        "down": 2,
        "seconds": 0.1,
        "reason": "",
    }


def test_a_snapshot() -> None:
    fields = snapshot_fields(SNAPSHOT)
    assert (fields["up"], fields["down"], fields["sessions_made"], fields["sessions_reused"]) == (10, 20, 3, 2)
    assert fields["sessions"] == [session_fields(SESSION)]
    assert fields["connections"] == [connection_fields(CONNECTION)]
    json.dumps(fields)


async def test_a_status_without_a_profile(tmp_path: Path) -> None:
    async with desk(tmp_path) as one:
        assert await status_fields(one.client, None) == {
            "state": "off",
            "profile": None,
            "listen": None,
            "up": 0,
            "down": 0,
            "sessions": [],
        }


async def test_a_status_says_what_is_wrong(tmp_path: Path) -> None:
    async with desk(tmp_path) as one:
        (entry,) = await one.add("Berlin")
        one.client.failure = NothingListens("example.org", 443)
        status = await status_fields(one.client, entry)
        assert status["profile"] == "Berlin"
        assert status["error"] == str(one.client.failure)
