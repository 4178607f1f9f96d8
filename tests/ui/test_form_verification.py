"""How the server proves who it is: what each choice needs, and the warning where nothing is checked."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.client.form import ProfileDraft
from app.storage.profiles import Verification
from app.ui.form_verification import VerificationFields


@pytest.fixture
def fields(qtbot: QtBot) -> VerificationFields:
    made = VerificationFields()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize(
    ("kind", "file", "pin", "warning"),
    [
        ("system", False, False, False),
        ("ca-file", True, False, False),
        ("pin", False, True, False),
        ("none", False, False, True),
    ],
)
def test_each_choice_shows_what_it_needs(
    fields: VerificationFields, kind: Verification, file: bool, pin: bool, warning: bool
) -> None:
    fields.kind.set_value(kind)
    assert fields.ca_field.isVisible() is file
    assert fields.pin_field.isVisible() is pin
    assert fields.kind_field.hint.isVisible() is warning
    if warning:
        assert fields.kind_field.hint.property("role") == "bad"


def test_what_goes_in_comes_out(fields: VerificationFields) -> None:
    draft = ProfileDraft(verification="pin", ca_file="ca.pem", pin="ab:cd")
    fields.put(draft)
    assert fields.take(ProfileDraft()) == draft
    assert fields.take(replace(draft, name="X")).name == "X"


def test_typing_tells_which_field(fields: VerificationFields) -> None:
    told: list[str] = []
    fields.edited.connect(told.append)
    fields.pin.setText("ab")
    fields.ca_file.setText("x")
    fields.kind.set_value("none")
    assert told == ["pin", "ca_file", ""]


def test_problems_stand_under_their_fields(fields: VerificationFields) -> None:
    fields.show_problems({"pin": "No pin.", "ca_file": "No file.", "verification": "No name.", "alpn": "Elsewhere."})
    assert (fields.pin_field.problem.text(), fields.ca_field.problem.text()) == ("No pin.", "No file.")
    assert fields.kind_field.problem.text() == "No name."
    fields.show_problems({})
    assert fields.pin_field.problem.text() == ""


def test_every_control_has_a_name(fields: VerificationFields) -> None:
    assert all(control.accessibleName() for control in (fields.kind, fields.ca_file, fields.pin))
