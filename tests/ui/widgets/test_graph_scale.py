"""Round scales, thinned lines, and the graphs in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.traffic.pool_history import PoolCount
from app.traffic.rates import Sample
from app.ui.widgets.graph_scale import (
    LOWEST_TOP,
    Figures,
    Scale,
    bars,
    count_scale,
    count_text,
    figures,
    nearest,
    peaks,
    pool_summary,
    rate_scale,
    recent,
    runs,
    sample_text,
    tick_text,
    traffic_summary,
)
from tests.ui.widgets.samples import counts, speeds


@pytest.mark.parametrize(
    ("peak", "scale"),
    [
        (0, Scale(10_000, 5_000)),
        (9_000, Scale(10_000, 5_000)),
        (12_000, Scale(15_000, 5_000)),
        (14_200_000, Scale(15_000_000, 5_000_000)),
        (20_000_000, Scale(20_000_000, 5_000_000)),
        (21_000_000, Scale(30_000_000, 10_000_000)),
        (5.9e6, Scale(6e6, 2e6)),
    ],
)
def test_a_scale_is_round_and_holds_the_peak(peak: float, scale: Scale) -> None:
    assert rate_scale(peak) == scale


@given(st.floats(0, 1e15))
def test_every_scale_has_few_lines_and_room(peak: float) -> None:
    scale = rate_scale(peak)
    assert scale.top >= max(peak, LOWEST_TOP) * 0.999999
    assert scale.top <= max(peak, LOWEST_TOP) * 2
    assert 1 <= len(scale.ticks()) <= 4
    assert scale.ticks()[-1] == pytest.approx(scale.top)


@given(st.integers(0, 5_000))
def test_sessions_are_counted_in_whole_numbers(peak: int) -> None:
    scale = count_scale(peak)
    assert scale.top >= max(peak, 4)
    assert scale.step >= 1
    assert scale.step == int(scale.step)


def test_few_sessions_have_an_axis_for_four() -> None:
    assert count_scale(0) == Scale(4, 1)
    assert count_scale(9) == Scale(10, 5)


@pytest.mark.parametrize(
    ("value", "text"), [(500_000, "500 kB/s"), (1_000_000, "1 MB/s"), (2_500_000, "2.5 MB/s"), (5, "5 B/s")]
)
def test_numbers_on_the_axis_have_no_empty_digits(value: float, text: str) -> None:
    assert tick_text(value) == text


def test_the_window_is_counted_back_from_the_newest() -> None:
    samples = speeds(*range(100))
    assert [sample.time for sample in recent(samples, 3)] == [96, 97, 98, 99]
    assert recent(samples, 1000) == samples
    empty: list[Sample] = []
    assert recent(empty, 60) == []


def test_thinning_keeps_the_highest_of_each_slice() -> None:
    assert peaks([(0, 1), (0.5, 9), (0.9, 2), (1.0, 3), (3.5, 4)], 1.0) == [(0.5, 9), (1.0, 3), (3.5, 4)]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=600), st.floats(0.5, 50))
def test_thinning_never_loses_the_peak(values: list[float], per: float) -> None:
    points = [(float(second), value) for second, value in enumerate(values)]
    kept = peaks(points, per)
    assert max(value for _, value in kept) == max(values)
    assert set(kept) <= set(points)
    assert len(kept) <= len(values) / per + 2
    assert kept == sorted(kept)


def test_a_peak_stays_while_the_window_moves() -> None:
    points = [(float(second), float(second % 7 == 0)) for second in range(100)]
    first, later = peaks(points[:90], 5.0), peaks(points[10:], 5.0)
    assert first[3:-1] == later[1 : len(first) - 3]


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    points = [(0.0, 1.0), (1.0, 1.0), (9.0, 1.0), (10.0, 1.0)]
    assert runs(points, 5.0) == [points[:2], points[2:]]
    assert runs(points, 100.0) == [points]
    assert runs([], 5.0) == []


def test_bars_end_with_the_newest_count() -> None:
    shown = bars(counts((1, 0, 0), (2, 0, 0), (3, 0, 0)), 5, 1.0)
    assert [count.active if count else None for count in shown] == [None, None, 1, 2, 3]


def test_a_bar_shows_the_fullest_count_of_its_time() -> None:
    shown = bars(counts((1, 0, 0), (5, 1, 0), (2, 0, 0), (1, 0, 0)), 2, 2.0)
    assert [count.total if count else None for count in shown] == [6, 2]


def test_a_missed_second_is_bridged_and_a_long_silence_is_not() -> None:
    history = [PoolCount(0.0, 1, 0, 0), PoolCount(2.0, 1, 0, 0), PoolCount(20.0, 1, 0, 0)]
    shown = [count is not None for count in bars(history, 21, 1.0)]
    assert shown[:3] == [True, True, True]
    assert not any(shown[9:20])
    assert shown[20]


def test_no_counts_are_empty_bars() -> None:
    assert bars([], 3, 1.0) == [None, None, None]


def test_the_nearest_sample_is_found() -> None:
    times = [0.0, 1.0, 2.0, 10.0]
    assert [nearest(times, time) for time in (-5, 0.4, 0.6, 5, 7, 99)] == [0, 0, 1, 2, 3, 3]
    with pytest.raises(ValueError, match="nothing"):
        nearest([], 1.0)


def test_figures_of_a_window() -> None:
    assert figures([]) == Figures(0, 0, 0)
    assert figures([1, 6, 2]) == Figures(2, 6, 3)


def test_the_traffic_in_words() -> None:
    assert traffic_summary([], 1) == "No traffic has been measured yet."
    text = traffic_summary(speeds(1e6, 3e6, up=2_000), 5)
    assert text.startswith("Last 5 min. Download: now 3.0 MB/s, peak 3.0 MB/s, mean 2.0 MB/s.")
    assert text.endswith("Upload: now 2.0 kB/s, peak 2.0 kB/s, mean 2.0 kB/s.")


def test_one_sample_in_words() -> None:
    sample = Sample(40.0, 1_000, 2_000_000)
    assert sample_text(sample, 74.0) == "34 s ago: download 2.0 MB/s, upload 1.0 kB/s"
    assert sample_text(sample, 40.0).startswith("Now: ")


def test_the_pool_in_words() -> None:
    assert pool_summary([]) == "No sessions have been counted yet."
    assert pool_summary(counts((4, 3, 1), (2, 1, 0))) == (
        "Sessions now: busy 2, idle 1, connecting 0. Most at one time: 8."
    )
    assert count_text(PoolCount(3.0, 2, 1, 1), 10.0) == "7 s ago: busy 2, idle 1, connecting 1"
