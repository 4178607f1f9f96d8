"""The form as a dialog: what it saves, when it asks, what it says."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from app.client.profiles import Entry
from app.client.state import State
from app.storage.passwords import Protection
from app.storage.profiles import ProfileServer
from app.ui.bridge import Bridge
from app.ui.dialogs import Dialog
from app.ui.messages import Message
from app.ui.profile_form import ProfileForm
from tests.fakes.desk import Desk, profile
from tests.fakes.waiting import settle, until

pytestmark = pytest.mark.usefixtures("vault_here")


def close_forms(window: QMainWindow) -> None:
    """As a person would, so that none asks while its window goes away."""
    for form in forms(window):
        form.done(0)


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made, before_close_func=close_forms)
    made.resize(800, 600)
    made.show()
    return made


def forms(window: QMainWindow) -> list[ProfileForm]:
    return window.findChildren(ProfileForm)


def opened(bridge: Bridge, window: QMainWindow, entry: Entry | None = None) -> ProfileForm:
    form = ProfileForm(bridge, entry, window)
    form.open()
    return form


async def gone(window: QMainWindow) -> None:
    await until(lambda: not forms(window))


def type_in(form: ProfileForm, host: str, password: str = "") -> None:
    form.fields.servers.rows[0].host.setText(host)
    form.fields.password.set_text(password)


async def test_a_new_profile_is_saved(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    form = opened(bridge, window)
    assert form.windowTitle() == "New profile"
    assert not form.save.isEnabled()
    assert form.note.text() == "Type the server's host name or IP address."
    type_in(form, "example.org", "secret")
    form.fields.name.setText("Berlin")
    form.fields.group.setEditText("Work")
    assert form.save.isEnabled()
    assert form.note.text() == ""
    form.save.click()
    await gone(window)
    (entry,) = the_desk.profiles.entries
    assert (entry.profile.name, entry.group) == ("Berlin", "Work")
    assert await the_desk.profiles.passwords(entry.id) == ("secret",)


async def test_saving_says_why_not(bridge: Bridge, window: QMainWindow, the_desk: Desk, tmp_path: Path) -> None:
    form = opened(bridge, window)
    type_in(form, "example.org", "secret")
    form.fields.verification.kind.set_value("ca-file")
    form.fields.verification.ca_file.setText(str(tmp_path / "missing.pem"))
    form.save.click()
    await until(lambda: "does not exist" in form.note.text())
    assert form.note.property("role") == "bad"
    assert form.save.isEnabled()
    assert the_desk.profiles.entries == ()


async def test_every_file_is_looked_into_before_it_is_saved(
    bridge: Bridge, window: QMainWindow, the_desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "me.pem").write_text("nothing", encoding="utf-8")
    form = opened(bridge, window)
    type_in(form, "example.org", "secret")
    form.fields.advanced.tls.certificate_field.set_text(str(tmp_path / "me.pem"))
    form.save.click()
    await until(lambda: "not in PEM form" in form.note.text())
    form.fields.advanced.tls.certificate_field.set_text("")
    form.fields.advanced.tls.fingerprint.set_value("file")
    form.fields.advanced.tls.hello_field.set_text(str(tmp_path / "me.pem"))
    form.save.click()
    await until(lambda: form.note.text().startswith(f"The file {tmp_path / 'me.pem'} cannot be used"))
    assert the_desk.profiles.entries == ()


async def test_an_edit_keeps_what_is_not_typed(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    (berlin,) = await the_desk.add("Berlin")
    form = opened(bridge, window, berlin)
    assert form.windowTitle() == "Edit profile"
    assert form.save.isEnabled()
    form.fields.name.setText("Munich")
    form.save.click()
    await gone(window)
    entry = the_desk.profiles.get(berlin.id)
    assert entry.profile == replace(berlin.profile, name="Munich")
    assert await the_desk.profiles.passwords(berlin.id) == ("secret",)


async def test_a_new_password_takes_the_place_of_the_old(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    (berlin,) = await the_desk.add("Berlin")
    form = opened(bridge, window, berlin)
    form.fields.password.set_text("new")
    form.save.click()
    await gone(window)
    assert await the_desk.profiles.passwords(berlin.id) == ("new",)


async def sealed(the_desk: Desk) -> Entry:
    """A profile whose passwords are kept on disk, under a master password."""
    the_desk.answers.master = ["master"]
    await the_desk.vault.change_protection(Protection.MASTER)
    servers = (ProfileServer("a.example", 1), ProfileServer("b.example", 2))
    return await the_desk.profiles.add(replace(profile(), servers=servers), ("one", "two"))


async def test_a_server_is_added_to_saved_ones(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    entry = await sealed(the_desk)
    form = opened(bridge, window, entry)
    form.fields.servers.add.click()
    form.fields.servers.rows[2].host.setText("c.example")
    form.fields.servers.rows[0].remove.click()
    form.save.click()
    await gone(window)
    assert [str(it) for it in the_desk.profiles.get(entry.id).profile.servers] == ["b.example:2", "c.example:443"]
    assert await the_desk.profiles.passwords(entry.id) == ("two", "one")


async def test_the_eye_shows_what_is_saved(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    entry = await sealed(the_desk)
    form = opened(bridge, window, entry)
    form.fields.password.eye.click()
    await until(form.fields.own_passwords.isChecked)
    assert [it.password for it in form.fields.draft().servers] == ["one", "two"]
    assert not form.changed


async def test_a_cancelled_unlock_shows_nothing_and_is_no_error(
    bridge: Bridge, window: QMainWindow, the_desk: Desk
) -> None:
    entry = await sealed(the_desk)
    the_desk.vault.lock()
    the_desk.answers.master = [None]
    form = opened(bridge, window, entry)
    form.fields.password.eye.click()
    await until(lambda: not form.fields.password.eye.isChecked())
    assert form.note.property("role") != "bad"
    assert form.fields.password.text() == ""
    the_desk.answers.master = [None]
    form.fields.servers.add.click()
    form.fields.servers.rows[2].host.setText("c.example")
    form.save.click()
    await settle()
    assert form.isVisible()
    assert form.save.isEnabled()
    assert form.note.property("role") != "bad"


async def test_without_a_kept_password_the_eye_says_so(bridge: Bridge, window: QMainWindow, the_desk: Desk) -> None:
    entry = await the_desk.profiles.add(profile(), ("",))
    form = opened(bridge, window, entry)
    form.fields.password.eye.click()
    await until(lambda: form.note.property("role") == "bad")
    assert form.note.text()
    assert not form.fields.password.eye.isChecked()


async def test_closing_without_changes_does_not_ask(bridge: Bridge, window: QMainWindow) -> None:
    opened(bridge, window).cancel.click()
    await gone(window)


@pytest.mark.parametrize("answer", ["keep", "discard", ""])
async def test_closing_with_changes_asks(bridge: Bridge, window: QMainWindow, the_desk: Desk, answer: str) -> None:
    form = opened(bridge, window)
    form.fields.name.setText("Berlin")
    form.close()
    await until(lambda: form.findChildren(Dialog))
    form.reject()  # asked once is enough
    (question,) = form.findChildren(Dialog)
    question.finish(answer)
    if answer == "discard":
        await gone(window)
    else:
        await settle()
        assert form.isVisible()
    assert the_desk.profiles.entries == ()


async def test_a_change_to_the_one_in_use_offers_to_reconnect(
    bridge: Bridge, window: QMainWindow, the_desk: Desk
) -> None:
    messages: list[Message] = []
    bridge.message.connect(messages.append)
    entry = await the_desk.profiles.add(profile("Here", "127.0.0.1", 1, min_idle=0), ("secret",))
    await the_desk.control.connect(entry.id)
    form = opened(bridge, window, the_desk.profiles.get(entry.id))
    form.fields.name.setText("There")
    form.save.click()
    await gone(window)
    assert not any(one.action for one in messages)  # a name needs no new connection
    form = opened(bridge, window, the_desk.profiles.get(entry.id))
    form.fields.servers.rows[0].port.setText("2")
    form.save.click()
    await gone(window)
    (offer,) = [one for one in messages if one.key == "saved"]
    assert offer.action == "Reconnect"
    assert offer.run is not None
    offer.run()
    await until(lambda: the_desk.client.failure is not None and "port 2" in str(the_desk.client.failure))
    assert the_desk.client.state is State.FAILED


async def test_where_passwords_are_asked_for_none_is_needed(
    bridge: Bridge, window: QMainWindow, the_desk: Desk
) -> None:
    form = opened(bridge, window)
    type_in(form, "example.org")
    assert form.save.isEnabled()
    form.save.click()
    await gone(window)
    assert not the_desk.profiles.entries[0].has_password


async def test_it_fits_its_window(bridge: Bridge, window: QMainWindow) -> None:
    window.resize(360, 480)
    form = opened(bridge, window)
    assert form.width() <= 360
    assert form.height() <= 480
    form.retranslate()
    assert (form.save.text(), form.cancel.text()) == ("Save", "Cancel")
