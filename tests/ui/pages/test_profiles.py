"""The page of profiles, on real profiles in a file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.storage.settings import ACTIVE_PROFILE, PRIVACY
from app.ui.bridge import Bridge
from app.ui.certificate_question import CertificateQuestion
from app.ui.messages import Message
from app.ui.pages.profiles import ProfilesPage
from app.ui.profile_form import ProfileForm
from tests.fakes import certificates
from tests.fakes.desk import Desk, profile, profile_of
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import settle, until

Key, Mod = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
async def page(qtbot: QtBot, bridge: Bridge) -> ProfilesPage:
    made = ProfilesPage(bridge)
    qtbot.addWidget(made, before_close_func=lambda _page: made.menu.hide())
    made.resize(800, 600)
    made.show()
    return made


@pytest.fixture
def messages(bridge: Bridge) -> list[Message]:
    told: list[Message] = []
    bridge.message.connect(told.append)
    return told


def names(page: ProfilesPage) -> list[str]:
    return [entry.profile.name for entry in page.bridge.control.profiles.entries]


def form(page: ProfilesPage) -> ProfileForm:
    (found,) = page.findChildren(ProfileForm)
    return found


async def test_without_profiles_it_says_how_to_get_one(page: ProfilesPage) -> None:
    assert page.paste.isVisible()
    assert page.demo.text() == "Try the demo"
    assert not page.search.isVisible()
    assert not page.test_all.isVisible()
    assert page.add.isVisible()


async def test_the_keys_are_named(page: ProfilesPage) -> None:
    texts = " ".join(label.text() for label in page.empty.findChildren(QWidget) if hasattr(label, "text"))
    assert "Paste a link" in texts
    assert QKeySequence(QKeySequence.StandardKey.Paste).toString(QKeySequence.SequenceFormat.NativeText) in texts


async def test_paste_reads_the_clipboard(page: ProfilesPage, bridge: Bridge) -> None:
    asked: list[list] = []
    bridge.import_asked.connect(asked.append)
    QGuiApplication.clipboard().setText("anytls://secret@berlin.example.org#Berlin")
    page.paste.click()
    await until(lambda: asked)
    assert asked[0][0].profile.name == "Berlin"
    page.from_clipboard.trigger()
    await until(lambda: len(asked) == 2)


async def test_files_are_chosen_without_a_nested_loop(page: ProfilesPage, bridge: Bridge, tmp_path: Path) -> None:
    asked: list[list] = []
    bridge.import_asked.connect(asked.append)
    link = tmp_path / "links.txt"
    link.write_text("anytls://secret@berlin.example.org#Berlin")
    page.from_files.trigger()
    (chooser,) = page.findChildren(QFileDialog)
    chooser.filesSelected.emit([str(link)])
    await until(lambda: asked)
    chooser.reject()


async def test_the_import_menu_pops_up(page: ProfilesPage) -> None:
    page.import_.click()
    assert page.menu.isVisible()


async def test_the_demo_is_one_click(page: ProfilesPage, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []

    async def start() -> None:
        started.append(True)

    monkeypatch.setattr(bridge, "start_demo", start)
    page.demo.click()
    await until(lambda: started)


async def test_profiles_come_and_the_empty_state_goes(page: ProfilesPage, the_desk: Desk) -> None:
    await the_desk.add("Berlin", "Paris")
    assert page.list.isVisible()
    assert not page.paste.isVisible()
    assert [entry.profile.name for entry in page.model.shown] == ["Berlin", "Paris"]


async def test_enter_makes_a_profile_the_active_one(qtbot: QtBot, page: ProfilesPage, the_desk: Desk) -> None:
    _, paris = await the_desk.add("Berlin", "Paris")
    page.list.choose([paris.id])
    qtbot.keyClick(page.list, Key.Key_Return)
    await until(lambda: the_desk.settings.get(ACTIVE_PROFILE) == paris.id)
    await settle()
    line = page.model.line(page.model.index(1))
    assert line is not None
    assert line.card is not None
    assert line.card.active


async def test_search_finds_and_says_when_it_does_not(page: ProfilesPage, the_desk: Desk) -> None:
    await the_desk.add("Berlin", "Paris")
    page.search.setText("PAR")
    await until(lambda: [entry.profile.name for entry in page.model.shown] == ["Paris"])
    page.search.setText("nothing")
    await until(page.no_match.isVisible)
    page.search.clear()
    await until(lambda: len(page.model.shown) == 2)


async def test_down_leads_from_the_search_into_the_list(qtbot: QtBot, page: ProfilesPage, the_desk: Desk) -> None:
    berlin, _ = await the_desk.add("Berlin", "Paris")
    page.go_to_search()
    qtbot.keyClick(page.search, Key.Key_Down)
    assert page.list.chosen() == [berlin.id]


async def test_add_and_edit_open_the_form(qtbot: QtBot, page: ProfilesPage, the_desk: Desk) -> None:
    page.add.click()
    assert form(page).fields.draft().base is None
    form(page).reject()
    await until(lambda: not page.findChildren(ProfileForm))
    (berlin,) = await the_desk.add("Berlin")
    page.list.choose([berlin.id])
    qtbot.keyClick(page.list, Key.Key_F2)
    assert form(page).fields.draft().name == "Berlin"
    form(page).reject()
    await until(lambda: not page.findChildren(ProfileForm))


async def test_a_copy_lies_below_and_is_selected(qtbot: QtBot, page: ProfilesPage, the_desk: Desk) -> None:
    berlin, _ = await the_desk.add("Berlin", "Paris")
    page.list.choose([berlin.id])
    qtbot.keyClick(page.list, Key.Key_D, Mod.ControlModifier)
    await until(lambda: names(page) == ["Berlin", "Berlin 2", "Paris"])
    await settle()
    copy = the_desk.profiles.find("Berlin 2")
    assert copy is not None
    assert page.list.chosen() == [copy.id]
    assert await the_desk.profiles.passwords(copy.id) == ("secret",)


async def test_delete_and_undo(qtbot: QtBot, page: ProfilesPage, the_desk: Desk, messages: list[Message]) -> None:
    berlin, paris, rome = await the_desk.add("Berlin", "Paris", "Rome")
    page.list.choose([paris.id])
    qtbot.keyClick(page.list, Key.Key_Delete)
    await until(lambda: messages)
    assert names(page) == ["Berlin", "Rome"]
    assert (messages[0].text, messages[0].action) == ("Deleted Paris.", "Undo")
    assert page.list.chosen() == [rome.id]
    assert messages[0].run is not None
    messages[0].run()
    await until(lambda: names(page) == ["Berlin", "Paris", "Rome"])
    await settle()
    assert page.list.chosen() == [paris.id]
    assert await the_desk.profiles.passwords(paris.id) == ("secret",)
    assert berlin.id == the_desk.profiles.entries[0].id


async def test_the_keys_for_undo_bring_back_what_was_deleted_last_and_only_once(
    qtbot: QtBot, page: ProfilesPage, the_desk: Desk, messages: list[Message]
) -> None:
    await the_desk.add("Berlin", "Paris", "Rome")
    undo = QKeySequence(QKeySequence.StandardKey.Undo)
    page.activateWindow()
    page.list.setFocus()
    qtbot.keySequence(page.list, undo)
    page.list.choose([the_desk.profiles.entries[1].id])
    qtbot.keyClick(page.list, Key.Key_Delete)
    await until(lambda: messages)
    qtbot.keySequence(page.list, undo)
    await until(lambda: names(page) == ["Berlin", "Paris", "Rome"])
    qtbot.keySequence(page.list, undo)
    await settle()
    assert names(page) == ["Berlin", "Paris", "Rome"]


async def test_several_go_together(qtbot: QtBot, page: ProfilesPage, the_desk: Desk, messages: list[Message]) -> None:
    _, *others = await the_desk.add("Berlin", "Paris", "Rome")
    page.list.choose([one.id for one in others])
    qtbot.keyClick(page.list, Key.Key_Delete)
    await until(lambda: messages)
    assert messages[0].text == "Profiles deleted: 2."
    assert names(page) == ["Berlin"]
    assert page.list.chosen() == [the_desk.profiles.entries[0].id]


@pytest.mark.parametrize("verb", ["test", "switch"])
async def test_a_rejected_certificate_is_looked_at_and_trusted(
    qtbot: QtBot, page: ProfilesPage, the_desk: Desk, messages: list[Message], verb: str
) -> None:
    async with anytls_server() as server:
        good = await the_desk.profiles.add(profile_of(server), (server.password,))
        wrong = replace(profile_of(server, "Wrong"), certificate_pin=bytes(32))
        entry = await the_desk.profiles.add(wrong, (server.password,))
        if verb == "switch":
            await the_desk.control.connect(good.id)
            await until(lambda: the_desk.client.state is State.ON)
        page.list.asked.emit(verb, [entry.id])
        await until(lambda: messages)
        (message,) = messages
        assert (message.action, message.kind) == ("Look at the certificate…", "bad")
        assert message.run is not None
        message.run()
        await until(lambda: any(one.isVisible() for one in page.findChildren(CertificateQuestion)))
        (question,) = page.findChildren(CertificateQuestion)
        qtbot.mouseClick(question.buttons["trust"], Qt.MouseButton.LeftButton)
        if verb == "switch":
            await until(lambda: the_desk.control.active is not None and the_desk.control.active.id == entry.id)
        else:
            await until(lambda: the_desk.profiles.get(entry.id).latency_ms and not page.tests.under_way)
        assert the_desk.profiles.get(entry.id).profile.certificate_pin == certificates.good().pin
        await the_desk.control.disconnect()


async def test_the_last_one_leaves_the_empty_state(qtbot: QtBot, page: ProfilesPage, the_desk: Desk) -> None:
    (berlin,) = await the_desk.add("Berlin")
    page.list.choose([berlin.id])
    qtbot.keyClick(page.list, Key.Key_Delete)
    await until(page.paste.isVisible)


async def test_deleting_the_one_in_use_turns_off(
    qtbot: QtBot, page: ProfilesPage, the_desk: Desk, messages: list[Message]
) -> None:
    berlin = await the_desk.profiles.add(profile("Berlin", "127.0.0.1", 1, min_idle=0), ("secret",))
    await the_desk.control.connect(berlin.id)
    page.list.choose([berlin.id])
    qtbot.keyClick(page.list, Key.Key_Delete)
    await until(lambda: the_desk.client.state is State.OFF and not names(page))
    await until(lambda: any("the tunnel is off now" in one.text for one in messages))


async def test_privacy_masks_the_message_too(
    qtbot: QtBot, page: ProfilesPage, the_desk: Desk, messages: list[Message]
) -> None:
    _, paris = await the_desk.add("Berlin", "Paris")
    await the_desk.control.change(PRIVACY, True)
    await settle()
    assert page.model.index(1).data() == "Profile 2"
    page.list.choose([paris.id])
    qtbot.keyClick(page.list, Key.Key_Delete)
    await until(lambda: messages)
    assert messages[0].text == "Deleted Profile 2."


async def test_alt_and_arrows_arrange(qtbot: QtBot, page: ProfilesPage, the_desk: Desk) -> None:
    berlin, *_ = await the_desk.add("Berlin", "Paris", "Rome")
    page.list.choose([berlin.id])
    qtbot.keyClick(page.list, Key.Key_Down, Mod.AltModifier)
    await until(lambda: names(page) == ["Paris", "Berlin", "Rome"])
    await settle()
    qtbot.keyClick(page.list, Key.Key_Down, Mod.AltModifier)
    await until(lambda: names(page) == ["Paris", "Rome", "Berlin"])
    await settle()
    assert page.list.chosen() == [berlin.id]
    qtbot.keyClick(page.list, Key.Key_Up, Mod.AltModifier)
    await until(lambda: names(page) == ["Paris", "Berlin", "Rome"])


async def test_a_drag_into_a_group_joins_it(page: ProfilesPage, the_desk: Desk) -> None:
    berlin, _ = await the_desk.add("Berlin", "Paris")
    (rome,) = await the_desk.profiles.add_many([(profile("Rome"), ("x",))], "Work")
    page.model.moved.emit([berlin.id], rome.id, "Work")
    await until(lambda: the_desk.profiles.get(berlin.id).group == "Work")
    await until(lambda: names(page) == ["Paris", "Berlin", "Rome"])
    assert await the_desk.profiles.passwords(berlin.id) == ("secret",)


async def test_the_address_can_be_copied(page: ProfilesPage, the_desk: Desk) -> None:
    (berlin,) = await the_desk.add("Berlin")
    page.list.asked.emit("copy", [berlin.id])
    assert QGuiApplication.clipboard().text() == "berlin.example.org:443"


async def test_test_all_tests_what_is_shown(page: ProfilesPage, the_desk: Desk) -> None:
    closed = [(profile(name, "127.0.0.1", 1), ("secret",)) for name in ("Here", "There")]
    await the_desk.profiles.add_many(closed)
    page.test_all.click()
    assert not page.test_all.isEnabled()
    await until(lambda: all(entry.problem for entry in the_desk.profiles.entries))
    await until(page.test_all.isEnabled)
    line = page.model.line(page.model.index(0))
    assert line is not None
    assert line.card is not None
    assert line.card.reason


@pytest.mark.parametrize("width", [360, 800])
async def test_nothing_is_cut_off(page: ProfilesPage, the_desk: Desk, width: int) -> None:
    await the_desk.add("Berlin")
    page.resize(width, 500)
    await settle()
    room = page.rect()
    for part in (page.headline, page.search, page.test_all, page.import_, page.add, page.list):
        assert part.isVisible()
        assert room.contains(part.geometry())
    narrow = width < 500
    assert (page.search.y() > page.add.y() + page.add.height()) is narrow
    assert bool(page.add.text()) is not narrow
    assert page.add.accessibleName() == "Add"


async def test_it_says_everything_anew_in_another_language(page: ProfilesPage, the_desk: Desk) -> None:
    await the_desk.add("Berlin")
    page.headline.setText("")
    page.retranslate()
    assert page.headline.text() == "Profiles"


async def test_a_page_on_the_screen_has_something_selected(qtbot: QtBot, bridge: Bridge, the_desk: Desk) -> None:
    (berlin,) = await the_desk.add("Berlin")
    page = ProfilesPage(bridge)
    qtbot.addWidget(page)
    page.show()
    assert page.list.chosen() == [berlin.id]


@pytest.mark.parametrize("keys", [QKeySequence.StandardKey.Find, QKeySequence.StandardKey.New])
async def test_shortcuts(page: ProfilesPage, the_desk: Desk, keys: QKeySequence.StandardKey) -> None:
    await the_desk.add("Berlin")
    shortcuts: dict[str, Callable[[], None]] = {
        one.key().toString(): one.activated.emit for one in page.findChildren(QShortcut)
    }
    shortcuts[QKeySequence(keys).toString()]()
    if keys is QKeySequence.StandardKey.Find:
        assert page.focusWidget() is page.search
    else:
        form(page).reject()
        await until(lambda: not page.findChildren(ProfileForm))
