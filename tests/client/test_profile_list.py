"""The list of profiles as a value."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client import profile_list
from app.client.profile_list import Undo
from app.errors import BadInput
from app.storage.profile_file import Entry
from app.storage.profiles import MAX_NAME, Profile, ProfileServer


def entry(name: str, *hosts: str) -> Entry:
    servers = tuple(ProfileServer(host) for host in hosts or (f"{name}.example",))
    return Entry(name, Profile(name, servers), sealed=(b"sealed",) * len(servers))


ABC = (entry("a"), entry("b"), entry("c"))


def ids(entries: tuple[Entry, ...]) -> str:
    return "".join(one.id for one in entries)


def test_an_entry_is_found_at_its_place() -> None:
    assert [profile_list.place(ABC, one) for one in "abc"] == [0, 1, 2]
    with pytest.raises(KeyError):
        profile_list.place(ABC, "d")


def test_temporary_ones_do_not_last() -> None:
    assert ids(profile_list.lasting((ABC[0], replace(ABC[1], temporary=True)))) == "a"


def test_an_edit_keeps_the_place_the_passwords_and_what_was_noted() -> None:
    entries = (ABC[0], replace(ABC[1], latency_ms=5.0, problem="x", tested_at=1.0, used_at=2.0), ABC[2])
    profile = replace(ABC[1].profile, name="B\n2")
    new = profile_list.edited(entries, "b", profile, " g\t1 ", None)
    assert new[1] == replace(entries[1], profile=replace(profile, name="B 2"), group="g 1")
    assert (new[0], new[2]) == (ABC[0], ABC[2])


def test_an_edit_to_other_servers_forgets_the_test_of_the_old_ones() -> None:
    entries = (replace(ABC[0], latency_ms=5.0, tested_at=1.0, used_at=2.0),)
    (new,) = profile_list.edited(entries, "a", Profile("a", (ProfileServer("z.example"),)), "", (b"new",))
    assert (new.latency_ms, new.problem, new.tested_at, new.used_at) == (None, "", None, 2.0)
    assert new.sealed == (b"new",)


@pytest.mark.parametrize("change", [{"server_name": "other.example"}, {"certificate_pin": b"p" * 32}, {"min_idle": 3}])
def test_an_edit_of_anything_that_was_tested_forgets_the_test(change: dict[str, Any]) -> None:
    entries = (replace(ABC[0], problem="The certificate is not the pinned one.", tested_at=1.0),)
    (new,) = profile_list.edited(entries, "a", replace(ABC[0].profile, **change), "", None)
    assert (new.problem, new.tested_at) == ("", None)
    (new,) = profile_list.edited(entries, "a", ABC[0].profile, "", (b"another password",))
    assert (new.problem, new.tested_at) == ("", None)


def test_an_edit_that_keeps_the_passwords_keeps_the_number_of_servers() -> None:
    profile = Profile("a", (ProfileServer("a.example"), ProfileServer("b.example")))
    with pytest.raises(BadInput, match="each server needs a password"):
        profile_list.edited(ABC, "a", profile, "", None)
    with pytest.raises(KeyError):
        profile_list.edited(ABC, "d", profile, "", None)


def test_a_note_on_one_that_is_gone_changes_nothing() -> None:
    assert profile_list.noted(ABC, "b", {"used_at": 1.0}) == (ABC[0], replace(ABC[1], used_at=1.0), ABC[2])
    assert profile_list.noted(ABC, "d", {"used_at": 1.0}) == ABC


def test_a_copy_stands_right_below() -> None:
    assert ids(profile_list.with_below(ABC, "a", entry("x"))) == "axbc"
    assert ids(profile_list.with_below(ABC, "c", entry("x"))) == "abcx"


@given(st.sets(st.sampled_from("abcdefgh")))
def test_what_is_removed_comes_back_where_it_stood(gone: set[str]) -> None:
    entries = tuple(entry(name) for name in "abcdefgh")
    undo = Undo(profile_list.removed(entries, gone))
    left = tuple(one for one in entries if one.id not in gone)
    assert profile_list.restored(left, undo) == entries
    assert profile_list.restored(entries, undo) == entries


def test_it_comes_back_as_near_as_can_be_in_a_list_that_has_shrunk() -> None:
    undo = Undo(profile_list.removed(ABC, {"c"}))
    assert ids(profile_list.restored((), undo)) == "c"


@pytest.mark.parametrize(
    ("moved", "position", "order"),
    [("a", 0, "abc"), ("a", 1, "bac"), ("a", 2, "bca"), ("a", 99, "bca"), ("c", 0, "cab"), ("c", -5, "cab")],
)
def test_an_entry_moves_to_its_position(moved: str, position: int, order: str) -> None:
    assert ids(profile_list.moved(ABC, moved, position)) == order


def test_sealed_passwords_are_put_where_they_belong() -> None:
    kept = profile_list.resealed(ABC, {"a": (b"1",)})
    assert [one.sealed for one in kept] == [(b"1",), (b"sealed",), (b"sealed",)]
    cleared = profile_list.resealed((*ABC, entry("d", "x.example", "y.example")), {"a": (b"1",)}, clear_others=True)
    assert [one.sealed for one in cleared] == [(b"1",), (None,), (None,), (None, None)]


@pytest.mark.parametrize(
    ("taken", "name", "free"),
    [
        ((), "Berlin", "Berlin 2"),
        (("Berlin",), "Berlin", "Berlin 2"),
        (("Berlin", "berlin 2"), "Berlin", "Berlin 3"),
        (("Berlin 2",), "Berlin 2", "Berlin 3"),
        (("Area 51",), "Area 51", "Area 2"),
        (("2",), "2", "2 2"),
    ],
)
def test_a_copys_name_is_the_next_one_free(taken: tuple[str, ...], name: str, free: str) -> None:
    assert profile_list.free_name([entry(one) for one in taken], name) == free


def test_a_copys_name_is_never_too_long() -> None:
    assert len(profile_list.free_name([], "x" * MAX_NAME)) <= MAX_NAME


def test_entries_are_found_by_their_servers_in_any_order() -> None:
    one, two = entry("a", "x.example", "y.example"), entry("b", "y.example", "x.example")
    found = profile_list.by_servers([one, two, entry("c")])
    assert found[frozenset(one.profile.servers)] == [one, two]
    assert len(found) == 2


def test_undo_shows_no_password() -> None:
    assert "hunter2" not in repr(Undo((), {"a": ("hunter2",)}))
