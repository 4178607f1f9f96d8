"""What the commands write: JSON lines for programs, a live status line for a terminal, plain lines for the rest."""

import io
import json
import sys
from typing import Any, TextIO

from app.client.client import Client
from app.client.state import State, state_word
from app.client.status import snapshot_fields
from app.engine.snapshot import Snapshot
from app.texts import translate
from app.traffic.rates import Rates, format_rate


class _Reader:
    gone = False


def say(text: str) -> None:
    """One line on standard output, at once; nothing once its reader is gone."""
    _put(sys.stdout, f"{text}\n")


def _put(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _Reader.gone = True
        # Python flushes once more when it ends, and would complain about what nobody takes.
        sys.stdout = io.StringIO()


def reader_gone() -> bool:
    """Whether standard output was a pipe that nobody reads any more."""
    return _Reader.gone


def say_json(**fields: Any) -> None:
    """One JSON object on a line of its own, at once."""
    say(json.dumps(fields, ensure_ascii=False))


def warn(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"anytls-tray: {text}\n")
    sys.stderr.flush()


class JsonReport:
    """State changes and snapshots as JSON lines."""

    def listening(self, client: Client) -> None:
        """The local port is open."""
        assert client.address is not None
        say_json(event="listening", host=client.address.host, port=client.address.port)

    def changed(self, client: Client) -> None:
        """The state is another one."""
        fields = {"error": str(client.failure)} if client.failure else {}
        say_json(event="state", state=client.state.value, **fields)

    def second(self, client: Client, snapshot: Snapshot | None, now: float) -> None:
        """A second has passed."""
        if snapshot is not None:
            say_json(event="snapshot", state=client.state.value, **snapshot_fields(snapshot))

    def end(self) -> None:
        """Nothing more follows."""


class StatusLine:
    """The state in words: one line that is written over on a terminal, a new line for each change elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._live = self._stream.isatty()
        self._rates = Rates()
        self._width = 0

    def listening(self, client: Client) -> None:
        """The local port is open."""
        text = translate("cli", "The local proxy listens on {address}.")
        self._line(text.format(address=client.address))

    def changed(self, client: Client) -> None:
        """The state is another one."""
        words = state_word(client.state)
        self._line(f"{words}: {client.failure}" if client.failure else words)

    def second(self, client: Client, snapshot: Snapshot | None, now: float) -> None:
        """A second has passed."""
        if snapshot is None:
            return
        self._rates.add(now, snapshot.up, snapshot.down)
        if self._live:
            self._over(status_text(client.state, self._rates, snapshot))

    def end(self) -> None:
        """Nothing more follows."""
        self._over("")

    def _line(self, text: str) -> None:
        self._over("")
        _put(self._stream, f"{text}\n")

    def _over(self, text: str) -> None:
        if self._live:
            _put(self._stream, f"\r{text:<{self._width}}\r{text}")
            self._width = len(text)


def status_text(state: State, rates: Rates, snapshot: Snapshot) -> str:
    """State, speeds and sessions in one line."""
    states = [session.state for session in snapshot.sessions]
    resting = sum(state in ("idle", "warm") for state in states)
    text = translate("cli", "{state}   ↓ {down}   ↑ {up}   sessions: {active} active, {idle} idle")
    return text.format(
        state=state_word(state),
        down=format_rate(rates.down),
        up=format_rate(rates.up),
        active=len(states) - resting,
        idle=resting,
    )


Report = JsonReport | StatusLine
