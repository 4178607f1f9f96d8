"""Every page of the sidebar can be made, and none is imported before."""

import subprocess
import sys

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.bridge import Bridge
from app.ui.page_list import FACTORIES, FIRST_RUN
from app.ui.sidebar import PAGES


def test_all_pages_have_one() -> None:
    assert set(FACTORIES) == {*PAGES, FIRST_RUN}


@pytest.mark.parametrize("name", FACTORIES)
async def test_each_makes_its_page(qtbot: QtBot, bridge: Bridge, name: str) -> None:
    made = FACTORIES[name](bridge)
    qtbot.addWidget(made)
    assert isinstance(made, QWidget)


def test_nothing_is_imported_before() -> None:
    code = "import sys, app.ui.page_list; print(any('app.ui.pages.' in name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
