"""The client's relay: an app's socket and a stream, joined before the stream is there, and told of the outcome.

A session that lay idle may be dead without anyone knowing. If it dies under a stream before the server has said
anything about that stream, nothing can have been done for the app yet, and its first bytes go to a new session.
"""

import asyncio
import logging
from typing import Final, Protocol

from app.engine.connections import Connection
from app.engine.session import ClientSession
from app.errors import Failure, SessionLost
from app.protocols.address import Address
from app.texts import translate
from app.transport.relay import Relay
from app.transport.stream import Stream

_log = logging.getLogger("anytls.relay")

# An app's first flight is kept so that a new session can carry it: a TLS hello or a request with its headers. An
# app that has sent more before the first answer is uploading, and its connection ends with the session.
_KEPT: Final = 32 * 1024


class Carrier(Protocol):
    """Who opens streams for relays and keeps count of them."""

    def carry(self, relay: "AppRelay", *, fresh: bool = False) -> None:
        """Open a stream to `relay.connection.target` and join it, or fail; `fresh` takes no idle session."""

    def over(self, connection: Connection, failure: Failure | None) -> None:
        """The connection has ended."""


class Outcome(Protocol):
    """What an app is told in exact mode."""

    def __call__(self, failure: Failure | None) -> bytes: ...


class AppRelay(Relay):
    """See the module's text. With `outcome` the app waits, reads paused, until the server's word is known."""

    def __init__(self, carrier: Carrier, connection: Connection, outcome: Outcome | None = None) -> None:
        super().__init__()
        self.connection = connection
        connection.end = self.reset
        self._carrier = carrier
        self._outcome = outcome
        self._kept: bytearray | None = bytearray()
        self._failure: Failure | None = None

    def adopt(self, transport: asyncio.Transport, early: bytes = b"") -> None:
        super().adopt(transport, early)
        if self._outcome is not None:
            self.hold()

    @property
    def target(self) -> Address:
        """Where the app wants to go."""
        return self.connection.target

    def joined(self, stream: Stream) -> None:
        self.connection.joined(stream)
        if self._early and self._kept is not None:
            self._keep(self._early)
        super().joined(stream)

    def buffer_updated(self, count: int) -> None:
        if self._kept is not None and self._stream is not None:
            self._keep(self._payload[:count])
        super().buffer_updated(count)

    def flush(self) -> None:
        if self._pieces:
            self.accepted()
        super().flush()

    def accepted(self) -> None:
        """The server has spoken about this stream: it is not opened anew any more, and the app may go on."""
        self._kept = None
        if self._outcome is not None:
            self._tell(None)
            self.release()

    def release(self) -> None:
        if self._outcome is None:
            super().release()

    def failed(self, failure: Failure) -> None:
        """No stream could be opened."""
        self.closed(failure)

    def closed(self, error: Failure | None) -> None:
        if isinstance(error, SessionLost) and self._can_move():
            _log.info("connection %d: its session was dead, a new one takes it", self.connection.number)
            self._early, self._kept, self._stream = bytes(self._kept or b""), None, None
            self.hold()
            self._carrier.carry(self, fresh=True)
            return
        self._failure = error
        if self._outcome is not None:
            # Told nothing yet: a reply and an orderly end say more than a reset.
            self._tell(error or SessionLost(translate("connection", "the server closed the stream")))
            error = None
        super().closed(error)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._carrier.over(self.connection, self._failure)

    def _can_move(self) -> bool:
        session = self._stream.session if self._stream is not None else None
        movable = self._kept is not None and not self._over
        return movable and isinstance(session, ClientSession) and session.waited and not session.closed_here

    def _keep(self, data: bytes | memoryview) -> None:
        if self._kept is not None:
            self._kept += data
            if len(self._kept) > _KEPT:
                self._kept = None

    def _tell(self, failure: Failure | None) -> None:
        outcome, self._outcome = self._outcome, None
        if outcome is not None and self._transport is not None and not self._over:
            self._transport.write(outcome(failure))
