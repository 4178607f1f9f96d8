"""anytls:// links: every form that is read, every one that is refused, and the way back."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadLink
from app.sharing.links import MAX_LINK, Imported, make_link, parse_link
from app.storage.profiles import DEFAULT_FINGERPRINT, PRESETS, Profile, ProfileServer, clean_name, host_name
from app.transport.options import Family, TcpOptions
from tests.fakes.ech import CONFIG as ECH

PIN = bytes(range(32))
HEX = PIN.hex()
COLONS = ":".join(f"{byte:02X}" for byte in PIN)
BASE64 = base64.b64encode(bytes(range(224, 256))).decode()  # with + and / in it
URL_SAFE = BASE64.replace("+", "-").replace("/", "_").rstrip("=")
SPKI = bytes(range(224, 256))
ECH_BASE64 = base64.b64encode(ECH).decode()
ECH_PEM = f"-----BEGIN ECHCONFIG-----\n{ECH_BASE64}\n-----END ECHCONFIG-----\n"

SECRET = "hunter2-needle"
UNCHECKED = "The server's certificate is not checked: anyone on the way can read along."
NO_H3 = "h3 is taken out of alpn: it does not run over TCP."


def profile(link: str) -> Profile:
    return parse_link(link).profile


def reason(link: str) -> str:
    with pytest.raises(BadLink) as caught:
        parse_link(link)
    return caught.value.reason


# What each real link of PROTOCOL.md §3.3 must give: server, password, fields that are not the default, notes.
REAL: dict[str, tuple[str, str, dict[str, Any], list[str]]] = {
    "anytls://letmein@example.com/?sni=real.example.com": (
        "example.com:443",
        "letmein",
        {"server_name": "real.example.com"},
        [],
    ),
    "anytls://letmein@example.com/?sni=127.0.0.1&insecure=1": (
        "example.com:443",
        "letmein",
        {"server_name": "127.0.0.1", "verification": "none"},
        [UNCHECKED],
    ),
    "anytls://0fdf77d7-d4ba-455e-9ed9-a98dd6d5489a@[2409:8a71:6a00:1953::615]:8964/?insecure=1": (
        "[2409:8a71:6a00:1953::615]:8964",
        "0fdf77d7-d4ba-455e-9ed9-a98dd6d5489a",
        {"verification": "none"},
        [UNCHECKED],
    ),
    f"anytls://testpass@example.com:443?peer=sni.example.com&alpn=h2&hpkp={HEX}&insecure=true#Test%20Node": (
        "example.com:443",
        "testpass",
        {
            "name": "Test Node",
            "server_name": "sni.example.com",
            "alpn": ("h2",),
            "verification": "pin",
            "certificate_pin": PIN,
        },
        [],
    ),
    "anytls://secret@anytls.example:443?sni=anytls.example#AnyTLS": (
        "anytls.example:443",
        "secret",
        {"name": "AnyTLS", "server_name": "anytls.example"},
        [],
    ),
    "anytls://1234@1.2.3.4:10306?security=none&type=tcp&allowInsecure=1&sni=g37na.example.com&udp=1&insecure=1"
    "#%5Banytls%5D": (
        "1.2.3.4:10306",
        "1234",
        {"name": "[anytls]", "server_name": "g37na.example.com", "verification": "none"},
        ["security=none is ignored: AnyTLS always runs over TLS.", UNCHECKED],
    ),
    "anytls://pw@203.0.113.9:443?security=tls&fp=chrome&insecure=1&sni=x.example&type=tcp#AnyTLS-ip": (
        "203.0.113.9:443",
        "pw",
        {"name": "AnyTLS-ip", "server_name": "x.example", "verification": "none", "fingerprint": "chrome"},
        [UNCHECKED],
    ),
    "anytls://pw@203.0.113.9:443?sni=d.example&allow_insecure=1#AnyTLS-IPv4": (
        "203.0.113.9:443",
        "pw",
        {"name": "AnyTLS-IPv4", "server_name": "d.example", "verification": "none"},
        [UNCHECKED],
    ),
    "anytls://pw@203.0.113.9:443?sni=s.example&insecure=true#n": (
        "203.0.113.9:443",
        "pw",
        {"name": "n", "server_name": "s.example", "verification": "none"},
        [UNCHECKED],
    ),
    "anytls://pw@203.0.113.9:443?sni=s.example&insecure=0&allowInsecure=0#prefix anytls-ip": (
        "203.0.113.9:443",
        "pw",
        {"name": "prefix anytls-ip", "server_name": "s.example"},
        [],
    ),
    "anytls://pw@h.example:443?alpn=h3&insecure=1#n": (
        "h.example:443",
        "pw",
        {"name": "n", "verification": "none"},
        [NO_H3, UNCHECKED],
    ),
    "anytls://pw@h.example:443/?insecure=1&sni=example.com#W-英国2": (
        "h.example:443",
        "pw",
        {"name": "W-英国2", "server_name": "example.com", "verification": "none"},
        [UNCHECKED],
    ),
    f"anytls://pw@h.example:443/?sni=x.example&insecure=1&hpkp={COLONS}#n": (
        "h.example:443",
        "pw",
        {"name": "n", "server_name": "x.example", "verification": "pin", "certificate_pin": PIN},
        [],
    ),
    "anytls://pw@h.example:443?security=tls&allowInsecure=0#n": ("h.example:443", "pw", {"name": "n"}, []),
    "anytls://pw@h.example:443?security=tls&type=tcp#n": ("h.example:443", "pw", {"name": "n"}, []),
    "anytls://pw@h.example:443?insecure=1&allowInsecure=1#n": (
        "h.example:443",
        "pw",
        {"name": "n", "verification": "none"},
        [UNCHECKED],
    ),
    "anytls://pw@h.example:443?fp=chrome#AnyTLS节点": (
        "h.example:443",
        "pw",
        {"name": "AnyTLS节点", "fingerprint": "chrome"},
        [],
    ),
    "anytls://top-secret@anytls.example.com:443?type=tcp&alpn=h2,http/1.1&insecure=1&udp=1#AnyTLS": (
        "anytls.example.com:443",
        "top-secret",
        {"name": "AnyTLS", "alpn": ("h2", "http/1.1"), "verification": "none"},
        [UNCHECKED],
    ),
    "anytls://uuid@anytls.example.com:44592?sni=example.net&insecure=1#AnyTLS": (
        "anytls.example.com:44592",
        "uuid",
        {"name": "AnyTLS", "server_name": "example.net", "verification": "none"},
        [UNCHECKED],
    ),
    "anytls://mypassword@anytls.example.com:443?sni=anytls.example.com&insecure=0&fp=chrome#AT-01": (
        "anytls.example.com:443",
        "mypassword",
        {"name": "AT-01", "server_name": "anytls.example.com", "fingerprint": "chrome"},
        [],
    ),
    "anytls://pw@host:443?insecure=1&security=tls&sni=x&fp=chrome&alpn=h2%2Chttp%2F1.1&type=tcp&headerType=none#name": (
        "host:443",
        "pw",
        {
            "name": "name",
            "server_name": "x",
            "alpn": ("h2", "http/1.1"),
            "verification": "none",
            "fingerprint": "chrome",
        },
        [UNCHECKED],
    ),
    "anytls://REPLACE%40PASS@example.com:8443/?sni=real.example.com&insecure=1&udp=false&alpn=h2,http/1.1"
    "&client-fingerprint=chrome&idle-session-check-interval=30&idle-session-timeout=120&min-idle-session=5"
    "#ANYTLS-main": (
        "example.com:8443",
        "REPLACE@PASS",
        {
            "name": "ANYTLS-main",
            "server_name": "real.example.com",
            "alpn": ("h2", "http/1.1"),
            "verification": "none",
            "fingerprint": "chrome",
            "idle_timeout": 120.0,
        },
        ["udp=0 is ignored: UDP is carried where an application asks for it.", UNCHECKED],
    ),
    "anytls://user:mypassword@example.com:8443?sni=example.com&padding-scheme=/path/to/scheme.txt&log-level=info": (
        "example.com:8443",
        "user:mypassword",
        {"server_name": "example.com"},
        ["Not understood and ignored: padding-scheme, log-level."],
    ),
}


@pytest.mark.parametrize("link", REAL)
def test_a_real_link_gives_what_it_says(link: str) -> None:
    server, password, changed, notes = REAL[link]
    host, _, port = server.rpartition(":")
    plain = Profile(server, (ProfileServer(host.strip("[]"), int(port)),))
    assert parse_link(link) == Imported(replace(plain, **changed), (password,), tuple(notes))


def test_the_other_two_real_links_are_refused_with_their_reason() -> None:
    reality = "anytls://pw@h.example:443?security=reality&sni=s.example&pbk=PUBKEY&sid=0123&fp=chrome&alpn="
    assert reason(reality) == (
        "it asks for REALITY, where a server shows another site's certificate and proves itself by a key that only "
        "Xray's own TLS can check; ask the provider for plain TLS"
    )
    ssrlive = "anytls://example.com:8443?password=mypassword&sni=example.com"
    assert reason(ssrlive).startswith("it has no password before the host")


def test_the_whole_link_may_be_minimal() -> None:
    read = parse_link("anytls://pw@h.example")
    assert read == Imported(Profile("h.example:443", (ProfileServer("h.example", 443),)), ("pw",))


@pytest.mark.parametrize(
    "link",
    [
        "ANYTLS://pw@h.example:443/",
        "AnyTLS://pw@H.EXAMPLE:443",
        " \ufeff\u200banytls://pw@h.example:443/\r\n",
        '"anytls://pw@h.example:443/"',
        "'anytls://pw@h.example:443/'",
        "anytls://pw@h.example:443/?",
        "anytls://pw@h.example:443/?&&#",
        "anytls://pw@h.example:#%20",
        "anytls://pw@h.example/some/path?sni=",
        "anytls://pw@h%2Eexample:443",
        "anytls://p%77@h.example:0443",
    ],
)
def test_wrapping_and_spelling_do_not_matter(link: str) -> None:
    assert parse_link(link) == parse_link("anytls://pw@h.example:443")


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("p%40ss", "p@ss"),
        ("p%2540ss", "p%40ss"),  # decoded once
        ("a+b", "a+b"),
        ("user:pass", "user:pass"),
        (":pass", ":pass"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("p@s/s@w", "p@s/s@w"),  # written as it is by s-ui and Sub-Store
        ("密码", "密码"),
        ("%E5%AF%86", "密"),
    ],
)
def test_the_whole_user_part_decoded_once_is_the_password(written: str, password: str) -> None:
    read = parse_link(f"anytls://{written}@h.example:443/#n")
    assert read.passwords == (password,)
    assert read.profile.servers == (ProfileServer("h.example", 443),)


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("[::1]", ProfileServer("::1")),
        ("[2001:DB8::1]:8443", ProfileServer("2001:db8::1", 8443)),
        ("bücher.example", ProfileServer("xn--bcher-kva.example")),
        ("b%C3%BCcher.example:1", ProfileServer("xn--bcher-kva.example", 1)),
        ("h:65535", ProfileServer("h", 65535)),
    ],
)
def test_hosts(host: str, server: ProfileServer) -> None:
    assert profile(f"anytls://pw@{host}/").servers == (server,)


@pytest.mark.parametrize("key", ["sni", "SNI", "peer", "servername", "server_name", "tls-host", "host"])
def test_names_for_the_server_name(key: str) -> None:
    assert profile(f"anytls://pw@h?{key}=S.example").server_name == "s.example"


@pytest.mark.parametrize(
    ("options", "server_name"),
    [
        ("sni=", None),
        ("sni=[::1]", "::1"),
        ("sni=&peer=b.example", "b.example"),
        ("disable_sni=1", ""),
        ("disable-sni=0&sni=a.example", "a.example"),
    ],
)
def test_the_server_name(options: str, server_name: str | None) -> None:
    assert profile(f"anytls://pw@h?{options}").server_name == server_name


def test_a_server_name_that_is_not_to_be_sent_is_noted() -> None:
    read = parse_link("anytls://pw@h?disable_sni=1&sni=a.example")
    assert read.profile.server_name == ""
    assert read.notes == ("sni is ignored, because disable-sni is set.",)


@pytest.mark.parametrize("key", ["insecure", "allowInsecure", "allow_insecure", "skip-cert-verify", "skip_cert_verify"])
@pytest.mark.parametrize(("value", "insecure"), [("=1", 1), ("=TRUE", 1), ("=yes", 1), ("", 1), ("=0", 0), ("=", 0)])
def test_names_and_values_for_insecure(key: str, value: str, insecure: int) -> None:
    read = parse_link(f"anytls://pw@h?{key}{value}")
    assert read.profile.verification == ("none" if insecure else "system")
    assert read.notes == ((UNCHECKED,) if insecure else ())


def test_an_unclear_insecure_keeps_the_check() -> None:
    read = parse_link("anytls://pw@h?insecure=10")
    assert read.profile.verification == "system"
    assert read.notes == ("insecure is neither yes nor no; it is read as no.",)


@pytest.mark.parametrize("key", ["hpkp", "pinSHA256", "pcs", "pin-sha256", "pin_sha256", "fingerprint", "fp"])
@pytest.mark.parametrize("value", [HEX, HEX.upper(), COLONS, COLONS.replace(":", "%3A")])
def test_names_and_forms_for_a_certificate_pin(key: str, value: str) -> None:
    read = parse_link(f"anytls://pw@h?{key}={value}&insecure=1")
    assert (read.profile.verification, read.profile.certificate_pin, read.profile.spki_pin) == ("pin", PIN, None)
    assert read.profile.fingerprint == DEFAULT_FINGERPRINT
    assert read.notes == ()


@pytest.mark.parametrize("key", ["hpkp", "pinSHA256", "pcs", "pin-sha256", "spki-sha256", "spki_sha256"])
@pytest.mark.parametrize("value", [BASE64, BASE64.replace("+", "%2B").replace("/", "%2F"), URL_SAFE])
def test_a_pin_in_base64_is_that_of_the_public_key(key: str, value: str) -> None:
    read = profile(f"anytls://pw@h?{key}={value}")
    assert (read.verification, read.certificate_pin, read.spki_pin) == ("pin", None, SPKI)


def test_both_pins_at_once() -> None:
    read = profile(f"anytls://pw@h?hpkp={HEX}&spki-sha256={SPKI.hex()}")
    assert (read.certificate_pin, read.spki_pin) == (PIN, SPKI)


@pytest.mark.parametrize("value", ["LEAFPIN", "a" * 40, HEX + "00", HEX[:-2], "A" * 43 + "!", "é" * 44])
@pytest.mark.parametrize("key", ["hpkp", "spki-sha256"])
def test_a_pin_that_is_none_is_refused_and_not_forgotten(key: str, value: str) -> None:
    assert reason(f"anytls://pw@h?{key}={value}") == "its pin is not a SHA-256 in hexadecimal digits or base64"


@pytest.mark.parametrize(
    ("options", "fingerprint"),
    [
        ("fp=Chrome", "chrome"),
        ("client-fingerprint=chrome:152", "chrome:152"),
        ("fingerprint=HelloChrome_131", "chrome:131"),
        ("fp=none", "none"),
        ("fp=", DEFAULT_FINGERPRINT),
        ("", DEFAULT_FINGERPRINT),
    ],
)
def test_the_fingerprint(options: str, fingerprint: str) -> None:
    read = parse_link(f"anytls://pw@h?{options}")
    assert (read.profile.fingerprint, read.notes) == (fingerprint, ())


def test_a_fingerprint_that_cannot_be_had_is_chromes_with_a_note() -> None:
    read = parse_link("anytls://pw@h?fp=firefox")
    assert read.profile.fingerprint == "chrome"
    assert read.notes == ("The TLS fingerprint “firefox” cannot be had; Chrome's is used instead.",)


@pytest.mark.parametrize("key", ["ech", "ECH", "ech_config", "echConfig", "echConfigList", "ech-config-list"])
def test_an_ech_configuration(key: str) -> None:
    for text in (ECH_BASE64, ECH_BASE64.rstrip("="), quote(ECH_BASE64, safe=""), quote(ECH_PEM)):
        read = parse_link(f"anytls://pw@h?{key}={text}")
        assert (read.profile.ech_config, read.profile.ech_resolver, read.notes) == (ECH, None, ())


def test_a_resolver_that_has_the_ech_configuration() -> None:
    read = parse_link("anytls://pw@h?ech=https%3A%2F%2Fdns.example%2Fdns-query")
    assert (read.profile.ech_config, read.profile.ech_resolver) == (None, "https://dns.example/dns-query")
    assert read.notes == ()


@pytest.mark.parametrize("value", ["", "=1", "=true", "=AAAA", f"={SECRET}", "=udp://1.1.1.1", "=https://"])
def test_an_ech_that_cannot_be_had_is_refused_because_the_name_would_travel_in_the_open(value: str) -> None:
    assert reason(f"anytls://pw@h?ech{value}").startswith("its ech ")


@pytest.mark.parametrize("value", ["=", "=0", "=none"])
def test_no_ech_is_no_wish(value: str) -> None:
    read = parse_link(f"anytls://pw@h?ech{value}")
    assert (read.profile.ech_config, read.profile.ech_resolver, read.notes) == (None, None, ())


OWN_SIZE = "The ClientHello leaves in several TCP segments, of sizes that this program chooses."


@pytest.mark.parametrize(
    ("options", "fragment", "notes"),
    [
        ("fragment=1", True, ()),
        ("fragment", True, ()),
        ("fragment=0&record_fragment=false", False, ()),
        ("fragment=100-200,10-20,tlshello", True, (OWN_SIZE,)),
        ("fragment=tlshello,100-200,10", True, (OWN_SIZE,)),
        ("record_fragment=1", True, (OWN_SIZE,)),
        ("fragment=many", False, ("fragment is neither yes nor no; it is read as no.",)),
    ],
)
def test_a_client_hello_in_pieces(options: str, fragment: bool, notes: tuple[str, ...]) -> None:
    read = parse_link(f"anytls://pw@h?{options}")
    assert (read.profile.fragment, read.notes) == (fragment, notes)


@pytest.mark.parametrize(
    ("options", "tcp", "notes"),
    [
        ("mptcp=1", TcpOptions(multipath=True), 0),
        ("tcp_multi_path=true&ip-version=ipv4-prefer", TcpOptions(multipath=True, family="prefer-4"), 0),
        ("ip-mode=v6-only", TcpOptions(family="only-6"), 0),
        ("ip-version=7", TcpOptions(), 1),
        ("interface-name=eth0", TcpOptions(source="eth0"), 1),
        ("bind_interface=192.0.2.7", TcpOptions(source="192.0.2.7"), 1),
    ],
)
def test_tcp(options: str, tcp: TcpOptions, notes: int) -> None:
    read = parse_link(f"anytls://pw@h?{options}")
    assert (read.profile.tcp, len(read.notes)) == (tcp, notes)


def test_an_interface_that_cannot_be_one() -> None:
    expected = "its interface is neither a local address nor the name of an interface"
    assert reason("anytls://pw@h?interface=a/b") == expected


@pytest.mark.parametrize(
    ("value", "alpn", "notes"),
    [
        ("h2", ("h2",), ()),
        ("h2%2Chttp%2F1.1", ("h2", "http/1.1"), ()),
        (", h2 ,,", ("h2",), ()),
        ("h3", (), (NO_H3,)),
        ("h3,h2", ("h2",), (NO_H3,)),
        ("", (), ()),
    ],
)
def test_alpn(value: str, alpn: tuple[str, ...], notes: tuple[str, ...]) -> None:
    read = parse_link(f"anytls://pw@h?alpn={value}")
    assert (read.profile.alpn, read.notes) == (alpn, notes)


@pytest.mark.parametrize(
    ("options", "expected", "notes"),
    [
        ("idle_session_check_interval=15&idle_session_timeout=30s&min_idle_session=10", PRESETS["low-latency"], 0),
        ("idle-session-check-interval=1.5", (1.5, 30, 5), 0),
        ("min-idle-session=0", (30, 30, 0), 0),
        ("min-idle-session=1000000", (30, 30, 5), 1),
        ("idle-session-check-interval=0&idle-session-timeout=99999", (30, 30, 5), 2),
        ("idle-session-timeout=nan&min-idle-session=-1&idle-session-check-interval=1e3", (30, 30, 5), 3),
    ],
)
def test_idle_sessions(options: str, expected: tuple[float, float, int], notes: int) -> None:
    read = parse_link(f"anytls://pw@h?{options}")
    got = (read.profile.idle_check_interval, read.profile.idle_timeout, read.profile.min_idle)
    assert got == tuple(expected)
    assert len(read.notes) == notes


def test_a_number_out_of_bounds_is_explained() -> None:
    (note,) = parse_link("anytls://pw@h?min-idle-session=65").notes
    assert note == "min-idle-session must be a number from 0 to 64; 5 is used."


def test_the_first_of_several_values_is_used_and_noted() -> None:
    read = parse_link("anytls://pw@h?sni=a.example&peer=b.example&sni=a.example")
    assert read.profile.server_name == "a.example"
    assert read.notes == ("sni is given more than once; the first is used.",)


def test_unknown_keys_are_named_once_without_their_values_and_bounded() -> None:
    (note,) = parse_link(f"anytls://pw@h?mtu={SECRET}&mtu=2&TFO=1").notes
    assert note == "Not understood and ignored: mtu, tfo."
    many = "&".join(f"key{number}\u202e%0A{'x' * 500}" for number in range(100))
    (note,) = parse_link(f"anytls://pw@h?{many}").notes
    assert note.count("key") == 10
    assert len(note) < 1000
    assert "\n" not in note
    assert "\u202e" not in note


@pytest.mark.parametrize(
    ("fragment", "name"),
    [
        ("", "h:443"),
        ("%20%0A", "h:443"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("50%", "50%"),
        ("%FFraw", "%FFraw"),
        ("x#y?z@h", "x#y?z@h"),
        ("%E2%80%AEevil%07", "evil"),
        ("x" * 60_000, "x" * 200),
    ],
)
def test_the_name(fragment: str, name: str) -> None:
    assert profile(f"anytls://pw@h#{fragment}").name == name


REFUSED = {
    "": "it does not begin with anytls://",
    "https://pw@h.example": "it does not begin with anytls://",
    "anytls:pw@h.example": "it does not begin with anytls://",
    f"vless://{SECRET}@h.example": "it does not begin with anytls://",
    "anytls://": "it has no password before the host",
    "anytls://h.example:443": "it has no password before the host",
    "anytls://@h.example:443": "it has no password before the host",
    f"anytls://{SECRET}#@h.example:443": "it has no password before the host",
    f"anytls://{SECRET}%FF@h.example": "its password is not UTF-8",
    f"anytls://{SECRET}%00@h.example": "it holds a NUL character",
    f"anytls://{SECRET}@h.example/#\0": "it holds a NUL character",
    f"anytls://{SECRET}\udcff@h.example": "it is not valid text",
    f"anytls://{SECRET}@h.example#a\nanytls://{SECRET}@h.example#b": "it is more than one line",
    f"anytls://{SECRET}@": "its host is missing or too long",
    f"anytls://{SECRET}@:443": "its host is missing or too long",
    f"anytls://{SECRET}@%FF.example": "its host is missing or too long",
    f"anytls://{SECRET}@exa mple.com": "its host is neither a host name nor an IP address",
    f"anytls://{SECRET}@stra%C3%9Fe.example": "its host has a letter that not all programs read alike",
    f"anytls://{SECRET}@[::1": "its host is neither a host name nor an IP address",
    f"anytls://{SECRET}@[fe80::1%25eth0]": "its host is neither a host name nor an IP address",
    f"anytls://{SECRET}@2001:db8::1": "an IPv6 address needs brackets around it",
    f"anytls://{SECRET}@h.example:0": "its port is not a number from 1 to 65535",
    f"anytls://{SECRET}@h.example:65536": "its port is not a number from 1 to 65535",
    f"anytls://{SECRET}@h.example:https": "its port is not a number from 1 to 65535",
    f"anytls://{SECRET}@h.example:٤٤٣": "its port is not a number from 1 to 65535",
    f"anytls://{SECRET}@h.example?sni=a..b": "its server name (sni) is neither a host name nor an IP address",
    f"anytls://{SECRET}@h.example?alpn=%C3%A9": "its alpn is not a short list of ASCII names",
    f"anytls://{SECRET}@h.example?security=REALITY": "it asks for REALITY, where a server shows another site's",
    f"anytls://{SECRET}@h.example?security=xtls": "it asks for a security layer other than TLS",
    f"anytls://{SECRET}@h.example?type=ws": "it asks for a transport other than plain TCP",
    f"anytls://{SECRET}@h.example?type=tcp&headerType=http": "it asks for a transport other than plain TCP",
    f"anytls://{SECRET}@h.example#{'x' * MAX_LINK}": "it is larger than 64 KiB",
}


@pytest.mark.parametrize(("link", "expected"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_refused_says_why_and_tells_no_secret(link: str, expected: str) -> None:
    with pytest.raises(BadLink) as caught:
        parse_link(link)
    error = caught.value
    assert error.reason.startswith(expected)
    assert str(error) == f"This link cannot be used: {error.reason}."
    assert SECRET not in f"{error!s} {error!r} {error.__cause__!r}"


def test_what_was_read_hides_the_password() -> None:
    read = parse_link(f"anytls://{SECRET}@h.example?password={SECRET}&insecure=1")
    assert SECRET not in f"{read!r} {read.notes}"


hosts = st.one_of(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,10}){0,3}", fullmatch=True),
    st.ip_addresses().map(str),
).map(host_name)
digests = st.binary(min_size=32, max_size=32)
seconds = st.floats(min_value=1, max_value=86_400)


@st.composite
def link_profiles(draw: Callable) -> Profile:
    """Profiles that a link has words for."""
    verification = draw(st.sampled_from(["system", "pin", "none"]))
    pins = draw(st.sampled_from(["certificate", "key", "both"])) if verification == "pin" else ""
    ech = draw(st.sampled_from([None, ECH, "https://dns.example/dns-query"]))
    name = draw(st.text(min_size=1, max_size=40).map(clean_name).filter(bool))
    return Profile(
        name=name,
        servers=(ProfileServer(draw(hosts), draw(st.integers(1, 65535))),),
        server_name=draw(st.one_of(st.none(), st.just(""), hosts)),
        alpn=draw(st.sampled_from([(), ("h2",), ("h2", "http/1.1"), ("a&b=c#d%41",)])),
        verification=verification,
        certificate_pin=draw(digests) if pins in {"certificate", "both"} else None,
        spki_pin=draw(digests) if pins in {"key", "both"} else None,
        fingerprint=draw(st.sampled_from(["none", "chrome", "chrome:152"])),
        ech_config=ech if isinstance(ech, bytes) else None,
        ech_resolver=ech if isinstance(ech, str) else None,
        fragment=draw(st.booleans()),
        tcp=TcpOptions(
            multipath=draw(st.booleans()),
            source=draw(st.sampled_from([None, "eth0", "Wi-Fi 2&3", "2001:db8::7"])),
            family=draw(st.sampled_from(get_args(Family))),
        ),
        idle_check_interval=draw(seconds),
        idle_timeout=draw(st.sampled_from([30.0, 60.0])),
        min_idle=draw(st.integers(0, 64)),
    )


passwords = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(link_profiles(), passwords)
def test_a_link_that_is_made_reads_back(profile: Profile, password: str) -> None:
    link = make_link(profile, (password,))
    read = parse_link(link)
    assert (read.profile, read.passwords) == (profile, (password,))
    assert not [note for note in read.notes if note != UNCHECKED and "leave from" not in note]
    assert link.isascii()
    assert make_link(read.profile, read.passwords) == link


def test_a_made_link_is_the_canonical_one() -> None:
    pinned = Profile(
        "home 1",
        (ProfileServer("2001:db8::1", 8443),),
        server_name="s.example",
        verification="pin",
        certificate_pin=PIN,
        fingerprint="chrome",
    )
    link = f"anytls://p%40ss@[2001:db8::1]:8443/?sni=s.example&hpkp={HEX}&fp=chrome#home%201"
    assert make_link(pinned, ("p@ss",)) == link
    plain = Profile("n", (ProfileServer("h.example"),))
    assert make_link(plain, ("pw",)) == "anytls://pw@h.example:443/?fp=chrome#n"
    assert make_link(replace(plain, fingerprint="none"), ("pw",)) == "anytls://pw@h.example:443/?fp=none#n"
    assert make_link(replace(plain, fingerprint="chrome:152"), ("pw",)) == "anytls://pw@h.example:443/?fp=chrome_152#n"
    assert make_link(replace(plain, min_idle=0, idle_timeout=60.0), ("pw",)) == (
        "anytls://pw@h.example:443/?fp=chrome&idle-session-timeout=60&min-idle-session=0#n"
    )


def test_a_captured_client_hello_does_not_travel() -> None:
    captured = Profile("n", (ProfileServer("h"),), fingerprint="file", hello_file="hello.bin")
    assert make_link(captured, ("pw",)) == "anytls://pw@h:443/#n"


def test_a_pin_that_does_not_decide_is_not_shared() -> None:
    unchecked = Profile("n", (ProfileServer("h"),), verification="none", certificate_pin=PIN)
    assert make_link(unchecked, ("pw",)) == "anytls://pw@h:443/?insecure=1&fp=chrome#n"


def test_a_link_is_for_one_server() -> None:
    two = Profile("n", (ProfileServer("a"), ProfileServer("b")))
    with pytest.raises(ValueError, match="too many values"):
        make_link(two, ("x", "y"))


@given(
    st.sampled_from([*REAL, *REFUSED]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 6), st.text(max_size=5)), min_size=1, max_size=5),
)
def test_a_broken_link_is_read_or_refused_and_nothing_else(link: str, edits: list[tuple[int, int, str]]) -> None:
    for start, length, text in edits:
        link = link[:start] + text + link[start + length :]
    survives(link)


@given(st.text())
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    survives(text)
    survives(f"anytls://{text}")
    survives(f"anytls://pw@{text}")
    survives(f"anytls://pw@h?{text}")


@given(
    st.lists(
        st.sampled_from(
            [*"&=,:%@/?#[]._-", "%0", "insecure", "hpkp", "sni", "alpn", "min-idle-session", "1", "ech", "fp"]
        )
    )
)
def test_any_options_are_read_or_refused_and_nothing_else(parts: list[str]) -> None:
    survives("anytls://pw@h?" + "".join(parts))


def survives(link: str) -> None:
    """Reading gives what can be shared again, or a BadLink of one plain sentence."""
    try:
        read = parse_link(link)
    except BadLink as error:
        text = str(error)
        if not re.fullmatch(r"This link cannot be used: [^\n]{5,200}\.", text):
            raise AssertionError(text) from error
        return
    again = parse_link(make_link(read.profile, read.passwords))
    assert (again.profile, again.passwords) == (read.profile, read.passwords)
