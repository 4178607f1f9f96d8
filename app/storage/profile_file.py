"""The profiles as they stand on disk: a flat record each, passwords sealed, everything read again by the links' rules.

What a newer version of this program has added to a record survives, and so does a record that this version cannot read:
it is kept in the file as it is, behind those that it can.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec

from app.errors import BadInput
from app.protocols.ech import MAX_SIZE, config_list
from app.protocols.text import printable
from app.storage.document import Content, Document
from app.storage.profiles import (
    BALANCED,
    CIPHERS,
    CURVE,
    IDLE_SECONDS,
    KEEPALIVE_SECONDS,
    MAX_SERVERS,
    MIN_IDLE_SESSIONS,
    USER_TIMEOUT_SECONDS,
    Profile,
    ProfileServer,
    Strategy,
    TlsVersion,
    UdpMode,
    Verification,
    clean_name,
    host_name,
    local_source,
    resolver_address,
    tcp_alpn,
)
from app.texts import translate
from app.transport.options import USUAL_TCP, Family, TcpOptions

VERSION: Final = 1

MAX_PASSWORD: Final = 64 * 1024  # bytes: what a link may have altogether

_MAX_TEXT: Final = 4096  # characters: the longest path of Linux
_MAX_CLIENT_NAME: Final = 256  # characters; it is one line of the settings frame
_MAX_MILLISECONDS: Final = 86_400_000.0  # a day: no probe takes as long
_MAX_TIME: Final = 253_402_300_799.0  # the last second of the year 9999, which is the last that Python can show
_FINGERPRINT: Final = r"^[a-z0-9_.:-]{1,32}\Z"
_MAX_NAMED: Final = 5  # records that the warning names
_WHERE = re.compile(r"at `\$\.?([a-z_]+)")  # msgspec's place of an error

_T = TypeVar("_T")
_Text = Annotated[str, msgspec.Meta(max_length=_MAX_TEXT)]
_Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Sealed = Annotated[bytes, msgspec.Meta(max_length=MAX_PASSWORD + 64)]  # with what sealing adds
_Seconds = Annotated[float, msgspec.Meta(ge=IDLE_SECONDS[0], le=IDLE_SECONDS[1])]
_Sessions = Annotated[int, msgspec.Meta(ge=MIN_IDLE_SESSIONS[0], le=MIN_IDLE_SESSIONS[1])]
_Time = Annotated[float, msgspec.Meta(ge=0, le=_MAX_TIME)]
_Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=_MAX_MILLISECONDS)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One profile in the list, and what is known of it."""

    id: str  # a UUID's 32 hexadecimal digits
    profile: Profile
    group: str = ""
    latency_ms: float | None = None  # of the last test, if it passed
    problem: str = ""  # of the last test, if it failed: a sentence
    tested_at: float | None = None  # seconds since 1970
    used_at: float | None = None  # seconds since 1970
    temporary: bool = False  # never written
    sealed: tuple[bytes | None, ...] = field(default=(), repr=False)  # a password for each server; None: not kept
    unknown: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  # a newer version's fields

    @property
    def has_password(self) -> bool:
        """Whether the passwords are kept, sealed, for all servers."""
        return bool(self.sealed) and None not in self.sealed


class _Server(msgspec.Struct):
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]


class _Tcp(msgspec.Struct):
    """The fields of `TcpOptions`."""

    keepalive: Annotated[float, msgspec.Meta(ge=KEEPALIVE_SECONDS[0], le=KEEPALIVE_SECONDS[1])] | None = (
        USUAL_TCP.keepalive
    )
    user_timeout: Annotated[float, msgspec.Meta(ge=USER_TIMEOUT_SECONDS[0], le=USER_TIMEOUT_SECONDS[1])] | None = (
        USUAL_TCP.user_timeout
    )
    no_delay: bool = USUAL_TCP.no_delay
    multipath: bool = USUAL_TCP.multipath
    source: str | None = USUAL_TCP.source
    family: Family = USUAL_TCP.family


class _Record(msgspec.Struct):
    """A profile's fields by their names in `Profile` and `Entry`."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
    name: _Text
    servers: Annotated[list[_Server], msgspec.Meta(min_length=1, max_length=MAX_SERVERS)]
    sealed: Annotated[list[_Sealed | None], msgspec.Meta(max_length=MAX_SERVERS)] = []
    group: _Text = ""
    strategy: Strategy = "round-robin"
    server_name: _Text | None = None
    alpn: list[str] = []
    verification: Verification = "system"
    ca_file: _Text | None = None
    certificate_pin: _Digest | None = None
    spki_pin: _Digest | None = None
    min_tls: TlsVersion | None = None
    max_tls: TlsVersion | None = None
    fingerprint: Annotated[str, msgspec.Meta(pattern=_FINGERPRINT)] = "none"
    hello_file: _Text | None = None
    client_certificate: _Text | None = None
    client_key: _Text | None = None
    ciphers: Annotated[str, msgspec.Meta(pattern=CIPHERS)] | None = None
    curve: Annotated[str, msgspec.Meta(pattern=CURVE)] | None = None
    ech_config: Annotated[bytes, msgspec.Meta(max_length=MAX_SIZE)] | None = None
    ech_resolver: _Text | None = None
    fragment: bool = False
    tcp: _Tcp = msgspec.field(default_factory=_Tcp)
    idle_check_interval: _Seconds = BALANCED.idle_check_interval
    idle_timeout: _Seconds = BALANCED.idle_timeout
    min_idle: _Sessions = BALANCED.min_idle
    client_name: Annotated[str, msgspec.Meta(max_length=_MAX_CLIENT_NAME)] | None = None
    udp_mode: UdpMode = "connect"
    latency_ms: _Milliseconds | None = None
    problem: _Text = ""
    tested_at: _Time | None = None
    used_at: _Time | None = None


_KNOWN: Final = frozenset(_Record.__struct_fields__)
_KNOWN_OF_SERVER: Final = frozenset(_Server.__struct_fields__)
_KNOWN_OF_TCP: Final = frozenset(_Tcp.__struct_fields__)
_FILES: Final = ("ca_file", "hello_file", "client_certificate", "client_key")  # fields that are paths
_OF_PROFILE: Final = _KNOWN.intersection(one.name for one in fields(Profile))
_OF_ENTRY: Final = _KNOWN.intersection(one.name for one in fields(Entry))


class ProfileFile:
    """The list on disk. Both calls block; they are made in a thread, one at a time."""

    def __init__(self, path: Path) -> None:
        self._document = Document(path, VERSION)
        self._rest: Content = {}
        self._unread: list[Any] = []
        self.warning = ""
        """What `load` has to say, in sentences; empty where nothing was wrong."""

    def load(self) -> list[Entry]:
        """The profiles in their order. Raises BadFile as `Document.load` does."""
        content = self._document.load()
        records = content.pop("profiles", [])
        self._rest, self._unread = content, []
        entries: dict[str, Entry] = {}
        problems: list[str] = []
        for raw in records if isinstance(records, list) else [records]:
            try:
                entry = _entry(raw)
                if entry.id in entries:
                    raise _Unreadable("id")
            except _Unreadable as error:
                self._unread.append(raw)
                problems.append(f"{_label(raw)} ({error})")
            else:
                entries[entry.id] = entry
        self.warning = " ".join(filter(None, (self._document.warning, _told(problems))))
        return list(entries.values())

    def save(self, entries: Iterable[Entry], *, rotate: bool = True) -> None:
        """Write all but the temporary ones. Raises BadFile; the file is what it was then."""
        records = [_record(entry) for entry in entries if not entry.temporary]
        self._document.save(self._rest | {"profiles": records + self._unread}, rotate=rotate)


def check(profile: Profile) -> None:
    """Raises BadInput for a profile that could not be read back from the file."""
    try:
        _entry(msgspec.json.decode(msgspec.json.encode(_record(Entry("0" * 32, profile)))))
    except _Unreadable as error:
        reason = translate("profiles", "the profile's “{field}” is not valid").format(field=error)
    except UnicodeEncodeError:
        reason = translate("profiles", "the profile holds what is not valid text")
    else:
        return
    raise BadInput(reason)


class _Unreadable(Exception):
    """A record that this version cannot use; its text is the name of the field."""


def _entry(raw: Any) -> Entry:
    """What a record says, checked as a link's text is. Raises _Unreadable."""
    try:
        record = msgspec.convert(raw, _Record)
    except msgspec.ValidationError as error:
        place = _WHERE.search(str(error))
        raise _Unreadable(place[1] if place else "id, name, servers") from None
    profile = _profile(record)
    sealed = record.sealed or [None] * len(profile.servers)
    if len(sealed) != len(profile.servers):
        raise _Unreadable("sealed")
    return Entry(
        id=record.id,
        profile=profile,
        group=clean_name(record.group),
        latency_ms=record.latency_ms,
        problem=printable(record.problem),
        tested_at=record.tested_at,
        used_at=record.used_at,
        sealed=tuple(sealed),
        unknown=_unknown(raw, profile.servers),
    )


def _record(entry: Entry) -> Content:
    """What `_entry` reads back."""
    values = {name: getattr(entry.profile, name) for name in _OF_PROFILE}
    values |= {name: getattr(entry, name) for name in _OF_ENTRY}
    values["servers"] = [_Server(server.host, server.port) for server in entry.profile.servers]
    values["tcp"] = _Tcp(**asdict(entry.profile.tcp))
    values["problem"] = entry.problem[:_MAX_TEXT]  # a stranger's words are in it
    record: Content = msgspec.to_builtins(_Record(**values))
    unknown = dict(entry.unknown)
    of_servers = unknown.pop("servers", {})
    for raw, server in zip(record["servers"], entry.profile.servers, strict=True):
        raw.update(of_servers.get(str(server), {}))
    record["tcp"] |= unknown.pop("tcp", {})
    return record | unknown


def _unknown(raw: Content, servers: tuple[ProfileServer, ...]) -> Content:
    """The fields that this version does not know; those of servers by the server's address, those of TCP together."""
    of_servers = {
        str(server): extra
        for it, server in zip(raw["servers"], servers, strict=True)
        if (extra := {key: value for key, value in it.items() if key not in _KNOWN_OF_SERVER})
    }
    of_tcp = {key: value for key, value in raw.get("tcp", {}).items() if key not in _KNOWN_OF_TCP}
    rest = {key: value for key, value in raw.items() if key not in _KNOWN}
    return rest | ({"servers": of_servers} if of_servers else {}) | ({"tcp": of_tcp} if of_tcp else {})


def _profile(record: _Record) -> Profile:
    servers = tuple(ProfileServer(_checked("servers", host_name, it.host), it.port) for it in record.servers)
    name = record.server_name
    _check(record)
    return Profile(
        name=clean_name(record.name) or str(servers[0]),
        servers=servers,
        strategy=record.strategy,
        server_name=_checked("server_name", host_name, name) if name else name,
        alpn=_checked("alpn", tcp_alpn, record.alpn),
        verification=record.verification,
        ca_file=record.ca_file,
        certificate_pin=record.certificate_pin,
        spki_pin=record.spki_pin,
        min_tls=record.min_tls,
        max_tls=record.max_tls,
        fingerprint=record.fingerprint,
        hello_file=record.hello_file,
        client_certificate=record.client_certificate,
        client_key=record.client_key,
        ciphers=record.ciphers,
        curve=record.curve,
        ech_config=_maybe("ech_config", config_list, record.ech_config),
        ech_resolver=_maybe("ech_resolver", resolver_address, record.ech_resolver),
        fragment=record.fragment,
        tcp=_tcp(record.tcp),
        idle_check_interval=record.idle_check_interval,
        idle_timeout=record.idle_timeout,
        min_idle=record.min_idle,
        client_name=record.client_name,
        udp_mode=record.udp_mode,
    )


def _tcp(record: _Tcp) -> TcpOptions:
    return TcpOptions(
        keepalive=record.keepalive,
        user_timeout=record.user_timeout,
        no_delay=record.no_delay,
        multipath=record.multipath,
        source=_maybe("tcp", local_source, record.source),
        family=record.family,
    )


def _check(record: _Record) -> None:
    """What a field's type alone does not say. Above all a pin that is missing must not mean that none is compared."""
    wrong = {
        "verification": record.verification == "pin" and not (record.certificate_pin or record.spki_pin),
        "ca_file": record.verification == "ca-file" and not record.ca_file,
        "hello_file": record.fingerprint == "file" and not record.hello_file,
        "client_certificate": bool(record.client_key and not record.client_certificate),
        "max_tls": bool(record.min_tls and record.max_tls and record.min_tls > record.max_tls),
        "client_name": not (record.client_name or "").isprintable(),
    }
    wrong |= {name: wrong.get(name, False) or "\0" in (getattr(record, name) or "") for name in _FILES}
    for name, it_is in wrong.items():
        if it_is:
            raise _Unreadable(name)


def _maybe(field_name: str, read: Callable[[_T], _T], value: _T | None) -> _T | None:
    return None if value is None else _checked(field_name, read, value)


def _checked(field_name: str, read: Callable[..., _T], text: Any) -> _T:
    try:
        return read(text)
    except ValueError:
        raise _Unreadable(field_name) from None


def _label(raw: Any) -> str:
    name = raw.get("name") if isinstance(raw, dict) else None
    return f"“{printable(clean_name(name), 60)}”" if isinstance(name, str) else "…"


def _told(problems: list[str]) -> str:
    """One sentence on the records that cannot be read."""
    if not problems:
        return ""
    more = ["…"] if len(problems) > _MAX_NAMED else []
    text = translate("profiles", "Profiles that this version cannot read are kept in the file as they are: {names}.")
    return text.format(names=", ".join(problems[:_MAX_NAMED] + more))
