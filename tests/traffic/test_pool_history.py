"""Counts of sessions over time, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from app.traffic.pool_history import PoolCount, PoolHistory
from app.traffic.rates import HISTORY


def test_counts_are_kept_in_their_order() -> None:
    pool = PoolHistory()
    pool.add(10.0, 1, 2, 3)
    pool.add(11.0, 2, 1, 0)
    assert list(pool.history) == [PoolCount(10.0, 1, 2, 3), PoolCount(11.0, 2, 1, 0)]


def test_a_count_knows_its_total() -> None:
    assert PoolCount(0.0, active=1, idle=2, warming=4).total == 7


def test_the_peak_is_the_largest_total() -> None:
    pool = PoolHistory()
    assert pool.peak() == 0
    pool.add(1.0, 1, 1, 1)
    pool.add(2.0, 0, 5, 0)
    pool.add(3.0, 2, 0, 2)
    assert pool.peak() == 5


def test_a_second_count_of_one_moment_replaces_the_first() -> None:
    pool = PoolHistory()
    pool.add(1.0, 0, 1, 0)
    pool.add(2.0, 1, 0, 0)
    pool.add(2.0, 2, 0, 0)
    assert list(pool.history) == [PoolCount(1.0, 0, 1, 0), PoolCount(2.0, 2, 0, 0)]


def test_a_clock_set_back_starts_anew() -> None:
    pool = PoolHistory()
    pool.add(10.0, 1, 0, 0)
    pool.add(9.0, 0, 1, 0)
    assert list(pool.history) == [PoolCount(9.0, 0, 1, 0)]


def test_the_history_keeps_the_newest() -> None:
    pool = PoolHistory()
    for second in range(HISTORY + 10):
        pool.add(float(second), second, 0, 0)
    assert len(pool.history) == HISTORY
    assert pool.history[0].active == 10
    assert pool.history[-1].active == HISTORY + 9


@given(st.lists(st.tuples(st.floats(0, 1e9), st.integers(0, 64), st.integers(0, 64), st.integers(0, 64)), max_size=60))
def test_times_only_grow_whatever_is_fed(counts: list[tuple[float, int, int, int]]) -> None:
    pool = PoolHistory()
    for now, active, idle, warming in counts:
        pool.add(now, active, idle, warming)
        assert pool.history[-1] == PoolCount(now, active, idle, warming)
    times = [count.time for count in pool.history]
    assert times == sorted(set(times))
