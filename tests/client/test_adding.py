import pytest

from app.client.adding import add_all, marked, told
from app.client.importing import Candidate, candidates
from app.errors import KeyringMissing
from tests.fakes.desk import desk


@pytest.fixture
async def here(tmp_path):
    async with desk(tmp_path) as one:
        yield one


def links(*parts):
    return candidates("\n".join(f"anytls://{part}" for part in parts))


async def add(here, *parts):
    return await add_all(links(*parts), here.profiles)


async def test_what_is_new_is_added_and_the_rest_is_told(here):
    await add(here, "a@one.example#One")
    report = await add(here, "a@one.example#Other name", "nothing", "a@two.example/?insecure=1#Two")
    assert report.added == ("Two",)
    assert report.known == ("One",)
    assert report.refused == (
        "anytls://•••: This link cannot be used: it has no password before the host "
        "(write # and ? in it as %23 and %3F).",
    )
    assert [note.partition(": ")[0] for note in report.notes] == ["anytls://•••@two.example#Two"]
    assert "not checked" in report.notes[0]
    assert [entry.profile.name for entry in here.profiles.entries] == ["One", "Two"]


async def test_the_passwords_are_kept(here):
    await add(here, "needle@one.example#One")
    assert await here.profiles.passwords(here.profiles.entries[0].id) == ("needle",)


async def test_one_text_adds_a_profile_once(here):
    report = await add(here, "a@one.example#One", "a@one.example#Again", "b@one.example#Another password")
    assert report.added == ("One", "Another password")
    assert report.known == ("One",)


async def test_nothing_new_asks_for_no_key(here, monkeypatch):
    async def refused():
        raise KeyringMissing

    monkeypatch.setattr(here.vault, "unlock", refused)
    assert (await add(here, "nothing")).added == ()


async def test_without_a_key_nothing_is_added(here, monkeypatch):
    async def refused():
        raise KeyringMissing

    monkeypatch.setattr(here.vault, "unlock", refused)
    with pytest.raises(KeyringMissing):
        await add(here, "a@one.example#One")
    assert here.profiles.entries == ()


async def test_marks_name_what_is_there_already(here):
    await add(here, "a@one.example#One")
    found = marked(links("a@one.example#X", "b@one.example#Y", "nothing", "b@one.example#Z"), here.profiles)
    assert [one.duplicate_of for one in found] == ["One", "", "", "Y"]


def test_dangers_are_told_first_and_nothing_twice():
    assert told(Candidate(None, notes=("b", "a"), dangers=("a",))) == ("a", "b")


def test_a_problem_without_a_source_stands_alone():
    from app.client.adding import _refused

    assert _refused(Candidate(None, problem="Too much.")) == "Too much."
