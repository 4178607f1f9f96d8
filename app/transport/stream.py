"""One proxied stream of a session, as its user sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.errors import Failure
from app.protocols.frames import HEADER_SIZE, MAX_PAYLOAD
from app.protocols.streams import Sink

if TYPE_CHECKING:
    from app.transport.session import Session


class Consumer(Protocol):
    """Who uses a stream: it takes what comes and is asked to pause what it sends."""

    @property
    def sink(self) -> Sink:
        """Takes each piece of payload, which is valid until `flush`."""

    def flush(self) -> None:
        """All pieces that came in one go have been given to `sink`, and are no longer valid afterwards."""

    def accepted(self) -> None:
        """The server reached the target."""

    def ended(self) -> None:
        """The other side will send no more, but listens."""

    def closed(self, error: Failure | None) -> None:
        """The stream is over, by the other side's will (None) or by an error. Called once, and not after `close`."""

    def hold(self) -> None:
        """Send no more until `release`."""

    def release(self) -> None:
        """Go on sending."""


class Stream:
    """A stream of a session. Everything is at once and never raises; on a closed stream it does nothing."""

    __slots__ = (
        "accepted",
        "answered",
        "bytes_received",
        "bytes_sent",
        "closed",
        "consumer",
        "ended_at",
        "id",
        "marked",
        "opened_at",
        "paused",
        "quiet_since",
        "session",
    )

    def __init__(self, session: Session, stream_id: int, consumer: Consumer, now: float) -> None:
        self.session = session
        self.id = stream_id
        self.consumer = consumer
        self.opened_at = now
        self.bytes_sent = 0
        self.bytes_received = 0
        self.accepted = False
        """The other side has said that the target is reached."""
        self.answered = False
        """Something came since the last time something was sent."""
        self.ended_at: float | None = None
        """When the consumer ended its sending side."""
        self.marked = 0
        """`bytes_received` when it was last looked at, …"""
        self.quiet_since = now
        """… and since when it has been the same."""
        self.paused = False
        self.closed = False

    def push(self, room: memoryview) -> None:
        """Send payload that stands behind seven bytes of room for the header. The memory is free again afterwards."""
        self.session.push(self, room)

    def send(self, payload: bytes) -> None:
        """Send payload of any length."""
        for at in range(0, len(payload), MAX_PAYLOAD):
            self.push(memoryview(bytearray(HEADER_SIZE) + payload[at : at + MAX_PAYLOAD]))

    def count_received(self, count: int) -> None:
        """The consumer passes on this many payload bytes."""
        self.answered = True
        self.bytes_received += count
        self.session.bytes_received += count

    def mark(self, now: float) -> float:
        """For how many seconds nothing has come, to the precision of how often this is called."""
        if self.marked != self.bytes_received:
            self.marked = self.bytes_received
            self.quiet_since = now
        return now - self.quiet_since

    def end(self) -> None:
        """Send no more, but go on receiving."""
        self.session.end(self)

    def close(self) -> None:
        """Close both directions; the consumer is not told."""
        self.session.close_stream(self)

    def pause(self) -> None:
        """Stop receiving, and with this stream all others of its session: there is no flow control by stream."""
        if not self.paused:
            self.paused = True
            self.session.pause_reading()

    def resume(self) -> None:
        """Go on receiving."""
        if self.paused:
            self.paused = False
            self.session.resume_reading()
