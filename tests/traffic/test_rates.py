"""Speeds from totals, whatever the clock does; and how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.traffic.rates import HISTORY, Rates, Sample, format_bytes, format_rate


def test_the_first_sample_is_where_counting_begins() -> None:
    rates = Rates()
    rates.add(10.0, 500, 700)
    assert (rates.up, rates.down, list(rates.history)) == (0, 0, [])


def test_speeds_are_those_of_the_last_interval() -> None:
    rates = Rates()
    rates.add(10.0, 0, 1000)
    rates.add(11.0, 100, 3000)
    rates.add(13.0, 200, 3000)
    assert (rates.up, rates.down) == (50, 0)
    assert list(rates.history) == [Sample(11.0, 100, 2000), Sample(13.0, 50, 0)]


def test_bytes_of_no_time_count_in_the_next_interval() -> None:
    rates = Rates()
    rates.add(10.0, 0, 0)
    rates.add(10.0, 100, 0)
    assert not rates.history
    rates.add(11.0, 150, 0)
    assert rates.up == 150


def test_a_clock_set_back_starts_a_new_interval() -> None:
    rates = Rates()
    rates.add(10.0, 0, 0)
    rates.add(11.0, 100, 0)
    rates.add(5.0, 300, 0)
    assert (rates.up, len(rates.history)) == (100, 1)
    rates.add(6.0, 310, 0)
    assert rates.up == 10


def test_a_new_meter_is_no_negative_speed() -> None:
    rates = Rates()
    rates.add(10.0, 1000, 1000)
    rates.add(11.0, 0, 2000)
    assert (rates.up, rates.down) == (0, 1000)
    rates.add(12.0, 50, 2000)
    assert rates.up == 50


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2**50), st.integers(0, 2**50)), max_size=50),
    st.integers(0, HISTORY + 50),
)
def test_no_clock_and_no_total_breaks_it(samples: list[tuple[float, int, int]], regular: int) -> None:
    rates = Rates()
    for now, up, down in [*samples, *((2e6 + second, second, second) for second in range(regular))]:
        rates.add(now, up, down)
        assert rates.up >= 0
        assert rates.down >= 0
    assert len(rates.history) <= HISTORY


def test_the_history_keeps_the_newest() -> None:
    rates = Rates()
    for second in range(HISTORY + 10):
        rates.add(float(second), second, 0)
    assert len(rates.history) == HISTORY
    assert rates.history[-1].time == HISTORY + 9
    assert rates.history[0].time == 10


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (1000, "1.0 kB"),
        (12_400_000, "12.4 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (10**12, "1.0 TB"),
        (5 * 10**15, "5.0 PB"),
        (5 * 10**21, "5000.0 EB"),
    ],
)
def test_amounts_are_short_and_in_si_units(count: float, text: str) -> None:
    assert format_bytes(count) == text
    assert format_rate(count) == f"{text}/s"


@given(st.integers(0, 10**20))
def test_an_amount_has_at_most_three_digits_before_the_point(count: int) -> None:
    number, unit = format_bytes(count).split()
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15, "EB": 1e18}[unit]
    assert float(number) < 1000
    assert float(number) * factor == pytest.approx(count, rel=0.06)
