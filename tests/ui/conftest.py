"""Everything here runs on Qt's loop, without a screen, on the real things behind the window."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.logs import LogRing
from app.ui.bridge import Bridge
from tests.fakes.desk import Desk, desk


@pytest.fixture(autouse=True)
def no_widget_left() -> Iterator[None]:
    """Destroy what a test leaves of windows: every change of the look goes through all that there are."""
    yield
    for widget in QApplication.topLevelWidgets() if QApplication.instance() is not None else ():
        widget.close()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


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
