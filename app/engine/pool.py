"""Which session carries the next stream: the newest idle one first, the oldest closed first, some kept ready.

The pool decides at once and does nothing itself: it returns what to close and what to look after, and is told the
time. That sessions are taken last in, first out keeps the busy ones busy and lets the others grow old and go.
"""

from typing import Generic, Protocol, TypeVar

from app.engine.options import PoolOptions


class Poolable(Protocol):
    """What the pool knows of a session."""

    @property
    def idle_since(self) -> float: ...


S = TypeVar("S", bound=Poolable)


class Pool(Generic[S]):
    """The idle sessions of one server."""

    def __init__(self, options: PoolOptions) -> None:
        self._options = options
        self._idle: list[S] = []  # by the time they became idle, newest last
        self._next_check = 0.0

    def __len__(self) -> int:
        return len(self._idle)

    def put(self, session: S) -> None:
        """`session` has become idle now."""
        self._idle.append(session)

    def take(self) -> S | None:
        """The newest idle session, which is no longer idle then; None where all are busy."""
        return self._idle.pop() if self._idle else None

    def discard(self, session: S) -> None:
        """`session` is gone or no longer idle."""
        if session in self._idle:
            self._idle.remove(session)

    def clear(self) -> list[S]:
        """Empty the pool; returns what to close."""
        gone, self._idle = self._idle, []
        return gone

    def missing(self, coming: int) -> int:
        """How many sessions to make so that enough are ready, when `coming` are under way already."""
        return max(0, self._options.min_idle - len(self._idle) - coming)

    def sweep(self, now: float) -> tuple[list[S], list[S]]:
        """What has been idle for too long: those to close, the oldest first, and those to keep but to make sure of.

        Does something once every check interval, and may be called more often.
        """
        if now < self._next_check:
            return [], []
        self._next_check = now + self._options.check_interval
        old = [session for session in self._idle if now - session.idle_since >= self._options.idle_timeout]
        spare = max(0, len(self._idle) - self._options.min_idle)
        for session in old[:spare]:
            self._idle.remove(session)
        return old[:spare], old[spare:]
