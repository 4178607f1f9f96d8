"""What a card says of a profile, and what privacy mode leaves of it."""

from dataclasses import replace

import pytest

from app.client.profiles import Entry
from app.storage.profiles import Profile, ProfileServer
from app.ui.profile_card import SLOW, Card, Chip, address, card_of, hint, matches, shown_name
from tests.fakes.desk import profile

PLAIN = Entry("a" * 32, profile("Berlin", "berlin.example.org", 8443))
UDP = Chip("UDP", "muted")


def test_a_plain_profile() -> None:
    assert card_of(PLAIN, 1) == Card("Berlin", "berlin.example.org:8443", (UDP,))


def test_chips_name_what_matters_most_first() -> None:
    unchecked = replace(PLAIN, profile=profile(verification="none"), temporary=True, group="Work")
    assert card_of(unchecked, 1, group=True).chips == (
        Chip("not verified", "bad"),
        Chip("not saved", "muted"),
        Chip("Work", "muted"),
        UDP,
    )
    pinned = replace(PLAIN, profile=profile(verification="pin", certificate_pin=bytes(32)), group="Work")
    assert card_of(pinned, 1).chips == (Chip("pinned"), UDP)


@pytest.mark.parametrize(
    ("ms", "pill"),
    [
        (41.3, Chip("41 ms", "good")),
        (SLOW - 1, Chip("999 ms", "good")),
        (SLOW, Chip("1.0 s", "warn")),
        (None, None),
    ],
)
def test_the_pill_tells_the_latency(ms: float | None, pill: Chip | None) -> None:
    assert card_of(replace(PLAIN, latency_ms=ms), 1).pill == pill


def test_a_failure_gives_its_reason() -> None:
    card = card_of(replace(PLAIN, problem="Nothing listens there."), 1)
    assert card.pill == Chip("failed", "bad")
    assert card.reason == "Nothing listens there."


def test_a_running_test_takes_the_place_of_old_results() -> None:
    card = card_of(replace(PLAIN, problem="Nothing listens there.", latency_ms=3.0), 1, testing=True)
    assert card.pill == Chip("testing…", "muted")
    assert card.reason == ""


def test_several_servers_are_counted() -> None:
    servers = tuple(ProfileServer(f"s{number}.example", 443) for number in range(3))
    assert address(Profile("Many", servers)) == "s0.example:443 and 2 more"
    assert address(Profile("One", (ProfileServer("2001:db8::1", 443),))) == "[2001:db8::1]:443"


def test_privacy_leaves_neither_name_nor_host() -> None:
    entry = replace(PLAIN, problem="berlin.example.org port 8443 did not answer.", latency_ms=None)
    card = card_of(entry, 7, private=True, active=True)
    assert card.name == "Profile 7"
    assert "berlin" not in card.spoken.casefold()
    assert "berlin" not in hint(replace(entry, tested_at=10.0), True, 20.0).casefold()
    assert shown_name(entry, 7, True) == "Profile 7"
    assert shown_name(entry, 7, False) == "Berlin"


def test_the_spoken_card_has_everything() -> None:
    card = card_of(replace(PLAIN, latency_ms=12.0), 1, active=True)
    assert card.spoken == "Berlin, active, berlin.example.org:8443, UDP, 12 ms"


def test_the_hint_has_every_server_and_when_it_was_tried() -> None:
    entry = replace(PLAIN, tested_at=100.0, problem="It is closed.")
    assert hint(entry, False, 250.0) == "berlin.example.org:8443\nTested 2 min 30 s ago\nIt is closed."
    assert hint(PLAIN, False, 250.0) == "berlin.example.org:8443"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("berlin", True),
        ("ORG 84", True),
        ("work ber", True),
        ("berlin paris", False),
        ("", True),
    ],
)
def test_a_search_looks_at_name_group_and_hosts(words: str, found: bool) -> None:
    assert matches(replace(PLAIN, group="Work"), words.casefold().split()) is found
