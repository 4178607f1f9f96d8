"""The pairs, one after the other, and a table of what came of them at the end of the run."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.interop.pairs import Direction, Pair, joined
from tests.interop.peers import PEERS, Peer
from tests.interop.rows import ROWS

COLUMNS = [(peer, direction) for direction in Direction for peer in PEERS]

Outcomes = dict[tuple[str, str, Direction], str]

OUTCOMES = pytest.StashKey[Outcomes]()


def can_take_part(peer: Peer, direction: Direction) -> bool:
    """Whether the peer's end is there."""
    return (peer.server if direction is Direction.OUR_CLIENT else peer.client) is not None


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> Outcomes:
    """What came of each row with each peer."""
    return pytestconfig.stash.setdefault(OUTCOMES, {})


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=COLUMNS, ids=[f"{peer.name}-{way.name}" for peer, way in COLUMNS]
)
async def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Our end and a peer's, which all rows share."""
    peer, direction = request.param
    if not can_take_part(peer, direction):
        pytest.skip(f"{peer.name} takes no part: {peer.missing}")
    async with joined(peer, direction, tmp_path_factory.mktemp("pair")) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say who took part, and what came of it."""
    outcomes = config.stash.get(OUTCOMES, {})
    terminalreporter.section("interop with other implementations of AnyTLS")
    for peer in PEERS:
        took_part = any(name == peer.name for name, _, _ in outcomes)
        terminalreporter.line(f"{peer}: {'took part' if took_part else f'took no part; {peer.missing}'}")
    for direction in Direction:
        names = [peer.name for peer in PEERS if any((peer.name, row, direction) in outcomes for row in ROWS)]
        if names:
            _table(terminalreporter, direction, names, outcomes)


def _table(reporter: pytest.TerminalReporter, direction: Direction, names: list[str], outcomes: Outcomes) -> None:
    reporter.line("")
    reporter.line(f"| {direction.value} | {' | '.join(names)} |")
    reporter.line("|---" * (1 + len(names)) + "|")
    for row in ROWS:
        cells = (outcomes.get((name, row, direction), "") for name in names)
        reporter.line(f"| {row} | {' | '.join(cells)} |")
