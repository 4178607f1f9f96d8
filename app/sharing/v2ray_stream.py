"""The `streamSettings` of v2ray and Xray: what TLS and TCP are told, as a profile's fields.

`pinnedPeerCertSha256` is hexadecimal digits of the certificate's SHA-256, `pinnedPeerCertificatePublicKeySha256` base64
of the public key's, and `pinnedPeerCertificateChainSha256` base64 of a digest over the chain, which for a chain of one
is that of the certificate. Cipher suites and curves have the names that Go gives them; here they get OpenSSL's.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from app.errors import BadConfig
from app.sharing.links import alpn_protocols, base64_digest, hex_digest, verification, within
from app.sharing.wishes import ech, family, fingerprint, note_source, reality
from app.storage.profiles import KEEPALIVE_SECONDS, USER_TIMEOUT_SECONDS, TlsVersion, host_name, local_source
from app.texts import translate
from app.transport.options import USUAL_TCP, TcpOptions

T = TypeVar("T")

_TLS_VERSIONS: Final[dict[str, TlsVersion]] = {"1.2": "1.2", "1.3": "1.3"}

_SUITE: Final = re.compile(
    r"TLS_(?:((?:ECDHE|DHE)_(?:RSA|ECDSA))|RSA)_WITH_(?:(CHACHA20_POLY1305)(?:_SHA256)?|(AES_\d{3})_(GCM|CBC)_(SHA\d*))"
)
_OF_TLS_1_3: Final = re.compile(r"TLS_(AES|CHACHA20)_\w+")  # nobody lets one choose these

# A file on another computer, which Windows would log in to with the person's own name and a hash of the password, or a
# device; see "File path formats on Windows systems" in Microsoft's documentation.
_ELSEWHERE: Final = re.compile(r"\s*[/\\](?:[/\\]|\?\?)")

_CURVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "x25519": "X25519",
        **dict.fromkeys(("curvep256", "p256", "secp256r1", "prime256v1"), "prime256v1"),
        **dict.fromkeys(("curvep384", "p384", "secp384r1"), "secp384r1"),
        **dict.fromkeys(("curvep521", "p521", "secp521r1"), "secp521r1"),
    }
)


class _Certificate(msgspec.Struct, rename="camel"):
    usage: str = "encipherment"
    certificate_file: str = ""
    key_file: str = ""


class _Tls(msgspec.Struct, rename="camel"):
    server_name: str = ""
    allow_insecure: bool = False
    alpn: list[str] | str = []
    fingerprint: str = ""
    min_version: str = ""
    max_version: str = ""
    cipher_suites: str = ""
    curve_preferences: list[str] | str = []
    certificates: list[_Certificate] = []
    ech_config_list: str = ""
    ech_config: str = ""
    ech_doh_server: str = ""
    pinned_peer_cert_sha256: str = ""
    pinned_peer_certificate_chain_sha256: list[str] = []
    pinned_peer_certificate_public_key_sha256: list[str] = []


class _Sockopt(msgspec.Struct, rename="camel"):
    tcp_fast_open: bool | int = False
    tcp_mptcp: bool = False
    tcp_no_delay: bool = USUAL_TCP.no_delay
    interface: str = ""
    tcp_keep_alive_idle: int = 0  # seconds; 0 is the core's own, a negative number none
    tcp_user_timeout: int = 0  # ms; 0 is the core's own
    domain_strategy: str = ""
    dialer_proxy: str = ""


class Stream(msgspec.Struct, rename="camel"):
    """As it stands in the configuration."""

    network: str = "tcp"
    security: str = ""
    tls_settings: _Tls = msgspec.field(default_factory=_Tls)
    sockopt: _Sockopt = msgspec.field(default_factory=_Sockopt)


def read_stream(stream: Stream, place: str, notes: list[str]) -> dict[str, Any]:
    """The fields of a profile that it sets, by their names. Raises BadConfig, naming the place."""
    _check(stream, place, notes)
    return _tls(stream.tls_settings, f"{place}.tlsSettings", notes) | {
        "tcp": _tcp(stream.sockopt, f"{place}.sockopt", notes)
    }


def host(text: str, place: str) -> str:
    """A host as it is dialled."""
    return _read(host_name, text, translate("v2ray", "the name {problem}"), place)


def bad(reason: str, place: str) -> BadConfig:
    """A sentence on what is wrong where."""
    if place:
        reason = translate("v2ray", "{reason} at {place}").format(reason=reason, place=place.lstrip("."))
    return BadConfig(reason)


def _check(stream: Stream, place: str, notes: list[str]) -> None:
    """AnyTLS is TLS over TCP; the cores refuse everything else too."""
    security = stream.security.lower()
    if security == "reality":
        raise BadConfig(reality())
    if security in {"", "none"}:
        notes.append(translate("v2ray", "TLS is used although streamSettings.security does not name it."))
    elif security != "tls":
        raise bad(translate("v2ray", "expected tls"), f"{place}.security")
    if stream.network.lower() not in {"tcp", "raw"}:
        raise bad(translate("v2ray", "expected tcp or raw"), f"{place}.network")


# ---- TLS


def _tls(tls: _Tls, place: str, notes: list[str]) -> dict[str, Any]:
    certificate_pin, spki_pin = _pins(tls, place, notes)
    ca_file, client_certificate, client_key = _files(tls, place, notes)
    verified = verification(bool(certificate_pin or spki_pin), tls.allow_insecure, notes)
    min_tls, max_tls = _tls_versions(tls, place, notes)
    config, resolver = _ech(tls, place, notes)
    return {
        "server_name": host(tls.server_name, f"{place}.serverName") if tls.server_name else None,
        "alpn": _alpn(tls, place, notes),
        "verification": "ca-file" if ca_file and verified == "system" else verified,
        "ca_file": ca_file,
        "certificate_pin": certificate_pin,
        "spki_pin": spki_pin,
        "min_tls": min_tls,
        "max_tls": max_tls,
        "fingerprint": fingerprint(tls.fingerprint, notes),
        "client_certificate": client_certificate,
        "client_key": client_key,
        "ciphers": _ciphers(tls.cipher_suites, notes),
        "curve": _curve(tls.curve_preferences, notes),
        "ech_config": config,
        "ech_resolver": resolver,
    }


def _alpn(tls: _Tls, place: str, notes: list[str]) -> tuple[str, ...]:
    names = tls.alpn.split(",") if isinstance(tls.alpn, str) else tls.alpn
    try:
        return alpn_protocols(names, notes)
    except ValueError as error:
        raise bad(translate("v2ray", "alpn {problem}").format(problem=error), place) from None


def _pins(tls: _Tls, place: str, notes: list[str]) -> tuple[bytes | None, bytes | None]:
    """The pins of the certificate and of its public key."""
    certificate = _pin(tls.pinned_peer_cert_sha256.split(","), hex_digest, f"{place}.pinnedPeerCertSha256", notes)
    chains, place_of_chains = tls.pinned_peer_certificate_chain_sha256, f"{place}.pinnedPeerCertificateChainSha256"
    if chains and not certificate:
        certificate = _pin(chains, base64_digest, place_of_chains, notes)
        notes.append(translate("v2ray", "The chain's pin is compared with the server's own certificate alone."))
    keys, place_of_keys = tls.pinned_peer_certificate_public_key_sha256, f"{place}.pinnedPeerCertificatePublicKeySha256"
    return certificate, _pin(keys, base64_digest, place_of_keys, notes)


def _pin(texts: list[str], read: Callable[[str], bytes | None], place: str, notes: list[str]) -> bytes | None:
    pins = [text.strip() for text in texts if text.strip()]
    if not pins:
        return None
    digest = read(pins[0])
    if digest is None:
        raise bad(translate("v2ray", "expected a SHA-256"), place)
    if len(pins) > 1:
        notes.append(translate("v2ray", "Only the first pin is used."))
    return digest


def _files(tls: _Tls, place: str, notes: list[str]) -> tuple[str | None, str | None, str | None]:
    """The authorities that may sign, the certificate that is shown to the server, and its key."""
    authority = _first(tls, "verify", place, translate("v2ray", "Only the first certificate of an authority is used."))
    own = _first(tls, "encipherment", place, translate("v2ray", "Only the first certificate is shown to the server."))
    notes.extend(filter(None, (authority[1], own[1])))
    if {one.usage.lower() for one in tls.certificates} - {"verify", "encipherment"}:
        notes.append(translate("v2ray", "Certificates whose usage is neither verify nor encipherment are ignored."))
    files = authority[0].certificate_file, own[0].certificate_file, own[0].key_file
    if any(map(_ELSEWHERE.match, files)):
        raise bad(translate("v2ray", "expected a file on this computer"), f"{place}.certificates")
    return files[0] or None, files[1] or None, files[2] or None


def _first(tls: _Tls, usage: str, place: str, only: str) -> tuple[_Certificate, str]:
    """The first certificate of a usage, and `only` where there are more."""
    places = [at for at, one in enumerate(tls.certificates) if one.usage.lower() == usage]
    if not places:
        return _Certificate(), ""
    found = tls.certificates[places[0]]
    if not found.certificate_file:
        raise bad(translate("v2ray", "certificateFile is missing"), f"{place}.certificates[{places[0]}]")
    return found, only if len(places) > 1 else ""


def _tls_versions(tls: _Tls, place: str, notes: list[str]) -> tuple[TlsVersion | None, TlsVersion | None]:
    if {tls.min_version, tls.max_version} - {"", *_TLS_VERSIONS}:
        notes.append(translate("v2ray", "TLS versions other than 1.2 and 1.3 are ignored."))
    lowest, highest = _TLS_VERSIONS.get(tls.min_version), _TLS_VERSIONS.get(tls.max_version)
    if lowest and highest and lowest > highest:
        raise bad(translate("v2ray", "minVersion is above maxVersion"), place)
    return lowest, highest


def _ciphers(text: str, notes: list[str]) -> str | None:
    names = [name.strip() for name in text.split(":") if not _OF_TLS_1_3.fullmatch(name.strip())]
    suites = [_openssl_suite(name) for name in names if name]
    if None in suites:
        notes.append(translate("v2ray", "Cipher suites that are not known here are left out."))
    return ":".join(filter(None, suites)) or None


def _openssl_suite(name: str) -> str | None:
    match = _SUITE.fullmatch(name)
    if match is None:
        return None
    exchange, chacha, aes, mode, mac = match.groups()
    cipher = "CHACHA20-POLY1305" if chacha else f"{aes.replace('_', '')}{'-GCM' if mode == 'GCM' else ''}-{mac}"
    return f"{exchange.replace('_', '-')}-{cipher}" if exchange else cipher


def _curve(preferences: list[str] | str, notes: list[str]) -> str | None:
    wished = preferences.split(",") if isinstance(preferences, str) else preferences
    names = [name.strip().lower() for name in wished if name.strip()]
    known = [_CURVES[name] for name in names if name in _CURVES]
    if len(known) < len(names):
        notes.append(translate("v2ray", "Curves that are not known here are left out."))
    if len(known) > 1:
        notes.append(translate("v2ray", "Only the first curve is used."))
    return known[0] if known else None


def _ech(tls: _Tls, place: str, notes: list[str]) -> tuple[bytes | None, str | None]:
    """Xray has one field for both, v2ray 5 one for each."""
    found: tuple[bytes | None, str | None] = (None, None)
    for key, text in (
        ("echConfigList", tls.ech_config_list),
        ("echConfig", tls.ech_config),
        ("echDohServer", tls.ech_doh_server),
    ):
        if found == (None, None):
            found = _read(lambda it: ech(it, notes), text, translate("v2ray", "it {problem}"), f"{place}.{key}")
    return found


# ---- TCP


def _tcp(sockopt: _Sockopt, place: str, notes: list[str]) -> TcpOptions:
    if sockopt.tcp_fast_open:
        notes.append(translate("v2ray", "TCP Fast Open is not used."))
    if sockopt.dialer_proxy:
        notes.append(translate("v2ray", "dialerProxy is ignored: the server is dialled from this computer itself."))
    source = sockopt.interface or None
    if source is not None:
        source = _read(local_source, source, translate("v2ray", "the interface {problem}"), f"{place}.interface")
    note_source(source, notes)
    return TcpOptions(
        keepalive=_keepalive(sockopt.tcp_keep_alive_idle, notes),
        user_timeout=_user_timeout(sockopt.tcp_user_timeout, notes),
        no_delay=sockopt.tcp_no_delay,
        multipath=sockopt.tcp_mptcp,
        source=source,
        family=family(sockopt.domain_strategy, notes),
    )


def _keepalive(seconds: int, notes: list[str]) -> float | None:
    if seconds <= 0:
        return None if seconds < 0 else USUAL_TCP.keepalive
    return within("tcpKeepAliveIdle", seconds, USUAL_TCP.keepalive or 0.0, KEEPALIVE_SECONDS, notes)


def _user_timeout(ms: int, notes: list[str]) -> float | None:
    if ms == 0:
        return USUAL_TCP.user_timeout
    usual = USUAL_TCP.user_timeout or 0.0
    low, high = USER_TIMEOUT_SECONDS
    return within("tcpUserTimeout", ms, usual * 1000, (low * 1000, high * 1000), notes) / 1000


def _read(read: Callable[[str], T], text: str, problem: str, place: str) -> T:
    """What `read` makes of a text. Its ValueError goes into the sentence `problem`."""
    try:
        return read(text)
    except ValueError as error:
        raise bad(problem.format(problem=error), place) from None
