"""AnyTLS outbounds as the v2ray and Xray families write them in JSON (PROTOCOL.md §2.4).

Several `servers` as in f2ray-core, or one flat `address`, `port`, `password` as in Exclave's core and Xray. TLS options
have v2ray 5's names and Xray's: `pinnedPeerCertSha256` is hexadecimal digits of the certificate's SHA-256,
`pinnedPeerCertificatePublicKeySha256` base64 of the public key's, and `pinnedPeerCertificateChainSha256` base64 of a
digest over the chain, which for a chain of one is that of the certificate.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args, get_origin

import msgspec

from app.errors import BadConfig
from app.sharing.links import (
    Imported,
    alpn_protocols,
    base64_digest,
    fingerprint,
    hex_digest,
    note_ignored,
    verification,
    within,
)
from app.storage.profiles import (
    BALANCED,
    DEFAULT_PORT,
    IDLE_SECONDS,
    MAX_SERVERS,
    MIN_IDLE_SESSIONS,
    Profile,
    ProfileServer,
    TlsVersion,
    clean_name,
    host_name,
)
from app.texts import translate

MAX_CONFIG: Final = 1024 * 1024  # bytes; MAX_SERVERS servers with long passwords take a tenth of it

_MESSAGE = re.compile(r"(.*?)(?: - at `\$(.*)`)?")  # msgspec's: what, and where
_WRONG_TYPE = re.compile(r"Expected `([^`]*)`.*")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_TLS_VERSIONS: dict[str, TlsVersion] = {"1.2": "1.2", "1.3": "1.3"}


class _Server(msgspec.Struct):
    address: str
    password: str
    port: int = DEFAULT_PORT


class _Settings(msgspec.Struct):
    servers: list[_Server] = []
    address: str = ""
    password: str = ""
    port: int = DEFAULT_PORT
    idle_session_check_interval: float | None = None
    idle_session_timeout: float | None = None
    min_idle_session: int | None = None
    camel_check_interval: float | None = msgspec.field(name="idleSessionCheckInterval", default=None)
    camel_timeout: float | None = msgspec.field(name="idleSessionTimeout", default=None)
    camel_min_idle: int | None = msgspec.field(name="minIdleSession", default=None)


class _Certificate(msgspec.Struct, rename="camel"):
    usage: str = "encipherment"
    certificate_file: str = ""


class _Tls(msgspec.Struct, rename="camel"):
    server_name: str = ""
    allow_insecure: bool = False
    alpn: list[str] | str = []
    fingerprint: str = ""
    min_version: str = ""
    max_version: str = ""
    certificates: list[_Certificate] = []
    pinned_peer_cert_sha256: str = ""
    pinned_peer_certificate_chain_sha256: list[str] = []
    pinned_peer_certificate_public_key_sha256: list[str] = []


class _Stream(msgspec.Struct, rename="camel"):
    network: str = "tcp"
    security: str = ""
    tls_settings: _Tls = msgspec.field(default_factory=_Tls)


class _Outbound(msgspec.Struct, rename="camel"):
    settings: _Settings
    protocol: str
    tag: str = ""
    stream_settings: _Stream = msgspec.field(default_factory=_Stream)


def parse_v2ray(data: bytes) -> Imported:
    """Read the first AnyTLS outbound of a configuration, or an outbound alone. Raises BadConfig, naming the place."""
    config = _decoded(data)
    notes: list[str] = []
    found, place = _found(config, notes)
    outbound = _converted(found, place)
    note_ignored((name.lstrip(".") for name in _strangers(found, _Outbound, place)), notes)
    _check_stream(outbound.stream_settings, f"{place}.streamSettings", notes)
    servers, passwords = _servers(outbound.settings, f"{place}.settings")
    profile = _profile(outbound, f"{place}.streamSettings.tlsSettings", servers, notes)
    return Imported(profile, passwords, tuple(notes))


def _decoded(data: bytes) -> Any:
    if len(data) > MAX_CONFIG:
        raise BadConfig(translate("v2ray", "it is larger than 1 MiB"))
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        position = re.search(r"\(byte [0-9]+\)", str(error))
        where = f" {position[0]}" if position else ""
    except RecursionError:
        where = ""
    raise BadConfig(translate("v2ray", "it is not valid JSON{where}").format(where=where))


def _found(config: Any, notes: list[str]) -> tuple[Any, str]:
    """The first AnyTLS outbound, and where it stands."""
    outbounds = config.get("outbounds", [config]) if isinstance(config, dict) else None
    if not isinstance(outbounds, list):
        raise BadConfig(translate("v2ray", "expected an object with outbounds"))
    places = [i for i, one in enumerate(outbounds) if isinstance(one, dict) and one.get("protocol") == "anytls"]
    if not places:
        raise BadConfig(translate("v2ray", "it has no outbound with the protocol anytls"))
    if len(places) > 1:
        notes.append(translate("v2ray", "Only the first AnyTLS outbound is used."))
    if "outbounds" not in config:
        return config, ""
    note_ignored((key for key in config if key != "outbounds"), notes)
    return outbounds[places[0]], f"outbounds[{places[0]}]"


def _converted(found: Any, place: str) -> _Outbound:
    try:
        return msgspec.convert(found, _Outbound)
    except msgspec.ValidationError as error:
        match = _MESSAGE.fullmatch(str(error))
        what, path = match.groups() if match else ("", "")
    raise _bad(_plain(what), place + (path or ""))


def _plain(message: str) -> str:
    """A sentence from msgspec's, which names types as Python does."""
    if missing := _MISSING.fullmatch(message):
        return translate("v2ray", "{name} is missing").format(name=missing[1])
    words = {
        "int": translate("v2ray", "a whole number"),
        "float": translate("v2ray", "a number"),
        "str": translate("v2ray", "text"),
        "bool": translate("v2ray", "true or false"),
        "array": translate("v2ray", "a list"),
        "object": translate("v2ray", "an object"),
    }
    wrong = _WRONG_TYPE.fullmatch(message)
    expected = [words[name] for name in wrong[1].split(" | ") if name in words] if wrong else []
    if not expected:
        return translate("v2ray", "something is not as expected")
    return translate("v2ray", "expected {what}").format(what=translate("v2ray", " or ").join(expected))


def _strangers(value: Any, kind: Any, path: str) -> Iterator[str]:
    """The places of all keys that `kind` does not have."""
    if isinstance(value, list) and get_origin(kind) is list:
        for index, item in enumerate(value):
            yield from _strangers(item, get_args(kind)[0], f"{path}[{index}]")
    elif isinstance(value, dict):
        fields = {known.encode_name: known.type for known in msgspec.structs.fields(kind)}
        for key, inner in value.items():
            if key in fields:
                yield from _strangers(inner, fields[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


def _check_stream(stream: _Stream, place: str, notes: list[str]) -> None:
    """AnyTLS is TLS over TCP; the cores refuse everything else too."""
    security = stream.security.lower()
    if security == "reality":
        raise _bad(translate("v2ray", "REALITY is asked for, which this program does not have,"), f"{place}.security")
    if security in {"", "none"}:
        notes.append(translate("v2ray", "TLS is used although streamSettings.security does not name it."))
    elif security != "tls":
        raise _bad(translate("v2ray", "expected tls"), f"{place}.security")
    if stream.network.lower() not in {"tcp", "raw"}:
        raise _bad(translate("v2ray", "expected tcp or raw"), f"{place}.network")


def _servers(settings: _Settings, place: str) -> tuple[tuple[ProfileServer, ...], tuple[str, ...]]:
    entries = {f"{place}.servers[{index}]": server for index, server in enumerate(settings.servers)}
    if settings.address:
        entries = entries or {place: _Server(settings.address, settings.password, settings.port)}
    if not entries:
        raise _bad(translate("v2ray", "there is no server"), place)
    if len(entries) > MAX_SERVERS:
        raise _bad(translate("v2ray", "there are more than {limit} servers").format(limit=MAX_SERVERS), place)
    servers = tuple(_server(server, where) for where, server in entries.items())
    return servers, tuple(server.password for server in entries.values())


def _server(server: _Server, place: str) -> ProfileServer:
    if not 1 <= server.port <= 65535:
        raise _bad(translate("v2ray", "expected a whole number from 1 to 65535"), f"{place}.port")
    if not server.password:
        raise _bad(translate("v2ray", "password is missing"), place)
    return ProfileServer(_host(server.address, f"{place}.address"), server.port)


def _profile(outbound: _Outbound, place: str, servers: tuple[ProfileServer, ...], notes: list[str]) -> Profile:
    """The profile; `place` is that of the TLS options."""
    tls, settings = outbound.stream_settings.tls_settings, outbound.settings
    certificate_pin, spki_pin = _pins(tls, place, notes)
    ca_file = _ca_file(tls, place, notes)
    verified = verification(bool(certificate_pin or spki_pin), tls.allow_insecure, notes)
    min_tls, max_tls = _tls_versions(tls, place, notes)
    checks = (settings.idle_session_check_interval, settings.camel_check_interval)
    timeouts = (settings.idle_session_timeout, settings.camel_timeout)
    min_idles = (settings.min_idle_session, settings.camel_min_idle)
    return Profile(
        name=clean_name(outbound.tag) or str(servers[0]),
        servers=servers,
        server_name=_host(tls.server_name, f"{place}.serverName") if tls.server_name else None,
        alpn=_alpn(tls, place, notes),
        verification="ca-file" if ca_file and verified == "system" else verified,
        ca_file=ca_file,
        certificate_pin=certificate_pin,
        spki_pin=spki_pin,
        min_tls=min_tls,
        max_tls=max_tls,
        fingerprint=fingerprint(tls.fingerprint, notes),
        idle_check_interval=_number("idle_session_check_interval", checks, BALANCED[0], IDLE_SECONDS, notes),
        idle_timeout=_number("idle_session_timeout", timeouts, BALANCED[1], IDLE_SECONDS, notes),
        min_idle=int(_number("min_idle_session", min_idles, BALANCED[2], MIN_IDLE_SESSIONS, notes)),
    )


def _number(
    key: str, values: tuple[float | None, ...], default: float, limits: tuple[float, float], notes: list[str]
) -> float:
    """The first value that is there, within its limits."""
    given = next((value for value in values if value is not None), default)
    return within(key, given, default, limits, notes)


def _alpn(tls: _Tls, place: str, notes: list[str]) -> tuple[str, ...]:
    names = tls.alpn.split(",") if isinstance(tls.alpn, str) else tls.alpn
    try:
        return alpn_protocols(names, notes)
    except ValueError as error:
        raise _bad(translate("v2ray", "alpn {problem}").format(problem=error), place) from None


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
        raise _bad(translate("v2ray", "expected a SHA-256"), place)
    if len(pins) > 1:
        notes.append(translate("v2ray", "Only the first pin is used."))
    return digest


def _ca_file(tls: _Tls, place: str, notes: list[str]) -> str | None:
    """The file of the authorities that may sign; certificates of other usages belong to servers."""
    authorities = [i for i, one in enumerate(tls.certificates) if one.usage.lower() == "verify"]
    if len(authorities) < len(tls.certificates):
        notes.append(translate("v2ray", "Certificates whose usage is not verify are ignored."))
    if not authorities:
        return None
    if len(authorities) > 1:
        notes.append(translate("v2ray", "Only the first certificate of an authority is used."))
    file = tls.certificates[authorities[0]].certificate_file
    if not file:
        raise _bad(translate("v2ray", "certificateFile is missing"), f"{place}.certificates[{authorities[0]}]")
    return file


def _tls_versions(tls: _Tls, place: str, notes: list[str]) -> tuple[TlsVersion | None, TlsVersion | None]:
    if {tls.min_version, tls.max_version} - {"", *_TLS_VERSIONS}:
        notes.append(translate("v2ray", "TLS versions other than 1.2 and 1.3 are ignored."))
    lowest, highest = _TLS_VERSIONS.get(tls.min_version), _TLS_VERSIONS.get(tls.max_version)
    if lowest and highest and lowest > highest:
        raise _bad(translate("v2ray", "minVersion is above maxVersion"), place)
    return lowest, highest


def _host(text: str, place: str) -> str:
    try:
        return host_name(text)
    except ValueError as error:
        raise _bad(translate("v2ray", "the name {problem}").format(problem=error), place) from None


def _bad(reason: str, place: str) -> BadConfig:
    if place:
        reason = translate("v2ray", "{reason} at {place}").format(reason=reason, place=place.lstrip("."))
    return BadConfig(reason)
