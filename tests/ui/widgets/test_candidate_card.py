"""What the preview shows of one link: no password, and every danger in words."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.client.importing import Candidate, candidates
from app.storage.profiles import ProfileServer
from app.ui.widgets.candidate_card import DOTS, CandidateCard
from tests.fakes.desk import profile

PLAIN = Candidate(profile("Berlin", "berlin.example.org", 8443), ("hidden-secret",))


@pytest.fixture
def card(qtbot: QtBot) -> CandidateCard:
    made = CandidateCard()
    qtbot.addWidget(made)
    made.show()
    return made


def texts(card: CandidateCard) -> str:
    """Everything the card says in any way."""
    parts = [card.name.text(), *card.sentences]
    for value in card.values.values():
        parts += [value.text(), value.toolTip(), value.accessibleName()]
    return "\n".join(parts)


def test_name_host_port_and_server_name(card: CandidateCard) -> None:
    card.show_candidate(PLAIN)
    assert card.name.text() == "Berlin"
    assert "berlin.example.org:8443" in card.values["server"].text()
    assert card.values["server_name"].text() == "the same as the host"
    card.show_candidate(replace(PLAIN, profile=replace(profile(), server_name="front.example")))
    assert "front.example" in card.values["server_name"].text()
    card.show_candidate(replace(PLAIN, profile=replace(profile(), server_name="")))
    assert card.values["server_name"].text() == "none is sent"


@pytest.mark.parametrize("password", ["hidden-secret", "x", "y" * 90])
def test_a_password_is_dots_and_does_not_tell_its_length(card: CandidateCard, password: str) -> None:
    card.show_candidate(replace(PLAIN, passwords=(password,)))
    assert card.values["password"].text() == DOTS
    assert len(password) == 1 or password not in texts(card)


def test_a_missing_password_is_said(card: CandidateCard) -> None:
    card.show_candidate(replace(PLAIN, passwords=("",)))
    assert card.values["password"].text() == "none; it is asked for when you connect"


def test_an_unchecked_certificate_is_told_in_red(card: CandidateCard) -> None:
    (found,) = candidates("anytls://hidden-secret@berlin.example.org/?insecure=1&foo=1#Berlin")
    card.show_candidate(found)
    danger = next(one for one in card.sentences if "not checked" in one)
    assert danger in found.dangers
    roles = [
        label.property("role") for label in card.findChildren(type(card.labels["server"])) if label.text() == danger
    ]
    assert roles == ["bad"]
    assert any("foo" in sentence for sentence in card.sentences)
    assert "hidden-secret" not in texts(card)


def test_a_duplicate_is_marked(card: CandidateCard) -> None:
    card.show_candidate(replace(PLAIN, duplicate_of="Old Berlin"))
    assert card.pill.text() == "already there"
    assert card.sentences == ["The profile “Old Berlin” leads to the same server."]
    card.show_candidate(PLAIN)
    assert not card.pill.isVisible()
    assert card.sentences == []


def test_what_cannot_be_used_says_why(card: CandidateCard) -> None:
    card.show_candidate(Candidate(None, problem="This link cannot be used: it has no password.", source="anytls://…@x"))
    assert card.name.text() == "anytls://…@x"
    assert card.sentences == ["This link cannot be used: it has no password."]
    assert not any(value.isVisible() for value in card.values.values())
    card.show_candidate(PLAIN)
    assert not any(value.isHidden() for value in card.values.values())


def test_remarks_are_listed_once_and_not_without_end(card: CandidateCard) -> None:
    card.show_candidate(replace(PLAIN, dangers=("Danger.",), notes=("Danger.", *(f"Note {n}." for n in range(30)))))
    assert card.sentences.count("Danger.") == 1
    assert card.sentences[-1] == "Further remarks: 18."
    assert len(card.sentences) == 14


def test_every_server_is_named(card: CandidateCard) -> None:
    several = replace(profile(), servers=(ProfileServer("a.example", 1), ProfileServer("b.example", 2)))
    card.show_candidate(replace(PLAIN, profile=several))
    assert "a.example:1, b.example:2" in card.values["server"].text()


def test_nothing_to_show(card: CandidateCard) -> None:
    card.show_candidate(replace(PLAIN, duplicate_of="x"))
    card.show_candidate(None)
    card.retranslate()
    assert card.sentences == []
