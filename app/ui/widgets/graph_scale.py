"""The arithmetic of the graphs: round scales, fewer points than pixels, and what is said of them in words. No Qt."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from app.texts import translate
from app.traffic.pool_history import PoolCount
from app.traffic.rates import Sample, format_rate
from app.ui.widgets.amounts import duration_text

LOWEST_TOP: Final = 10_000.0  # bytes/s: less than this is the noise of a tunnel at rest, and is drawn as such
_STEPS: Final = (1, 2, 5, 10)
_MOST_LINES: Final = 4
# Seconds between two samples that still count as one unbroken row: sampling is coarse and may be late, not this late.
_GAP: Final = 5.0

T = TypeVar("T", Sample, PoolCount)


class Scale(NamedTuple):
    """An axis from 0 to `top`, with a line at every `step`."""

    top: float
    step: float

    def ticks(self) -> list[float]:
        """Where the lines are, the one at 0 left out."""
        return [self.step * number for number in range(1, round(self.top / self.step) + 1)]


def rate_scale(peak: float) -> Scale:
    """Round numbers (1, 2 or 5 times a power of ten) that hold `peak` bytes/s with at most four lines."""
    wanted = max(peak, LOWEST_TOP)
    power = 10.0 ** math.floor(math.log10(wanted / _MOST_LINES))
    step = next(factor * power for factor in _STEPS if factor * power * _MOST_LINES >= wanted)
    return Scale(step * math.ceil(round(wanted / step, 9)), step)


def count_scale(peak: int) -> Scale:
    """As `rate_scale`, for whole numbers: an axis for at least four."""
    wanted = max(peak, _MOST_LINES)
    scale = rate_scale(wanted * LOWEST_TOP)  # far above the lowest top, where only the digits matter
    step = max(1.0, scale.step / LOWEST_TOP)
    return Scale(float(max(wanted, step * math.ceil(wanted / step))), step)


def tick_text(value: float) -> str:
    """A speed on the axis: 500 kB/s, 1 MB/s, 2.5 MB/s."""
    return format_rate(value).replace(".0 ", " ")


def recent(samples: Sequence[T], seconds: float) -> list[T]:
    """Those of the last `seconds`, counted back from the newest."""
    if not samples:
        return []
    start = samples[-1].time - seconds
    return [sample for sample in samples if sample.time >= start]


def peaks(points: Iterable[tuple[float, float]], per: float) -> list[tuple[float, float]]:
    """At most one (time, value) for every `per` seconds, the highest of them.

    The slices hang on the clock and not on the window, so that a peak stays one while it moves on.
    """
    kept: list[tuple[float, float]] = []
    last = -1
    for point in points:
        place = int(point[0] // per)
        if place != last:
            kept.append(point)
            last = place
        elif point[1] > kept[-1][1]:
            kept[-1] = point
    return kept


def runs(points: Sequence[tuple[float, float]], gap: float = _GAP) -> list[Sequence[tuple[float, float]]]:
    """The points in unbroken rows: where nothing was measured for `gap` seconds, no line is drawn."""
    breaks = [place for place in range(1, len(points)) if points[place][0] - points[place - 1][0] > gap]
    edges = [0, *breaks, len(points)]
    return [points[start:end] for start, end in pairwise(edges) if end > start]


def bars(counts: Sequence[PoolCount], number: int, per: float) -> list[PoolCount | None]:
    """The last `number` slices of `per` seconds, newest last: the fullest count of each.

    A slice without one has that before it, since sampling is not exact; None where nothing was measured for longer.
    """
    if not counts:
        return [None] * number
    best: dict[int, PoolCount] = {}
    for count in counts:
        place = int(count.time // per)
        before = best.get(place)
        if before is None or count.total >= before.total:
            best[place] = count
    newest = int(counts[-1].time // per)
    shown: list[PoolCount | None] = []
    held: PoolCount | None = None
    for place in range(newest - number + 1, newest + 1):
        held = best.get(place, held)
        late = held is not None and place * per - held.time > _GAP
        shown.append(None if late else held)
    return shown


def nearest(times: Sequence[float], time: float) -> int:
    """Where the moment closest to `time` stands. Raises ValueError where there is none."""
    if not times:
        raise ValueError("nothing to be near to")
    after = bisect_left(times, time)
    around = [place for place in (after - 1, after) if 0 <= place < len(times)]
    return min(around, key=lambda place: abs(times[place] - time))


class Figures(NamedTuple):
    """What a window of samples comes to, in bytes/s."""

    now: float
    peak: float
    mean: float


def figures(values: Sequence[float]) -> Figures:
    """Newest, highest and average; zeros where there are none."""
    if not values:
        return Figures(0.0, 0.0, 0.0)
    return Figures(values[-1], max(values), sum(values) / len(values))


def traffic_summary(samples: Sequence[Sample], minutes: int) -> str:
    """The traffic graph in words, for those who hear it."""
    if not samples:
        return translate("graphs", "No traffic has been measured yet.")
    text = translate(
        "graphs",
        "Last {minutes} min. Download: now {down}, peak {down_peak}, mean {down_mean}."
        " Upload: now {up}, peak {up_peak}, mean {up_mean}.",
    )
    down, up = figures([sample.down for sample in samples]), figures([sample.up for sample in samples])
    return text.format(
        minutes=minutes,
        down=format_rate(down.now),
        down_peak=format_rate(down.peak),
        down_mean=format_rate(down.mean),
        up=format_rate(up.now),
        up_peak=format_rate(up.peak),
        up_mean=format_rate(up.mean),
    )


def sample_text(sample: Sample, newest: float) -> str:
    """One sample in words: when it was, and what went through."""
    text = translate("graphs", "{when}: download {down}, upload {up}")
    return text.format(when=_when(newest - sample.time), down=format_rate(sample.down), up=format_rate(sample.up))


def pool_summary(counts: Sequence[PoolCount]) -> str:
    """The pool graph in words."""
    if not counts:
        return translate("graphs", "No sessions have been counted yet.")
    text = translate(
        "graphs", "Sessions now: busy {active}, idle {idle}, connecting {warming}. Most at one time: {peak}."
    )
    now = counts[-1]
    peak = max(count.total for count in counts)
    return text.format(active=now.active, idle=now.idle, warming=now.warming, peak=peak)


def count_text(count: PoolCount, newest: float) -> str:
    """One count in words."""
    text = translate("graphs", "{when}: busy {active}, idle {idle}, connecting {warming}")
    return text.format(when=_when(newest - count.time), active=count.active, idle=count.idle, warming=count.warming)


def _when(age: float) -> str:
    if age < 0.5:
        return translate("graphs", "Now")
    return translate("graphs", "{age} ago").format(age=duration_text(age))
