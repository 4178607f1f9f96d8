"""What came of the pairs, said at the end of a run: also of one whose tests ran on several workers."""

from typing import Final

import pytest

PROPERTY: Final = "interop"
"""Under which a test records the peer's name, the row, the direction's name, and what came of it."""

_TESTS: Final = "tests/interop/"

Outcomes = dict[tuple[str, str, str], str]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say who took part, and the table. The hook itself, for a conftest to import."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    ours = [report for report in reports if getattr(report, "nodeid", "").startswith(_TESTS)]
    if not ours:
        return
    from tests.interop.pairs import (
        Direction,
    )  # not with every run: pytest looks into the asserts of what is loaded late
    from tests.interop.peers import PEERS

    outcomes: Outcomes = {
        (peer, row, direction): outcome
        for report in ours
        for name, (peer, row, direction, outcome) in getattr(report, "user_properties", ())
        if name == PROPERTY
    }
    terminalreporter.section("interop with other implementations of AnyTLS")
    for peer in PEERS:
        took_part = any(name == peer.name for name, _, _ in outcomes)
        terminalreporter.line(f"{peer}: {'took part' if took_part else f'took no part; {peer.missing}'}")
    for direction in Direction:
        names = [peer.name for peer in PEERS if any(key[::2] == (peer.name, direction.name) for key in outcomes)]
        if names:
            _table(terminalreporter, direction.value, direction.name, names, outcomes)


def _table(reporter: pytest.TerminalReporter, title: str, direction: str, names: list[str], outcomes: Outcomes) -> None:
    from tests.interop.rows import ROWS

    reporter.line("")
    reporter.line(f"| {title} | {' | '.join(names)} |")
    reporter.line("|---" * (1 + len(names)) + "|")
    for row in ROWS:
        cells = (outcomes.get((name, row, direction), "") for name in names)
        reporter.line(f"| {row} | {' | '.join(cells)} |")
