"""Which server is tried next, with the clock and the dice in the test's hand."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.options import Strategy
from app.engine.servers import FIRST_PAUSE, LONGEST_PAUSE, Order

NOW = 1_000.0

strategies = st.sampled_from(list(Strategy))


def order(count: int, strategy: Strategy = Strategy.FAILOVER, random: float = 1.0) -> Order:
    return Order(count, strategy, lambda: random)


# ---- strategies


def test_round_robin_gives_every_server_the_same_share() -> None:
    servers = order(3, Strategy.ROUND_ROBIN)
    firsts = [servers.next(NOW)[0] for _ in range(9)]
    assert firsts == [0, 1, 2] * 3


def test_round_robin_goes_on_with_the_neighbours() -> None:
    servers = order(3, Strategy.ROUND_ROBIN)
    assert [servers.next(NOW) for _ in range(3)] == [[0, 1, 2], [1, 2, 0], [2, 0, 1]]


def test_round_robin_shares_among_those_that_work() -> None:
    servers = order(3, Strategy.ROUND_ROBIN)
    servers.failed(1, NOW)
    shares = Counter(servers.next(NOW)[0] for _ in range(300))
    assert shares[1] == 0
    assert shares[0] + shares[2] == 300
    assert min(shares[0], shares[2]) >= 100


def test_failover_takes_the_first_that_works_and_returns_to_it() -> None:
    servers = order(3)
    assert [servers.next(NOW) for _ in range(2)] == [[0, 1, 2]] * 2
    servers.failed(0, NOW)
    assert servers.next(NOW) == [1, 2, 0]
    servers.succeeded(0)
    assert servers.next(NOW) == [0, 1, 2]


def test_lowest_latency_takes_the_nearest() -> None:
    servers = order(3, Strategy.LOWEST_LATENCY)
    for index, latency in enumerate((90.0, 20.0, 50.0)):
        servers.measured(index, latency)
    assert servers.next(NOW) == [1, 2, 0]


def test_lowest_latency_measures_the_unknown_first() -> None:
    servers = order(3, Strategy.LOWEST_LATENCY)
    servers.measured(0, 10.0)
    servers.measured(2, 5.0)
    assert servers.next(NOW) == [1, 2, 0]


def test_one_measurement_moves_the_remembered_latency_by_an_eighth() -> None:
    servers = order(1)
    assert servers.latency_ms(0) is None
    servers.measured(0, 80.0)
    assert servers.latency_ms(0) == 80.0
    servers.measured(0, 160.0)
    assert servers.latency_ms(0) == 90.0


def test_looking_takes_no_turn() -> None:
    servers = order(2, Strategy.ROUND_ROBIN)
    assert servers.first(NOW) == servers.first(NOW) == 0
    assert servers.next(NOW)[0] == 0
    assert servers.first(NOW) == 1


# ---- back-off


def test_each_failure_in_a_row_doubles_the_pause_up_to_the_longest() -> None:
    servers, now, pauses = order(1), NOW, []
    for _ in range(8):
        servers.failed(0, now)
        pauses.append(servers.pause(0, now))
        now += pauses[-1]
    assert pauses == pytest.approx([0.5, 1, 2, 4, 8, 15, 15, 15])


@given(random=st.floats(0, 1, exclude_max=True), failures=st.integers(1, 40))
def test_a_pause_is_drawn_from_its_upper_half(random: float, failures: int) -> None:
    servers, now = order(1, random=random), NOW
    for _ in range(failures):
        now += servers.pause(0, now)
        servers.failed(0, now)
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1))
    pause = servers.pause(0, now)
    assert longest / 2 <= pause + 1e-6
    assert pause <= longest + 1e-6
    assert servers.failures(0) == failures


def test_a_success_ends_the_pause_and_forgets_the_failures() -> None:
    servers = order(1)
    servers.failed(0, NOW)
    servers.succeeded(0)
    assert servers.pause(0, NOW) == 0
    assert servers.failures(0) == 0
    servers.failed(0, NOW)
    assert servers.pause(0, NOW) == pytest.approx(FIRST_PAUSE)


def test_a_measurement_is_no_success() -> None:
    servers = order(1)
    servers.failed(0, NOW)
    servers.measured(0, 10.0)
    assert servers.pause(0, NOW) > 0


def test_failures_that_were_under_way_when_a_pause_began_count_once() -> None:
    servers = order(1)
    for _ in range(5):
        servers.failed(0, NOW)
    assert servers.failures(0) == 1
    assert servers.pause(0, NOW) == pytest.approx(FIRST_PAUSE)


def test_a_pause_runs_out() -> None:
    servers = order(2)
    servers.failed(0, NOW)
    assert servers.next(NOW) == [1, 0]
    assert servers.pause(0, NOW + 0.2) == pytest.approx(0.3)
    assert servers.pause(0, NOW + 60) == 0
    assert servers.next(NOW + 60) == [0, 1]


# ---- whatever happens


@given(
    strategy=strategies,
    failures=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), max_size=12),
    later=st.floats(0, 30),
)
def test_all_are_listed_once_and_those_that_rest_stand_last_by_the_end_of_their_rest(
    strategy: Strategy, failures: list[tuple[int, float]], later: float
) -> None:
    servers = order(4, strategy)
    for index, after in sorted(failures, key=lambda failure: failure[1]):
        servers.failed(index, NOW + after)
    now = NOW + later
    tried = servers.next(now)
    assert sorted(tried) == [0, 1, 2, 3]
    pauses = [servers.pause(index, now) for index in tried]
    resting = [pause for pause in pauses if pause > 0]
    assert pauses == [0.0] * (4 - len(resting)) + sorted(resting)
