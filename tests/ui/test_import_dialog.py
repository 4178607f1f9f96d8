"""The preview of an import: nothing is added before somebody says so."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMainWindow, QScrollArea
from pytestqt.qtbot import QtBot

from app.client.importing import Candidate, candidates
from app.client.state import State
from app.storage.passwords import Protection
from app.storage.settings import ACTIVE_PROFILE
from app.ui.bridge import Bridge
from app.ui.import_dialog import ImportDialog, show_preview
from app.ui.messages import Message
from tests.fakes.desk import Desk, profile
from tests.fakes.waiting import settle, until

pytestmark = pytest.mark.usefixtures("vault_here")

LINK = "anytls://hidden-secret@127.0.0.1:1/?insecure=1#Berlin"


def one() -> list[Candidate]:
    return candidates(LINK)


def several() -> list[Candidate]:
    links = [f"anytls://x@h{number}.example.org#Server {number}" for number in range(3)]
    return [*candidates("\n".join(links)), Candidate(None, problem="It has no port.", source="anytls://…@x")]


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    made.resize(800, 600)
    return made


@pytest.fixture
def messages(bridge: Bridge) -> list[Message]:
    told: list[Message] = []
    bridge.message.connect(told.append)
    return told


async def gone(window: QMainWindow) -> None:
    await until(lambda: not window.findChildren(ImportDialog))


async def test_nothing_is_added_by_looking(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    dialog = show_preview(bridge, one(), window)
    assert window.isVisible()
    assert dialog.isVisible()
    assert dialog.windowModality() == Qt.WindowModality.WindowModal
    assert not dialog.list.isVisible()
    assert dialog.card.name.text() == "Berlin"
    dialog.cancel.click()
    await gone(window)
    assert the_desk.profiles.entries == ()


async def test_add(bridge: Bridge, window: QMainWindow, the_desk: Desk, messages: list[Message]) -> None:
    dialog = show_preview(bridge, one(), window)
    assert (dialog.add.text(), dialog.connect_.text()) == ("Add", "Add and connect")
    dialog.add.click()
    await gone(window)
    (entry,) = the_desk.profiles.entries
    assert entry.profile.name == "Berlin"
    assert await the_desk.profiles.passwords(entry.id) == ("hidden-secret",)
    assert [told.text for told in messages] == ["Added Berlin."]
    assert the_desk.client.state is State.OFF


async def test_add_and_connect(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    dialog = show_preview(bridge, one(), window)
    assert dialog.focusWidget() is dialog.add  # what Enter does: no link from outside connects by a stray key
    dialog.connect_.click()
    await gone(window)
    await until(lambda: the_desk.client.state is not State.OFF)
    await until(lambda: the_desk.settings.get(ACTIVE_PROFILE) == the_desk.profiles.entries[0].id)


async def test_several_are_chosen_from(
    bridge: Bridge, window: QMainWindow, the_desk: Desk, messages: list[Message]
) -> None:
    found = several()
    found[1] = replace(found[1], duplicate_of="Old")
    dialog = show_preview(bridge, found, window)
    assert dialog.list.isVisible()
    assert dialog.note.text() == "Chosen: 2 of 3 · not usable: 1"
    assert dialog.all.checkState() == Qt.CheckState.PartiallyChecked
    assert not dialog.connect_.isVisible()
    dialog.group.setEditText("Work")
    dialog.add.click()
    await gone(window)
    assert [(entry.profile.name, entry.group) for entry in the_desk.profiles.entries] == [
        ("Server 0", "Work"),
        ("Server 2", "Work"),
    ]
    assert messages[0].text == "Profiles added: 2."


async def test_all_and_none(bridge: Bridge, window: QMainWindow) -> None:
    dialog = show_preview(bridge, several(), window)
    assert dialog.all.checkState() == Qt.CheckState.Checked
    dialog.all.click()
    assert not dialog.chosen
    assert not dialog.add.isEnabled()
    dialog.all.click()
    assert len(dialog.chosen) == 3
    dialog.model.toggle(dialog.model.index(0))
    dialog.model.toggle(dialog.model.index(1))
    assert dialog.connect_.isVisible()
    assert dialog.add.property("kind") == ""


async def test_the_card_shows_the_line_that_is_looked_at(bridge: Bridge, window: QMainWindow) -> None:
    dialog = show_preview(bridge, several(), window)
    assert dialog.card.name.text() == "Server 0"
    dialog.list.setCurrentIndex(dialog.model.index(3))
    assert dialog.card.sentences == ["It has no port."]


async def test_what_failed_can_only_be_closed(bridge: Bridge, window: QMainWindow) -> None:
    dialog = show_preview(bridge, several()[3:], window)
    assert dialog.headline.text() == "Nothing here can be added"
    assert dialog.cancel.text() == "Close"
    assert not dialog.add.isVisible()
    assert not dialog.connect_.isVisible()
    dialog.cancel.click()
    await gone(window)


async def test_a_cancelled_unlock_adds_nothing_and_is_no_error(
    bridge: Bridge, window: QMainWindow, the_desk: Desk
) -> None:
    the_desk.answers.master = ["master"]
    await the_desk.vault.change_protection(Protection.MASTER)
    the_desk.vault.lock()
    the_desk.answers.master = [None]
    dialog = show_preview(bridge, one(), window)
    dialog.add.click()
    await until(lambda: "master" in the_desk.answers.asked)
    await until(dialog.add.isEnabled)
    assert dialog.isVisible()
    assert dialog.note.property("role") != "bad"
    assert the_desk.profiles.entries == ()


async def test_a_failure_is_said_in_the_dialog(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    dialog = show_preview(bridge, [Candidate(profile(), ())], window)  # a password is missing
    dialog.add.click()
    await until(lambda: dialog.note.property("role") == "bad")
    assert dialog.note.text()
    assert dialog.isVisible()
    assert the_desk.profiles.entries == ()


async def test_no_password_is_shown_anywhere(bridge: Bridge, window: QMainWindow) -> None:
    dialog = show_preview(bridge, [*one(), *several()], window)
    for child in dialog.findChildren(object):  # type: ignore[type-var]  # all of them
        for read in ("text", "toolTip", "accessibleName", "windowTitle"):
            said = getattr(child, read, lambda: "")()
            assert "hidden-secret" not in str(said)
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    assert all("hidden-secret" not in str(dialog.model.index(0).data(role)) for role in roles)


@pytest.mark.parametrize("found", [one, several])
async def test_it_fits_its_window(bridge: Bridge, window: QMainWindow, found: type) -> None:
    window.resize(360, 480)
    dialog = show_preview(bridge, found(), window)
    await settle()
    assert dialog.width() <= 360
    assert dialog.height() <= 480
    assert dialog.rect().contains(dialog.cancel.geometry())
    dialog.retranslate()
    assert dialog.windowTitle() == "Import"


async def test_all_of_one_card_is_seen_where_there_is_room(bridge: Bridge, window: QMainWindow) -> None:
    dialog = show_preview(bridge, [replace(one()[0], duplicate_of="Old", notes=("Note one.", "Note two."))], window)
    await settle()
    bottom = dialog.card.mapTo(dialog, dialog.card.rect().bottomLeft()).y()
    assert bottom < dialog.cancel.y()
    (area,) = (one for one in dialog.findChildren(QScrollArea) if one.isAncestorOf(dialog.card))
    assert dialog.card.height() <= area.height()


async def test_without_a_window(qtbot: QtBot, bridge: Bridge) -> None:
    dialog = show_preview(bridge, one(), None)
    assert dialog.isVisible()
    dialog.reject()
    await settle()
