"""The head of the home page: headline, line, speeds and stages, side by side or below each other."""

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.errors import ClosedSilently
from app.ui.widgets.stages import Stage
from app.ui.widgets.status_header import StatusHeader

STAGES = [Stage("tcp", "done", 18.0), Stage("tls", "done", 22.0), Stage("authentication", "running")]


@pytest.fixture
def header(qtbot: QtBot) -> StatusHeader:
    made = StatusHeader()
    qtbot.addWidget(made)
    made.resize(900, 120)
    made.show()
    return made


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State.OFF, "Berlin · off"),
        (State.CONNECTING, "Berlin · connecting"),
        (State.ON, "Berlin · on"),
        (State.DEGRADED, "Berlin · degraded"),
        (State.FAILED, "Berlin · failed"),
    ],
)
def test_the_headline_says_which_and_what(header: StatusHeader, state: State, text: str) -> None:
    header.show_state("Berlin", state, "through a.example")
    assert header.headline.text() == text
    assert header.line.text() == "through a.example"


def test_without_a_profile_there_is_the_state_alone(header: StatusHeader) -> None:
    header.show_state("", State.OFF, "")
    assert header.headline.text() == "off"


def test_a_name_with_braces_is_a_name(header: StatusHeader) -> None:
    header.show_state("{state} {0}", State.ON, "")
    assert header.headline.text() == "{state} {0} · on"


def test_the_switch_fills_with_the_stages(header: StatusHeader) -> None:
    header.show_state("Berlin", State.CONNECTING, "")
    header.show_stages(STAGES, None, "")
    assert (header.power.state, header.power.done, header.power.total) == (State.CONNECTING, 2, 3)
    assert header.stages.isVisible()


def test_a_name_that_did_not_resolve_is_no_part_of_the_ring(header: StatusHeader) -> None:
    header.show_state("Berlin", State.FAILED, "")
    header.show_stages([Stage("dns", "failed"), Stage("tcp", "waiting"), Stage("tls", "waiting")], None, "")
    assert (header.power.done, header.power.total) == (0, 2)


def test_nothing_to_tell_takes_no_room(header: StatusHeader) -> None:
    header.show_state("Berlin", State.OFF, "")
    header.show_stages([], None, "")
    assert header.stages.isHidden()


@pytest.mark.parametrize(("state", "role"), [(State.FAILED, "bad"), (State.DEGRADED, "warn")])
def test_a_failure_is_as_serious_as_the_state(header: StatusHeader, state: State, role: str) -> None:
    header.show_state("Berlin", state, "")
    header.show_stages(STAGES, ClosedSilently("a.example", 443), "It closed.")
    assert header.stages.sentence.text() == "It closed."
    assert header.stages.sentence.property("role") == role


def test_speeds_go_below_where_there_is_little_room(header: StatusHeader) -> None:
    header.show_state("Berlin", State.ON, "")
    assert header.speeds.x() > header.headline.x()
    header.resize(272, 200)
    QApplication.processEvents()
    assert header.speeds.y() > header.power.y() + header.power.height() - 1
    assert header.speeds.down.property("role") == "title"


def test_words_follow_the_language(header: StatusHeader) -> None:
    header.show_state("Berlin", State.ON, "")
    header.headline.setText("")
    QApplication.sendEvent(header, QEvent(QEvent.Type.LanguageChange))
    assert header.headline.text() == "Berlin · on"


def test_a_danger_is_red_below_the_line(header: StatusHeader) -> None:
    assert not header.danger.isVisible()
    header.show_danger("The server's certificate is not checked.")
    assert header.danger.isVisible()
    assert header.danger.property("role") == "bad"
    header.show_danger("")
    assert not header.danger.isVisible()
