"""Type two letters, press Enter."""

from collections.abc import AsyncIterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.storage.settings import ACTIVE_PROFILE, PRIVACY
from app.ui.bridge import Bridge
from app.ui.switcher import Switcher
from tests.fakes.desk import Desk
from tests.fakes.waiting import until

NAMES = ("Berlin", "Frankfurt am Main", "Tokyo", "São Paulo")


@pytest.fixture
async def switcher(qtbot: QtBot, bridge: Bridge, the_desk: Desk) -> AsyncIterator[Switcher]:
    await the_desk.add(*NAMES)
    made = Switcher(bridge)
    made.bring_up()
    yield made
    made.close()
    made.deleteLater()


def rows(switcher: Switcher) -> list[str]:
    return [switcher.list.item(row).text() for row in range(switcher.list.count())]


async def test_all_of_them_at_first(switcher: Switcher) -> None:
    assert rows(switcher) == list(NAMES)
    assert switcher.list.currentRow() == 0
    assert switcher.search.hasFocus() or switcher.focusWidget() is switcher.search


async def test_typing_leaves_those_that_match(qtbot: QtBot, switcher: Switcher) -> None:
    qtbot.keyClicks(switcher.search, "fr ma")
    assert rows(switcher) == ["Frankfurt am Main"]
    switcher.search.setText("TOK")
    assert rows(switcher) == ["Tokyo"]


async def test_hosts_are_searched_too(switcher: Switcher) -> None:
    switcher.search.setText("tokyo.example")
    assert rows(switcher) == ["Tokyo"]


async def test_nothing_found_is_said(switcher: Switcher) -> None:
    switcher.search.setText("zzz")
    assert not switcher.list.isVisible()
    assert switcher.nothing.isVisible()
    switcher.search.clear()
    assert switcher.list.isVisible()
    assert not switcher.nothing.isVisible()


async def test_enter_switches_and_closes(qtbot: QtBot, bridge: Bridge, switcher: Switcher) -> None:
    qtbot.keyClicks(switcher.search, "to")
    qtbot.keyClick(switcher.search, Qt.Key.Key_Return)
    assert not switcher.isVisible()
    await until(lambda: bridge.control.active is not None and bridge.control.active.profile.name == "Tokyo")
    assert bridge.control.settings.get(ACTIVE_PROFILE)


async def test_arrows_move_while_typing(qtbot: QtBot, bridge: Bridge, switcher: Switcher) -> None:
    qtbot.keyClick(switcher.search, Qt.Key.Key_Down)
    qtbot.keyClick(switcher.search, Qt.Key.Key_Down)
    qtbot.keyClick(switcher.search, Qt.Key.Key_Up)
    assert switcher.list.currentRow() == 1
    qtbot.keyClick(switcher.search, Qt.Key.Key_Enter)
    await until(lambda: bridge.control.active is not None and bridge.control.active.profile.name == NAMES[1])


async def test_a_click_switches(qtbot: QtBot, bridge: Bridge, switcher: Switcher) -> None:
    place = switcher.list.visualItemRect(switcher.list.item(3)).center()
    qtbot.mouseClick(switcher.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    await until(lambda: bridge.control.active is not None and bridge.control.active.profile.name == "São Paulo")
    assert not switcher.isVisible()


async def test_enter_on_nothing_does_nothing(qtbot: QtBot, bridge: Bridge, switcher: Switcher) -> None:
    switcher.search.setText("zzz")
    qtbot.keyClick(switcher.search, Qt.Key.Key_Return)
    assert switcher.isVisible()
    assert not bridge.control.settings.get(ACTIVE_PROFILE)


async def test_escape_empties_then_closes(qtbot: QtBot, switcher: Switcher) -> None:
    switcher.search.setText("to")
    qtbot.keyClick(switcher.search, Qt.Key.Key_Escape)
    assert switcher.isVisible()
    qtbot.keyClick(switcher.search, Qt.Key.Key_Escape)
    assert not switcher.isVisible()


async def test_a_click_elsewhere_closes(switcher: Switcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switcher, "isActiveWindow", lambda: False)
    switcher.changeEvent(QEvent(QEvent.Type.ActivationChange))
    assert not switcher.isVisible()


async def test_it_comes_up_anew(switcher: Switcher) -> None:
    switcher.search.setText("to")
    switcher.close()
    switcher.bring_up()
    assert not switcher.search.text()
    assert len(rows(switcher)) == len(NAMES)


async def test_it_lies_on_the_screen(switcher: Switcher) -> None:
    room = QGuiApplication.primaryScreen().availableGeometry()
    assert room.contains(switcher.geometry())


async def test_the_active_one_and_latencies_are_told(bridge: Bridge, the_desk: Desk, switcher: Switcher) -> None:
    first, second, *_ = the_desk.profiles.entries
    await the_desk.profiles.note_latency(first.id, 41.0, "")
    await the_desk.profiles.note_latency(second.id, None, "Nothing listens there.")
    await bridge.control.activate(first.id)
    switcher.bring_up()
    one, two = switcher.list.item(0), switcher.list.item(1)
    assert one.data(Qt.ItemDataRole.AccessibleTextRole) == "Berlin, active"
    assert not one.icon().isNull()
    assert two.icon().isNull()
    told = [str(item.data(int(Qt.ItemDataRole.UserRole) + 1)) for item in (one, two)]
    assert "41 ms" in told[0]
    assert told[1] == "failed"
    for side in (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft):
        switcher.setLayoutDirection(side)
        assert not switcher.grab().isNull()


async def test_names_are_masked_in_privacy_mode(bridge: Bridge, switcher: Switcher) -> None:
    bridge.control.settings.set(PRIVACY, True)
    switcher.bring_up()
    assert rows(switcher)[0] == "Profile 1"
    switcher.search.setText("tok")
    assert rows(switcher) == []
    switcher.search.setText("3")
    assert rows(switcher) == ["Profile 3"]
