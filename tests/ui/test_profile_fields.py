"""All fields together: the draft they show, what is hidden, and what is said while typing."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.client.form import ProfileDraft, ServerDraft
from app.storage.profiles import Preset, Profile, ProfileServer
from app.ui.profile_fields import ProfileFields

TWO = Profile(
    "Berlin",
    (ProfileServer("a.example", 1), ProfileServer("b.example", 2)),
    strategy="failover",
    server_name="front.example",
    alpn=("h2",),
    verification="pin",
    certificate_pin=bytes(32),
    min_tls="1.3",
    fingerprint="chrome",
    idle_check_interval=7.0,
    idle_timeout=8.0,
    min_idle=3,
    udp_mode="packet",
    client_name="me/1",
)


@pytest.fixture
def fields(qtbot: QtBot) -> ProfileFields:
    made = ProfileFields(["Home", "Work"])
    qtbot.addWidget(made)
    made.put(ProfileDraft())
    made.show()
    return made


@pytest.mark.parametrize(
    "draft",
    [
        ProfileDraft(),
        ProfileDraft.of(TWO, "Work"),
        ProfileDraft.of(TWO, "", asks_each_time=True),
        ProfileDraft(name="X", password="p", group="New", servers=(ServerDraft("a", "1", "own"),), own_passwords=True),
        ProfileDraft(no_server_name=True, no_client_name=True, preset="own", numbers=Preset(2.0, 3.0, 1)),
    ],
)
def test_what_goes_in_comes_out(fields: ProfileFields, draft: ProfileDraft) -> None:
    fields.put(draft)
    assert fields.draft() == draft


def test_a_fresh_form_does_not_scold(fields: ProfileFields) -> None:
    assert fields.draft().problems()
    assert not fields.password_field.problem.isVisible()
    assert not fields.servers.rows[0].problem.isVisible()


def test_errors_come_and_go_while_typing(qtbot: QtBot, fields: ProfileFields) -> None:
    row = fields.servers.rows[0]
    qtbot.keyClicks(row.host, "a b")
    assert row.problem.text() == "The host is neither a host name nor an IP address."
    row.host.setText("a.b")
    assert not row.problem.isVisible()
    qtbot.keyClicks(fields.server_name, "x y")
    assert fields.server_name_field.problem.text() == "The server name is neither a host name nor an IP address."
    qtbot.keyClicks(fields.password.edit, "p")
    fields.password.edit.clear()
    assert fields.password_field.problem.text() == "Type the password that the server expects."
    fields.folded.switch.click()
    fields.advanced.alpn.setText("ü")
    assert fields.advanced.alpn_field.problem.isVisible()
    fields.verification.kind.set_value("pin")
    assert not fields.verification.pin_field.problem.isVisible()
    qtbot.keyClicks(fields.verification.pin, "abc")
    assert fields.verification.pin_field.problem.isVisible()


def test_choices_that_exclude_each_other_are_said_at_once(fields: ProfileFields) -> None:
    tls = fields.advanced.tls
    tls.fingerprint.set_value("none")
    tls.ech.set_value("resolver")
    assert tls.ech_field.problem.text() == "The name can be sent encrypted only with Chrome's fingerprint."
    tls.fingerprint.set_value("chrome")
    assert tls.ech_field.problem.text() == ""
    fields.advanced.no_server_name.setChecked(True)
    assert tls.ech_field.problem.text() == "There is no name to encrypt, because none is sent."
    assert fields.verification.kind_field.problem.text().startswith("A certificate can be checked only")
    fields.verification.kind.set_value("none")
    assert fields.verification.kind_field.problem.text() == ""


def test_putting_another_draft_forgets_what_was_typed(qtbot: QtBot, fields: ProfileFields) -> None:
    qtbot.keyClicks(fields.server_name, "x y")
    assert fields.server_name_field.problem.isVisible()
    fields.put(replace(ProfileDraft(), server_name="x y"))
    assert not fields.server_name_field.problem.isVisible()


def test_a_strategy_is_asked_for_only_where_there_are_several(fields: ProfileFields) -> None:
    assert not fields.strategy_field.isVisible()
    assert not fields.own_passwords.isVisible()
    fields.servers.add.click()
    assert fields.strategy_field.isVisible()
    assert fields.own_passwords.isVisible()
    fields.own_passwords.setChecked(True)
    assert not fields.password_field.isVisible()
    fields.servers.rows[1].remove.click()
    assert fields.password_field.isVisible()


def test_the_address_stands_in_for_a_name(fields: ProfileFields) -> None:
    assert fields.name.placeholderText() == "for example Berlin"
    fields.servers.rows[0].host.setText("example.org")
    assert fields.name.placeholderText() == "example.org:443"
    assert fields.server_name.placeholderText() == "example.org"
    fields.advanced.no_server_name.setChecked(True)
    assert fields.server_name.placeholderText() == "none is sent"
    assert not fields.server_name.isEnabled()


def test_a_strong_password_is_generated_and_shown(fields: ProfileFields) -> None:
    fields.dice.click()
    first = fields.password.text()
    assert len(first) == 32
    assert fields.password.eye.isChecked()
    fields.dice.click()
    assert fields.password.text() != first


def test_the_eye_asks_for_a_saved_password(qtbot: QtBot, fields: ProfileFields) -> None:
    with qtbot.assertNotEmitted(fields.password_wanted):
        fields.password.eye.click()
    fields.put(ProfileDraft.of(TWO))
    fields.password.hide_text()
    with qtbot.waitSignal(fields.password_wanted):
        fields.password.eye.click()
    fields.password.hide_text()
    fields.password.set_text("typed")
    with qtbot.assertNotEmitted(fields.password_wanted):
        fields.password.eye.click()


def test_one_password_for_all_fills_the_one_field(fields: ProfileFields) -> None:
    fields.put(ProfileDraft.of(TWO))
    fields.fill_passwords(("same", "same"))
    assert fields.password.text() == "same"
    assert not fields.draft().own_passwords


def test_different_passwords_fill_their_rows(fields: ProfileFields) -> None:
    fields.put(ProfileDraft.of(TWO))
    fields.fill_passwords(("one", "two"))
    draft = fields.draft()
    assert draft.own_passwords
    assert [it.password for it in draft.servers] == ["one", "two"]


def test_a_typed_password_is_not_overwritten(fields: ProfileFields) -> None:
    fields.put(ProfileDraft.of(TWO))
    fields.password.set_text("typed")
    fields.fill_passwords(("same", "same"))
    assert fields.password.text() == "typed"


def test_what_happens_to_passwords_is_said(fields: ProfileFields) -> None:
    assert not fields.password_field.hint.isVisible()
    fields.put(ProfileDraft.of(TWO))
    assert fields.password.edit.placeholderText() == "saved; type to change it"
    fields.put(ProfileDraft.of(TWO, asks_each_time=True))
    assert fields.password.edit.placeholderText() == ""
    assert "asked for it when you connect" in fields.password_field.hint.text()


def test_groups_are_offered_and_new_ones_can_be_typed(fields: ProfileFields) -> None:
    assert [fields.group.itemText(at) for at in range(fields.group.count())] == ["", "Home", "Work"]
    fields.group.setEditText(" Travel ")
    assert fields.draft().group == "Travel"


def test_every_control_has_a_name(fields: ProfileFields) -> None:
    controls = (fields.name, fields.group, fields.strategy, fields.password.edit, fields.server_name)
    assert all(control.accessibleName() for control in controls)
    assert all(one.text() for one in (fields.own_passwords, fields.dice, fields.folded.switch))


def test_the_form_fits_a_narrow_window(fields: ProfileFields) -> None:
    fields.servers.add.click()
    fields.folded.switch.click()
    fields.advanced.presets.preset.set_value("own")
    fields.advanced.folded_tcp.switch.click()
    fields.advanced.tls.rare.switch.click()
    fields.advanced.tls.ech.set_value("resolver")
    assert fields.minimumSizeHint().width() <= 300
