"""Everything here runs on Qt's loop, without a screen, on the real things behind the window."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.logs import LogRing
from app.ui.bridge import Bridge
from tests.fakes.desk import Desk, desk


@pytest.fixture
async def the_desk(qtbot: QtBot, tmp_path: Path) -> AsyncIterator[Desk]:
    """What stands behind `bridge`."""
    async with desk(tmp_path) as one:
        yield one


@pytest.fixture
async def bridge(the_desk: Desk) -> AsyncIterator[Bridge]:
    """A bridge to a control without profiles, turned off. What a task raises fails the test."""
    defects: list[BaseException] = []
    one = Bridge(the_desk.control, LogRing(), defects.append)
    yield one
    await one.close()
    if defects:
        raise defects[0]
