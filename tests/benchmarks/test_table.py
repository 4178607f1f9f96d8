"""The table says who is better, whichever way the numbers go."""

import math

import pytest

from tests.benchmarks.table import Measure, advantage, lines, median

SPEED = Measure("Speed", "rate", "MB/s", more_is_better=True)
COST = Measure("Cost", "cpu", "s/GiB", more_is_better=False, digits=2)


def test_twice_as_fast_and_half_the_cost_are_both_two() -> None:
    assert advantage(SPEED, 200.0, 100.0) == 2.0
    assert advantage(COST, 0.5, 1.0) == 2.0


@pytest.mark.parametrize("measure", [SPEED, COST])
@pytest.mark.parametrize("unknown", [math.nan, 0.0])
def test_nothing_is_said_of_what_is_unknown(measure: Measure, unknown: float) -> None:
    worse = (1.0, unknown) if measure.more_is_better else (unknown, 1.0)
    assert math.isnan(advantage(measure, *worse))


def test_the_median_leaves_out_what_is_unknown() -> None:
    assert median([3.0, math.nan, 1.0, 2.0]) == 2.0
    assert math.isnan(median([math.nan]))
    assert math.isnan(median([]))


def test_the_table_compares_what_stands_right_of_ours() -> None:
    values = {
        (SPEED, "direct"): 5000.0,
        (SPEED, "ours"): 400.0,
        (SPEED, "peer"): 320.0,
        (COST, "direct"): math.nan,
        (COST, "ours"): 1.5,
        (COST, "peer"): 1.2,
    }
    table = lines([SPEED, COST], ["direct", "ours", "peer"], "ours", lambda measure, column: values[measure, column])
    assert table == [
        "|       | unit  | direct | ours |        peer |",
        "| ----- | ----- | -----: | ---: | ----------: |",
        "| Speed | MB/s  |  5,000 |  400 |  320 (1.25) |",
        "| Cost  | s/GiB |      – | 1.50 | 1.20 (0.80) |",
    ]
