"""The folded part of the form."""

import pytest
from pytestqt.qtbot import QtBot

from app.client.form import ProfileDraft
from app.client.form_tcp import TcpDraft
from app.client.form_tls import TlsDraft
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
        tls=TlsDraft(fingerprint="netscape", fragment=True),
        tcp=TcpDraft(keepalive=0.0, source="eth0"),
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
    fields.tls.curve.setText("X25519")
    fields.tcp.source.setText("eth0")
    assert told[4:] == ["curve", "source"]


def test_problems_stand_under_their_fields(fields: AdvancedFields) -> None:
    fields.show_problems({"alpn": "No list.", "client_name": "Too long.", "ech": "No name.", "source": "No source."})
    assert (fields.alpn_field.problem.text(), fields.client_field.problem.text()) == ("No list.", "Too long.")
    assert (fields.tls.ech_field.problem.text(), fields.tcp.source_field.problem.text()) == ("No name.", "No source.")


def test_tcp_is_folded_away(fields: AdvancedFields) -> None:
    assert not fields.tcp.isVisible()
    fields.folded_tcp.switch.click()
    assert fields.tcp.isVisible()


def test_every_control_has_a_name(fields: AdvancedFields) -> None:
    presets = fields.presets
    controls = (fields.alpn, fields.udp, fields.client_name, presets.preset)
    assert all(control.accessibleName() for control in (*controls, presets.check, presets.idle, presets.least))
    assert fields.no_server_name.text()


def test_without_alpn_of_ones_own_the_fingerprint_decides(fields: AdvancedFields) -> None:
    fields.put(ProfileDraft(tls=TlsDraft(fingerprint="chrome")))
    assert fields.alpn.placeholderText() == "as the fingerprint has it"
    fields.put(ProfileDraft(tls=TlsDraft(fingerprint="none")))
    assert fields.alpn.placeholderText().startswith("none")
