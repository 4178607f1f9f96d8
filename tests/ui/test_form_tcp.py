"""TCP in the form."""

import socket

import pytest
from pytestqt.qtbot import QtBot

from app.client.form_tcp import TcpDraft
from app.ui.form_tcp import TcpFields


@pytest.fixture
def fields(qtbot: QtBot) -> TcpFields:
    made = TcpFields()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize(
    "draft",
    [
        TcpDraft(),
        TcpDraft("only-6", "eth0", 0.0, 1.5, no_delay=False, multipath=True),
        TcpDraft("prefer-4", "192.0.2.7", 32_767.0, 86_400.0),
    ],
)
def test_what_goes_in_comes_out(fields: TcpFields, draft: TcpDraft) -> None:
    fields.put(draft)
    assert fields.value() == draft


def test_none_has_words(fields: TcpFields) -> None:
    fields.put(TcpDraft(keepalive=0.0, user_timeout=0.0))
    assert (fields.keepalive.text(), fields.user_timeout.text()) == ("never", "as the system has it")
    fields.keepalive.setValue(30.0)
    assert fields.keepalive.text() == "30 s"


def test_every_order_of_addresses_has_words(fields: TcpFields) -> None:
    words = [fields.family.itemText(at) for at in range(fields.family.count())]
    assert words == ["in the system's order", "IPv4 first", "IPv6 first", "IPv4 only", "IPv6 only"]
    fields.family.set_value("prefer-6")
    assert fields.family.currentText() == "IPv6 first"


def test_multipath_that_cannot_be_had_says_so(fields: TcpFields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "IPPROTO_MPTCP", raising=False)
    assert not fields.missing.isVisible()
    fields.multipath.setChecked(True)
    assert fields.missing.text() == "This system has no Multipath TCP, so ordinary TCP is used."
    fields.multipath.setChecked(False)
    assert not fields.missing.isVisible()


def test_typing_tells_which_field(fields: TcpFields) -> None:
    told: list[str] = []
    fields.edited.connect(told.append)
    fields.source.setText("eth0")
    fields.keepalive.setValue(5.0)
    fields.user_timeout.setValue(5.0)
    fields.family.set_value("only-4")
    fields.no_delay.setChecked(not fields.no_delay.isChecked())
    assert told == ["source", "keepalive", "user_timeout", "", ""]


def test_problems_stand_under_their_fields(fields: TcpFields) -> None:
    fields.show_problems({"source": "No source.", "keepalive": "Too short.", "user_timeout": "Too long."})
    shown = (fields.source_field, fields.keepalive_field, fields.timeout_field)
    assert [field.problem.text() for field in shown] == ["No source.", "Too short.", "Too long."]


def test_every_control_has_a_name(fields: TcpFields) -> None:
    controls = (fields.family, fields.source, fields.keepalive, fields.user_timeout)
    assert all(control.accessibleName() for control in controls)
    assert all(box.text() for box in (fields.no_delay, fields.multipath))
