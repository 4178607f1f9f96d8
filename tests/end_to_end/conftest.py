"""A tunnel that a file's tests share, and a home for tests that run programs of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.end_to_end.programs import Home, Tunnel, running_tunnel
from tests.end_to_end.website import Website, website


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tunnel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tunnel]:
    """A client and a server with nothing special about them."""
    async with running_tunnel(tmp_path_factory.mktemp("tunnel")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with website() as serving:
        yield serving
