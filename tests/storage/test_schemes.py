"""Pushed padding schemes are kept for each server, bounded, and survive restarts and damage."""

import logging
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.schemes import MAX_SCHEME, MAX_SERVERS, PushedSchemes

SCHEME = b"stop=2\n0=30-30\n1=100-400\r\n\xff"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "schemes.json"


def test_a_scheme_survives_a_restart_to_the_byte(path: Path) -> None:
    PushedSchemes(path).put("example.com:443", SCHEME)
    again = PushedSchemes(path)
    assert again.get("example.com:443") == SCHEME
    assert again.get("other.example:443") is None


def test_a_new_scheme_replaces_the_old_one(path: Path) -> None:
    schemes = PushedSchemes(path)
    schemes.put("example.com:443", b"stop=1")
    schemes.put("example.com:443", SCHEME)
    assert PushedSchemes(path).get("example.com:443") == SCHEME


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    schemes = PushedSchemes(None)
    schemes.put("example.com:443", SCHEME)
    assert schemes.get("example.com:443") == SCHEME
    assert not list(tmp_path.iterdir())


def test_the_file_is_read_by_its_version(path: Path) -> None:
    PushedSchemes(path).put("example.com:443", b"stop=2")
    assert msgspec.json.decode(path.read_bytes()) == {"version": 1, "schemes": {"example.com:443": "c3RvcD0y"}}


def test_an_unchanged_scheme_is_not_written_again(path: Path) -> None:
    schemes = PushedSchemes(path)
    schemes.put("example.com:443", SCHEME)
    path.unlink()
    schemes.put("example.com:443", SCHEME)
    assert not path.exists()


def test_too_large_a_scheme_is_not_kept(path: Path) -> None:
    schemes = PushedSchemes(path)
    schemes.put("a:1", b"x" * MAX_SCHEME)
    schemes.put("b:1", b"x" * (MAX_SCHEME + 1))
    schemes.put("c" * 1000 + ":1", SCHEME)
    assert schemes.get("a:1") is not None
    assert schemes.get("b:1") is None
    assert schemes.get("c" * 1000 + ":1") is None


def test_a_full_memory_fits_its_own_file_limit(path: Path) -> None:
    full = {f"{n:0253}:65535": bytes([n]) * MAX_SCHEME for n in range(MAX_SERVERS)}
    path.write_bytes(msgspec.json.encode({"version": 1, "schemes": full}))
    assert all(PushedSchemes(path).get(key) == raw for key, raw in full.items())


def test_the_server_that_changed_least_lately_makes_room() -> None:
    schemes = PushedSchemes(None)
    for number in range(MAX_SERVERS):
        schemes.put(f"host{number}:443", SCHEME)
    schemes.put("host0:443", b"stop=9")
    schemes.put("new:443", SCHEME)
    assert schemes.get("host0:443") == b"stop=9"
    assert schemes.get("host1:443") is None
    assert schemes.get("new:443") == SCHEME


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"[" * 100_000,
        b"\xff",
        b'"\xff"',
        b'{"version":1,"schemes":{"a:1":"!"}}',
        b'{"version":1,"schemes":[]}',
        b"x" * 8_000_000,
    ],
)
def test_a_damaged_file_starts_empty_and_says_so(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "anytls.storage"):
        schemes = PushedSchemes(path)
    assert len(caplog.records) == 1
    assert "damaged" in caplog.text
    schemes.put("a:1", SCHEME)
    assert PushedSchemes(path).get("a:1") == SCHEME


def test_a_file_of_another_version_starts_empty_and_says_so(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(b'{"version":2,"schemes":{"a:1":"eA=="}}')
    with caplog.at_level(logging.WARNING, "anytls.storage"):
        assert PushedSchemes(path).get("a:1") is None
    assert "unknown version 2" in caplog.text


def test_a_missing_file_is_no_news(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    PushedSchemes(path)
    assert not caplog.records


def test_what_a_larger_program_remembered_is_cut(path: Path) -> None:
    many = {f"h{n}:1": b"x" for n in range(MAX_SERVERS + 2)} | {"big:1": b"x" * (MAX_SCHEME + 1)}
    path.write_bytes(msgspec.json.encode({"version": 1, "schemes": many}))
    schemes = PushedSchemes(path)
    assert schemes.get("big:1") is None
    assert schemes.get("h1:1") is None
    assert schemes.get("h2:1") == b"x"


def test_a_disk_that_refuses_costs_only_the_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    schemes = PushedSchemes(tmp_path / "missing" / "schemes.json")
    schemes.put("a:1", SCHEME)
    assert schemes.get("a:1") == SCHEME
    assert "not kept" in caplog.text


@given(st.lists(st.tuples(st.sampled_from([f"h{n}:443" for n in range(300)]), st.binary(max_size=3)), max_size=400))
def test_the_last_push_counts_and_the_number_is_bounded(pushes: list[tuple[str, bytes]]) -> None:
    schemes = PushedSchemes(None)
    for key, raw in pushes:
        schemes.put(key, raw)
        assert schemes.get(key) == raw
    last = dict(pushes)
    kept = [key for key in last if schemes.get(key) is not None]
    assert len(kept) == min(len(last), MAX_SERVERS)
    assert all(schemes.get(key) == last[key] for key in kept)
