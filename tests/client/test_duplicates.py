"""Profiles that are there already are found, however many share a server."""

from collections import Counter
from dataclasses import replace

from app.client.duplicates import Duplicates
from app.storage.profile_file import Entry
from app.storage.profiles import ProfileServer
from tests.fakes.desk import profile

MANY = 500


def entry(number: int) -> Entry:
    return Entry(f"{number:032x}", profile(str(number)))


def test_each_password_is_opened_once() -> None:
    """Else pasting a long list of one server for the second time would hold the window for minutes."""
    asked: Counter[str] = Counter()

    def visible(one: Entry) -> tuple[str, ...]:
        asked[one.id] += 1
        return (one.profile.name,)

    duplicates = Duplicates([entry(number) for number in range(MANY)], visible)
    for number in range(MANY):
        found = duplicates.find(profile("new"), (str(number),))
        assert found == entry(number)
    assert duplicates.find(profile("new"), ("another",)) is None
    assert max(asked.values()) == 1


def test_what_cannot_be_seen_may_be_the_same() -> None:
    one, two = entry(1), entry(2)
    duplicates = Duplicates([one, two], lambda entry: None if entry is one else ("2",))
    assert duplicates.find(profile("new"), ("2",)) is two
    assert duplicates.find(profile("new"), ("3",)) is one
    assert duplicates.find(profile("new"), None) is one


def test_other_servers_are_other_profiles() -> None:
    duplicates = Duplicates([entry(1)], lambda _entry: None)
    other = replace(profile("new"), servers=(ProfileServer("paris.example.org"),))
    assert duplicates.find(other, ("1",)) is None
    assert duplicates.find(other, None) is None


def test_servers_in_another_order_are_the_same_with_their_passwords() -> None:
    both = (ProfileServer("a.example"), ProfileServer("b.example"))
    one = replace(entry(1), profile=replace(profile(), servers=both))
    duplicates = Duplicates([one], lambda _entry: ("1", "2"))
    turned = replace(profile("new"), servers=both[::-1])
    assert duplicates.find(turned, ("2", "1")) is one
    assert duplicates.find(turned, ("1", "2")) is None
