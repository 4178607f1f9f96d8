"""Profiles with their passwords: what is shown is on disk, what fails has not happened, and nothing is lost."""

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.client import profiles as module
from app.client.profiles import Entry, Profiles
from app.errors import (
    BadFile,
    BadInput,
    Failure,
    KeyringLocked,
    KeyringMissing,
    PasswordMissing,
    UnlockCancelled,
    VaultKeyLost,
)
from app.storage.document import Document
from app.storage.passwords import Protection, Vault
from app.storage.profile_file import MAX_PASSWORD, ProfileFile
from app.storage.profiles import Profile, ProfileServer
from tests.fakes.keyring_session import MemoryKeyring, keyring_session
from tests.fakes.questions import Answers

pytestmark = pytest.mark.usefixtures("vault_here")

SECRET = "hunter2 ü"


def profile(name: str = "Berlin", *hosts: str, **more: Any) -> Profile:
    hosts = hosts or (f"{name.lower().replace(' ', '-')}.example",)
    return Profile(name, tuple(ProfileServer(host) for host in hosts), **more)


class Home:
    """A folder, a keyring and a person; `started()` is what a new start of the program makes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "profiles.json"
        self.keyring = MemoryKeyring()
        self.person = Answers()
        self.writes = 0

    async def started(self) -> Profiles:
        vault = Vault(self.folder / "vault.json", self.person, self.keyring)
        profiles = Profiles(ProfileFile(self.path), vault)
        await profiles.load()
        return profiles

    async def with_names(self, *names: str) -> Profiles:
        profiles = await self.started()
        await profiles.add_many([(profile(name), (f"pw {name}",)) for name in names])
        return profiles

    def files(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.iterdir()) if path.is_file())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Counts the writes of profiles.json."""
    home = Home(tmp_path)
    real = ProfileFile.save

    def save(self: ProfileFile, *arguments: Any, **more: Any) -> None:
        home.writes += 1
        real(self, *arguments, **more)

    monkeypatch.setattr(ProfileFile, "save", save)
    return home


def names(profiles: Profiles) -> list[str]:
    return [entry.profile.name for entry in profiles.entries]


def ids(profiles: Profiles) -> list[str]:
    return [entry.id for entry in profiles.entries]


async def all_passwords(profiles: Profiles) -> list[tuple[str, ...]]:
    return [await profiles.passwords(entry.id) for entry in profiles.entries]


class Full:
    """A disk that is full for as long as the block lasts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._context = monkeypatch.context()

    def __enter__(self) -> None:
        def full(_self: Document, _content: object, **_more: object) -> None:
            raise BadFile("no space left on device", "profiles.json")

        self._context.__enter__().setattr(Document, "save", full)

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


# ---- adding


async def test_what_is_added_is_there_after_a_restart(home: Home) -> None:
    profiles = await home.started()
    assert (profiles.entries, profiles.warning) == ((), "")
    entry = await profiles.add(profile("Berlin", "a.example", "b.example", strategy="failover"), (SECRET, "x"), "work")
    assert entry.has_password
    assert (entry.group, entry.temporary) == ("work", False)
    again = await home.started()
    assert again.entries == profiles.entries == (entry,)
    assert await again.passwords(entry.id) == (SECRET, "x")


async def test_no_password_is_on_disk_or_shown(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile(), (SECRET,))
    for text in (home.files().decode(), repr(entry), repr(profiles), repr(await profiles.remove([entry.id]))):
        assert SECRET not in text
        assert "hunter2" not in text


async def test_five_hundred_are_one_write_and_one_call_of_the_keyring(home: Home) -> None:
    profiles = await home.started()
    added = await profiles.add_many([(profile(f"n{number}"), (f"pw{number}",)) for number in range(500)], "bulk")
    assert home.writes == 1
    assert profiles.entries == tuple(added)
    assert {entry.group for entry in added} == {"bulk"}
    assert len({entry.id for entry in added}) == 500
    home.keyring.calls.clear()
    again = await home.started()
    assert await all_passwords(again) == [(f"pw{number}",) for number in range(500)]
    assert home.keyring.calls == ["get"]


async def test_starting_asks_nothing_of_keyring_or_person(home: Home) -> None:
    await home.with_names("a")
    home.keyring.calls.clear()
    await home.started()
    assert (home.keyring.calls, home.person.asked) == ([], [])


async def test_each_change_is_told_once_it_is_seen(home: Home) -> None:
    profiles = await home.started()
    seen: list[list[str]] = []
    profiles.on_change = lambda: seen.append(names(profiles))
    entry = await profiles.add(profile("a"), ("x",))
    await profiles.edit(entry.id, profile("b", "a.example"), None, "")
    await profiles.remove([entry.id])
    assert seen == [["a"], ["b"], []]


@pytest.mark.parametrize(
    ("made", "passwords", "reason"),
    [
        (profile("a", "x.example", "y.example"), ("one",), "each server needs a password"),
        (profile(), ("x", "y"), "each server needs a password"),
        (profile(), ("\ud800",), "a password is not valid text"),
        (profile(), ("x" * (MAX_PASSWORD + 1),), "a password is too long"),
        (profile(verification="pin"), ("x",), "“verification” is not valid"),
    ],
)
async def test_what_no_server_could_have_is_refused(
    home: Home, made: Profile, passwords: tuple[str, ...], reason: str
) -> None:
    profiles = await home.with_names("kept")
    (kept,) = profiles.entries
    with pytest.raises(BadInput, match=reason):
        await profiles.add(made, passwords)
    with pytest.raises(BadInput, match=reason):
        await profiles.edit(kept.id, made, passwords, "")
    with pytest.raises(BadInput, match=reason):
        await profiles.add_many([(profile("good"), ("x",)), (made, passwords)])
    assert profiles.entries == (kept,)
    assert home.writes == 1


async def test_the_longest_password_survives(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile(), ("x" * MAX_PASSWORD,))
    assert await (await home.started()).passwords(entry.id) == ("x" * MAX_PASSWORD,)


async def test_there_is_an_end_to_the_list(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PROFILES", 2)
    profiles = await home.with_names("a")
    with pytest.raises(BadInput, match="there is room for 2 profiles"):
        await profiles.add_many([(profile("b"), ("x",)), (profile("c"), ("x",))])
    assert names(profiles) == ["a"]


async def test_names_and_groups_are_one_line(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile("a\nb\u202e", "a.example"), ("x",), " my\tgroup ")
    long = await profiles.add(profile("x" * 10_000, "a.example"), ("x",), "y" * 10_000)
    nameless = await profiles.add(replace(profile("z"), name="\u200b"), ("x",))
    assert (entry.profile.name, entry.group) == ("a b", "my group")
    assert nameless.profile.name == "z.example:443"
    assert (len(long.profile.name), len(long.group)) == (200, 200)
    assert (await home.started()).entries == profiles.entries


# ---- temporary


async def test_a_temporary_profile_is_never_written_and_asks_nothing(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile("Demo"), (SECRET,), temporary=True)
    assert await profiles.passwords(entry.id) == (SECRET,)
    await profiles.note_latency(entry.id, 5.0, "")
    await profiles.edit(entry.id, profile("Demo 2", "other.example"), ("changed",), "")
    assert await profiles.passwords(entry.id) == ("changed",)
    undo = await profiles.remove([entry.id])
    await profiles.restore(undo)
    assert await profiles.passwords(entry.id) == ("changed",)
    assert (home.writes, home.keyring.calls, list(home.folder.iterdir())) == (0, [], [])
    await profiles.load()
    assert names(profiles) == ["Demo 2"]
    await profiles.add(profile("Kept"), ("x",))
    assert names(await home.started()) == ["Kept"]


async def test_changing_the_vault_leaves_a_temporary_one_alone(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile("Demo"), (SECRET,), temporary=True)
    await profiles.change_protection(Protection.ASK)
    await profiles.start_over()
    assert await profiles.passwords(entry.id) == (SECRET,)
    assert b"Demo" not in home.files()


# ---- looking


async def test_profiles_are_found_by_name_or_id(home: Home) -> None:
    profiles = await home.with_names("Berlin", "berlin", "Öst")
    first, _, third = profiles.entries
    assert profiles.find("BERLIN") == first
    assert profiles.find(" öst\n") == third
    assert profiles.find(third.id) == third
    assert profiles.find("nowhere") is None
    assert profiles.find("") is None
    assert profiles.get(third.id) == third
    with pytest.raises(KeyError):
        profiles.get("nowhere")


async def test_the_last_used_come_first(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = await home.with_names(*"abcd")
    clock = iter((10.0, 20.0))
    monkeypatch.setattr(time, "time", lambda: next(clock))
    await profiles.note_used(profiles.entries[3].id)
    await profiles.note_used(profiles.entries[1].id)
    assert [entry.profile.name for entry in profiles.recent()] == ["b", "d", "a", "c"]
    assert [entry.profile.name for entry in profiles.recent(2)] == ["b", "d"]


async def test_a_duplicate_has_the_same_servers_and_password(home: Home) -> None:
    profiles = await home.started()
    one = await profiles.add(profile("a", "x.example", "y.example"), ("1", "2"))
    other_order = profile("b", "y.example", "x.example")
    assert profiles.is_duplicate(other_order, ("2", "1")) == one
    assert profiles.is_duplicate(other_order, ("1", "2")) is None
    assert profiles.is_duplicate(profile("c", "x.example"), ("1",)) is None
    assert profiles.is_duplicate(other_order, None) == one
    second = await profiles.add(other_order, ("1", "2"))
    assert profiles.is_duplicate(other_order, ("1", "2")) == second


async def test_while_the_vault_is_closed_the_servers_alone_tell_a_duplicate(home: Home) -> None:
    await home.with_names("a")
    profiles = await home.started()
    assert profiles.is_duplicate(profile("b", "a.example"), ("other",)) == profiles.entries[0]
    assert profiles.is_duplicate(replace(profile("b"), servers=(ProfileServer("a.example", 1),)), None) is None
    home.keyring.calls.clear()
    assert home.keyring.calls == []


# ---- editing


async def test_an_edit_keeps_the_passwords_or_takes_new_ones(home: Home) -> None:
    profiles = await home.with_names("a", "b")
    first, second = profiles.entries
    kept = await profiles.edit(first.id, profile("A", "new.example"), None, "g")
    assert (kept.id, kept.profile.name, kept.group) == (first.id, "A", "g")
    await profiles.edit(second.id, profile("B", "x.example", "y.example"), ("1", "2"), "")
    again = await home.started()
    assert names(again) == ["A", "B"]
    assert await all_passwords(again) == [("pw a",), ("1", "2")]


async def test_an_edit_to_more_servers_needs_their_passwords(home: Home) -> None:
    profiles = await home.with_names("a")
    before = profiles.entries
    with pytest.raises(BadInput, match="each server needs a password"):
        await profiles.edit(before[0].id, profile("a", "x.example", "y.example"), None, "")
    assert profiles.entries == before


async def test_an_edit_of_one_that_is_gone_is_an_error(home: Home) -> None:
    profiles = await home.started()
    for passwords in (None, ("x",)):
        with pytest.raises(KeyError):
            await profiles.edit("gone", profile(), passwords, "")


async def test_a_copy_has_its_own_sealed_password(home: Home) -> None:
    profiles = await home.with_names("Berlin", "Ost")
    first = profiles.entries[0]
    await profiles.note_used(first.id)
    copy = await profiles.duplicate(first.id)
    assert names(profiles) == ["Berlin", "Berlin 2", "Ost"]
    assert (copy.used_at, copy.has_password) == (None, True)
    assert copy.sealed != first.sealed
    await profiles.remove([first.id])
    assert await (await home.started()).passwords(copy.id) == ("pw Berlin",)


async def test_a_copy_of_one_without_a_password_has_none(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile("a"), ("",))
    copy = await profiles.duplicate(entry.id)
    assert not copy.has_password
    assert home.keyring.calls == []


async def test_fields_of_a_newer_version_survive_editing_and_copying(home: Home) -> None:
    profiles = await home.with_names("a")
    text = home.path.read_text().replace('"name": "a"', '"name": "a", "colour": "red"')
    home.path.write_text(text.replace('"version": 1', '"version": 1, "tags": ["x"]'))
    profiles = await home.started()
    await profiles.edit(profiles.entries[0].id, profile("b"), None, "")
    await profiles.duplicate(profiles.entries[0].id)
    assert home.path.read_text().count('"colour": "red"') == 2
    assert '"tags"' in home.path.read_text()


# ---- order, removal, undo


async def test_an_order_survives(home: Home) -> None:
    profiles = await home.with_names(*"abc")
    await profiles.move(ids(profiles)[0], 2)
    assert names(profiles) == names(await home.started()) == ["b", "c", "a"]
    with pytest.raises(KeyError):
        await profiles.move("gone", 0)


async def test_a_removed_profile_takes_its_password_with_it_and_undo_brings_both_back(home: Home) -> None:
    profiles = await home.with_names(*"abcd")
    before = profiles.entries
    undo = await profiles.remove([before[0].id, before[2].id, "gone"])
    assert names(profiles) == names(await home.started()) == ["b", "d"]
    assert before[0].id not in home.path.read_text()
    with pytest.raises(KeyError):
        await profiles.passwords(before[0].id)
    await profiles.restore(undo)
    await profiles.restore(undo)
    assert profiles.entries == before
    again = await home.started()
    assert again.entries == before
    assert await all_passwords(again) == [("pw a",), ("pw b",), ("pw c",), ("pw d",)]


async def test_removing_many_is_one_write(home: Home) -> None:
    profiles = await home.with_names(*"abcdef")
    home.writes = 0
    await profiles.restore(await profiles.remove(ids(profiles)))
    assert home.writes == 2
    await profiles.remove(["gone"])
    assert home.writes == 2


# ---- notes


async def test_notes_are_kept(home: Home) -> None:
    profiles = await home.with_names("a", "b")
    first, second = ids(profiles)
    await profiles.note_latency(first, 12.5, "")
    await profiles.note_latency(second, None, "Nothing listens\non b.example.")
    await profiles.note_used(second)
    again = await home.started()
    assert again.entries == profiles.entries
    assert (again.entries[0].latency_ms, again.entries[0].problem) == (12.5, "")
    assert again.entries[0].tested_at
    assert (again.entries[1].latency_ms, again.entries[1].problem) == (None, "Nothing listens on b.example.")
    assert again.entries[1].used_at


async def test_notes_that_come_together_are_few_writes_and_take_no_older_copys_place(home: Home) -> None:
    profiles = await home.with_names(*(f"n{number}" for number in range(200)))
    home.writes = 0
    copies = sorted(path.name for path in home.folder.glob("profiles.json*"))
    await asyncio.gather(*(profiles.note_latency(entry_id, 1.0, "") for entry_id in ids(profiles)))
    assert home.writes <= 2
    assert sorted(path.name for path in home.folder.glob("profiles.json*")) == copies
    assert {entry.latency_ms for entry in (await home.started()).entries} == {1.0}


async def test_a_note_on_one_that_is_gone_or_on_a_full_disk_is_no_failure(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    profiles = await home.with_names("a")
    (entry_id,) = ids(profiles)
    await profiles.note_used("gone")
    with Full(monkeypatch):
        await profiles.note_latency(entry_id, 7.0, "")
    assert "no space left on device" in caplog.text
    assert profiles.entries[0].latency_ms == 7.0
    await profiles.note_used("gone")
    assert (await home.started()).entries[0].latency_ms == 7.0


async def test_a_note_during_a_write_is_not_lost(home: Home) -> None:
    profiles = await home.with_names("a", "b")
    first, second = ids(profiles)
    await asyncio.gather(profiles.move(first, 1), profiles.note_latency(second, 3.0, ""), profiles.remove([first]))
    assert names(profiles) == ["b"]
    assert (await home.started()).entries[0].latency_ms == 3.0


# ---- nothing half-done


async def test_on_a_full_disk_nothing_changes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = await home.with_names("a", "b")
    before, on_disk = profiles.entries, home.path.read_bytes()
    first = before[0].id
    undo = await profiles.remove([first])
    await profiles.restore(undo)
    profiles.on_change = lambda: pytest.fail("nothing has changed")
    attempts = [
        lambda: profiles.add(profile("c"), ("x",)),
        lambda: profiles.edit(first, profile("z", "a.example"), ("new",), ""),
        lambda: profiles.duplicate(first),
        lambda: profiles.remove([first]),
        lambda: profiles.move(first, 1),
    ]
    with Full(monkeypatch):
        for attempt in attempts:
            with pytest.raises(BadFile, match="no space left"):
                await attempt()
    assert profiles.entries == before
    assert home.path.read_bytes() == on_disk
    assert await all_passwords(profiles) == [("pw a",), ("pw b",)]


@pytest.mark.parametrize("failure", [UnlockCancelled(), KeyringLocked()], ids=lambda it: type(it).__name__)
async def test_without_the_keyring_nothing_changes(home: Home, failure: Failure) -> None:
    before = (await home.with_names("a")).entries
    home.keyring.failure = failure
    profiles = await home.started()
    for attempt in (
        lambda: profiles.add(profile("c"), ("x",)),
        lambda: profiles.edit(before[0].id, profile("z"), ("new",), ""),
        lambda: profiles.duplicate(before[0].id),
        lambda: profiles.passwords(before[0].id),
        lambda: profiles.change_protection(Protection.ASK),
    ):
        with pytest.raises(type(failure)):
            await attempt()
    assert profiles.entries == before
    assert (await home.started()).entries == before


async def test_a_cancelled_change_is_whole_or_has_not_been(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = await home.with_names("a")
    go, begun = threading.Event(), threading.Event()
    real = Document.save

    def slow(self: Document, *arguments: Any, **more: Any) -> None:
        begun.set()
        assert go.wait(20)
        real(self, *arguments, **more)

    monkeypatch.setattr(Document, "save", slow)
    task = asyncio.create_task(profiles.add(profile("b"), ("pw b",)))
    await asyncio.to_thread(begun.wait, 20)
    assert names(profiles) == ["a"]  # not seen before it is on disk
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(profiles) == names(await home.started()) == ["a", "b"]
    assert await all_passwords(profiles) == [("pw a",), ("pw b",)]


async def test_many_changes_at_once_are_all_made(home: Home) -> None:
    profiles = await home.with_names("a")
    await asyncio.gather(*(profiles.add(profile(f"n{number}"), ("x",)) for number in range(20)))
    assert sorted(names(profiles)) == sorted(["a", *(f"n{number}" for number in range(20))])
    assert (await home.started()).entries == profiles.entries


async def test_another_programs_change_is_not_overwritten(home: Home) -> None:
    mine = await home.with_names("a")
    other = await home.started()
    await other.add(profile("b"), ("x",))
    with pytest.raises(BadFile, match="another program has changed it"):
        await mine.add(profile("c"), ("x",))
    await mine.load()
    await mine.add(profile("c"), ("x",))
    assert names(await home.started()) == ["a", "b", "c"]


# ---- what loading has to say


async def test_a_damaged_file_is_told_and_its_copy_taken(home: Home) -> None:
    profiles = await home.with_names("a")
    await profiles.add(profile("b"), ("x",))
    home.path.write_bytes(b"\0" * 50)
    again = await home.started()
    assert names(again) == ["a"]
    assert "its older copy profiles.json.1 is used" in again.warning
    assert await all_passwords(again) == [("pw a",)]


async def test_a_newer_versions_file_is_told_and_left_alone(home: Home) -> None:
    home.path.write_bytes(b'{"version": 99}')
    profiles = await home.started()
    assert profiles.entries == ()
    assert "a newer version of this program has written it" in profiles.warning
    with pytest.raises(BadFile, match="a newer version"):
        await profiles.add(profile(), ("x",))
    await profiles.add(profile(), ("x",), temporary=True)
    assert home.path.read_bytes() == b'{"version": 99}'


# ---- passwords that are not kept


async def test_under_ask_a_password_lives_until_the_program_ends(home: Home) -> None:
    home.keyring.failure = KeyringMissing()
    home.person.protection = Protection.ASK
    profiles = await home.started()
    entry = await profiles.add(profile(), (SECRET,))
    assert not entry.has_password
    assert await profiles.passwords(entry.id) == (SECRET,)
    undo = await profiles.remove([entry.id])
    await profiles.restore(undo)
    assert await profiles.passwords(entry.id) == (SECRET,)
    assert profiles.is_duplicate(profile("x", "berlin.example"), ("other",)) is None
    again = await home.started()
    with pytest.raises(PasswordMissing, match="“Berlin”"):
        await again.passwords(entry.id)
    home.writes = 0
    await again.edit(entry.id, entry.profile, ("typed",), entry.group)
    assert await again.passwords(entry.id) == ("typed",)
    assert home.writes == 0  # nothing that stands on the disk has changed
    assert home.person.asked == ["protection"]


async def test_one_left_empty_is_asked_for(home: Home) -> None:
    profiles = await home.started()
    entry = await profiles.add(profile("a", "x.example", "y.example"), ("known", ""))
    assert not entry.has_password
    with pytest.raises(PasswordMissing):
        await profiles.passwords(entry.id)
    await profiles.edit(entry.id, entry.profile, ("known", "typed"), "")
    assert await (await home.started()).passwords(entry.id) == ("known", "typed")


async def test_emptied_passwords_are_forgotten(home: Home) -> None:
    profiles = await home.with_names("a")
    (entry,) = profiles.entries
    await profiles.edit(entry.id, entry.profile, ("",), "")
    for each in (profiles, await home.started()):
        with pytest.raises(PasswordMissing):
            await each.passwords(entry.id)


# ---- the vault's key


async def test_moving_the_key_keeps_every_password(home: Home) -> None:
    profiles = await home.with_names("a", "b")
    home.person.master = ["master"]
    await profiles.change_protection(Protection.MASTER)
    assert home.keyring.key is None
    home.person.master = ["master"]
    again = await home.started()
    assert await all_passwords(again) == [("pw a",), ("pw b",)]
    await again.change_protection(Protection.KEYRING)
    assert await all_passwords(await home.started()) == [("pw a",), ("pw b",)]


async def test_going_over_to_ask_takes_the_passwords_off_the_disk_but_not_out_of_mind(home: Home) -> None:
    profiles = await home.with_names("a", "b")
    await profiles.change_protection(Protection.ASK)
    assert [entry.has_password for entry in profiles.entries] == [False, False]
    assert await all_passwords(profiles) == [("pw a",), ("pw b",)]
    assert profiles.entries[0].sealed == (None,)
    fresh = await home.started()
    with pytest.raises(PasswordMissing):
        await fresh.passwords(fresh.entries[0].id)

    await fresh.edit(fresh.entries[0].id, fresh.entries[0].profile, ("typed",), "")
    await fresh.change_protection(Protection.KEYRING)
    last = await home.started()
    assert [entry.has_password for entry in last.entries] == [True, False]
    assert await last.passwords(last.entries[0].id) == ("typed",)


async def test_a_full_disk_at_the_change_to_ask_leaves_the_passwords_in_mind(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = await home.with_names("a")

    def full(_self: ProfileFile, *_arguments: object, **_more: object) -> None:
        raise BadFile("no space left on device", "profiles.json")

    with monkeypatch.context() as patched:
        patched.setattr(ProfileFile, "save", full)
        with pytest.raises(BadFile):
            await profiles.change_protection(Protection.ASK)
    assert await all_passwords(profiles) == [("pw a",)]


async def lost(home: Home) -> tuple[Profiles, Entry]:
    """A list whose key has gone from the keyring."""
    await home.with_names("a", "b")
    home.keyring.key = None
    profiles = await home.started()
    return profiles, profiles.entries[0]


async def test_a_lost_key_is_told_and_nothing_is_sealed_with_another(home: Home) -> None:
    profiles, entry = await lost(home)
    for attempt in (
        lambda: profiles.passwords(entry.id),
        lambda: profiles.add(profile("c"), ("x",)),
        lambda: profiles.edit(entry.id, entry.profile, ("new",), ""),
        lambda: profiles.change_protection(Protection.KEYRING),
    ):
        with pytest.raises(VaultKeyLost):
            await attempt()
    assert home.keyring.key is None
    assert [one.has_password for one in profiles.entries] == [True, True]


async def test_starting_over_marks_what_is_lost_and_takes_new_passwords(home: Home) -> None:
    profiles, entry = await lost(home)
    await profiles.start_over()
    assert [one.has_password for one in profiles.entries] == [False, False]
    with pytest.raises(PasswordMissing):
        await profiles.passwords(entry.id)
    await profiles.edit(entry.id, entry.profile, ("new",), "")
    again = await home.started()
    assert [one.has_password for one in again.entries] == [True, False]
    assert await again.passwords(entry.id) == ("new",)


async def test_starting_over_that_is_cancelled_marks_nothing(home: Home) -> None:
    profiles, _ = await lost(home)
    before = profiles.entries
    home.keyring.failure = KeyringMissing()
    with pytest.raises(UnlockCancelled):
        await profiles.start_over()
    assert profiles.entries == before
    assert (await home.started()).entries == before


async def test_starting_over_without_need_loses_nothing(home: Home) -> None:
    profiles = await home.with_names("a", "b")
    await profiles.start_over()
    assert await all_passwords(profiles) == [("pw a",), ("pw b",)]
    assert await all_passwords(await home.started()) == [("pw a",), ("pw b",)]


async def test_a_copy_from_before_a_new_key_asks_for_its_passwords(home: Home) -> None:
    profiles, entry = await lost(home)
    old = home.path.read_bytes()
    await profiles.start_over()
    home.path.write_bytes(old)
    again = await home.started()
    with pytest.raises(PasswordMissing, match="“a”"):
        await again.passwords(entry.id)
    assert profiles.is_duplicate(entry.profile, ("x",)) is not None


async def test_with_a_real_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "session").mkdir()
    with keyring_session(tmp_path / "session", "unlocked", monkeypatch) as session:

        async def started() -> Profiles:
            profiles = Profiles(ProfileFile(tmp_path / "profiles.json"), Vault(tmp_path / "vault.json", Answers()))
            await profiles.load()
            return profiles

        profiles = await started()
        await profiles.add_many([(profile(f"n{number}"), (f"pw{number}",)) for number in range(20)])
        assert await all_passwords(await started()) == [(f"pw{number}",) for number in range(20)]
        session.lock()
        again = await started()
        assert len(again.entries) == 20
        with pytest.raises(KeyringLocked):
            await again.passwords(again.entries[0].id)
        assert await all_passwords(profiles) == [(f"pw{number}",) for number in range(20)]
