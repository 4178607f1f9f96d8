"""Documents are whole, versioned, and never lost: an older copy stands in for a damaged one, and says so."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadFile
from app.storage import document
from app.storage.document import Document, in_thread

JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | JSON_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(JSON_TEXT, inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.json"


def loaded(path: Path, version: int = 1, **more: Any) -> Document:
    made = Document(path, version, **more)
    made.load()
    return made


def saved(path: Path, *values: int) -> None:
    """Save `{"value": …}` once for each value."""
    one = loaded(path)
    for value in values:
        one.save({"value": value})


def value(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())["value"]


def older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_without_a_file_there_is_nothing_and_nothing_is_wrong(path: Path) -> None:
    one = Document(path, 3)
    assert one.load() == {"version": 3}
    assert one.warning == ""
    assert not path.exists()


@settings(max_examples=25)
@given(content=st.dictionaries(JSON_TEXT.filter(lambda key: key != "version"), JSON, max_size=5))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("document") / "file.json"
    loaded(path).save(content)
    one = Document(path, 1)
    assert one.load() == {"version": 1} | content
    assert one.warning == ""


def test_a_person_can_read_it(path: Path) -> None:
    saved(path, 1)
    assert path.read_text() == '{\n  "version": 1,\n  "value": 1\n}\n'


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_every_copy_is_its_owners_alone(path: Path) -> None:
    saved(path, 1, 2, 3)
    assert {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()} == {0o600}


def test_three_older_ones_are_kept(path: Path) -> None:
    saved(path, 1, 2, 3, 4, 5)
    assert names(path.parent) == [path.name, *(f"{path.name}.{number}" for number in (1, 2, 3))]
    assert [value(path), *(value(older(path, number)) for number in (1, 2, 3))] == [5, 4, 3, 2]


def test_what_is_only_noted_takes_no_older_ones_place(path: Path) -> None:
    one = loaded(path)
    for number in (1, 2):
        one.save({"value": number})
    one.save({"value": 3}, rotate=False)
    assert (value(path), value(older(path, 1))) == (3, 1)
    assert not older(path, 2).exists()


def test_copies_are_kept_where_a_file_has_no_second_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    saved(path, 1, 2, 3)
    assert [value(path), value(older(path, 1)), value(older(path, 2))] == [3, 2, 1]


def test_a_full_disk_changes_nothing_and_costs_no_older_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(path, 1, 2, 3)
    one = loaded(path)

    def full(_path: Path, _data: bytes) -> None:
        raise BadFile("no space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(document, "write_atomically", full)
        for _ in range(5):
            with pytest.raises(BadFile, match="no space left"):
                one.save({"value": 9})
    assert value(path) == 3
    assert [value(older(path, number)) for number in (2, 3)] == [2, 1]
    one.save({"value": 4})
    assert [value(path), *(value(older(path, number)) for number in (1, 2, 3))] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "damage",
    [b"", b"\0" * 100, b'{"version": 1, "value"', b"[]", b"{}", b'{"version": 0}', b'{"version": "1"}', b"[" * 100_000],
    ids=["empty", "zeroes", "cut", "list", "no version", "version 0", "version text", "deep"],
)
def test_a_damaged_file_falls_back_to_the_last_good_one_and_says_so(path: Path, damage: bytes) -> None:
    saved(path, 1, 2)
    path.write_bytes(damage)
    one = Document(path, 1)
    assert one.load()["value"] == 1
    assert one.warning == f"{path} was damaged or gone; its older copy profiles.json.1 is used."
    one.save({"value": 3})
    assert value(path) == 3
    assert value(older(path, 1)) == 1
    assert path.with_name("profiles.json.damaged").read_bytes() == damage
    assert Document(path, 1).load()["value"] == 3


def test_a_damaged_copy_is_skipped(path: Path) -> None:
    saved(path, 1, 2, 3)
    path.write_bytes(b"")
    older(path, 1).write_bytes(b"\0")
    one = Document(path, 1)
    assert one.load()["value"] == 1
    assert "profiles.json.2" in one.warning


def test_a_file_that_is_gone_comes_back_from_its_copy(path: Path) -> None:
    saved(path, 1, 2)
    path.unlink()
    one = Document(path, 1)
    assert one.load()["value"] == 1
    assert "profiles.json.1 is used" in one.warning
    one.save({"value": 3})
    assert value(path) == 3


def test_damage_without_a_copy_begins_anew_and_keeps_what_was_there(path: Path) -> None:
    path.write_bytes(b"rubbish")
    one = Document(path, 1)
    assert one.load() == {"version": 1}
    assert one.warning == f"{path} is damaged and there is no older copy: it begins anew."
    one.save({"value": 1})
    assert path.with_name("profiles.json.damaged").read_bytes() == b"rubbish"
    assert loaded(path).warning == ""


def test_an_older_version_is_migrated_step_by_step(path: Path) -> None:
    path.write_bytes(b'{"version": 1, "name": "a", "unknown": [1]}')
    one = Document(
        path,
        3,
        migrations={
            1: lambda old: {**old, "names": [old["name"]]},
            2: lambda old: {key: it for key, it in old.items() if key != "name"},
        },
    )
    assert one.load() == {"version": 3, "names": ["a"], "unknown": [1]}
    assert one.warning == ""
    one.save(one.load())
    assert msgspec.json.decode(path.read_bytes())["version"] == 3
    assert msgspec.json.decode(older(path, 1).read_bytes())["version"] == 1


@pytest.mark.parametrize("migrations", [{}, {1: lambda old: old["missing"]}], ids=["unknown way", "broken"])
def test_what_cannot_be_migrated_counts_as_damaged(path: Path, migrations: dict[int, Any]) -> None:
    path.write_bytes(b'{"version": 1}')
    one = Document(path, 2, migrations=migrations)
    assert one.load() == {"version": 2}
    assert "damaged" in one.warning


def test_a_newer_versions_file_is_never_overwritten(path: Path) -> None:
    path.write_bytes(b'{"version": 2, "value": 1}')
    one = Document(path, 1)
    with pytest.raises(BadFile, match="a newer version of this program has written it"):
        one.load()
    with pytest.raises(BadFile, match="newer version"):
        one.save({"value": 0})
    assert value(path) == 1


def test_a_file_that_cannot_be_read_is_never_overwritten(path: Path) -> None:
    path.mkdir()
    one = Document(path, 1)
    with pytest.raises(BadFile, match="it is a folder"):
        one.load()
    with pytest.raises(BadFile, match="it is a folder"):
        one.save({})
    assert path.is_dir()


def test_what_has_become_readable_can_be_saved_after_another_load(path: Path) -> None:
    path.mkdir()
    one = Document(path, 1)
    with pytest.raises(BadFile):
        one.load()
    path.rmdir()
    one.load()
    one.save({"value": 1})
    assert value(path) == 1


def test_another_programs_change_is_not_overwritten(path: Path) -> None:
    saved(path, 1)
    mine, other = loaded(path), loaded(path)
    other.save({"value": 2})
    with pytest.raises(BadFile, match="another program has changed it; start this one again"):
        mine.save({"value": 3})
    assert value(path) == 2
    mine.load()
    mine.save({"value": 3})
    assert value(path) == 3


def test_a_file_that_has_appeared_or_gone_meanwhile_counts_as_changed(path: Path) -> None:
    mine = loaded(path)
    saved(path, 1)
    with pytest.raises(BadFile, match="another program"):
        mine.save({"value": 2})
    mine.load()
    path.unlink()
    with pytest.raises(BadFile, match="another program"):
        mine.save({"value": 2})


def test_a_file_over_the_limit_is_neither_read_nor_written(path: Path) -> None:
    one = loaded(path, limit=100)
    with pytest.raises(BadFile, match="it would be larger than 100 bytes"):
        one.save({"value": "x" * 100})
    assert not path.exists()
    path.write_bytes(b'{"version": 1, "value": "' + b"x" * 100 + b'"}')
    with pytest.raises(BadFile, match="it is larger than 100 bytes"):
        Document(path, 1, limit=100).load()


def test_a_name_that_no_file_can_have_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="its name is not valid"):
        Document(tmp_path / "nul\0byte", 1).load()


def test_without_its_folder_it_cannot_be_saved(tmp_path: Path) -> None:
    one = loaded(tmp_path / "gone" / "file.json")
    with pytest.raises(BadFile, match="it does not exist"):
        one.save({})


def test_an_older_copy_that_cannot_be_made_stops_the_save(path: Path) -> None:
    saved(path, 1, 2, 3)
    older(path, 3).mkdir()
    with pytest.raises(BadFile, match="it is a folder"):
        loaded(path).save({"value": 4})
    assert [value(path), value(older(path, 1)), value(older(path, 2))] == [3, 2, 1]


# ---- the thread


async def test_memory_follows_the_disk() -> None:
    done: list[str] = []
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        done.append("written")

    await in_thread(work, lambda: done.append("shown"))
    assert done == ["written", "shown"]
    assert threads[0] is not threading.current_thread()


async def test_a_failed_write_is_raised_and_never_shown() -> None:
    def work() -> None:
        raise BadFile("full", "file")

    with pytest.raises(BadFile):
        await in_thread(work, lambda: pytest.fail("shown"))


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_waits_for_the_write(fails: bool) -> None:
    go, begun = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        assert go.wait(20)
        if fails:
            raise BadFile("full", "file")
        done.append("written")

    task = asyncio.create_task(in_thread(work, lambda: done.append("shown")))
    await asyncio.to_thread(begun.wait, 20)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ([] if fails else ["written", "shown"])
