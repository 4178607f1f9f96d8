"""What comes of a row where it is not `WORKS`: each is a peer's own way, with its evidence in README.md."""

from tests.interop.pairs import Direction
from tests.interop.rows import ANSWER_LOST, CUT_SHORT, NO_END, NOT_TRIED, NOTHING, ON_NEW_SESSIONS, WORKS

CLIENT, SERVER = Direction.OUR_CLIENT, Direction.OUR_SERVER

# Where a peer's way depends on how fast the machine is, either may come.
_OVERRUN = {CUT_SHORT, WORKS}

_OUTCOMES: dict[tuple[str, Direction], dict[str, set[str]]] = {
    ("anytls-go", CLIENT): {
        "target waits for the end": {NOTHING},
    },
    ("anytls-go", SERVER): {
        "refused target": {"SOCKS closed, HTTP 502"},
        "app ends first": {ANSWER_LOST},
        "target waits for the end": {ANSWER_LOST},
    },
    ("anytls", CLIENT): {
        "20 MB up": _OVERRUN,
        "UDP, packet mode": {NOTHING},
    },
    ("anytls", SERVER): {
        "20 MB down": _OVERRUN,
        "refused target": {"SOCKS closed, HTTP 000"},
        "UDP, packet mode": {NOTHING},
    },
    ("anytls-rs", CLIENT): {
        "UDP, packet mode": {NOTHING},
        "app ends first": {NO_END},
        "target waits for the end": {NOTHING},
        "target closes first": {NO_END},
    },
    ("anytls-rs", SERVER): {
        "three in sequence": {ON_NEW_SESSIONS},
        "refused target": {"SOCKS code 1, HTTP 502"},
        "UDP, packet mode": {"code 1"},
        "target waits for the end": {NOTHING},
        "target closes first": {NO_END},
    },
}


def expected(peer: str, direction: Direction, row: str) -> set[str]:
    """What may come of a row with this peer."""
    if direction is SERVER and row in ("UDP, connect mode", "probe"):
        return {NOT_TRIED}
    return _OUTCOMES[peer, CLIENT if direction.we_dial else SERVER].get(row, {WORKS})
