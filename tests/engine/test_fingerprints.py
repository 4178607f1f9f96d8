"""Which hellos can be sent, and that the list is the library's."""

import importlib.util

import pytest
import utls

from app.engine import fingerprints


def test_what_is_known_is_what_the_library_has() -> None:
    presets = {name for name in utls.presets() if name != "chrome:stable"}
    assert set(fingerprints.known()) == {"chrome", *presets}


def test_the_newest_comes_first() -> None:
    first, *majors = fingerprints.known()
    assert first == "chrome"
    numbers = [int(name.partition(":")[2]) for name in majors]
    assert numbers == sorted(numbers, reverse=True)


def test_without_the_library_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert not fingerprints.available()
    assert fingerprints.known() == ()
