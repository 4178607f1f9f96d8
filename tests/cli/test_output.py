import io
import json

import pytest

from app.cli.output import JsonReport, StatusLine, say_json, status_text, warn
from app.client.client import Client
from app.client.state import State
from app.client.status import snapshot_fields
from app.engine.snapshot import ConnectionInfo, SessionInfo, Snapshot
from app.errors import NothingListens
from app.protocols.address import Address
from app.storage.schemes import PushedSchemes
from app.traffic.rates import Rates


class Terminal(io.StringIO):
    def isatty(self):
        return True


def session(number, state):
    return SessionInfo(
        number,
        "example.com:443",
        state,
        age=12.34,
        idle=0.0,
        served=3,
        open_streams=1,
        up=10,
        down=20,
        handshake_ms=5.55,
        tls_version="TLSv1.3",
        cipher="TLS_AES_128_GCM_SHA256",
        padding="md5",
        idle_timeout=30.0,
        target="example.org:80",
    )


CONNECTION = ConnectionInfo(7, "socks5", "example.org:80", 1, "open", 10, 20, 1.25, "")
SESSIONS = session(1, "active"), session(2, "idle"), session(3, "warm")
SNAPSHOT = Snapshot(30, 2_000_000, 4, 9, SESSIONS, (CONNECTION,), warming=2)


class Watched(Client):
    """A client in a known state."""

    def __init__(self, state, failure=None):
        super().__init__(PushedSchemes(None))
        self.state = state
        self.failure = failure
        self.address = Address("127.0.0.1", 1080)


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_lines_keep_every_letter(capsys):
    say_json(event="state", error="größer\nals")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "größer" in out
    assert json.loads(out) == {"event": "state", "error": "größer\nals"}


def test_warnings_go_to_standard_error(capsys):
    warn("look out")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "anytls-tray: look out\n")


def test_json_report(capsys):
    report = JsonReport()
    report.listening(Watched(State.CONNECTING))
    report.changed(Watched(State.ON))
    report.changed(Watched(State.FAILED, failure=NothingListens("example.com", 443)))
    report.second(Watched(State.ON), SNAPSHOT, 1.0)
    report.second(Watched(State.OFF), None, 2.0)
    report.end()
    listening, on, failed, snapshot = lines(capsys)
    assert listening == {"event": "listening", "host": "127.0.0.1", "port": 1080}
    assert on == {"event": "state", "state": "on"}
    assert failed == {"event": "state", "state": "failed", "error": "Nothing listens on example.com port 443."}
    assert (snapshot["event"], snapshot["state"], snapshot["down"]) == ("snapshot", "on", 2_000_000)


def test_the_keys_of_a_snapshot():
    fields = snapshot_fields(SNAPSHOT)
    assert (fields["up"], fields["sessions_made"], fields["sessions_reused"]) == (30, 4, 9)
    assert fields["warming"] == 2
    assert fields["sessions"][0] == {
        "number": 1,
        "server": "example.com:443",
        "state": "active",
        "age": 12.3,
        "idle": 0.0,
        "streams_served": 3,
        "open_streams": 1,
        "up": 10,
        "down": 20,
        "handshake_ms": 5.5,
        "tls": "TLSv1.3",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "padding": "md5",
        "idle_timeout": 30.0,
        "target": "example.org:80",
    }
    assert fields["connections"] == [
        {
            "number": 7,
            "protocol": "socks5",
            "target": "example.org:80",
            "session": 1,
            "state": "open",
            "up": 10,
            "down": 20,
            "seconds": 1.2,
            "reason": "",
        }
    ]


def test_the_status_in_words():
    rates = Rates()
    rates.add(0.0, 0, 0)
    rates.add(1.0, 1500, 12_400_000)
    text = status_text(State.DEGRADED, rates, SNAPSHOT)
    assert text == "degraded   ↓ 12.4 MB/s   ↑ 1.5 kB/s   sessions: 1 active, 2 idle"


def test_a_terminal_has_one_line_that_is_written_over():
    terminal = Terminal()
    line = StatusLine(terminal)
    line.second(Watched(State.DEGRADED), SNAPSHOT, 1.0)
    line.second(Watched(State.ON), SNAPSHOT, 2.0)
    line.end()
    written = terminal.getvalue()
    assert "\n" not in written
    texts = [text for text in written.split("\r") if "sessions" in text]
    longer, _, padded, shorter = texts
    assert padded.rstrip() == shorter
    assert len(padded) == len(longer), "a shorter text has to wipe out the longer one before it"
    assert written.endswith("\r")


def test_elsewhere_only_changes_are_written():
    stream = io.StringIO()
    line = StatusLine(stream)
    line.listening(Watched(State.CONNECTING))
    line.changed(Watched(State.CONNECTING))
    line.second(Watched(State.CONNECTING), SNAPSHOT, 1.0)
    line.changed(Watched(State.FAILED, failure=NothingListens("example.com", 443)))
    line.end()
    assert stream.getvalue().splitlines() == [
        "The local proxy listens on 127.0.0.1:1080.",
        "connecting",
        "failed: Nothing listens on example.com port 443.",
    ]


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_word(state):
    stream = io.StringIO()
    StatusLine(stream).changed(Watched(state))
    assert stream.getvalue().strip() == state.value


def test_without_a_snapshot_there_is_no_line():
    terminal = Terminal()
    StatusLine(terminal).second(Watched(State.OFF), None, 1.0)
    assert terminal.getvalue() == ""
