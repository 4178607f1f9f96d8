"""The icon's logic, on a desktop without a tray: what it would show, and what it does until one comes."""

import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QSystemTrayIcon
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.errors import NothingListens, ServerAlert
from app.storage.settings import LEFT_CLICK, PRIVACY, TOLD_STAYS_IN_TRAY
from app.traffic.pool_history import PoolHistory
from app.traffic.rates import Rates
from app.ui import icons, theme, tray
from app.ui.base import Page
from app.ui.bridge import Bridge, Sample
from app.ui.messages import Message
from app.ui.sidebar import PAGES
from app.ui.tray import Tray, dark_panel
from app.ui.window import Window
from tests.fakes.desk import Desk, profile
from tests.fakes.waiting import until

CLICK = QSystemTrayIcon.ActivationReason.Trigger


class Panel:
    """A desktop's tray, as far as Qt asks it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there = False
        self.notes: list[str] = []
        monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: self.there)
        monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _icon, _title, text, *_rest: self.notes.append(text))


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    return Panel(monkeypatch)


@pytest.fixture
async def window(qtbot: QtBot, bridge: Bridge) -> AsyncIterator[Window]:
    made = Window(bridge, dict.fromkeys(PAGES, Page))
    yield made
    made.hide()
    made.deleteLater()


@pytest.fixture
async def the_tray(panel: Panel, bridge: Bridge, window: Window) -> AsyncIterator[Tray]:
    made = Tray(bridge, window)
    yield made
    made.close()


def turn(bridge: Bridge, state: State) -> None:
    bridge.control.client.state = state
    bridge.state_changed.emit()


@pytest.fixture(autouse=True)
async def off_at_the_end(bridge: Bridge) -> AsyncIterator[None]:
    yield
    bridge.control.client.state = State.OFF
    bridge.control.client.failure = None


def image(the_tray: Tray) -> object:
    return the_tray._icon.icon().pixmap(22, 22).toImage()


def expected(state: str) -> object:
    return icons.tray_icon(state, dark_panel()).pixmap(22, 22).toImage()


# ---- is there a tray?


async def test_it_shows_itself_where_there_is_one(panel: Panel, the_tray: Tray, window: Window) -> None:
    told: list[bool] = []
    the_tray.available_changed.connect(told.append)
    panel.there = True
    the_tray.start()
    assert the_tray.available
    assert window.has_tray
    assert told == [True]
    assert not the_tray._look.isActive()


async def test_it_waits_for_one(panel: Panel, the_tray: Tray, window: Window) -> None:
    the_tray._look.setInterval(2)
    the_tray.start()
    assert not the_tray.available
    panel.there = True
    await until(lambda: the_tray.available)
    assert window.has_tray
    assert not the_tray._look.isActive()


async def test_none_is_told_after_some_seconds_and_looked_for_more_rarely_later(the_tray: Tray, window: Window) -> None:
    told: list[bool] = []
    the_tray.available_changed.connect(told.append)
    the_tray.start()
    the_tray._look.stop()
    for _ in range(tray._EAGER_LOOKS - 1):
        the_tray.look()
    assert told == [False]
    assert window.banners.banners
    assert the_tray._look.interval() == tray._LOOK_LATER_EVERY
    the_tray.look()
    assert told == [False]


async def test_a_late_tray_is_told_too(panel: Panel, the_tray: Tray, window: Window) -> None:
    for _ in range(tray._LOOKS_UNTIL_TOLD):
        the_tray.look()
    panel.there = True
    the_tray.look()
    assert window.has_tray
    assert not window.banners.banners


async def test_no_timer_is_left(the_tray: Tray) -> None:
    the_tray.start()
    the_tray.close()
    assert not any(timer.isActive() for timer in the_tray.findChildren(QTimer))


# ---- what it shows


@pytest.mark.parametrize("state", State)
async def test_every_state_has_its_icon(bridge: Bridge, the_tray: Tray, state: State) -> None:
    the_tray._pause.setInterval(1)
    turn(bridge, state)
    await until(lambda: image(the_tray) == expected(state.value))


async def test_icons_change_five_times_a_second_at_most(
    bridge: Bridge, the_tray: Tray, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[object] = []
    monkeypatch.setattr(
        the_tray,
        "_icon",
        SimpleNamespace(
            setIcon=changes.append,
            setToolTip=lambda _text: None,
            toolTip=lambda: "",
            hide=lambda: None,
            isVisible=lambda: False,
            setContextMenu=lambda _menu: None,
        ),
    )
    the_tray._pause.start(60_000)
    for state in (State.CONNECTING, State.FAILED, State.CONNECTING, State.ON):
        turn(bridge, state)
    assert changes == []
    the_tray._pause.stop()
    the_tray._pause_over()
    assert len(changes) == 1
    the_tray._pause_over()
    assert len(changes) == 1


async def test_connecting_rises_where_things_may_move(
    bridge: Bridge, the_tray: Tray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theme, "reduced_motion", lambda: False)
    the_tray._pause.setInterval(1)
    the_tray._frames.setInterval(5)
    turn(bridge, State.CONNECTING)
    await until(lambda: image(the_tray) == expected("connecting-2"))
    await until(lambda: image(the_tray) == expected("connecting"))
    turn(bridge, State.ON)
    assert not the_tray._frames.isActive()


async def test_connecting_stands_still_with_reduced_motion(bridge: Bridge, the_tray: Tray) -> None:
    turn(bridge, State.CONNECTING)
    assert not the_tray._frames.isActive()


async def test_the_tooltip_tells_state_profile_and_speeds(bridge: Bridge, the_desk: Desk, the_tray: Tray) -> None:
    await the_desk.add("Berlin")
    assert the_tray.tooltip() == "AnyTLS Tray · Off"
    turn(bridge, State.ON)
    sample = Sample(None, 310_000.0, 12_400_000.0, Rates(), PoolHistory(), 5.0)
    bridge.sample = sample
    bridge.sampled.emit(sample)
    assert the_tray._icon.toolTip() == the_tray.tooltip()
    state, name, speeds = the_tray.tooltip().splitlines()
    assert state == "AnyTLS Tray · On"
    assert name == "Berlin"
    assert "↓ 12.4 MB/s" in speeds
    assert "↑ 310.0 kB/s" in speeds


async def test_the_tooltip_is_masked_in_privacy_mode(bridge: Bridge, the_desk: Desk, the_tray: Tray) -> None:
    await the_desk.add("Berlin")
    bridge.control.settings.set(PRIVACY, True)
    bridge.control.client.failure = NothingListens("berlin.example.org", 443)
    turn(bridge, State.FAILED)
    assert "erlin" not in the_tray.tooltip()
    assert "Profile 1" in the_tray.tooltip()


# ---- clicks


async def test_a_click_shows_the_window_and_hides_it(panel: Panel, the_tray: Tray, window: Window) -> None:
    panel.there = True
    the_tray.start()
    the_tray._icon.activated.emit(CLICK)
    assert window.isVisible()
    await until(window.isActiveWindow)
    the_tray._icon.activated.emit(CLICK)
    assert not window.isVisible()


async def test_a_click_may_toggle(bridge: Bridge, the_desk: Desk, the_tray: Tray, window: Window) -> None:
    await the_desk.add("Berlin")
    bridge.control.settings.set(LEFT_CLICK, "toggle")
    states: list[State] = []
    bridge.state_changed.connect(lambda: states.append(bridge.control.client.state))
    the_tray._icon.activated.emit(CLICK)
    await until(lambda: State.CONNECTING in states)
    assert not window.isVisible()
    await bridge.control.disconnect()


async def test_with_nothing_to_toggle_it_shows_the_window(bridge: Bridge, the_tray: Tray, window: Window) -> None:
    bridge.control.settings.set(LEFT_CLICK, "toggle")
    the_tray._icon.activated.emit(CLICK)
    assert window.isVisible()


@pytest.mark.parametrize("reason", [reason for reason in QSystemTrayIcon.ActivationReason if reason != CLICK])
async def test_other_clicks_are_the_panels(
    the_tray: Tray, window: Window, reason: QSystemTrayIcon.ActivationReason
) -> None:
    the_tray._icon.activated.emit(reason)
    assert not window.isVisible()


async def test_the_menu_opens_the_window_and_quits(bridge: Bridge, the_tray: Tray, window: Window) -> None:
    quits: list[bool] = []
    bridge.quit_asked.connect(lambda: quits.append(True))
    the_tray.menu.open_item.trigger()
    assert window.isVisible()
    the_tray.menu.quit_item.trigger()
    assert quits == [True]


async def test_more_opens_the_switcher(the_tray: Tray) -> None:
    the_tray.menu.more_item.trigger()
    assert the_tray.switcher.isVisible()
    the_tray.switcher.close()


# ---- notes of the desktop


async def test_closing_the_window_is_explained_once(
    bridge: Bridge, panel: Panel, the_tray: Tray, window: Window
) -> None:
    panel.there = True
    the_tray.start()
    for _ in range(2):
        window.show()
        window.close()
    assert len(panel.notes) == 1
    assert "goes on" in panel.notes[0]
    assert bridge.control.settings.get(TOLD_STAYS_IN_TRAY)


async def test_troubles_are_told_while_the_window_is_hidden(bridge: Bridge, panel: Panel, the_tray: Tray) -> None:
    panel.there = True
    the_tray.start()
    bridge.message.emit(Message("Copied.", "good"))
    bridge.message.emit(Message("Nothing listens there.", "bad"))
    bridge.message.emit(Message("And again.", "bad"))
    assert panel.notes == ["Nothing listens there."]
    the_tray._quiet.stop()
    bridge.message.emit(Message("Later.", "warn"))
    assert panel.notes == ["Nothing listens there.", "Later."]


async def test_what_the_window_shows_is_not_told_twice(
    bridge: Bridge, panel: Panel, the_tray: Tray, window: Window
) -> None:
    panel.there = True
    the_tray.start()
    window.show()
    bridge.message.emit(Message("Nothing listens there.", "bad"))
    assert not panel.notes


async def test_notes_are_masked_in_privacy_mode(bridge: Bridge, panel: Panel, the_tray: Tray) -> None:
    panel.there = True
    the_tray.start()
    bridge.control.settings.set(PRIVACY, True)
    bridge.message.emit(Message("Nothing listens on berlin.example.org port 443.", "bad"))
    assert panel.notes == ["Something needs your attention."]


async def test_what_others_wrote_is_no_markup_for_the_panel(
    bridge: Bridge, the_desk: Desk, panel: Panel, the_tray: Tray
) -> None:
    panel.there = True
    the_tray.start()
    await the_desk.profiles.add(profile("<h1>Berlin</h1>"), ("secret",))
    bridge.control.client.failure = ServerAlert("<a href='http://evil'>renew</a>")
    turn(bridge, State.FAILED)
    bridge.message.emit(Message("The server ended the session: <a href='http://evil'>renew</a>.", "bad"))
    assert "‹a href" in panel.notes[0]
    await until(lambda: "‹h1›Berlin" in the_tray._icon.toolTip())
    assert not set("<>") & set(panel.notes[0] + the_tray._icon.toolTip())


# ---- the panel's colour


@pytest.mark.parametrize(
    ("desktop", "dark_windows", "dark"),
    [
        ("GNOME", False, True),
        ("ubuntu:GNOME", False, True),
        ("KDE", False, False),
        ("KDE", True, True),
        ("", False, False),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows says it by itself")
def test_the_panel_is_guessed(monkeypatch: pytest.MonkeyPatch, desktop: str, dark_windows: bool, dark: bool) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", desktop)
    monkeypatch.setattr(theme, "desktop_is_dark", lambda: dark_windows)
    assert dark_panel() == dark
