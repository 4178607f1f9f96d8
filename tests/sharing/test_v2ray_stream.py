"""What v2ray and Xray tell TLS and TCP, and what becomes of it here."""

import base64
import ssl
from typing import Any

import msgspec
import pytest

from app.errors import BadConfig
from app.sharing.v2ray_stream import Stream, bad, host, read_stream
from app.storage.profiles import DEFAULT_FINGERPRINT
from app.transport.options import TcpOptions
from tests.fakes.ech import CONFIG as ECH

PIN = bytes(range(32))
BASE64 = base64.b64encode(PIN).decode()
UNCHECKED = "The server's certificate is not checked: anyone on the way can read along."
NO_SUITES = "Cipher suites that are not known here are left out."
NO_CURVES = "Curves that are not known here are left out."

Json = dict[str, Any]


def read(**stream: Any) -> tuple[Json, list[str]]:
    """The fields and the notes."""
    notes: list[str] = []
    return read_stream(msgspec.convert({"security": "tls"} | stream, Stream), "here", notes), notes


def reason(**stream: Any) -> str:
    with pytest.raises(BadConfig) as caught:
        read(**stream)
    return caught.value.reason


def test_nothing_said_is_the_default() -> None:
    fields, notes = read()
    assert not notes
    assert fields.pop("fingerprint") == DEFAULT_FINGERPRINT
    assert fields.pop("verification") == "system"
    assert fields.pop("tcp") == TcpOptions()
    assert fields.pop("alpn") == ()
    assert set(fields.values()) == {None}


@pytest.mark.parametrize("security", ["", "none", "NONE"])
def test_tls_is_used_even_where_it_is_not_named(security: str) -> None:
    notes = read(security=security)[1]
    assert notes == ["TLS is used although streamSettings.security does not name it."]


@pytest.mark.parametrize("network", ["raw", "TCP"])
def test_plain_tcp_has_two_names(network: str) -> None:
    assert read(network=network) == read()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ({"security": "xtls"}, "expected tls at here.security"),
        ({"security": "Reality"}, "it asks for REALITY, where a server shows another site's"),
        ({"network": "ws"}, "expected tcp or raw at here.network"),
    ],
)
def test_what_is_no_tls_over_tcp(stream: Json, expected: str) -> None:
    assert reason(**stream).startswith(expected)


@pytest.mark.parametrize(
    ("tls", "expected", "notes"),
    [
        ({"allowInsecure": True}, {"verification": "none"}, [UNCHECKED]),
        ({"serverName": ""}, {"server_name": None}, []),
        ({"serverName": "[::1]"}, {"server_name": "::1"}, []),
        ({"alpn": "h2,h3"}, {"alpn": ("h2",)}, ["h3 is taken out of alpn: it does not run over TCP."]),
        ({"alpn": []}, {"alpn": ()}, []),
        ({"fingerprint": "none"}, {"fingerprint": "none"}, []),
        ({"fingerprint": "hellochrome_120"}, {"fingerprint": "chrome:120"}, []),
        (
            {"fingerprint": "safari"},
            {"fingerprint": "chrome"},
            ["The TLS fingerprint “safari” cannot be had; Chrome's is used instead."],
        ),
        ({"minVersion": "1.3", "maxVersion": "1.3"}, {"min_tls": "1.3", "max_tls": "1.3"}, []),
        ({"minVersion": "1.0"}, {"min_tls": None}, ["TLS versions other than 1.2 and 1.3 are ignored."]),
        (
            {"pinnedPeerCertSha256": PIN.hex(":"), "allowInsecure": True},
            {"verification": "pin", "certificate_pin": PIN},
            [],
        ),
        (
            {"pinnedPeerCertSha256": f"{PIN.hex()}, {'0' * 64}"},
            {"verification": "pin", "certificate_pin": PIN},
            ["Only the first pin is used."],
        ),
        (
            {"pinnedPeerCertificateChainSha256": [BASE64], "allowInsecure": True},
            {"verification": "pin", "certificate_pin": PIN},
            ["The chain's pin is compared with the server's own certificate alone."],
        ),
        ({"pinnedPeerCertificatePublicKeySha256": [BASE64]}, {"verification": "pin", "spki_pin": PIN}, []),
    ],
)
def test_tls_options(tls: Json, expected: Json, notes: list[str]) -> None:
    fields, told = read(tlsSettings=tls)
    assert {name: fields[name] for name in expected} == expected
    assert told == notes


@pytest.mark.parametrize(
    ("certificates", "expected", "notes"),
    [
        ([{"usage": "verify", "certificateFile": "ca.pem"}], ("ca-file", "ca.pem", None, None), []),
        (
            [{"usage": "verify", "certificateFile": name} for name in ("a.pem", "b.pem")],
            ("ca-file", "a.pem", None, None),
            ["Only the first certificate of an authority is used."],
        ),
        ([{"certificateFile": "me.pem"}], ("system", None, "me.pem", None), []),
        (
            [
                {"usage": "encipherment", "certificateFile": "me.pem", "keyFile": "me.key"},
                {"certificateFile": "you.pem"},
                {"usage": "verify", "certificateFile": "ca.pem"},
            ],
            ("ca-file", "ca.pem", "me.pem", "me.key"),
            ["Only the first certificate is shown to the server."],
        ),
        (
            [{"usage": "issue", "certificateFile": "x.pem"}],
            ("system", None, None, None),
            ["Certificates whose usage is neither verify nor encipherment are ignored."],
        ),
    ],
)
def test_certificates(certificates: list[Json], expected: tuple[str | None, ...], notes: list[str]) -> None:
    fields, told = read(tlsSettings={"certificates": certificates})
    names = ("verification", "ca_file", "client_certificate", "client_key")
    assert tuple(fields[name] for name in names) == expected
    assert told == notes


@pytest.mark.parametrize(
    "path", [r"\\evil.example\share\x.pem", "//evil.example/x.pem", r"\/evil.example/x", r"\\.\pipe\x", r"\??\UNC\x"]
)
@pytest.mark.parametrize(
    "certificate", [{"usage": "verify", "certificateFile": ""}, {"certificateFile": ""}, {"keyFile": ""}]
)
def test_no_file_is_fetched_from_elsewhere(path: str, certificate: Json) -> None:
    """Windows would tell that computer who asks."""
    named = {"certificateFile": "me.pem"} | {key: value or path for key, value in certificate.items()}
    expected = "expected a file on this computer at here.tlsSettings.certificates"
    assert reason(tlsSettings={"certificates": [named]}) == expected


def test_no_check_is_no_check_even_with_an_authority() -> None:
    authority = {"usage": "verify", "certificateFile": "ca.pem"}
    fields, told = read(tlsSettings={"certificates": [authority], "allowInsecure": True})
    assert (fields["verification"], fields["ca_file"], told) == ("none", "ca.pem", [UNCHECKED])


@pytest.mark.parametrize("usage", ["verify", "encipherment"])
def test_a_certificate_has_to_be_in_a_file(usage: str) -> None:
    certificates = [{"usage": "issue"}, {"usage": usage, "certificate": ["-----BEGIN CERTIFICATE-----"]}]
    assert reason(tlsSettings={"certificates": certificates}) == (
        "certificateFile is missing at here.tlsSettings.certificates[1]"
    )


@pytest.mark.parametrize(
    ("suites", "ciphers", "notes"),
    [
        ("", None, []),
        ("TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256", None, []),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", []),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", []),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", []),
        (
            "TLS_RSA_WITH_AES_256_GCM_SHA384 : TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            "AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA",
            [],
        ),
        ("RC4-MD5:TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256", [NO_SUITES]),
    ],
)
def test_cipher_suites_get_the_names_of_openssl(suites: str, ciphers: str | None, notes: list[str]) -> None:
    fields, told = read(tlsSettings={"cipherSuites": suites})
    assert (fields["ciphers"], told) == (ciphers, notes)
    if ciphers:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers(ciphers)
        assert {one["name"] for one in context.get_ciphers()} >= set(ciphers.split(":"))


@pytest.mark.parametrize(
    ("preferences", "curve", "notes"),
    [
        ([], None, []),
        (["X25519"], "X25519", []),
        ("CurveP256", "prime256v1", []),
        (["x25519mlkem768", "P384"], "secp384r1", [NO_CURVES]),
        ("CurveP521, X25519", "secp521r1", ["Only the first curve is used."]),
    ],
)
def test_curves_get_the_names_of_openssl(preferences: list[str] | str, curve: str | None, notes: list[str]) -> None:
    fields, told = read(tlsSettings={"curvePreferences": preferences})
    assert (fields["curve"], told) == (curve, notes)
    if curve and curve != "X25519":  # which later Pythons can choose
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ecdh_curve(curve)


@pytest.mark.parametrize(
    ("tls", "config", "resolver"),
    [
        ({"echConfigList": base64.b64encode(ECH).decode()}, ECH, None),
        ({"echConfigList": "https://dns.example/dns-query"}, None, "https://dns.example/dns-query"),
        ({"echConfig": base64.b64encode(ECH).decode(), "echDohServer": "https://dns.example/q"}, ECH, None),
        ({"echDohServer": "https://dns.example/q"}, None, "https://dns.example/q"),
    ],
)
def test_ech(tls: Json, config: bytes | None, resolver: str | None) -> None:
    fields, told = read(tlsSettings=tls)
    assert (fields["ech_config"], fields["ech_resolver"], told) == (config, resolver, [])


def test_an_ech_that_cannot_be_had_is_refused() -> None:
    assert reason(tlsSettings={"echDohServer": "udp://1.1.1.1"}) == (
        "it names a resolver that is not asked over https:// at here.tlsSettings.echDohServer"
    )


def test_versions_that_exclude_each_other() -> None:
    tls = {"minVersion": "1.3", "maxVersion": "1.2"}
    assert reason(tlsSettings=tls) == "minVersion is above maxVersion at here.tlsSettings"


@pytest.mark.parametrize(
    ("sockopt", "tcp", "notes"),
    [
        ({"tcpMptcp": True, "tcpNoDelay": False}, TcpOptions(multipath=True, no_delay=False), []),
        (
            {"tcpKeepAliveIdle": 300, "tcpUserTimeout": 10_000},
            TcpOptions(keepalive=300.0, user_timeout=10.0),
            [],
        ),
        ({"tcpKeepAliveIdle": -1, "tcpUserTimeout": 0}, TcpOptions(keepalive=None), []),
        (
            {"tcpKeepAliveIdle": 100_000},
            TcpOptions(),
            ["tcpKeepAliveIdle must be a number from 1 to 32767; 30 is used."],
        ),
        (
            {"tcpUserTimeout": 5},
            TcpOptions(),
            ["tcpUserTimeout must be a number from 1000 to 8.64e+07; 60000 is used."],
        ),
        ({"domainStrategy": "ForceIPv4"}, TcpOptions(family="only-4"), []),
        ({"domainStrategy": "UseIPv6v4"}, TcpOptions(family="prefer-6"), []),
        ({"domainStrategy": "AsIs"}, TcpOptions(), []),
        ({"tcpFastOpen": True}, TcpOptions(), ["TCP Fast Open is not used."]),
        ({"tcpFastOpen": 256}, TcpOptions(), ["TCP Fast Open is not used."]),
        ({"tcpFastOpen": False}, TcpOptions(), []),
        (
            {"dialerProxy": "other"},
            TcpOptions(),
            ["dialerProxy is ignored: the server is dialled from this computer itself."],
        ),
        (
            {"interface": "eth0"},
            TcpOptions(source="eth0"),
            ["Connections leave from “eth0” only, which this computer may not have."],
        ),
    ],
)
def test_tcp_options(sockopt: Json, tcp: TcpOptions, notes: list[str]) -> None:
    fields, told = read(sockopt=sockopt)
    assert (fields["tcp"], told) == (tcp, notes)


def test_a_host_and_a_place_in_words() -> None:
    assert host("BÜCHER.example", "here") == "xn--bcher-kva.example"
    with pytest.raises(BadConfig, match="the name is neither a host name nor an IP address at here"):
        host("a b", ".here")
    assert bad("no", "").reason == "no"
