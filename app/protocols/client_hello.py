"""A TLS ClientHello as it stands on the wire: what it offers, what it is told apart by, where it names the server.

RFC 8446 §4.1.2 and RFC 5246 §7.4.1.2; GREASE is RFC 8701.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.protocols.text import Flaw

HANDSHAKE: Final = 22
CLIENT_HELLO: Final = 1

SERVER_NAME: Final = 0
SUPPORTED_GROUPS: Final = 10
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
PADDING: Final = 21
SESSION_TICKET: Final = 35
PRE_SHARED_KEY: Final = 41
EARLY_DATA: Final = 42
SUPPORTED_VERSIONS: Final = 43
COOKIE: Final = 44
KEY_SHARE: Final = 51
ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D

_RECORD: Final = struct.Struct(">BHH")
_U16: Final = struct.Struct(">H")
_GREASE: Final = frozenset(0x0A0A + 0x1010 * number for number in range(16))

# What one connection of a program has and another has not: it is left out where hellos are compared.
_OF_THE_CONNECTION: Final = frozenset((SERVER_NAME, PADDING, PRE_SHARED_KEY, EARLY_DATA, COOKIE))
# What every connection has with other contents, and the lists that may have GREASE in them.
_FRESH: Final = frozenset((SESSION_TICKET, KEY_SHARE, ENCRYPTED_CLIENT_HELLO))
_LISTS: Final = frozenset((SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, ALPN, SUPPORTED_VERSIONS))
_CHANGING: Final = _OF_THE_CONNECTION | _FRESH | _LISTS | _GREASE


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What one offers. Lists are in the order of the wire, GREASE included."""

    version: int
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    groups: tuple[int, ...]
    signatures: tuple[int, ...]
    alpn: tuple[bytes, ...]
    versions: tuple[int, ...]
    shares: tuple[int, ...]
    """The groups that it has a key for already."""
    contents: Mapping[int, bytes]
    """Of the other extensions, by their numbers: what every connection of a program has alike."""
    server_name: str | None
    name_at: tuple[int, int] | None
    """Where the server's name stands in the record that it was read from: from, to."""

    def differs_from(self, other: "ClientHello") -> str:
        """What an observer could tell them apart by, in the words of the TLS registry; empty where nothing."""
        pairs: dict[str, tuple[object, object]] = {
            "legacy_version": (self.version, other.version),
            "cipher_suites": (plain(self.ciphers), plain(other.ciphers)),
            "extensions": (self._own_extensions(), other._own_extensions()),
            "supported_groups": (plain(self.groups), plain(other.groups)),
            "signature_algorithms": (plain(self.signatures), plain(other.signatures)),
            "application_layer_protocol_negotiation": (self.alpn, other.alpn),
            "supported_versions": (plain(self.versions), plain(other.versions)),
            "key_share": (plain(self.shares), plain(other.shares)),
        }
        mine, theirs = self.contents, other.contents
        pairs |= {
            f"extension {number}": (mine[number], theirs[number]) for number in sorted(mine.keys() & theirs.keys())
        }
        return ", ".join(name for name, (one, another) in pairs.items() if one != another)

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
        signatures=_list_of(record, bodies, SIGNATURE_ALGORITHMS),
        alpn=tuple(_protocols(_body(record, bodies, ALPN)[2:])),
        versions=_versions(_body(record, bodies, SUPPORTED_VERSIONS)),
        shares=tuple(_shares(_body(record, bodies, KEY_SHARE)[2:])),
        contents={number: record[slice(*place)] for number, place in bodies.items() if number not in _CHANGING},
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


def _shares(body: bytes) -> Iterator[int]:
    while body:
        group, length = struct.unpack_from(">HH", body)
        yield group
        body = body[4 + length :]


def _protocols(body: bytes) -> Iterator[bytes]:
    while body:
        yield body[1 : 1 + body[0]]
        body = body[1 + body[0] :]
