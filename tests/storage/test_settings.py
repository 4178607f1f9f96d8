"""Every setting is declared once, checked, and kept."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInput
from app.storage.settings import (
    ALLOW_LAN,
    GRAPH_MINUTES,
    ITEMS,
    LEFT_CLICK,
    LISTEN_HOST,
    LISTEN_PORT,
    LOCAL_USER,
    PAGE_URL,
    PRIVACY,
    THEME,
    WINDOW_GEOMETRY,
    Item,
    Settings,
    listens_beyond_loopback,
)


def kept(stored: dict[str, Any] | None = None) -> tuple[Settings, list[dict[str, Any]]]:
    """Settings, and every state that was saved."""
    saved: list[dict[str, Any]] = []
    return Settings(stored or {}, saved.append), saved


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_every_default_is_a_value_that_could_be_chosen(item: Item[Any]) -> None:
    assert item.check(item.default) == item.default
    assert item.default == kept()[0].get(item)
    assert ITEMS[item.key] is item
    json.dumps(item.default)


def test_a_change_is_kept_told_and_saved_whole() -> None:
    settings, saved = kept({"from_a_newer_version": [1], "theme": "light"})
    told: list[Item[Any]] = []
    settings.on_change.append(told.append)
    settings.set(LISTEN_PORT, 2080)
    assert settings.get(LISTEN_PORT) == 2080
    assert told == [LISTEN_PORT]
    assert saved == [{"from_a_newer_version": [1], "theme": "light", "listen_port": 2080}]


def test_the_same_value_again_is_no_change() -> None:
    settings, saved = kept()
    settings.on_change.append(lambda item: pytest.fail(f"told of {item}"))
    settings.set(THEME, "system")
    assert saved == []


@pytest.mark.parametrize(
    ("item", "value"),
    [
        (LISTEN_PORT, 0),
        (LISTEN_PORT, 65536),
        (LISTEN_PORT, "1080"),
        (LISTEN_PORT, True),
        (LISTEN_HOST, ""),
        (LISTEN_HOST, "not a host"),
        (LISTEN_HOST, 5),
        (ALLOW_LAN, 1),
        (THEME, "pink"),
        (LEFT_CLICK, ""),
        (GRAPH_MINUTES, 2),
        (GRAPH_MINUTES, True),
        (LOCAL_USER, "with:colon"),
        (LOCAL_USER, "ä" * 200),
        (LOCAL_USER, "two\nlines"),
        (PAGE_URL, "ftp://example.com/"),
        (PAGE_URL, "https://"),
        (PAGE_URL, "https://user@example.com/"),
        (PAGE_URL, "https://example.com:99999/"),
        (PAGE_URL, "https://exa mple.com/"),
        (PAGE_URL, "https://[::1/"),
        (PAGE_URL, "x" * 1001),
        (WINDOW_GEOMETRY, "<script>"),
        (WINDOW_GEOMETRY, None),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_one_sentence(item: Item[Any], value: object) -> None:
    settings, saved = kept()
    with pytest.raises(BadInput) as caught:
        settings.set(item, value)
    assert item.key in str(caught.value)
    assert str(caught.value).endswith(".")
    assert settings.get(item) == item.default
    assert saved == []


@pytest.mark.parametrize("host", ["::1", "127.0.0.2", "LOCALHOST", "[::1]"])
def test_hosts_are_kept_as_they_are_dialled(host: str) -> None:
    settings, _ = kept()
    settings.set(LISTEN_HOST, host)
    assert settings.get(LISTEN_HOST) == host.strip("[]").lower()
    assert not listens_beyond_loopback(settings)


def test_what_lets_other_computers_in() -> None:
    settings, _ = kept()
    assert listens_beyond_loopback(settings.changed(ALLOW_LAN, True))
    assert listens_beyond_loopback(settings.changed(LISTEN_HOST, "0.0.0.0"))
    assert not listens_beyond_loopback(settings)


def test_settings_as_they_would_be_are_saved_nowhere() -> None:
    settings, saved = kept({"privacy": True})
    other = settings.changed(LISTEN_PORT, 9)
    assert (other.get(LISTEN_PORT), other.get(PRIVACY)) == (9, True)
    assert settings.get(LISTEN_PORT) == LISTEN_PORT.default
    assert saved == []
    with pytest.raises(BadInput):
        settings.changed(LISTEN_PORT, 0)


def test_a_stored_value_that_cannot_be_costs_only_itself_and_is_said() -> None:
    settings, _ = kept({"listen_port": "many", "theme": "dark"})
    assert settings.get(LISTEN_PORT) == LISTEN_PORT.default
    assert settings.get(THEME) == "dark"
    (warning,) = settings.warnings
    assert "listen_port" in warning


@given(st.dictionaries(st.sampled_from(sorted(ITEMS)), st.none() | st.booleans() | st.integers() | st.text()))
def test_no_file_makes_the_settings_unusable(stored: dict[str, Any]) -> None:
    settings, _ = kept(stored)
    for item in ITEMS.values():
        assert item.check(settings.get(item)) == settings.get(item)
