"""How passwords are protected: what is told, and what a person can change."""

import asyncio

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from app.errors import BadFile, Failure, UnlockCancelled
from app.storage.passwords import KeyringState, Protection
from app.ui.bridge import Bridge
from app.ui.dialogs import Dialog
from app.ui.protection_card import ProtectionCard
from tests.fakes.desk import Desk
from tests.fakes.waiting import settle, until

pytestmark = pytest.mark.usefixtures("vault_here")

MASTER = "four unrelated words"


@pytest.fixture
async def card(bridge: Bridge, qtbot: QtBot) -> ProtectionCard:
    made = ProtectionCard(bridge)
    qtbot.addWidget(made)
    made.show()
    return made


async def dialog_of(card: QWidget) -> Dialog:
    await until(lambda: [one for one in card.findChildren(Dialog) if one.isVisible()])
    return next(one for one in card.findChildren(Dialog) if one.isVisible())


def choose(card: ProtectionCard, protection: Protection) -> None:
    card.choice.box.setCurrentIndex(card.choice.box.findData(protection))


async def use_master(desk: Desk) -> None:
    desk.answers.master = [MASTER]
    await desk.profiles.change_protection(Protection.MASTER)


async def test_shows_what_is_in_force(card: ProtectionCard, the_desk: Desk) -> None:
    assert card.choice.box.currentData() is Protection.ASK
    assert "kept nowhere" in card.choice.explanation.text()
    assert not card.start_over.isVisible()


@pytest.mark.parametrize("state", list(KeyringState))
async def test_tells_how_the_keyring_is(
    card: ProtectionCard, the_desk: Desk, monkeypatch: pytest.MonkeyPatch, state: KeyringState
) -> None:
    async def ask() -> KeyringState:
        return state

    monkeypatch.setattr(the_desk.vault, "keyring_state", ask)
    asking = card.choice.explanation.text()
    card.look()
    await until(lambda: card.choice.explanation.text() != asking)
    assert "keyring" in card.choice.explanation.text()


async def test_a_keyring_that_answers_after_the_windows_end_is_let_go(
    bridge: Bridge, the_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = ProtectionCard(bridge)
    gone = asyncio.Event()

    async def ask() -> KeyringState:
        await gone.wait()
        return KeyringState.AVAILABLE

    monkeypatch.setattr(the_desk.vault, "keyring_state", ask)
    card.look()
    await settle()
    delete(card)
    gone.set()
    await settle()  # what fails in a task fails the test: see `bridge`


async def test_a_master_password_is_asked_for_and_taken(card: ProtectionCard, the_desk: Desk) -> None:
    the_desk.answers.master = [MASTER]
    choose(card, Protection.MASTER)
    await until(lambda: the_desk.vault.protection is Protection.MASTER)
    await until(card.start_over.isVisible)
    assert the_desk.answers.asked == ["master new"]
    assert "master password" in card.choice.explanation.text()


async def test_never_mind_leaves_it_as_it_was(card: ProtectionCard, the_desk: Desk) -> None:
    choose(card, Protection.MASTER)
    await until(lambda: card.choice.box.currentData() is Protection.ASK)
    assert the_desk.vault.protection is Protection.ASK
    assert card.choice.problem.isHidden()
    assert card.isEnabled()


@pytest.mark.parametrize(("failure", "told"), [(BadFile("it is full", "disk"), True), (UnlockCancelled(), False)])
async def test_what_cannot_be_done_is_told(
    card: ProtectionCard, the_desk: Desk, monkeypatch: pytest.MonkeyPatch, failure: Failure, told: bool
) -> None:
    async def refuse(new: Protection) -> None:
        raise failure

    monkeypatch.setattr(the_desk.profiles, "change_protection", refuse)
    choose(card, Protection.KEYRING)
    await until(lambda: card.choice.box.currentData() is Protection.ASK)
    assert card.choice.problem.isVisible() is told
    assert card.isEnabled()


@pytest.mark.parametrize("agreed", [True, False])
async def test_keeping_none_is_asked_where_some_are_kept(
    card: ProtectionCard, the_desk: Desk, qtbot: QtBot, agreed: bool
) -> None:
    await use_master(the_desk)
    await the_desk.add("Berlin")
    choose(card, Protection.ASK)
    dialog = await dialog_of(card)
    qtbot.mouseClick(dialog.buttons["yes" if agreed else ""], Qt.MouseButton.LeftButton)
    expected = Protection.ASK if agreed else Protection.MASTER
    await until(lambda: card.choice.box.currentData() is expected)
    await until(lambda: the_desk.vault.protection is expected)
    await until(card.isEnabled)
    [entry] = the_desk.profiles.entries
    assert entry.has_password is not agreed
    assert await the_desk.profiles.passwords(entry.id) == ("secret",)


async def test_keeping_none_needs_no_question_where_none_is_kept(card: ProtectionCard, the_desk: Desk) -> None:
    await use_master(the_desk)
    choose(card, Protection.ASK)
    await until(lambda: the_desk.vault.protection is Protection.ASK)


@pytest.mark.parametrize("agreed", [True, False])
async def test_starting_over_is_asked(card: ProtectionCard, the_desk: Desk, qtbot: QtBot, agreed: bool) -> None:
    await use_master(the_desk)
    await the_desk.add("Berlin")
    the_desk.vault.lock()
    the_desk.answers.master = ["another master password"]
    card.retranslate()
    qtbot.mouseClick(card.start_over, Qt.MouseButton.LeftButton)
    dialog = await dialog_of(card)
    qtbot.mouseClick(dialog.buttons["yes" if agreed else ""], Qt.MouseButton.LeftButton)
    await until(lambda: not card.findChildren(Dialog))
    await until(lambda: the_desk.vault.is_open is agreed)
    await settle()
    await until(card.isEnabled)
    [entry] = the_desk.profiles.entries
    assert entry.has_password is not agreed


async def test_it_cannot_be_changed_twice_at_once(
    card: ProtectionCard, the_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    async def look(new: Protection) -> None:
        seen.append(card.isEnabled())

    monkeypatch.setattr(the_desk.profiles, "change_protection", look)
    choose(card, Protection.KEYRING)
    await until(lambda: seen)
    await settle()
    assert seen == [False]
    assert card.isEnabled()


async def test_another_language_reaches_everything(card: ProtectionCard) -> None:
    card.title.setText("?")
    card.start_over.setText("?")
    QApplication.sendEvent(card, QEvent(QEvent.Type.LanguageChange))
    assert card.title.text() == "Passwords"
    assert card.start_over.text() == "Start over…"
