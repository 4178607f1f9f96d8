"""`make bench-ui`: what the program with its window takes on a desktop of its own, beside what it may take.

The desktop is a real one without a person: screen, window manager, tray, session bus and keyring. Each value comes
from a process of its own, which is a child of this one.
"""

import argparse
import asyncio
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.machine import description
from tests.benchmarks.table import median
from tests.benchmarks.ui_rows import ROWS, Effort, Row, place
from tests.end_to_end.desktop import PARTS

_QUICK: Final = Effort(rounds=1, seconds=10.0, downloads=3)
_HEAD: Final = ("", "unit", "goal", "median", "best", "worst", "")


async def values(rows: Sequence[Row], effort: Effort, folder: Path) -> dict[str, list[float]]:
    """All rounds' values by the rows' keys; the rows take turns, so that a busy moment meets few values of each."""
    found: dict[str, list[float]] = {row.key: [] for row in rows}
    async with place(folder, effort) as at:
        for number in range(1, effort.rounds + 1):
            for row in rows:
                print(f"round {number} of {effort.rounds}: {row.title}", file=sys.stderr, flush=True)
                found[row.key].append(await row.measure(at))
    return found


def lines(rows: Sequence[Row], found: dict[str, list[float]]) -> list[str]:
    """The table in Markdown."""
    cells = [list(_HEAD)]
    for row in rows:
        here = found[row.key]
        figures = [f"{figure:.{row.digits}f}" for figure in (median(here), min(here), max(here))]
        cells.append([row.title, row.unit, f"≤ {row.goal:g}", *figures, "" if holds(row, here) else "missed"])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = [
        "-" * width if column in (0, 1, 6) else "-" * (width - 1) + ":"
        for column, width in enumerate(map(_wide, widths))
    ]
    return [_line(one, widths) for one in (cells[0], rule, *cells[1:])]


def holds(row: Row, here: Sequence[float]) -> bool:
    """Whether the median is within the goal."""
    return not math.isnan(median(here)) and median(here) <= row.goal


def main() -> int:
    """Measure and print the table; 1 where a goal is missed or nothing can be measured."""
    effort, rows = _asked()
    missing = [part for part in (*PARTS, "curl") if shutil.which(part) is None]
    if missing:
        print(f"not installed here: {', '.join(missing)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(values(rows, effort, Path(folder)))
    print(description())
    print(
        f"Medians of {effort.rounds}; the processor is watched for {effort.seconds:g} s; 100 % is one of its cores.\n"
    )
    print("\n".join(lines(rows, found)))
    return 0 if all(holds(row, found[row.key]) for row in rows) else 1


def _wide(width: int) -> int:
    return max(width, 2)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [
        f"{cell:<{width}}" if column in (0, 1, 6) else f"{cell:>{width}}"
        for column, (cell, width) in enumerate(zip(cells, map(_wide, widths), strict=True))
    ]
    return f"| {' | '.join(texts)} |"


def _asked() -> tuple[Effort, list[Row]]:
    parser = argparse.ArgumentParser(prog="bench-ui", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, help="how often; the table has the medians")
    parser.add_argument("--rows", nargs="+", choices=[row.key for row in ROWS], help="only these")
    asked = parser.parse_args()
    effort = _QUICK if asked.quick else Effort()
    if asked.rounds:
        effort = replace(effort, rounds=asked.rounds)
    return effort, [row for row in ROWS if not asked.rows or row.key in asked.rows]


if __name__ == "__main__":
    sys.exit(main())
