"""Our client with servers written by others, and their clients with our server: the same table for every pair."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.expected import expected
from tests.interop.pairs import Pair
from tests.interop.report import PROPERTY
from tests.interop.rows import ROWS


@pytest.mark.interop
@pytest.mark.parametrize("row", ROWS)
async def test_interop(pair: Pair, row: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    outcome = await ROWS[row](pair, tmp_path)
    record_property(PROPERTY, [pair.peer.name, row, pair.direction.name, outcome])
    assert outcome in expected(pair.peer.name, pair.direction, row)
