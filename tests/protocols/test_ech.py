import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.ech import MAX_SIZE, BadEch, config_list, public_names, read_config

# What crypto.cloudflare.com published in its HTTPS record: one configuration, X25519, for cloudflare-ech.com.
CLOUDFLARE = "AEX+DQBBCwAgACBCvQfm5i1IDDm1UUdSDkJX6kWOGYnhI6gxb7fUy6KgXQAEAAEAAQASY2xvdWRmbGFyZS1lY2guY29tAAA="
NAME = b"public.example"


def contents(
    key: bytes = b"k" * 32, suites: bytes = b"\0\1\0\1", name: bytes = NAME, extensions: bytes = b"", more: bytes = b""
) -> bytes:
    key_config = b"\7\0\x20" + len(key).to_bytes(2) + key + len(suites).to_bytes(2) + suites
    return key_config + b"\0" + bytes([len(name)]) + name + len(extensions).to_bytes(2) + extensions + more


def config(inside: bytes, version: int = 0xFE0D) -> bytes:
    return version.to_bytes(2) + len(inside).to_bytes(2) + inside


def listed(*configs: bytes) -> bytes:
    return len(b"".join(configs)).to_bytes(2) + b"".join(configs)


GOOD = listed(config(contents()))
STRANGE = config(b"anything", 0xFE0A)


def pem(data: bytes, label: str = "ECHCONFIG", width: int = 64) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def test_a_published_configuration() -> None:
    assert public_names(read_config(CLOUDFLARE)) == ("cloudflare-ech.com",)


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(GOOD).decode(),
        base64.urlsafe_b64encode(GOOD).decode().rstrip("="),
        f" {base64.b64encode(GOOD).decode()[:20]}\n{base64.b64encode(GOOD).decode()[20:]} ",
        pem(GOOD),
        pem(GOOD, "ECH CONFIGS", 1000),
        pem(GOOD).replace("\n", ""),
        pem(b"never", "PRIVATE KEY") + pem(GOOD),
    ],
)
def test_the_ways_to_write_it(text: str) -> None:
    assert read_config(text) == GOOD


@pytest.mark.parametrize("text", ["!", "é", "a", "https://dns.example/", pem(GOOD, "CERTIFICATE"), "cloudflare.com"])
def test_what_is_no_configuration_at_all(text: str) -> None:
    with pytest.raises(BadEch, match="neither base64 nor PEM"):
        read_config(text)


def test_every_configuration_that_is_known_counts_and_others_are_skipped() -> None:
    both = listed(STRANGE, config(contents()), config(contents(name=b"second.example", extensions=b"\0\1\0\0")))
    assert public_names(both) == ("public.example", "second.example")
    assert config_list(both) == both


def test_the_longest_list() -> None:
    room = MAX_SIZE - 2 - 4 - len(contents())
    longest = listed(config(contents(extensions=b"x" * room)))
    assert len(longest) == MAX_SIZE
    assert config_list(longest) == longest


def test_a_name_is_safe_to_show() -> None:
    assert public_names(listed(config(contents(name=b"a\n\x1b[1mb\xff")))) == ("a  [1mb�",)


@pytest.mark.parametrize("data", [listed(STRANGE), b"\0\0"])
def test_only_unknown_ones(data: bytes) -> None:
    with pytest.raises(BadEch, match="of a kind that is not known"):
        config_list(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0\1",
        GOOD[:-1],
        GOOD + b"x",
        listed(b"\xfe"),
        listed(b"\xfe\x0d"),
        listed(b"\xfe\x0d\0"),
        listed(b"\xfe\x0d\0\1"),
        listed(config(b"")),
        listed(config(contents()[:-1])),
        listed(config(contents(more=b"x"))),
        listed(config(contents(key=b""))),
        listed(config(contents(suites=b""))),
        listed(config(contents(suites=b"\0\1\0"))),
        listed(config(contents(name=b""))),
    ],
)
def test_what_is_cut_short_or_damaged(data: bytes) -> None:
    with pytest.raises(BadEch, match="cut short or damaged"):
        config_list(data)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 4))
def test_any_bytes_are_a_configuration_or_a_flaw(noise: bytes, start: int, length: int) -> None:
    for data in (noise, GOOD[:start] + noise + GOOD[start + length :]):
        try:
            assert config_list(data) == data
        except BadEch:
            continue
        assert public_names(data)


@given(st.text())
def test_any_text_is_a_configuration_or_a_flaw(text: str) -> None:
    with suppress(BadEch):
        assert public_names(read_config(text))
