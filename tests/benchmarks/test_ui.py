"""The bench of the window says what it found, and each of its rows can be measured."""

import math
from pathlib import Path

import pytest

from tests.benchmarks.ui import holds, lines, values
from tests.benchmarks.ui_rows import ROWS, Effort, Row
from tests.end_to_end.desktop import PARTS, needs

TINY = Effort(rounds=1, seconds=0.5, settles=0.5, downloads=1)


async def _nothing(_at: object) -> float:
    return 0.0


START = Row("start", "Start", "s", 0.6, _nothing, 2)
MEMORY = Row("memory", "Memory", "MiB", 110, _nothing)


def test_a_goal_holds_where_the_median_does() -> None:
    assert holds(START, [0.5, 0.6, 9.0])
    assert not holds(START, [0.5, 0.7, 0.7])
    assert not holds(START, [])
    assert not holds(START, [math.nan])


def test_the_table_says_what_was_missed() -> None:
    assert lines([START, MEMORY], {"start": [0.5, 0.4, 0.7], "memory": [111.0, 112.0, 113.0]}) == [
        "|        | unit |  goal | median | best | worst |        |",
        "| ------ | ---- | ----: | -----: | ---: | ----: | ------ |",
        "| Start  | s    | ≤ 0.6 |   0.50 | 0.40 |  0.70 |        |",
        "| Memory | MiB  | ≤ 110 |    112 |  111 |   113 | missed |",
    ]


@needs(*PARTS, "curl")
@pytest.mark.timeout(240)
async def test_every_row_gives_its_number(tmp_path: Path) -> None:
    found = await values(ROWS, TINY, tmp_path)
    assert set(found) == {row.key for row in ROWS}
    assert all(0 <= value < 1e5 for here in found.values() for value in here)
