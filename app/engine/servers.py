"""Which server is dialled next: by turns, in order, or the nearest; those that failed are left alone for a while.

Pure: time and chance are arguments.
"""

from collections.abc import Callable
from typing import Final

from app.engine.options import Strategy

# Exponential back-off in seconds: doubled at each failure in a row, drawn from the upper half so that clients that
# lost the same server do not come back together. The longest is short enough for an app to wait it out.
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0

# How much one new measurement moves the remembered latency, as TCP smooths its round-trip time (RFC 6298).
_SMOOTHING: Final = 0.125

Random = Callable[[], float]


class _Health:
    def __init__(self) -> None:
        self.failures = 0
        self.retry_at = 0.0
        self.latency_ms: float | None = None


class Order:
    """The order in which servers, known by their index, are tried."""

    def __init__(self, count: int, strategy: Strategy, random: Random) -> None:
        self._strategy = strategy
        self._random = random
        self._servers = [_Health() for _ in range(count)]
        self._turn = 0

    def next(self, now: float) -> list[int]:
        """All servers, the one to try first in front. Those in a pause stand at the end, the earliest ready first."""
        if len(self._servers) == 1:
            return [0]
        order = self._preferred(self._turn)
        self._turn = (self._turn + 1) % len(order)
        return self._sorted(order, now)

    def first(self, now: float) -> int:
        """The server that would be tried first, without taking a turn."""
        return self._sorted(self._preferred(self._turn), now)[0]

    def pause(self, index: int, now: float) -> float:
        """For how many seconds the server is still left alone."""
        return max(0.0, self._servers[index].retry_at - now)

    def succeeded(self, index: int) -> None:
        """The server has spoken AnyTLS: it works and takes the password."""
        server = self._servers[index]
        server.failures, server.retry_at = 0, 0.0

    def measured(self, index: int, latency_ms: float) -> None:
        """TCP and TLS with the server took this long."""
        server = self._servers[index]
        old = server.latency_ms
        server.latency_ms = latency_ms if old is None else old + _SMOOTHING * (latency_ms - old)

    def failed(self, index: int, now: float) -> None:
        """No session with the server could be made. Tries that were under way when a pause began say nothing new."""
        server = self._servers[index]
        if now < server.retry_at:
            return
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(server.failures, 16))
        server.failures += 1
        server.retry_at = now + longest * (0.5 + self._random() / 2)

    def failures(self, index: int) -> int:
        """How many times in a row the server has failed."""
        return self._servers[index].failures

    def latency_ms(self, index: int) -> float | None:
        """The smoothed time to make a session, once one has been made."""
        return self._servers[index].latency_ms

    def _preferred(self, turn: int) -> list[int]:
        order = list(range(len(self._servers)))
        if self._strategy is Strategy.ROUND_ROBIN:
            return order[turn:] + order[:turn]
        if self._strategy is Strategy.LOWEST_LATENCY:
            # One that was never measured comes first: that is how it is measured.
            return sorted(order, key=lambda index: self._servers[index].latency_ms or 0.0)
        return order

    def _sorted(self, order: list[int], now: float) -> list[int]:
        ready = [index for index in order if self._servers[index].retry_at <= now]
        resting = [index for index in order if self._servers[index].retry_at > now]
        return ready + sorted(resting, key=lambda index: self._servers[index].retry_at)
