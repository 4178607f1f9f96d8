"""AnyTLS outbounds as the v2ray and Xray families write them in JSON (PROTOCOL.md §2.4).

Several `servers` as in f2ray-core, or one flat `address`, `port`, `password` as in Exclave's core and Xray. TLS options
have v2ray 5's names and Xray's, see `v2ray_stream`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

import msgspec

from app.errors import BadConfig
from app.sharing.links import Imported, note_ignored, within
from app.sharing.v2ray_stream import Stream, bad, host, read_stream
from app.storage.profiles import (
    BALANCED,
    DEFAULT_PORT,
    IDLE_SECONDS,
    MAX_SERVERS,
    MIN_IDLE_SESSIONS,
    Profile,
    ProfileServer,
    clean_name,
)
from app.texts import translate

MAX_CONFIG: Final = 1024 * 1024  # bytes; MAX_SERVERS servers with long passwords take a tenth of it

_MESSAGE = re.compile(r"(.*?)(?: - at `\$(.*)`)?")  # msgspec's: what, and where
_WRONG_TYPE = re.compile(r"Expected `([^`]*)`.*")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")


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


class _Outbound(msgspec.Struct, rename="camel"):
    settings: _Settings
    protocol: str
    tag: str = ""
    stream_settings: Stream = msgspec.field(default_factory=Stream)


def parse_v2ray(data: bytes) -> Imported:
    """Read the first AnyTLS outbound of a configuration, or an outbound alone. Raises BadConfig, naming the place."""
    config = _decoded(data)
    notes: list[str] = []
    found, place = _found(config, notes)
    outbound = _converted(found, place)
    note_ignored((name.lstrip(".") for name in _strangers(found, _Outbound, place)), notes)
    servers, passwords = _servers(outbound.settings, f"{place}.settings")
    stream = read_stream(outbound.stream_settings, f"{place}.streamSettings", notes)
    return Imported(_profile(outbound, servers, stream, notes), passwords, tuple(notes))


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
    raise bad(_plain(what), place + (path or ""))


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


def _servers(settings: _Settings, place: str) -> tuple[tuple[ProfileServer, ...], tuple[str, ...]]:
    entries = {f"{place}.servers[{index}]": server for index, server in enumerate(settings.servers)}
    if settings.address:
        entries = entries or {place: _Server(settings.address, settings.password, settings.port)}
    if not entries:
        raise bad(translate("v2ray", "there is no server"), place)
    if len(entries) > MAX_SERVERS:
        raise bad(translate("v2ray", "there are more than {limit} servers").format(limit=MAX_SERVERS), place)
    servers = tuple(_server(server, where) for where, server in entries.items())
    return servers, tuple(server.password for server in entries.values())


def _server(server: _Server, place: str) -> ProfileServer:
    if not 1 <= server.port <= 65535:
        raise bad(translate("v2ray", "expected a whole number from 1 to 65535"), f"{place}.port")
    if not server.password:
        raise bad(translate("v2ray", "password is missing"), place)
    return ProfileServer(host(server.address, f"{place}.address"), server.port)


def _profile(
    outbound: _Outbound, servers: tuple[ProfileServer, ...], stream: Mapping[str, Any], notes: list[str]
) -> Profile:
    """The profile; `stream` has the fields that say how TLS and TCP are spoken."""
    settings = outbound.settings
    checks = (settings.idle_session_check_interval, settings.camel_check_interval)
    timeouts = (settings.idle_session_timeout, settings.camel_timeout)
    min_idles = (settings.min_idle_session, settings.camel_min_idle)
    return Profile(
        name=clean_name(outbound.tag) or str(servers[0]),
        servers=servers,
        idle_check_interval=_number("idle_session_check_interval", checks, BALANCED[0], IDLE_SECONDS, notes),
        idle_timeout=_number("idle_session_timeout", timeouts, BALANCED[1], IDLE_SECONDS, notes),
        min_idle=int(_number("min_idle_session", min_idles, BALANCED[2], MIN_IDLE_SESSIONS, notes)),
        **stream,
    )


def _number(
    key: str, values: tuple[float | None, ...], default: float, limits: tuple[float, float], notes: list[str]
) -> float:
    """The first value that is there, within its limits."""
    given = next((value for value in values if value is not None), default)
    return within(key, given, default, limits, notes)
