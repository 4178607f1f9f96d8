"""A client's session with one server: one stream at a time, idle between them, and watched for signs of life."""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from app.engine.options import Server, Timings
from app.engine.tls_failures import refused_certificate
from app.errors import ClosedSilently, Failure, NotAnyTls, SessionLost, StageTimedOut, TargetRefused
from app.protocols import anytls
from app.protocols.events import (
    Accepted,
    Event,
    HeartResponded,
    Refused,
    SchemePushed,
    SchemeRejected,
    ServerSettingsReceived,
)
from app.protocols.settings import VERSION
from app.texts import QT_TRANSLATE_NOOP, translate
from app.transport.link import TlsLink
from app.transport.session import Session
from app.transport.stream import Consumer, Stream

# A stream that is closed here after more than this has come for it may have as much again under way.
_UNFINISHED: Final = 256 * 1024

# How many streams that have nothing left to say may share a session with the next one; the oldest makes room.
_PARKED: Final = 8

# A server that knows half-close has been told of the end and closes in its own time, so silence means less there than
# the ten seconds it means elsewhere (`Timings.half_close`); in seconds.
_HALF_OPEN: Final = 300.0

_NO_SIGN: Final = QT_TRANSLATE_NOOP("connection", "the server gives no sign of life")

# Servers push one scheme in answer to the settings. What a session is sent beyond these is in force and told to nobody,
# because each one told is a line in the log and a file written.
_TOLD_SCHEMES: Final = 8

# What the crate `anytls` says of the session where other servers speak of the target (tests/interop/README.md).
_OF_THE_SESSION: Final = ("session stream limit reached", "session reached its maximum age")


class State(Enum):
    WARM = "warm"
    """Logged in and never used."""
    ACTIVE = "active"
    IDLE = "idle"
    DRAINING = "draining"
    """Its stream was closed in the middle of a download: what is under way has to pass before it is used again."""
    CLOSED = "closed"


class Home(Protocol):
    """Who keeps the session between its streams."""

    def session_free(self, session: "ClientSession") -> None:
        """It can carry another stream."""

    def session_over(self, session: "ClientSession") -> None:
        """It is gone; `failure` says why."""

    def proved(self, session: "ClientSession") -> None:
        """The server has spoken AnyTLS for the first time on this session: the password is right."""

    def scheme_pushed(self, raw: bytes) -> None:
        """The server pushed a padding scheme; it is in force."""

    def scheme_rejected(self, reason: str) -> None:
        """The server pushed a scheme that was not taken."""


class ClientSession(Session):
    """See the module's text. `number` counts a server's sessions."""

    def __init__(self, number: int, server: Server, link: TlsLink, machine: anytls.Session, home: Home) -> None:
        super().__init__(link, machine)
        self.number = number
        self.state = State.WARM
        self.idle_since = self.created_at
        self.heard = False
        """The server has spoken AnyTLS."""
        self.waited = False
        """It has lain idle with a server that works: it may have died without anyone knowing."""
        self.spoken = asyncio.Event()
        """Set when it has, or when the session is over."""
        self.handshake_ms = 0.0
        self.tls_version = link.tls.version() or ""
        cipher = link.tls.cipher()
        self.cipher = cipher[0] if cipher else ""
        self.address = server.host, server.port
        self._server = server
        self.home = home
        self._schemes = 0
        self._asked_at: float | None = None
        self._heart_at: float | None = None
        handlers: dict[type[Event], Callable[..., None]] = {
            Accepted: self._on_accepted,
            Refused: self._on_refused,
            ServerSettingsReceived: self._on_settings,
            SchemePushed: self._on_scheme,
            SchemeRejected: self._on_scheme,
            HeartResponded: self._on_heart,
        }
        self._handlers |= handlers

    def login(self, hashed: bytes) -> None:
        """Send the login; settings wait for the first stream."""
        self.machine.authenticate(hashed)
        self.write_out()

    def open(self, address: bytes, consumer: Consumer) -> Stream:
        """Open a stream to `address`, as SOCKS writes it."""
        if len(self.streams) >= _PARKED:
            self.corked = True  # its FIN goes with what opens the next
            while len(self.streams) >= _PARKED:
                self._retire(next(iter(self.streams.values())))
            self.corked = False
        self.state = State.ACTIVE
        if self._asked_at is None:
            self._asked_at = self.time()
        stream = self.add_stream(self.machine.open(address, consumer.sink), consumer)
        self.write_out()
        return stream

    def end(self, stream: Stream) -> None:
        """The app will send no more. A server that knows half-close is told so; others would take a FIN for the end
        of both directions, so it waits for theirs, or until nothing has come for a while (PROTOCOL.md §1.9)."""
        if stream.closed or stream.ended_at is not None:
            return
        stream.ended_at = stream.quiet_since = self.time()
        if self.machine.half_close:
            super().end(stream)
        self._free_if_done()

    def close_stream(self, stream: Stream) -> None:
        unfinished = stream.paused or stream.bytes_received > _UNFINISHED
        drain = unfinished and stream.ended_at is None and not stream.closed
        # Where FIN ends only our side, the server's may go on for ever, and it takes no other stream as long.
        held = self.machine.fin_is_end and self.machine.receives(stream.id)
        if drain or held:
            self.state = State.DRAINING
        super().close_stream(stream)
        if held:
            self.close()
        elif drain:
            self._drain()

    @property
    def at_rest(self) -> bool:
        """Whether it waits for a stream."""
        return self.state in (State.WARM, State.IDLE)

    # ---- signs of life

    def check(self, now: float, timings: Timings) -> None:
        """Look for what has waited too long; called about once a second."""
        for stream in tuple(self.streams.values()):
            limit = _HALF_OPEN if self.machine.half_close else timings.half_close
            if stream.ended_at is not None and stream.mark(now) > limit:
                self._retire(stream)
        if any(stream.paused for stream in self.streams.values()):
            # Nothing is heard while an app does not read: the time that a sign of life may take starts anew.
            self._asked_at = self._asked_at and now
            self._heart_at = self._heart_at and now
        elif self._heart_at is not None:
            if now - self._heart_at > timings.heartbeat:
                self.give_up(SessionLost(translate("connection", _NO_SIGN)))
        elif self._asked_at is not None and now - self._asked_at > timings.answer:
            if self.heard:
                self.ask_for_life()
            elif self.waited:
                self.give_up(SessionLost(translate("connection", _NO_SIGN)))
            else:
                self.give_up(StageTimedOut(*self.address, "authentication", timings.answer))

    def ask_for_life(self) -> None:
        """Find out whether the session still works; only a server of version 2 can tell."""
        self._asked_at = None
        if self.machine.version >= VERSION and self._heart_at is None:
            self._heart_at = self.time()
            self.machine.heartbeat()
            self.write_out()

    def give_up(self, failure: Failure) -> None:
        """End the session at once because of `failure`."""
        self.fail(failure)
        self.link.abort()

    def expect_silence(self) -> None:
        """The server is known to speak version 1, which says nothing until the target does."""
        self._asked_at = None

    # ---- what the base class reports

    def received(self, data: anytls.Buffer) -> None:
        super().received(data)
        self._asked_at = None
        if self.state is not State.DRAINING:
            self._heart_at = None

    def batch_received(self) -> None:
        super().batch_received()
        if not self.heard and self.machine.known:
            self.heard = True
            self.spoken.set()
            self.home.proved(self)

    def stream_closed(self, stream: Stream) -> None:
        self._free_if_done()

    def ended(self) -> None:
        self.state = State.CLOSED
        self.spoken.set()
        self.home.session_over(self)

    def loss(self, error: Exception | None) -> Failure:
        if self.heard or self.waited:
            return super().loss(error)
        # In TLS 1.3 the server looks at a client's certificate when the handshake is over for the client.
        return refused_certificate(self._server, error) or ClosedSilently(*self.address)

    def protocol_failure(self, error: anytls.ProtocolError) -> Failure:
        if isinstance(error, anytls.NotAnyTls):
            return NotAnyTls(*self.address)
        return super().protocol_failure(error)

    # ---- inside

    def _retire(self, stream: Stream) -> None:
        """Close a stream whose app has ended its side, and what is left of the app's connection with it."""
        self.close_stream(stream)
        stream.consumer.closed(None)

    def _free_if_done(self) -> None:
        """Free the session unless a stream may still have something to say.

        An app that has ended its side after the last answer came has nearly always gone: no system tells a closed
        socket from a half-closed one. Its stream stays open, so that whatever does come still reaches it.
        """
        if self.over or self.state is not State.ACTIVE:
            return
        for stream in self.streams.values():
            if stream.ended_at is None or not _quiet(stream) or self.machine.fin_is_end:
                return
        self.state = State.IDLE
        self.idle_since = self.time()
        self.home.session_free(self)

    def _drain(self) -> None:
        if self.machine.version >= VERSION:
            self._heart_at = self.time()
            self.machine.heartbeat()
            self.write_out()
        else:
            self.close()

    def _on_accepted(self, event: Accepted) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.accepted = True
            stream.consumer.accepted()

    def _on_refused(self, event: Refused) -> None:
        stream = self.streams.get(event.stream_id)
        if event.message in _OF_THE_SESSION:
            self.give_up(SessionLost(event.message))
        elif stream is not None:
            self.finish_stream(stream, TargetRefused(event.message))

    def _on_scheme(self, event: SchemePushed | SchemeRejected) -> None:
        self._schemes += 1
        if self._schemes > _TOLD_SCHEMES:
            return
        if isinstance(event, SchemePushed):
            self.home.scheme_pushed(event.scheme.raw)
        else:
            self.home.scheme_rejected(event.reason)

    def _on_settings(self, _event: ServerSettingsReceived) -> None:
        if self.machine.half_close:
            for stream in tuple(self.streams.values()):
                if stream.ended_at is not None:
                    super().end(stream)

    def _on_heart(self, _event: HeartResponded) -> None:
        self._heart_at = None
        if self.state is State.DRAINING:
            self.state = State.ACTIVE
            self._free_if_done()


def _quiet(stream: Stream) -> bool:
    return (stream.answered or stream.bytes_sent == 0) and not stream.paused
