"""The page of connections, on a real bridge, with snapshots made up."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.engine.snapshot import ConnectionInfo, Snapshot
from app.storage.settings import PRIVACY
from app.ui.bridge import Bridge
from app.ui.connection_model import Column
from app.ui.dialogs import Dialog
from app.ui.pages.connections import ConnectionsPage
from tests.fakes.waiting import settle, until


def info(number: int, target: str = "example.org:443", **more: Any) -> ConnectionInfo:
    fields: dict[str, Any] = {
        "protocol": "socks5",
        "session": 7,
        "state": "open",
        "up": 1,
        "down": 2,
        "seconds": 3.0,
        "reason": "",
    }
    return ConnectionInfo(number=number, target=target, **(fields | more))


class Closed:
    """Stands in for the verbs that close connections, and remembers what was asked."""

    def __init__(self, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
        self.numbers: list[int] = []
        self.all = 0
        monkeypatch.setattr(bridge.control.client, "close_connection", self.one)
        monkeypatch.setattr(bridge.control.client, "close_connections", self.every)

    async def one(self, number: int) -> None:
        self.numbers.append(number)

    async def every(self) -> None:
        self.all += 1


@pytest.fixture
def closed(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> Closed:
    return Closed(bridge, monkeypatch)


@pytest.fixture
def page(bridge: Bridge, qtbot: QtBot) -> ConnectionsPage:
    made = ConnectionsPage(bridge)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def sample(bridge: Bridge, *connections: ConnectionInfo) -> None:
    """What the tunnel shows from now on."""
    snapshot = Snapshot(
        up=0, down=0, sessions_made=0, sessions_reused=0, sessions=(), connections=connections, warming=0
    )
    bridge.sample = replace(bridge.sample, snapshot=snapshot)
    bridge.sampled.emit(bridge.sample)


async def dialog_of(page: QWidget) -> Dialog:
    await until(lambda: [one for one in page.findChildren(Dialog) if one.isVisible()])
    return next(one for one in page.findChildren(Dialog) if one.isVisible())


async def test_shows_what_the_sample_has(page: ConnectionsPage, bridge: Bridge) -> None:
    assert page.empty.isVisible()
    sample(bridge, info(1), info(2, state="closed"))
    assert page.table.isVisible()
    assert page.model.rowCount() == 2
    assert page.count.text() == "open: 1 · ended: 1"


async def test_off_means_nothing(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1))
    bridge.sample = replace(bridge.sample, snapshot=None)
    bridge.sampled.emit(bridge.sample)
    assert page.model.rowCount() == 0
    assert page.empty.isVisible()
    assert not page.close_all.isVisible()


async def test_nothing_moves_while_hidden_and_it_catches_up(page: ConnectionsPage, bridge: Bridge) -> None:
    page.hide()
    sample(bridge, info(1))
    assert page.model.rowCount() == 0
    page.show()
    assert page.model.rowCount() == 1


async def test_delete_closes_what_is_selected(
    page: ConnectionsPage, bridge: Bridge, closed: Closed, qtbot: QtBot
) -> None:
    sample(bridge, info(1), info(2), info(3, state="closed"))
    page.table.selectAll()
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    await until(lambda: len(closed.numbers) == 2)
    assert sorted(closed.numbers) == [1, 2]


async def test_what_is_over_cannot_be_closed(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1), info(2, state="failed"))
    page.table.selectRow(1)
    assert not page.close_action.isEnabled()
    assert page.copy_action.isEnabled()
    page.table.selectRow(0)
    assert page.close_action.isEnabled()
    page.table.clearSelection()
    assert not page.copy_action.isEnabled()


async def test_the_menu_opens_on_a_row_and_nowhere_else(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1))
    page.table.customContextMenuRequested.emit(QPoint(5, 400))
    assert not page.menu.isVisible()
    page.table.customContextMenuRequested.emit(QPoint(5, 5))
    assert page.menu.isVisible()
    page.menu.close()


async def test_copies_targets(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1, "a.example:1"), info(2, "b.example:2"))
    page.table.selectAll()
    page.copy_action.trigger()
    assert QGuiApplication.clipboard().text() == "b.example:2\na.example:1"


@pytest.mark.parametrize(("key", "times"), [("close", 1), ("", 0)])
async def test_closing_all_is_asked(
    page: ConnectionsPage, bridge: Bridge, closed: Closed, qtbot: QtBot, key: str, times: int
) -> None:
    sample(bridge, info(1), info(2))
    qtbot.mouseClick(page.close_all, Qt.MouseButton.LeftButton)
    dialog = await dialog_of(page)
    assert "2" in dialog.explanation.text()
    qtbot.mouseClick(dialog.buttons[key], Qt.MouseButton.LeftButton)
    await until(lambda: not page.findChildren(Dialog))
    await settle()
    assert closed.all == times


async def test_nothing_open_nothing_to_close(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1, state="closed"))
    assert not page.close_all.isEnabled()


async def test_filters_while_one_types(page: ConnectionsPage, bridge: Bridge, qtbot: QtBot) -> None:
    sample(bridge, info(1), info(2, "mail.example.net:993"))
    qtbot.keyClicks(page.search, "mail")
    await until(lambda: page.model.rowCount() == 1)
    qtbot.keyClicks(page.search, "box")
    await until(page.no_match.isVisible)
    page.search.clear()
    assert page.table.isVisible()


async def test_headers_sort(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1, down=5), info(2, down=1), info(3, down=9))
    page.table.sortByColumn(Column.DOWN, Qt.SortOrder.DescendingOrder)
    assert [page.model.at(row).number for row in range(3)] == [3, 1, 2]


async def test_a_narrow_window_has_fewer_columns(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1))
    page.resize(400, 500)
    await until(lambda: page.table.isColumnHidden(Column.UP))
    shown = [column for column in Column if not page.table.isColumnHidden(column)]
    assert shown == [Column.TARGET, Column.DOWN, Column.STATE]
    await settle()  # the layout lets the page be narrower a turn later
    page.resize(310, 500)
    await until(lambda: page.table.isColumnHidden(Column.DOWN))
    page.resize(900, 500)
    await until(lambda: not page.table.isColumnHidden(Column.UP))
    assert not any(page.table.isColumnHidden(column) for column in Column)


async def test_privacy_takes_the_hosts_away_at_once(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1))
    bridge.control.settings.set(PRIVACY, True)
    assert page.model.shown_target(0) == "•••:443"


async def test_privacy_is_known_from_the_start(bridge: Bridge, qtbot: QtBot) -> None:
    bridge.control.settings.set(PRIVACY, True)
    page = ConnectionsPage(bridge)
    qtbot.addWidget(page)
    page.show()
    sample(bridge, info(1))
    assert page.model.shown_target(0) == "•••:443"


async def test_it_can_be_as_narrow_as_the_window(page: ConnectionsPage, bridge: Bridge) -> None:
    sample(bridge, info(1))
    page.resize(400, 500)
    await until(lambda: page.minimumSizeHint().width() <= 304)


async def test_another_language_reaches_everything(page: ConnectionsPage) -> None:
    page.headline.setText("?")
    page.close_action.setText("?")
    QApplication.sendEvent(page, QEvent(QEvent.Type.LanguageChange))
    assert page.headline.text() == "Connections"
    assert page.close_action.text() == "Close"


async def test_controls_have_names(page: ConnectionsPage) -> None:
    assert page.table.accessibleName()
    assert page.search.accessibleName()
    assert page.close_all.text().strip()


@pytest.mark.parametrize("width", [500, 640, 760, 1000])
async def test_the_target_has_room_before_the_others(page: ConnectionsPage, bridge: Bridge, width: int) -> None:
    sample(bridge, info(1, target="a.long.name.of.some.host.example.com:443"))
    page.resize(width, 500)
    await until(lambda: page.width() == width and page.table.columnWidth(Column.TARGET) >= 200)
    assert page.table.isColumnHidden(Column.SESSION) is (width < 1000)
