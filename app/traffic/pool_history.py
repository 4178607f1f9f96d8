"""How many sessions carried streams, waited for one, or were being made: one count a second, ten minutes of them."""

from collections import deque
from typing import NamedTuple

from app.traffic.rates import HISTORY


class PoolCount(NamedTuple):
    """What the pool held at `time` (the clock of whoever feeds, seconds), in sessions."""

    time: float
    active: int
    idle: int
    warming: int
    """Being dialled or logged in."""

    @property
    def total(self) -> int:
        """All of them, those under way included."""
        return self.active + self.idle + self.warming


class PoolHistory:
    """Feed it counts, once a second is meant: `history` has the newest, oldest first."""

    def __init__(self) -> None:
        self.history: deque[PoolCount] = deque(maxlen=HISTORY)

    def add(self, now: float, active: int, idle: int, warming: int) -> None:
        """The counts at `now`. A second count of one moment replaces the first; a clock set back starts anew."""
        if self.history and now <= self.history[-1].time:
            if now < self.history[-1].time:
                self.history.clear()
            else:
                self.history.pop()
        self.history.append(PoolCount(now, active, idle, warming))

    def peak(self) -> int:
        """The most sessions at one time; 0 where nothing was counted."""
        return max((count.total for count in self.history), default=0)
