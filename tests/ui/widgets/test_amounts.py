"""How spans of time are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.widgets.amounts import age_text, distance_text, duration_text, ms_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (250, "4 min 10 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 0 min"),
        (8_049, "2 h 14 min"),
        (86_400, "1 d 0 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (86_399, "23 h"), (200_000, "2 d")],
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0.04, "0.0 ms"), (0.44, "0.4 ms"), (1, "1 ms"), (18.4, "18 ms"), (999.4, "999 ms"), (1234, "1.2 s")],
)
def test_milliseconds_are_whole_where_it_makes_no_difference(ms: float, text: str) -> None:
    assert ms_text(ms) == text


@given(st.floats(0, 1e9))
def test_neither_is_ever_ahead_of_time(seconds: float) -> None:
    sizes = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
    for text in (duration_text(seconds), age_text(seconds)):
        words = text.split()
        told = sum(int(number) * sizes[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
        assert told <= seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "in 0 s"), (90, "in 1 min"), (-90, "1 min ago"), (12.5 * 86_400, "in 12 d"), (-3 * 3_600, "3 h ago")],
)
def test_how_far_away_a_moment_is(seconds: float, text: str) -> None:
    assert distance_text(seconds) == text
