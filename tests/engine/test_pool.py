"""The pool's promises, kept whatever the order of what happens to it."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.engine.options import PoolOptions
from app.engine.pool import Pool

EVERY, TIMEOUT, MIN_IDLE = 10.0, 30.0, 3


@dataclass(eq=False)
class Idler:
    number: int
    idle_since: float = field(default=0.0)


class PoolMachine(RuleBasedStateMachine):
    """Plays an upstream: makes sessions, takes them, gives them back, loses them, lets time pass and sweeps.

    `idle` is the model: what lies in the pool, the one put last at the end. Sessions outside of it are busy or gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pool: Pool[Idler] = Pool(PoolOptions(EVERY, TIMEOUT, MIN_IDLE))
        self.now = 1_000.0
        self.swept_at: float | None = None
        self.made = 0
        self.idle: list[Idler] = []
        self.busy: list[Idler] = []
        self.gone: list[Idler] = []

    @rule()
    def a_new_session_is_put(self) -> None:
        self.made += 1
        self._put(Idler(self.made))

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def a_busy_session_comes_back(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.busy))
        self.busy.remove(session)
        self._put(session)

    @rule()
    def one_is_taken(self) -> None:
        session = self.pool.take()
        assert session is (self.idle.pop() if self.idle else None), "the newest goes first"
        if session is not None:
            assert session not in self.busy
            assert session not in self.gone
            self.busy.append(session)

    @precondition(lambda self: self.idle)
    @rule(data=st.data())
    def an_idle_session_dies(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.idle))
        self.idle.remove(session)
        self.gone.append(session)
        self.pool.discard(session)

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def a_busy_session_dies(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.busy))
        self.busy.remove(session)
        self.gone.append(session)
        self.pool.discard(session)

    @rule(seconds=st.sampled_from([0.0, 0.5, 9.5, 10.0, 29.5, 30.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def it_is_swept(self) -> None:
        close, keep = self.pool.sweep(self.now)
        if self.swept_at is not None and self.now - self.swept_at < EVERY:
            assert (close, keep) == ([], []), "not before the interval has passed"
            return
        self.swept_at = self.now
        old = [session for session in self.idle if self.now - session.idle_since >= TIMEOUT]
        assert close + keep == old, "all that timed out and no other, the oldest first"
        assert len(close) == min(len(old), max(0, len(self.idle) - MIN_IDLE)), "as many as may go, and not one more"
        self.idle = [session for session in self.idle if session not in close]
        self.gone += close

    @rule()
    def it_is_cleared(self) -> None:
        assert self.pool.clear() == self.idle
        self.gone += self.idle
        self.idle = []

    @invariant()
    def it_knows_how_many_there_are_and_are_missing(self) -> None:
        assert len(self.pool) == len(self.idle)
        assert self.pool.missing(0) == max(0, MIN_IDLE - len(self.idle))
        assert self.pool.missing(2) == max(0, MIN_IDLE - len(self.idle) - 2)

    def _put(self, session: Idler) -> None:
        session.idle_since = self.now
        self.pool.put(session)
        self.idle.append(session)


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=80, stateful_step_count=50)


def filled(*since: float, min_idle: int = 1) -> tuple[Pool[Idler], list[Idler]]:
    pool: Pool[Idler] = Pool(PoolOptions(EVERY, TIMEOUT, min_idle))
    sessions = [Idler(number, idle_since) for number, idle_since in enumerate(since)]
    for session in sessions:
        pool.put(session)
    return pool, sessions


def test_newest_released_goes_first() -> None:
    pool, (first, second, third) = filled(0, 1, 2)
    assert pool.take() is third
    pool.put(first_back := third)
    assert [pool.take(), pool.take(), pool.take(), pool.take()] == [first_back, second, first, None]


def test_oldest_are_closed_first_and_enough_are_kept_to_be_made_sure_of() -> None:
    pool, (first, second, third, young) = filled(0, 1, 2, 25, min_idle=3)
    assert pool.sweep(40) == ([first], [second, third])
    assert len(pool) == 3
    assert pool.take() is young


def test_a_session_that_timed_out_stays_where_few_are_left() -> None:
    pool, (only,) = filled(0)
    assert pool.sweep(1_000) == ([], [only])
    assert pool.take() is only


def test_all_go_where_none_is_to_be_kept() -> None:
    pool, sessions = filled(0, 1, min_idle=0)
    assert pool.sweep(100) == (sessions, [])
    assert pool.take() is None


@pytest.mark.parametrize(("age", "closed"), [(29.9, 0), (30.0, 1)])
def test_none_is_closed_before_the_timeout(age: float, closed: int) -> None:
    pool, _ = filled(0, min_idle=0)
    assert len(pool.sweep(age)[0]) == closed


def test_nothing_happens_between_checks() -> None:
    pool, _ = filled(0, min_idle=0)
    assert pool.sweep(25) == ([], [])
    assert pool.sweep(34.9) == ([], []), "the session has timed out, but the next check is due at 35"
    assert len(pool.sweep(35)[0]) == 1


def test_discarding_what_was_taken_changes_nothing() -> None:
    pool, (first, second) = filled(0, 1)
    assert pool.take() is second
    pool.discard(second)
    assert pool.take() is first
