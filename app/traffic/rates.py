"""Speeds, from totals that are read now and then; and how amounts and speeds are written."""

from collections import deque
from typing import Final, NamedTuple

HISTORY: Final = 600  # samples: ten minutes at one a second, as wide as a graph is drawn

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")


class Sample(NamedTuple):
    """What went through until `time` (the clock of whoever feeds, seconds) since the sample before, in bytes/s."""

    time: float
    up: float
    down: float


class Rates:
    """Feed it totals, once a second is meant: `up` and `down` are the speeds over the last interval, in bytes/s."""

    def __init__(self) -> None:
        self.up = 0.0
        self.down = 0.0
        self.history: deque[Sample] = deque(maxlen=HISTORY)
        self._last: tuple[float, int, int] | None = None

    def add(self, now: float, up_total: int, down_total: int) -> None:
        """The totals at `now`. No time passed: they count in the next interval. A clock set back starts a new one."""
        if self._last is None or now < self._last[0]:
            self._last = (now, up_total, down_total)
            return
        then, up_before, down_before = self._last
        elapsed = now - then
        if not elapsed:
            return
        self._last = (now, up_total, down_total)
        self.up = max(0, up_total - up_before) / elapsed  # totals fall when the meter is a new one
        self.down = max(0, down_total - down_before) / elapsed
        self.history.append(Sample(now, self.up, self.down))


def format_bytes(count: float) -> str:
    """Three or four digits and an SI unit: 999 B, 1.0 kB, 12.4 MB."""
    if round(count) < 1000:
        return f"{count:.0f} B"
    power, value = 0, count / 1000
    while round(value, 1) >= 1000 and power < len(_UNITS) - 1:
        power, value = power + 1, value / 1000
    return f"{value:.1f} {_UNITS[power]}"


def format_rate(bytes_per_second: float) -> str:
    """As `format_bytes`, each second: 12.4 MB/s."""
    return f"{format_bytes(bytes_per_second)}/s"
