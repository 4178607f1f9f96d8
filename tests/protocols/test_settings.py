import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.settings import VERSION, client_settings, parse, server_settings, version

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=40)


def test_what_a_client_says() -> None:
    assert client_settings("anytls/0.0.13", "75cff2ad") == b"v=2\nclient=anytls/0.0.13\npadding-md5=75cff2ad\nend=1"
    assert client_settings("", "75cff2ad") == b"v=2\nclient=\npadding-md5=75cff2ad\nend=1"


def test_a_server_names_half_close_only_to_a_client_that_did() -> None:
    assert server_settings(half_close=False) == b"v=2"
    assert server_settings(half_close=True) == b"v=2\nend=1"


@given(NAMES)
def test_what_is_said_is_understood(name: str) -> None:
    told = parse(client_settings(name, "75cff2ad"))
    assert told == {"v": "2", "client": name, "padding-md5": "75cff2ad", "end": "1"}
    assert version(told) == version(parse(server_settings(half_close=True))) == VERSION


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", {}),
        (b"no value\n\n=\n==\n", {"": "="}),
        (b"a=1=2", {"a": "1=2"}),
        (b"a=1\na=2\na", {"a": "2"}),
        (b" a = 1 \r\n", {" a ": " 1 \r"}),  # the reference trims nothing either
        (b"\xff\xfe=\n", {"\ufffd\ufffd": ""}),
    ],
)
def test_lines_are_read_as_the_reference_reads_them(body: bytes, told: dict[str, str]) -> None:
    assert parse(body) == told


VERSIONS = {"0": 0, "1": 1, "2": 2, "3": 2, "255": 2, "256": 2, "02": 2}
NO_VERSIONS = ["", "x", "-1", "+2", "2.0", "2\r", " 2", "٢", "²", "9999", "9" * 5000]


@pytest.mark.parametrize(("word", "both_speak"), [*VERSIONS.items(), *((word, 1) for word in NO_VERSIONS)])
def test_the_version_that_both_speak(word: str, both_speak: int) -> None:
    assert version({"v": word}) == both_speak


def test_who_says_no_version_speaks_the_first() -> None:
    assert version({}) == 1


@given(st.binary(max_size=80))
def test_nothing_a_peer_says_is_an_error(body: bytes) -> None:
    assert 0 <= version(parse(b"v=" + body)) <= VERSION


def test_a_client_name_cannot_add_settings() -> None:
    told = parse(client_settings("name\nv=1", "md5"))
    assert told["v"] == "2"
    assert told["client"] == "name"
