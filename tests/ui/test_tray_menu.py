"""One menu whose items change: the verb first, the state, the profiles, and what a proxy's user needs at hand."""

from collections.abc import AsyncIterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint
from PySide6.QtGui import QAction, QGuiApplication
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.errors import NothingListens
from app.protocols.address import Address
from app.storage.settings import LISTEN_PORT, LOCAL_AUTH, PRIVACY
from app.ui.bridge import Bridge
from app.ui.tray_menu import RECENT, TrayMenu, elided, escaped
from tests.fakes.desk import Desk, profile
from tests.fakes.waiting import until


@pytest.fixture
async def menu(qtbot: QtBot, bridge: Bridge) -> AsyncIterator[TrayMenu]:
    made = TrayMenu(bridge)
    yield made
    made.hide()
    made.deleteLater()


def shown(menu: TrayMenu) -> list[str]:
    """What stands in the menu, lines as "-"."""
    return ["-" if item.isSeparator() else plain(item) for item in menu.actions() if item.isVisible()]


def plain(item: QAction) -> str:
    return item.text().replace("\u2066", "").replace("\u2069", "")


async def test_the_order(menu: TrayMenu, the_desk: Desk) -> None:
    await the_desk.add("Berlin", "Tokyo")
    assert shown(menu) == [
        "Connect – Berlin",
        "Off",
        "-",
        "Profiles",
        "Berlin",
        "Tokyo",
        "-",
        "Import from clipboard",
        "Copy proxy address",
        "Copy terminal command",
        "-",
        "Open",
        "Quit",
    ]
    assert [item.text() for item in menu.commands.actions()] == ["sh", "PowerShell", "cmd"]
    assert not menu.status.isEnabled()


async def test_without_a_profile_the_verb_helps_to_one(menu: TrayMenu) -> None:
    opened: list[str] = []
    menu.opened.connect(opened.append)
    assert shown(menu)[:4] == ["Add a profile…", "Off", "-", "-"]
    menu.verb.trigger()
    assert opened == ["profiles"]


@pytest.mark.parametrize(
    ("state", "verb", "status"),
    [
        (State.OFF, "Connect – Berlin", "Off"),
        (State.CONNECTING, "Disconnect", "Connecting…"),
        (State.ON, "Disconnect", "On · 127.0.0.1:1080"),
        (State.DEGRADED, "Disconnect", "On, but something is wrong"),
        (State.FAILED, "Disconnect", "Failed"),
    ],
)
async def test_every_state_has_its_verb(
    bridge: Bridge, the_desk: Desk, menu: TrayMenu, state: State, verb: str, status: str
) -> None:
    await the_desk.add("Berlin")
    client = bridge.control.client
    client.state, client.address = state, Address("127.0.0.1", 1080)
    bridge.state_changed.emit()
    assert (plain(menu.verb), plain(menu.status)) == (verb, status)
    client.state, client.address = State.OFF, None


async def test_why_it_failed(bridge: Bridge, menu: TrayMenu) -> None:
    client = bridge.control.client
    client.state, client.failure = State.FAILED, NothingListens("berlin.example.org", 443)
    menu.refresh()
    assert menu.status.text() == "Nothing listens on berlin.example.org port 443."
    bridge.control.settings.set(PRIVACY, True)
    assert menu.status.text() == "Failed"
    client.state, client.failure = State.OFF, None


async def test_the_verb_toggles(bridge: Bridge, the_desk: Desk, menu: TrayMenu) -> None:
    the_desk.answers.password = None
    await the_desk.add("Berlin")
    states: list[State] = []
    bridge.state_changed.connect(lambda: states.append(bridge.control.client.state))
    menu.verb.trigger()
    await until(lambda: State.CONNECTING in states)
    menu.verb.trigger()
    await until(lambda: menu.verb.text() == "Connect – Berlin")
    assert bridge.control.client.state is State.OFF


async def test_profiles_with_their_latency(bridge: Bridge, the_desk: Desk, menu: TrayMenu) -> None:
    first, second, third = await the_desk.add("Berlin", "Tokyo", "Oslo")
    await the_desk.profiles.note_latency(first.id, 41.0, "")
    await the_desk.profiles.note_latency(second.id, None, "Nothing listens there.")
    await bridge.control.activate(third.id)
    visible = [item for item in menu.profiles if item.isVisible()]
    assert [plain(item) for item in visible] == ["Berlin · 41 ms", "Tokyo · failed", "Oslo"]
    assert [item.isChecked() for item in visible] == [False, False, True]
    group = visible[0].actionGroup()
    assert group is not None
    assert group.isExclusive()


async def test_choosing_makes_active(bridge: Bridge, the_desk: Desk, menu: TrayMenu) -> None:
    _, tokyo = await the_desk.add("Berlin", "Tokyo")
    menu.profiles[1].trigger()
    await until(lambda: bridge.control.active is not None and bridge.control.active.id == tokyo.id)
    await until(menu.profiles[1].isChecked)
    assert menu.verb.text() == "Connect – Tokyo"


async def test_a_choice_that_comes_to_nothing_is_not_marked(
    bridge: Bridge, the_desk: Desk, menu: TrayMenu, monkeypatch: pytest.MonkeyPatch
) -> None:
    await the_desk.add("Berlin", "Tokyo")
    monkeypatch.setattr(bridge.control, "activate", never)
    menu.profiles[1].trigger()
    assert menu.profiles[0].isChecked()
    assert not menu.profiles[1].isChecked()


async def never(_entry_id: str) -> None:
    """A switch that does not come about."""


async def test_the_fifteen_last_used_and_more(the_desk: Desk, menu: TrayMenu) -> None:
    names = [f"Server {number}" for number in range(1, RECENT + 2)]
    entries = await the_desk.add(*names[:RECENT])
    assert not menu.more_item.isVisible()
    entries += await the_desk.add(*names[RECENT:])
    await the_desk.profiles.note_used(entries[-1].id)
    visible = [item.text() for item in menu.profiles if item.isVisible()]
    assert len(visible) == RECENT == 15
    assert visible[0] == names[-1]
    asked: list[bool] = []
    menu.more.connect(lambda: asked.append(True))
    menu.more_item.trigger()
    assert asked == [True]


async def test_items_are_the_same_for_the_whole_run(the_desk: Desk, menu: TrayMenu) -> None:
    before = menu.actions()
    entries = await the_desk.add(*(f"Server {number}" for number in range(20)))
    await the_desk.profiles.remove([entry.id for entry in entries[:18]])
    assert menu.actions() == before
    assert [item.text() for item in menu.profiles if item.isVisible()] == ["Server 18", "Server 19"]


async def test_nothing_moves_under_the_pointer(the_desk: Desk, menu: TrayMenu) -> None:
    _, tokyo = await the_desk.add("Berlin", "Tokyo")
    menu.popup(QPoint(0, 0))
    await until(menu.isVisible)
    await the_desk.profiles.note_used(tokyo.id)
    assert [item.text() for item in menu.profiles if item.isVisible()] == ["Berlin", "Tokyo"]
    menu.hide()
    assert [item.text() for item in menu.profiles if item.isVisible()] == ["Tokyo", "Berlin"]


async def test_names_are_masked_in_privacy_mode(bridge: Bridge, the_desk: Desk, menu: TrayMenu) -> None:
    await the_desk.add("Berlin", "Tokyo")
    bridge.control.settings.set(PRIVACY, True)
    assert menu.verb.text() == "Connect – Profile 1"
    assert [item.text() for item in menu.profiles if item.isVisible()] == ["Profile 1", "Profile 2"]


async def test_names_never_underline_a_letter_or_fill_the_screen(the_desk: Desk, menu: TrayMenu) -> None:
    for name in ("Sydney & Co", "n" * 180):
        await the_desk.profiles.add(profile(name), ("secret",))
    assert menu.profiles[0].text() == "Sydney && Co"
    assert len(menu.profiles[1].text()) == 40
    assert menu.profiles[1].text().endswith("…")


async def test_import_reads_the_clipboard(bridge: Bridge, menu: TrayMenu) -> None:
    QGuiApplication.clipboard().setText("anytls://secret@berlin.example.org:443/#Berlin")
    asked: list[object] = []
    bridge.import_asked.connect(asked.append)
    menu.import_item.trigger()
    await until(lambda: asked)


async def test_the_address_is_copied(bridge: Bridge, menu: TrayMenu) -> None:
    bridge.control.settings.set(LISTEN_PORT, 1080)
    menu.copy_item.trigger()
    assert QGuiApplication.clipboard().text() == "127.0.0.1:1080"


@pytest.mark.parametrize(("place", "begins"), [(0, "export http_proxy="), (1, "$env:"), (2, 'set "http_proxy=')])
async def test_commands_are_copied(menu: TrayMenu, place: int, begins: str) -> None:
    QGuiApplication.clipboard().clear()
    menu.command_items[place].trigger()
    await until(lambda: QGuiApplication.clipboard().text().startswith(begins))


async def test_commands_have_the_credentials_that_apps_need(bridge: Bridge, menu: TrayMenu) -> None:
    bridge.control.settings.set(LOCAL_AUTH, True)
    credentials = await bridge.control.local.credentials()
    assert credentials is not None
    menu.command_items[0].trigger()
    await until(lambda: f"http://{credentials[0]}:{credentials[1]}@" in QGuiApplication.clipboard().text())


async def test_open_and_quit(menu: TrayMenu) -> None:
    told: list[str] = []
    menu.opened.connect(lambda page: told.append(f"open {page}".strip()))
    menu.quit_asked.connect(lambda: told.append("quit"))
    menu.open_item.trigger()
    menu.quit_item.trigger()
    assert told == ["open", "quit"]


async def test_texts_follow_the_language(menu: TrayMenu) -> None:
    menu.quit_item.setText("?")
    QCoreApplication.sendEvent(menu, QEvent(QEvent.Type.LanguageChange))
    assert menu.quit_item.text() == "Quit"


def test_elided() -> None:
    assert elided("short", 5) == "short"
    assert elided("longer than", 8) == "longer…"
    assert len(elided("x" * 100, 40)) == 40


def test_escaped() -> None:
    assert escaped("a & b && c") == "a && b &&&& c"
