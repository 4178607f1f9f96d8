"""v2ray and Xray JSON: the shapes that are read, the sentences for those that are not."""

import base64
import copy
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadConfig
from app.sharing.links import Imported
from app.sharing.v2ray import MAX_CONFIG, parse_v2ray
from app.storage.profiles import MAX_SERVERS, Profile, ProfileServer
from app.transport.options import TcpOptions

PIN = bytes(range(32))
BASE64 = base64.b64encode(PIN).decode()
SECRET = "hunter2-needle"

Json = dict[str, Any]


def f2ray(**changes: Any) -> Json:
    """The shape that f2ray-core has; `changes` go into the TLS settings."""
    return {
        "protocol": "anytls",
        "settings": {
            "servers": [{"address": "example.com", "port": 8443, "password": SECRET}],
            "idle_session_check_interval": 30,
            "idle_session_timeout": 30,
            "min_idle_session": 5,
        },
        "streamSettings": {
            "network": "tcp",
            "security": "tls",
            "tlsSettings": {"serverName": "s.example", "alpn": ["h2", "http/1.1"], "fingerprint": "chrome", **changes},
        },
    }


def read(value: Any) -> Imported:
    return parse_v2ray(json.dumps(value).encode())


def reason(value: Any) -> str:
    with pytest.raises(BadConfig) as caught:
        parse_v2ray(value if isinstance(value, bytes) else json.dumps(value).encode())
    assert SECRET not in f"{caught.value!s} {caught.value!r}"
    return caught.value.reason


def with_(outbound: Json, path: str, value: Any) -> Json:
    """A copy with `value` at the dotted path, numbers being positions; None takes it away."""
    changed = copy.deepcopy(outbound)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner: Any = changed
    for part in way:
        inner = inner[part]
    inner[last] = value
    if value is None:
        del inner[last]
    return changed


FULL = Profile(
    "example.com:8443",
    (ProfileServer("example.com", 8443),),
    server_name="s.example",
    alpn=("h2", "http/1.1"),
    fingerprint="chrome",
)


def test_a_whole_configuration() -> None:
    assert read({"outbounds": [f2ray()]}) == Imported(FULL, (SECRET,))


def test_an_outbound_alone() -> None:
    assert read(f2ray()) == Imported(FULL, (SECRET,))


def test_a_byte_order_mark_does_not_matter() -> None:
    assert parse_v2ray(b"\xef\xbb\xbf" + json.dumps(f2ray()).encode()) == Imported(FULL, (SECRET,))


def test_the_first_anytls_outbound_is_used_and_the_rest_is_named() -> None:
    freedom = {"protocol": "freedom", "settings": {"anything": [1]}}
    second = with_(f2ray(), "settings.servers.0.address", "second.example")
    config = {"log": {}, "outbounds": [freedom, "?", f2ray(), second], "routing": {"rules": []}}
    imported = read(config)
    assert imported.profile == FULL
    assert imported.notes == ("Only the first AnyTLS outbound is used.", "Not understood and ignored: log, routing.")


def test_several_servers_take_turns() -> None:
    outbound = f2ray()
    outbound["settings"]["servers"].append({"address": "2001:db8::1", "password": "other"})
    imported = read(outbound)
    assert imported.profile.servers == (ProfileServer("example.com", 8443), ProfileServer("2001:db8::1", 443))
    assert imported.profile.strategy == "round-robin"
    assert imported.passwords == (SECRET, "other")


def test_the_flat_shape_with_its_camel_case() -> None:
    settings = {
        "address": "192.0.2.1",
        "port": 443,
        "password": SECRET,
        "idleSessionCheckInterval": 15,
        "idleSessionTimeout": 60.5,
        "minIdleSession": 10,
        "email": "me@example.com",
        "level": 0,
    }
    imported = read({"protocol": "anytls", "tag": " my\nway ", "settings": settings, "mux": {"enabled": False}})
    assert imported.profile == Profile(
        "my way", (ProfileServer("192.0.2.1"),), idle_check_interval=15.0, idle_timeout=60.5, min_idle=10
    )
    assert imported.passwords == (SECRET,)
    assert imported.notes == (
        "Not understood and ignored: settings.email, settings.level, mux.",
        "TLS is used although streamSettings.security does not name it.",
    )


def test_unknown_keys_are_named_with_their_place() -> None:
    outbound = with_(f2ray(), "settings.servers.0.level", 1)
    outbound = with_(outbound, "streamSettings.sockopt", {"mark": 255, "tcpMptcp": False})
    outbound = with_(outbound, "streamSettings.tlsSettings.verifyPeerCertByName", "x")
    (note,) = read({"outbounds": [outbound]}).notes
    assert note == (
        "Not understood and ignored: outbounds[0].settings.servers[0].level, "
        "outbounds[0].streamSettings.tlsSettings.verifyPeerCertByName, outbounds[0].streamSettings.sockopt.mark."
    )


def test_what_tls_and_tcp_are_told() -> None:
    outbound = with_(f2ray(minVersion="1.3"), "streamSettings.sockopt", {"tcpMptcp": True})
    profile = read(outbound).profile
    assert profile == replace(FULL, min_tls="1.3", tcp=TcpOptions(multipath=True))


@pytest.mark.parametrize(("seconds", "notes"), [(1, 0), (0, 1), (-1, 1), (10**9, 1), (86_400, 0)])
def test_times_out_of_bounds_are_replaced(seconds: int, notes: int) -> None:
    imported = read(with_(f2ray(), "settings.idle_session_timeout", seconds))
    assert imported.profile.idle_timeout == (30 if notes else seconds)
    assert len(imported.notes) == notes


SERVERS = "settings.servers"
TLS = "streamSettings.tlsSettings"

# Where in the outbound, what is put there (None: taken away), and the sentence, to which the place is added.
WRONG: list[tuple[str, Any, str]] = [
    ("settings", [], "expected an object at outbounds[0].settings"),
    ("settings", None, "settings is missing at outbounds[0]"),
    (SERVERS, {}, "expected a list at outbounds[0].settings.servers"),
    (SERVERS, [], "there is no server at outbounds[0].settings"),
    (f"{SERVERS}.0", "x", "expected an object at outbounds[0].settings.servers[0]"),
    (f"{SERVERS}.0.port", "8443", "expected a whole number at outbounds[0].settings.servers[0].port"),
    (f"{SERVERS}.0.port", 1.5, "expected a whole number at outbounds[0].settings.servers[0].port"),
    (f"{SERVERS}.0.port", True, "expected a whole number at outbounds[0].settings.servers[0].port"),
    (f"{SERVERS}.0.port", 65536, "expected a whole number from 1 to 65535 at outbounds[0].settings.servers[0].port"),
    (f"{SERVERS}.0.password", 5, "expected text at outbounds[0].settings.servers[0].password"),
    (f"{SERVERS}.0.password", None, "password is missing at outbounds[0].settings.servers[0]"),
    (f"{SERVERS}.0.password", "", "password is missing at outbounds[0].settings.servers[0]"),
    (f"{SERVERS}.0.address", None, "address is missing at outbounds[0].settings.servers[0]"),
    (
        f"{SERVERS}.0.address",
        "a b",
        "the name is neither a host name nor an IP address at outbounds[0].settings.servers[0].address",
    ),
    (
        SERVERS,
        [{"address": "a", "password": "b"}] * (MAX_SERVERS + 1),
        "there are more than 256 servers at outbounds[0].settings",
    ),
    ("settings.min_idle_session", 1.5, "expected a whole number at outbounds[0].settings.min_idle_session"),
    ("settings.idle_session_timeout", "30s", "expected a number at outbounds[0].settings.idle_session_timeout"),
    ("streamSettings.security", "xtls", "expected tls at outbounds[0].streamSettings.security"),
    (
        "streamSettings.security",
        "reality",
        "it asks for REALITY, where a server shows another site's certificate and proves itself by a key that only "
        "Xray's own TLS can check; ask the provider for plain TLS",
    ),
    ("streamSettings.network", "ws", "expected tcp or raw at outbounds[0].streamSettings.network"),
    (f"{TLS}.allowInsecure", 1, "expected true or false at outbounds[0].streamSettings.tlsSettings.allowInsecure"),
    (f"{TLS}.alpn", 1, "expected text or a list at outbounds[0].streamSettings.tlsSettings.alpn"),
    (f"{TLS}.alpn", [1], "expected text at outbounds[0].streamSettings.tlsSettings.alpn[0]"),
    (f"{TLS}.alpn", ["é"], "alpn is not a short list of ASCII names at outbounds[0].streamSettings.tlsSettings"),
    (
        f"{TLS}.serverName",
        "a..b",
        "the name is neither a host name nor an IP address at outbounds[0].streamSettings.tlsSettings.serverName",
    ),
    (
        f"{TLS}.pinnedPeerCertSha256",
        BASE64,
        "expected a SHA-256 at outbounds[0].streamSettings.tlsSettings.pinnedPeerCertSha256",
    ),
    (
        f"{TLS}.pinnedPeerCertificateChainSha256",
        [PIN.hex()],
        "expected a SHA-256 at outbounds[0].streamSettings.tlsSettings.pinnedPeerCertificateChainSha256",
    ),
    (
        f"{TLS}.echConfigList",
        "AAAA",
        "it cannot be used, and without it the server's name would travel in the open: "
        "the ECH configuration is cut short or damaged at outbounds[0].streamSettings.tlsSettings.echConfigList",
    ),
    (
        "streamSettings.sockopt",
        {"interface": "a/b"},
        "the interface is neither a local address nor the name of an interface "
        "at outbounds[0].streamSettings.sockopt.interface",
    ),
    (
        "streamSettings.sockopt",
        {"tcpUserTimeout": "1s"},
        "expected a whole number at outbounds[0].streamSettings.sockopt.tcpUserTimeout",
    ),
    (
        f"{TLS}.certificates",
        [{"usage": "verify", "certificate": ["-----BEGIN CERTIFICATE-----"]}],
        "certificateFile is missing at outbounds[0].streamSettings.tlsSettings.certificates[0]",
    ),
]


@pytest.mark.parametrize(("path", "value", "expected"), WRONG)
def test_a_wrong_value_is_one_sentence_with_its_place(path: str, value: Any, expected: str) -> None:
    assert reason({"outbounds": [with_(f2ray(), path, value)]}) == expected


def test_the_place_in_an_outbound_alone_begins_in_it() -> None:
    assert reason(with_(f2ray(), f"{SERVERS}.0.port", "x")) == "expected a whole number at settings.servers[0].port"
    assert reason({"protocol": "anytls"}) == "settings is missing"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it is not valid JSON"),
        (b"{", "it is not valid JSON"),
        (b'{"a":}', "it is not valid JSON (byte 5)"),
        (b"// comment\n{}", "it is not valid JSON (byte 0)"),
        (b'"\xff"', "it is not valid JSON"),
        (b"[" * 100_000, "it is not valid JSON"),
        (b"1" * 5000, "it is not valid JSON"),
        (b" " * (MAX_CONFIG + 1), "it is larger than 1 MiB"),
        (b"[]", "expected an object with outbounds"),
        (b'{"outbounds":{}}', "expected an object with outbounds"),
        (b"{}", "it has no outbound with the protocol anytls"),
        (b'{"outbounds":[{"protocol":"vless"},5]}', "it has no outbound with the protocol anytls"),
    ],
)
def test_what_is_no_configuration(data: bytes, expected: str) -> None:
    assert reason(data) == expected


def test_a_message_that_the_library_words_anew_is_still_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    def refuse(*_arguments: object) -> None:
        raise msgspec.ValidationError("Value `hunter2-needle` looks odd - at `$.settings.port`")

    monkeypatch.setattr(msgspec, "convert", refuse)
    assert reason(f2ray()) == "something is not as expected at settings.port"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
places = st.sampled_from(
    [
        *("protocol", "tag", "settings", "streamSettings", "settings.address", "settings.idle_session_timeout"),
        *("settings.min_idle_session", "settings.idleSessionTimeout", SERVERS, f"{SERVERS}.0", f"{SERVERS}.0.port"),
        *(f"{SERVERS}.0.address", f"{SERVERS}.0.password", "streamSettings.security", "streamSettings.network", TLS),
        *(f"{TLS}.{key}" for key in ("serverName", "alpn", "fingerprint", "certificates", "pinnedPeerCertSha256")),
        *(f"{TLS}.{key}" for key in ("cipherSuites", "curvePreferences", "echConfigList", "echConfig", "echDohServer")),
        *("streamSettings.sockopt", "streamSettings"),
        *(f"{TLS}.{key}" for key in ("minVersion", "pinnedPeerCertificatePublicKeySha256", "unknown")),
    ]
)


@given(places, json_values)
def test_any_value_anywhere_is_read_or_refused_and_nothing_else(path: str, value: Any) -> None:
    survives(json.dumps({"outbounds": [with_(f2ray(), path, {} if value is None else value)]}).encode())


@given(st.binary(max_size=50), st.integers(0, 400), st.integers(0, 50))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(noise: bytes, start: int, length: int) -> None:
    data = json.dumps({"outbounds": [f2ray()]}).encode()
    survives(noise)
    survives(data[:start] + noise + data[start + length :])


def survives(data: bytes) -> None:
    """Reading gives a profile with a password for each server, or a BadConfig of one plain sentence."""
    try:
        imported = parse_v2ray(data)
    except BadConfig as error:
        text = str(error)
        if SECRET in text or not re.fullmatch(r"This configuration cannot be used: [^\n]{5,200}\.", text):
            raise AssertionError(text) from error
        return
    assert len(imported.profile.servers) == len(imported.passwords) > 0
