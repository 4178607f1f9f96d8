"""Which event loop a test runs on: asyncio's own, or with `both_loops` that and uvloop after it."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

both_loops = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The hook itself, for a conftest to import. Where uvloop does not exist its half of the tests is skipped."""
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    marker = item.get_closest_marker("asyncio")
    if marker is not None and "loop_factories" in marker.kwargs:
        try:
            import uvloop
        except ImportError:
            return factories
        factories["uvloop"] = uvloop.new_event_loop
    return factories
