"""The rules for what foreign text may put into a profile."""

import dataclasses
import unicodedata
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.profiles import (
    MAX_NAME,
    PRESETS,
    Profile,
    ProfileServer,
    clean_name,
    host_name,
    local_source,
    resolver_address,
    tcp_alpn,
)


def test_the_presets() -> None:
    assert {name: tuple(preset) for name, preset in PRESETS.items()} == {
        "low-latency": (15, 30, 10),
        "balanced": (30, 30, 5),
        "saving": (60, 60, 0),
    }


def test_a_new_profile_is_careful_and_balanced_and_looks_like_chrome() -> None:
    profile = Profile("home", (ProfileServer("example.com"),))
    assert profile.fingerprint == "chrome"
    assert profile.verification == "system"
    assert profile.server_name is None
    assert (profile.idle_check_interval, profile.idle_timeout, profile.min_idle) == PRESETS["balanced"]


def test_a_preset_changes_a_profile() -> None:
    profile = Profile("home", (ProfileServer("example.com"),))
    saving = dataclasses.replace(profile, **PRESETS["saving"]._asdict())
    assert (saving.idle_check_interval, saving.idle_timeout, saving.min_idle) == (60, 60, 0)


def test_a_profile_has_no_place_for_a_password() -> None:
    assert not [field.name for field in dataclasses.fields(Profile) if "pass" in field.name]


@pytest.mark.parametrize(
    ("server", "text"),
    [(ProfileServer("example.com"), "example.com:443"), (ProfileServer("2001:db8::1", 8443), "[2001:db8::1]:8443")],
)
def test_a_server_is_written_as_host_and_port(server: ProfileServer, text: str) -> None:
    assert str(server) == text


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("under_score.example", "under_score.example"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("exam\u200bple.com", "example.com"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_host_is_made_ready_to_dial(text: str, host: str) -> None:
    assert host_name(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a..b", "exam ple.com", "exa/mple", "user@host", "host:443", "[example.com]", "host\n", "h\0st"),
        *("999.1.1.1", "1.2.3", "12345", "01.2.3.4", "[::1", "::1]", "fe80::1%eth0", "a" * 64, "a." * 127 + "com"),
        *("ü" * 300, "straße.example", "βόλος.example", "a\u200db.example", "\ud800.example", "*.example.com"),
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) [^.]+$"):
        host_name(text)


@given(st.text(max_size=300))
def test_any_text_is_a_host_or_a_value_error(text: str) -> None:
    try:
        host = host_name(text)
    except ValueError:
        return
    assert host.isascii()
    assert host_name(host) == host


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_a_host(address: IPv6Address) -> None:
    assert host_name(f"[{address}]") == host_name(str(address)) == str(address)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("W-英国2", "W-英国2"),
        ("  two\r\nlines\t", "two lines"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("\x1b[31mred", "[31mred"),
        ("👨\u200d👩\u200d👧 \U0001f3f4\U000e0067\U000e0062", "👨\u200d👩\u200d👧 \U0001f3f4\U000e0067\U000e0062"),
        ("\ufeff\u200b", ""),
        ("x" * 201, "x" * 200),
        ("x" * 199 + " y", "x" * 199),
    ],
)
def test_a_name_is_one_clean_line(text: str, name: str) -> None:
    assert clean_name(text) == name


@given(st.text(max_size=MAX_NAME + 50))
def test_every_name_is_clean_and_stays_as_it_is(text: str) -> None:
    name = clean_name(text)
    assert len(name) <= MAX_NAME
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(char) for char in name} & {"LRO", "RLO", "LRE", "RLE", "LRI", "RLI", "FSI"}
    assert clean_name(name) == name


def test_alpn_over_tcp_is_neither_empty_nor_h3() -> None:
    assert tcp_alpn(["", "h3", "h2", "http/1.1", "h2"]) == ("h2", "http/1.1")
    assert tcp_alpn(["h3"]) == ()


@pytest.mark.parametrize("names", [["x" * 256], ["ü"], ["h2\n"], [f"p{n}" for n in range(17)]])
def test_alpn_that_tls_cannot_carry_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="is not a short list of ASCII names"):
        tcp_alpn(names)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://cloudflare-dns.com/dns-query", "https://cloudflare-dns.com/dns-query"),
        (" https://[2001:db8::1]:8443/q \n", "https://[2001:db8::1]:8443/q"),
        ("https://dns.example/dns-query{?dns}", "https://dns.example/dns-query"),
        ("https://1.1.1.1", "https://1.1.1.1"),
    ],
)
def test_addresses_of_resolvers(text: str, address: str) -> None:
    assert resolver_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "http://dns.example/",
        "https://",
        "https:///dns-query",
        "https://dns.example:0/",
        "https://dns.example:99999/",
        "https://dns.example:x/",
        "https://user@dns.example/",
        "https://dns.example/a b",
        "https://dns.example/a\tb",
        "https://dns.example/?x=1",
        "https://dns.example/#x",
        "https://dns_ex ample/",
        "https://[::1/",
        "https://bücher.example/",
        "https://dns.example/" + "x" * 2048,
    ],
)
def test_what_no_resolver_is_asked_at(text: str) -> None:
    with pytest.raises(ValueError, match="is not an https:// address"):
        resolver_address(text)


@pytest.mark.parametrize(
    ("text", "source"),
    [(" 192.0.2.7 ", "192.0.2.7"), ("2001:DB8::7", "2001:db8::7"), ("eth0", "eth0"), ("Wi-Fi 2", "Wi-Fi 2")],
)
def test_where_connections_leave_from(text: str, source: str) -> None:
    assert local_source(text) == source


@pytest.mark.parametrize("text", ["", " ", "a/b", "a\0b", "192.0.2.7:80", "x" * 65])
def test_where_none_can_leave_from(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a local address nor the name of an interface"):
        local_source(text)
