"""The table: a line a measure, a column a client, and beside each value how ours compares with it."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table: what stands under `key` in a run's result."""

    title: str
    key: str
    unit: str
    more_is_better: bool
    digits: int = 0


def median(values: Sequence[float]) -> float:
    """The middle of what is known; NaN where nothing is."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def advantage(measure: Measure, ours: float, theirs: float) -> float:
    """How many times better ours is than theirs: below 1 it is worse. NaN where that cannot be said."""
    better, worse = (ours, theirs) if measure.more_is_better else (theirs, ours)
    return better / worse if worse > 0 else math.nan


def lines(
    measures: Sequence[Measure], columns: Sequence[str], ours: str, value: Callable[[Measure, str], float]
) -> list[str]:
    """The table in Markdown. `value` gives what stands in a measure's line and a column, NaN for nothing; columns
    from the one named `ours` on are compared with it."""
    first = columns.index(ours) + 1
    rows = [["", "unit", *columns]]
    for measure in measures:
        values = [value(measure, column) for column in columns]
        plain = [_number(measure, it) for it in values[:first]]
        rows.append(
            [measure.title, measure.unit, *plain, *(_beside(measure, values[first - 1], it) for it in values[first:])]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], "-" * widths[1], *("-" * (width - 1) + ":" for width in widths[2:])]
    return [_line(row, widths) for row in (rows[0], rule, *rows[1:])]


def _number(measure: Measure, value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.{measure.digits}f}"


def _beside(measure: Measure, ours: float, theirs: float) -> str:
    times = advantage(measure, ours, theirs)
    return _number(measure, theirs) + ("" if math.isnan(times) else f" ({times:.2f})")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [f"{cell:<{width}}" for cell, width in zip(cells[:2], widths[:2], strict=True)]
    values = [f"{cell:>{width}}" for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return f"| {' | '.join(texts + values)} |"
