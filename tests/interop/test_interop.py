"""Our client with servers written by others, and their clients with our server: the same table for every pair."""

from pathlib import Path

import pytest

from tests.interop.conftest import Outcomes
from tests.interop.expected import expected
from tests.interop.pairs import Pair
from tests.interop.rows import ROWS


@pytest.mark.interop
@pytest.mark.parametrize("row", ROWS)
async def test_interop(pair: Pair, row: str, tmp_path: Path, outcomes: Outcomes) -> None:
    outcome = await ROWS[row](pair, tmp_path)
    outcomes[pair.peer.name, row, pair.direction] = outcome
    assert outcome in expected(pair.peer.name, pair.direction, row)
