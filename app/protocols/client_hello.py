"""A TLS ClientHello as it stands on the wire: what it offers, by what it is known, and where it names the server.

RFC 8446 §4.1.2 and RFC 5246 §7.4.1.2; GREASE is RFC 8701; JA3 and JA4 as their authors publish them
(salesforce/ja3, FoxIO-LLC/ja4).
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.protocols.text import Flaw

HANDSHAKE: Final = 22
CLIENT_HELLO: Final = 1

SERVER_NAME: Final = 0
SUPPORTED_GROUPS: Final = 10
EC_POINT_FORMATS: Final = 11
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
PADDING: Final = 21
PRE_SHARED_KEY: Final = 41
EARLY_DATA: Final = 42
SUPPORTED_VERSIONS: Final = 43
COOKIE: Final = 44

_RECORD: Final = struct.Struct(">BHH")
_U16: Final = struct.Struct(">H")
_GREASE: Final = frozenset(0x0A0A + 0x1010 * number for number in range(16))
_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10"}

# A hello with every post-quantum share there is has four thousand bytes.
MAX_HELLO: Final = 64 * 1024

# What differs between two connections of the same program: it is left out where hellos are compared.
_OF_THE_CONNECTION: Final = frozenset((SERVER_NAME, PADDING, PRE_SHARED_KEY, EARLY_DATA, COOKIE))


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What one offers. Lists are in the order of the wire, GREASE included."""

    version: int
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    groups: tuple[int, ...]
    point_formats: tuple[int, ...]
    signatures: tuple[int, ...]
    alpn: tuple[bytes, ...]
    versions: tuple[int, ...]
    server_name: str | None
    name_at: tuple[int, int] | None
    """Where the server's name stands in the record that it was read from: from, to."""

    @property
    def ja3(self) -> str:
        """The MD5 of what is offered, in the order of the wire."""
        lists = (self.ciphers, self.extensions, self.groups, self.point_formats)
        text = ",".join([str(self.version), *("-".join(map(str, plain(values))) for values in lists)])
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    @property
    def ja4(self) -> str:
        """What is offered without regard to the order of extensions: `a_b_c`."""
        ciphers, extensions = plain(self.ciphers), plain(self.extensions)
        newest = max(plain(self.versions), default=self.version)
        kind = "d" if SERVER_NAME in extensions else "i"
        head = f"t{_VERSIONS.get(newest, '00')}{kind}{min(len(ciphers), 99):02}{min(len(extensions), 99):02}"
        hashed = _hexed(sorted(value for value in extensions if value not in (SERVER_NAME, ALPN)))
        signatures = _hexed(plain(self.signatures))
        return f"{head}{self._ja4_alpn()}_{_short(_hexed(sorted(ciphers)))}_" + _short(
            f"{hashed}_{signatures}" if signatures else hashed
        )

    def _ja4_alpn(self) -> str:
        first = self.alpn[0] if self.alpn else b""
        if not first:
            return "00"
        ends = chr(first[0]) + chr(first[-1])
        return ends if ends.isascii() and ends.isalnum() else first.hex()[0] + first.hex()[-1]

    def differs_from(self, other: "ClientHello") -> str:
        """What an observer could tell them apart by, in the words of the TLS registry; empty where nothing."""
        pairs = {
            "legacy_version": (self.version, other.version),
            "cipher_suites": (plain(self.ciphers), plain(other.ciphers)),
            "extensions": (self._own_extensions(), other._own_extensions()),
            "supported_groups": (plain(self.groups), plain(other.groups)),
            "signature_algorithms": (plain(self.signatures), plain(other.signatures)),
            "application_layer_protocol_negotiation": (self.alpn, other.alpn),
            "supported_versions": (plain(self.versions), plain(other.versions)),
        }
        return ", ".join(name for name, (mine, theirs) in pairs.items() if mine != theirs)

    def _own_extensions(self) -> set[int]:
        return set(plain(self.extensions)) - _OF_THE_CONNECTION


def plain(values: Sequence[int]) -> list[int]:
    """`values` without GREASE."""
    return [value for value in values if value not in _GREASE]


def parse(record: bytes) -> ClientHello:
    """Read a hello that stands in one TLS record. Raises `Flaw`."""
    try:
        return _parsed(record)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Flaw("it is no whole TLS ClientHello") from None


def cut(record: bytes) -> list[bytes]:
    """The record in pieces, the first of them its header's first byte, another cut in the midst of the server's name.

    Who looks for a name in single segments finds none. Without a name the record is cut in its midst.
    """
    try:
        place = parse(record).name_at
    except Flaw:
        place = None
    start, end = place or (1, len(record))
    middle = (start + end) // 2
    return [piece for piece in (record[:1], record[1:middle], record[middle:]) if piece]


def _parsed(record: bytes) -> ClientHello:
    kind, _, length = _RECORD.unpack_from(record)
    if kind != HANDSHAKE or record[_RECORD.size] != CLIENT_HELLO or len(record) < _RECORD.size + length:
        raise IndexError
    at = _RECORD.size + 4
    (version,) = _U16.unpack_from(record, at)
    at += 2 + 32
    at += 1 + record[at]  # session id
    ciphers, at = _numbers(record, at)
    at += 1 + record[at]  # compression
    (size,) = _U16.unpack_from(record, at) if at < len(record) else (0,)
    bodies = dict(_extensions(record, at + 2, at + 2 + size))
    name, name_at = _name(record, *bodies[SERVER_NAME]) if SERVER_NAME in bodies else (None, None)
    return ClientHello(
        version=version,
        ciphers=ciphers,
        extensions=tuple(bodies),
        groups=_list_of(record, bodies, SUPPORTED_GROUPS),
        point_formats=tuple(_body(record, bodies, EC_POINT_FORMATS)[1:]),
        signatures=_list_of(record, bodies, SIGNATURE_ALGORITHMS),
        alpn=tuple(_protocols(_body(record, bodies, ALPN)[2:])),
        versions=_versions(_body(record, bodies, SUPPORTED_VERSIONS)),
        server_name=name,
        name_at=name_at,
    )


def _extensions(record: bytes, at: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each extension's number, and from where to where its body goes."""
    while at < end:
        number, length = struct.unpack_from(">HH", record, at)
        at += 4 + length
        if at > min(end, len(record)):
            raise IndexError
        yield number, (at - length, at)


def _name(record: bytes, start: int, end: int) -> tuple[str, tuple[int, int]]:
    (length,) = _U16.unpack_from(record, start + 3)
    place = start + 5, start + 5 + length
    if place[1] > end:
        raise IndexError
    return record[slice(*place)].decode("ascii"), place


def _body(record: bytes, bodies: dict[int, tuple[int, int]], number: int) -> bytes:
    return record[slice(*bodies[number])] if number in bodies else b""


def _list_of(record: bytes, bodies: dict[int, tuple[int, int]], number: int) -> tuple[int, ...]:
    return _numbers(record, bodies[number][0])[0] if number in bodies else ()


def _numbers(record: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """A list of 16-bit numbers behind its length in bytes, and where it ends."""
    (size,) = _U16.unpack_from(record, at)
    return struct.unpack_from(f">{size // 2}H", record, at + 2), at + 2 + size


def _versions(body: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f">{body[0] // 2}H", body, 1) if body else ()


def _protocols(body: bytes) -> Iterator[bytes]:
    while body:
        yield body[1 : 1 + body[0]]
        body = body[1 + body[0] :]


def _hexed(values: Sequence[int]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
