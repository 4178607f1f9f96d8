"""The folded part of the form."""

import pytest
from pytestqt.qtbot import QtBot

from app.client.form import ProfileDraft
from app.storage.profiles import PRESETS, Preset
from app.ui.form_advanced import AdvancedFields, PresetFields


@pytest.fixture
def fields(qtbot: QtBot) -> AdvancedFields:
    made = AdvancedFields()
    qtbot.addWidget(made)
    made.show()
    return made


def test_what_goes_in_comes_out(fields: AdvancedFields) -> None:
    draft = ProfileDraft(
        alpn="h2",
        no_server_name=True,
        fingerprint="netscape",
        preset="own",
        numbers=Preset(2.5, 7.0, 3),
        udp_mode="packet",
        client_name="me/1",
        no_client_name=True,
    )
    fields.put(draft)
    assert fields.take(ProfileDraft()) == draft


@pytest.mark.parametrize("preset", ["low-latency", "balanced", "saving"])
def test_a_preset_says_its_numbers(qtbot: QtBot, preset: str) -> None:
    fields = PresetFields()
    qtbot.addWidget(fields)
    fields.show()
    fields.preset.set_value(preset)  # type: ignore[arg-type]  # drawn from the allowed ones
    numbers = PRESETS[preset]
    hint = fields.preset_field.hint.text()
    assert f"Every {numbers.idle_check_interval:g} s" in hint
    assert f"idle for {numbers.idle_timeout:g} s" in hint
    assert f"{numbers.min_idle} stay ready" in hint
    assert not fields.numbers.isVisible()


def test_ones_own_numbers_can_be_typed(qtbot: QtBot) -> None:
    fields = PresetFields()
    qtbot.addWidget(fields)
    fields.show()
    fields.set_value("own", Preset(30.0, 30.0, 5))
    assert fields.numbers.isVisible()
    assert not fields.preset_field.hint.isVisible()
    fields.check.setValue(0.0)
    fields.idle.setValue(10**9)
    fields.least.setValue(65)
    assert fields.value() == ("own", Preset(1.0, 86_400.0, 64))


def test_a_fingerprint_that_cannot_be_had_says_so(fields: AdvancedFields) -> None:
    assert not fields.fingerprint_field.hint.isVisible()
    fields.fingerprint.set_value("chrome")
    assert "“chrome” is not available in this version" in fields.fingerprint_field.hint.text()
    assert fields.fingerprint_field.hint.property("role") == "warn"
    fields.fingerprint.set_value("none")
    assert not fields.fingerprint_field.hint.isVisible()


def test_no_name_leaves_nothing_to_type(fields: AdvancedFields) -> None:
    assert fields.client_name.isEnabled()
    fields.no_client_name.setChecked(True)
    assert not fields.client_name.isEnabled()


def test_typing_tells_which_field(fields: AdvancedFields) -> None:
    told: list[str] = []
    fields.edited.connect(told.append)
    fields.alpn.setText("h2")
    fields.client_name.setText("me")
    assert told == ["alpn", "client_name"]
    fields.no_server_name.setChecked(True)
    fields.udp.set_value("packet")
    assert told[2:] == ["", ""]


def test_problems_stand_under_their_fields(fields: AdvancedFields) -> None:
    fields.show_problems({"alpn": "No list.", "client_name": "Too long."})
    assert (fields.alpn_field.problem.text(), fields.client_field.problem.text()) == ("No list.", "Too long.")


def test_every_control_has_a_name(fields: AdvancedFields) -> None:
    presets = fields.presets
    controls = (fields.alpn, fields.fingerprint, fields.udp, fields.client_name, presets.preset)
    assert all(control.accessibleName() for control in (*controls, presets.check, presets.idle, presets.least))
    assert fields.no_server_name.text()
