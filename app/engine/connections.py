"""The app connections that a tunnel carries, and those that ended lately: what a person can look at."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from app.errors import Failure
from app.protocols.address import Address
from app.transport.stream import Stream

# Enough to see what just went wrong, little enough to copy once a second.
_REMEMBERED: Final = 100


def _nothing() -> None:
    """There is nothing to close."""


@dataclass(slots=True, eq=False)
class Connection:
    """One app connection, or one plain HTTP exchange's stream, or one UDP destination."""

    number: int
    protocol: str
    """socks4, socks5, connect, http or udp."""
    target: Address
    opened_at: float
    stream: Stream | None = None
    closed_at: float | None = None
    failure: Failure | None = None
    end: Callable[[], None] = field(default=_nothing, repr=False)
    """Closes it."""
    _sent: int = 0
    _received: int = 0

    def joined(self, stream: Stream) -> None:
        """The stream that carries it; what an earlier one carried stays counted."""
        if stream is not self.stream:
            self._keep()
            self.stream = stream

    @property
    def bytes_sent(self) -> int:
        return self._sent + (self.stream.bytes_sent if self.stream else 0)

    @property
    def bytes_received(self) -> int:
        return self._received + (self.stream.bytes_received if self.stream else 0)

    @property
    def state(self) -> str:
        """waiting, open, ending, closed or failed."""
        if self.closed_at is not None:
            return "failed" if self.failure else "closed"
        if self.stream is None:
            return "waiting"
        return "open" if self.stream.ended_at is None and not self.stream.closed else "ending"

    def _keep(self) -> None:
        self._sent, self._received = self.bytes_sent, self.bytes_received
        self.stream = None

    def closed(self, now: float, failure: Failure | None) -> None:
        """It is over; lets go of its stream."""
        self._keep()
        self.closed_at = now
        self.failure = failure
        self.end = _nothing  # lets go of what served it


class Connections:
    """All that are open, by number, and the last ones that ended."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.open: dict[int, Connection] = {}
        self.recent: deque[Connection] = deque(maxlen=_REMEMBERED)
        self._now = now
        self._count = 0

    def add(self, protocol: str, target: Address) -> Connection:
        """A new one; whoever serves it sets `end`."""
        self._count += 1
        connection = Connection(self._count, protocol, target, self._now())
        self.open[connection.number] = connection
        return connection

    def remove(self, connection: Connection, failure: Failure | None = None) -> None:
        """It is over. Counts once, however often it is said."""
        if self.open.pop(connection.number, None) is not None:
            connection.closed(self._now(), failure)
            self.recent.append(connection)

    def __iter__(self) -> Iterator[Connection]:
        return iter((*self.recent, *self.open.values()))
