"""What other programs wish of TLS and TCP: kept, replaced with a note, or refused."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sharing.wishes import ech, family, fingerprint, note_source, reality
from app.storage.profiles import DEFAULT_FINGERPRINT
from tests.fakes.ech import CONFIG

BASE64 = base64.b64encode(CONFIG).decode()


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("", DEFAULT_FINGERPRINT),
        (" ", DEFAULT_FINGERPRINT),
        ("none", "none"),
        ("unsafe", "none"),
        ("chrome", "chrome"),
        ("Chrome-Auto", "chrome"),
        ("hellochrome_auto", "chrome"),
        ("chrome_psk_shuffle", "chrome"),
        ("chrome:152", "chrome:152"),
        ("chrome_152", "chrome:152"),
        ("chrome120", "chrome:120"),
        ("HelloChrome_120_PQ", "chrome:120"),
    ],
)
def test_a_fingerprint_that_can_be_had(wish: str, expected: str) -> None:
    notes: list[str] = []
    assert fingerprint(wish, notes) == expected
    assert notes == []


@pytest.mark.parametrize(
    "wish",
    ["firefox", "safari", "ios", "android", "edge", "360", "qq", "random", "randomized", "chromium", "☃"],
)
def test_one_that_cannot_is_chromes_and_said_so(wish: str) -> None:
    notes: list[str] = []
    assert fingerprint(wish, notes) == "chrome"
    assert notes == [f"The TLS fingerprint “{wish}” cannot be had; Chrome's is used instead."]


@given(st.text())
def test_a_note_is_one_short_line(wish: str) -> None:
    notes: list[str] = []
    fingerprint(wish, notes)
    family(wish, notes)
    assert all(len(note) < 120 and len(note.splitlines()) == 1 for note in notes)


@pytest.mark.parametrize("wish", ["", " ", "0", "False", "none", "no"])
def test_no_ech(wish: str) -> None:
    notes: list[str] = []
    assert ech(wish, notes) == (None, None)
    assert notes == []


def test_an_ech_configuration() -> None:
    assert ech(BASE64, []) == (CONFIG, None)
    assert ech(f"-----BEGIN ECHCONFIG-----\n{BASE64}\n-----END ECHCONFIG-----\n", []) == (CONFIG, None)


def test_the_resolver_that_is_asked_for_one() -> None:
    notes: list[str] = []
    assert ech("https://1.1.1.1/dns-query", notes) == (None, "https://1.1.1.1/dns-query")
    assert notes == []


def test_another_name_is_not_asked_for_and_that_is_said() -> None:
    notes: list[str] = []
    assert ech("cloudflare-ech.com+https://1.1.1.1/dns-query", notes) == (None, "https://1.1.1.1/dns-query")
    expected = "The ECH configuration of the server's own name is asked for, not that of cloudflare-ech.com."
    assert notes == [expected]


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ("udp://1.1.1.1", "names a resolver that is not asked over https://"),
        ("example.com+udp://1.1.1.1", "names a resolver that is not asked over https://"),
        ("h2c://1.1.1.1/dns-query", "names a resolver that is not asked over https://"),
        ("https://", "is not an https:// address"),
        (
            "1",
            "cannot be used, and without it the server's name would travel in the open: "
            "the ECH configuration is neither base64 nor PEM",
        ),
        (
            BASE64[:-8],
            "cannot be used, and without it the server's name would travel in the open: "
            "the ECH configuration is cut short or damaged",
        ),
    ],
)
def test_an_ech_that_cannot_be_read_is_refused(wish: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        ech(wish, [])


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("", "any"),
        ("dual", "any"),
        ("ipv4", "only-4"),
        ("v6-only", "only-6"),
        ("ipv4-prefer", "prefer-4"),
        ("prefer-v6", "prefer-6"),
        ("ForceIPv6v4", "prefer-6"),
        ("UseIPv4", "only-4"),
    ],
)
def test_the_ip_version(wish: str, expected: str) -> None:
    notes: list[str] = []
    assert family(wish, notes) == expected
    assert notes == []


def test_an_ip_version_that_is_none() -> None:
    notes: list[str] = []
    assert family("8", notes) == "any"
    assert notes == ["The IP version “8” is not known; every address is tried."]


@pytest.mark.parametrize(("source", "count"), [(None, 0), ("eth0", 1)])
def test_where_connections_leave_from_is_said(source: str | None, count: int) -> None:
    notes: list[str] = []
    note_source(source, notes)
    assert len(notes) == count


def test_why_reality_is_refused() -> None:
    assert "proves itself by a key" in reality()
