"""The pairs, one after the other."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.interop.pairs import Direction, Pair, joined
from tests.interop.peers import PEERS, Peer

COLUMNS = [(peer, direction) for direction in Direction for peer in PEERS]


def can_take_part(peer: Peer, direction: Direction) -> bool:
    """Whether the peer's end is there."""
    return (peer.server if direction.we_dial else peer.client) is not None


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
