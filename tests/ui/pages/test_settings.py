"""The page of settings: each item taken over at once, and its problem told below it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.errors import BadFile, ListenFailed, UnlockCancelled
from app.storage import settings as items
from app.storage.settings import Item
from app.ui import assets
from app.ui.bridge import Bridge
from app.ui.pages import settings as module
from app.ui.pages.settings import SettingsPage
from app.ui.widgets.setting_rows import ChoiceRow, SegmentedRow, SwitchRow, TextRow
from tests.fakes.waiting import settle, until

FLAGS = (
    items.LOCAL_AUTH,
    items.ALLOW_LAN,
    items.CHECK_PAGE,
    items.START_MINIMISED,
    items.CONNECT_AT_START,
    items.PRIVACY,
)


@pytest.fixture
async def page(bridge: Bridge, qtbot: QtBot) -> SettingsPage:
    made = SettingsPage(bridge)
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def switch(page: SettingsPage, item: Item[bool]) -> SwitchRow:
    row = page.rows[item]
    assert isinstance(row, SwitchRow)
    return row


def field(page: SettingsPage, item: Item[Any]) -> QLineEdit:
    row = page.rows[item]
    assert isinstance(row, TextRow)
    return row.field


def enter(qtbot: QtBot, where: QLineEdit, text: str) -> None:
    where.selectAll()
    qtbot.keyClicks(where, text)
    qtbot.keyClick(where, Qt.Key.Key_Return)


async def test_every_setting_that_is_a_choice_is_there(page: SettingsPage) -> None:
    not_chosen_here = {
        items.LOCAL_PASSWORD,
        items.ACTIVE_PROFILE,
        items.WINDOW_GEOMETRY,
        items.GRAPH_MINUTES,
        items.TOLD_NO_TRAY,
        items.TOLD_STAYS_IN_TRAY,
    }
    assert set(items.ITEMS.values()) - set(page.rows) == not_chosen_here


@pytest.mark.parametrize("item", FLAGS, ids=lambda item: item.key)
async def test_a_switch_is_taken_over_at_once(
    page: SettingsPage, bridge: Bridge, qtbot: QtBot, item: Item[bool]
) -> None:
    before = bridge.control.settings.get(item)
    qtbot.mouseClick(switch(page, item).switch, Qt.MouseButton.LeftButton)
    await until(lambda: bridge.control.settings.get(item) is not before)
    assert switch(page, item).switch.isChecked() is not before


@pytest.mark.parametrize("item", [items.ON_SWITCH, items.LEFT_CLICK, items.LOG_LEVEL, items.LANGUAGE])
async def test_a_choice_is_taken_over_at_once(page: SettingsPage, bridge: Bridge, item: Item[str]) -> None:
    row = page.rows[item]
    assert isinstance(row, ChoiceRow)
    values = [row.box.itemData(at) for at in range(row.box.count())]
    assert all(row.box.itemText(at) for at in range(row.box.count()))
    assert len(set(values)) == len(values) > 1
    other = next(at for at, value in enumerate(values) if value != bridge.control.settings.get(item))
    row.box.setCurrentIndex(other)
    await until(lambda: bridge.control.settings.get(item) == values[other])


async def test_the_look_is_taken_over_at_once(page: SettingsPage, bridge: Bridge) -> None:
    row = page.rows[items.THEME]
    assert isinstance(row, SegmentedRow)
    row.segmented.chosen.emit("dark")
    await until(lambda: bridge.control.settings.get(items.THEME) == "dark")
    assert row.segmented.value == "dark"


async def test_a_port_is_taken_over_with_enter(page: SettingsPage, bridge: Bridge, qtbot: QtBot) -> None:
    enter(qtbot, field(page, items.LISTEN_PORT), "4321")
    await until(lambda: bridge.control.settings.get(items.LISTEN_PORT) == 4321)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (items.LISTEN_PORT, "70000"),
        (items.LISTEN_PORT, "abc"),
        (items.LISTEN_PORT, ""),
        (items.LISTEN_HOST, "not a host"),
        (items.PAGE_URL, "ftp://example.org"),
    ],
)
async def test_what_cannot_be_used_is_told_below_and_kept_to_be_mended(
    page: SettingsPage, bridge: Bridge, qtbot: QtBot, item: Item[Any], text: str
) -> None:
    before = bridge.control.settings.get(item)
    enter(qtbot, field(page, item), f"{text}{'' if text else ' '}")
    await until(page.rows[item].problem.isVisible)
    problem = page.rows[item].problem.text()
    assert problem.startswith(f"“{page.rows[item].name.text()}” ")
    assert item.key not in problem
    assert bridge.control.settings.get(item) == before
    assert field(page, item).text().strip() == text
    qtbot.keyClicks(field(page, item), "x")
    assert page.rows[item].problem.isHidden()


async def test_what_the_system_refuses_is_told_below(
    page: SettingsPage, bridge: Bridge, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(item: Item[Any], value: Any) -> None:
        raise ListenFailed("127.0.0.1", value, "the address is in use")

    monkeypatch.setattr(bridge.control, "change", refuse)
    enter(qtbot, field(page, items.LISTEN_PORT), "4321")
    await until(page.rows[items.LISTEN_PORT].problem.isVisible)
    assert "in use" in page.rows[items.LISTEN_PORT].problem.text()
    assert field(page, items.LISTEN_PORT).text() == "4321"


@pytest.mark.parametrize(("failure", "told"), [(BadFile("it is full", "disk"), True), (UnlockCancelled(), False)])
async def test_a_switch_that_is_refused_goes_back(
    page: SettingsPage,
    bridge: Bridge,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    told: bool,
) -> None:
    async def refuse(item: Item[Any], value: Any) -> None:
        raise failure

    monkeypatch.setattr(bridge.control, "change", refuse)
    row = switch(page, items.AUTOSTART)
    qtbot.mouseClick(row.switch, Qt.MouseButton.LeftButton)
    await until(lambda: not row.switch.isChecked())
    await settle()
    assert row.problem.isVisible() is told


async def test_a_change_from_elsewhere_is_shown(page: SettingsPage, bridge: Bridge) -> None:
    bridge.control.settings.set(items.PRIVACY, True)
    bridge.control.settings.set(items.LISTEN_PORT, 4321)
    bridge.control.settings.set(items.THEME, "light")
    assert switch(page, items.PRIVACY).switch.isChecked()
    assert field(page, items.LISTEN_PORT).text() == "4321"


async def test_other_computers_always_need_a_password(page: SettingsPage, bridge: Bridge, qtbot: QtBot) -> None:
    asked = switch(page, items.LOCAL_AUTH)
    assert not page.password.isEnabled()
    assert not asked.switch.isChecked()
    before = asked.explanation.text()
    qtbot.mouseClick(switch(page, items.ALLOW_LAN).switch, Qt.MouseButton.LeftButton)
    await until(asked.switch.isChecked)
    assert not asked.switch.isEnabled()
    assert asked.explanation.text() != before
    assert page.password.isEnabled()
    assert page.rows[items.LOCAL_USER].isEnabled()
    assert bridge.control.settings.get(items.LOCAL_AUTH) is False
    qtbot.mouseClick(switch(page, items.ALLOW_LAN).switch, Qt.MouseButton.LeftButton)
    await until(lambda: not asked.switch.isChecked())
    assert asked.switch.isEnabled()


async def test_an_address_beyond_this_computer_counts_as_such(page: SettingsPage, qtbot: QtBot) -> None:
    enter(qtbot, field(page, items.LISTEN_HOST), "0.0.0.0")
    await until(switch(page, items.LOCAL_AUTH).switch.isChecked)
    assert page.password.isEnabled()


async def password_of(bridge: Bridge) -> str:
    credentials = await bridge.control.local.credentials()
    assert credentials is not None
    return credentials[1]


async def test_a_random_password_is_one_click(page: SettingsPage, bridge: Bridge, qtbot: QtBot) -> None:
    bridge.control.settings.set(items.LOCAL_AUTH, True)
    qtbot.mouseClick(page.password.dice, Qt.MouseButton.LeftButton)
    await until(page.password.field.text)
    first = page.password.field.text()
    assert len(first) >= 16
    assert await password_of(bridge) == first
    qtbot.mouseClick(page.password.dice, Qt.MouseButton.LeftButton)
    await until(lambda: page.password.field.text() != first)


async def test_an_own_password_is_taken_over(page: SettingsPage, bridge: Bridge, qtbot: QtBot) -> None:
    bridge.control.settings.set(items.LOCAL_AUTH, True)
    enter(qtbot, page.password.field.edit, "an own one")
    await settle()
    assert await password_of(bridge) == "an own one"


async def test_the_password_is_copied_unseen(page: SettingsPage, bridge: Bridge, qtbot: QtBot) -> None:
    bridge.control.settings.set(items.LOCAL_AUTH, True)
    expected = await password_of(bridge)
    qtbot.mouseClick(page.password.copy, Qt.MouseButton.LeftButton)
    await until(lambda: QGuiApplication.clipboard().text() == expected)
    assert page.password.field.edit.echoMode() == QLineEdit.EchoMode.Password


async def test_the_password_is_fetched_to_be_seen_and_forgotten_when_the_page_goes(
    page: SettingsPage, bridge: Bridge, qtbot: QtBot
) -> None:
    bridge.control.settings.set(items.LOCAL_AUTH, True)
    assert page.password.field.text() == ""
    qtbot.mouseClick(page.password.field.eye, Qt.MouseButton.LeftButton)
    expected = await password_of(bridge)
    await until(lambda: page.password.field.text() == expected)
    page.hide()
    assert page.password.field.text() == ""
    assert page.password.field.edit.echoMode() == QLineEdit.EchoMode.Password


@pytest.mark.parametrize(("failure", "told"), [(BadFile("it is full", "disk"), True), (UnlockCancelled(), False)])
async def test_a_password_that_cannot_be_kept_is_told(
    page: SettingsPage,
    bridge: Bridge,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    told: bool,
) -> None:
    async def refuse(password: str) -> None:
        raise failure

    monkeypatch.setattr(bridge.control, "set_local_password", refuse)
    bridge.control.settings.set(items.LOCAL_AUTH, True)
    qtbot.mouseClick(page.password.dice, Qt.MouseButton.LeftButton)
    await settle()
    assert page.password.problem.isVisible() is told


async def test_opens_the_folder(
    page: SettingsPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(module, "config_dir", lambda: tmp_path)
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    qtbot.mouseClick(page.folder, Qt.MouseButton.LeftButton)
    await until(lambda: opened)
    assert Path(opened[0].toLocalFile()) == tmp_path


async def test_the_version_is_there_to_be_copied(page: SettingsPage) -> None:
    from app import __version__

    assert __version__ in page.version.text()
    assert page.version.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse


async def test_languages_are_those_whose_translation_is_there(
    bridge: Bridge, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("app_de.qm", "app_fa.qm", "other.qm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(assets, "languages", lambda: tmp_path)
    page = SettingsPage(bridge)
    qtbot.addWidget(page)
    row = page.rows[items.LANGUAGE]
    assert isinstance(row, ChoiceRow)
    assert [row.box.itemData(at) for at in range(row.box.count())] == ["", "en", "de", "fa"]
    assert [row.box.itemText(at) for at in range(row.box.count())] == ["System", "English", "Deutsch", "فارسی"]


async def test_another_language_reaches_everything(page: SettingsPage) -> None:
    for row in (*page.rows.values(), page.password):
        row.name.setText("?")
    QApplication.sendEvent(page, QEvent(QEvent.Type.LanguageChange))
    assert all(row.name.text() not in ("", "?") for row in (*page.rows.values(), page.password))


async def test_every_control_has_a_name(page: SettingsPage) -> None:
    for row in (*page.rows.values(), page.password):
        target = row.control.focusProxy() or row.control
        assert target.accessibleName(), row.name.text()
    assert page.password.copy.accessibleName()
    assert page.password.dice.accessibleName()


async def test_fits_into_the_narrowest_window(page: SettingsPage) -> None:
    page.resize(296, 480)
    await asyncio.sleep(0.02)
    for row in (*page.rows.values(), page.password):
        assert row.width() <= 296
        assert row.rect().contains(row.control.geometry()), row.name.text()
