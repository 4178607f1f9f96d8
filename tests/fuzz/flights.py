"""What servers answer to a ClientHello, and what can become of it on the way: the same in every run."""

import contextlib
import random
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.fakes import certificates

_RECORD = struct.Struct(">BHH")


@dataclass(frozen=True)
class Kind:
    """One kind of server."""

    answer: Callable[[bytes], bytes]
    """From the client's first flight to the server's."""
    recorded: bytes
    """What it answered once."""


def servers(hello: bytes) -> list[Kind]:
    """Real ones, whose answer to `hello` is recorded, and what is no TLS."""
    website = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>no</html>"
    answers = [
        answering(_context()),
        answering(_context(maximum_version=ssl.TLSVersion.TLSv1_2)),
        answering(_context(curve="secp384r1")),  # for which another hello is needed
        answering(_refusing()),
        answering(certificates.for_another_name().context()),
        lambda _hello: website,
        lambda _hello: b"220 mail.test ESMTP ready\r\n",
    ]
    return [Kind(answer, answer(hello)) for answer in answers]


def _context(curve: str = "", **settings: object) -> ssl.SSLContext:
    context = certificates.with_chain().context()
    for name, value in settings.items():
        setattr(context, name, value)
    if curve:
        context.set_ecdh_curve(curve)
    return context


def _refusing() -> ssl.SSLContext:
    """Of TLS 1.2 with a suite that no client here offers."""
    context = _context(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-ECDSA-AES256-CCM")
    return context


def answering(context: ssl.SSLContext) -> Callable[[bytes], bytes]:
    """The first flight of a server with this context."""

    def answer(hello: bytes) -> bytes:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(hello)
        with contextlib.suppress(ssl.SSLError):
            context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
        return outgoing.read()

    return answer


# ---- what becomes of a flight

Mutation = Callable[[random.Random, bytes], bytes]


def mutated(chance: random.Random, flight: bytes, other: bytes) -> bytes:
    """`flight` with one or a few changes; `other` is another server's, a piece of which may come into it."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        change = chance.choice(_MUTATIONS)
        flight = change(chance, flight) if flight else other[: chance.randrange(64)]
    if chance.random() < 0.15:
        flight = _spliced(chance, flight, other)
    return flight


def _bits(chance: random.Random, flight: bytes) -> bytes:
    changed = bytearray(flight)
    for _ in range(chance.choice((1, 1, 2, 8))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _byte_near_the_start(chance: random.Random, flight: bytes) -> bytes:
    """Where the headers and the ServerHello are."""
    changed = bytearray(flight)
    changed[chance.randrange(min(len(changed), 100))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed)


def _truncation(chance: random.Random, flight: bytes) -> bytes:
    return flight[: chance.randrange(len(flight))]


def _duplication(chance: random.Random, flight: bytes) -> bytes:
    records = list(split(flight))
    at = chance.randrange(len(records))
    records[at:at] = [records[at]] * chance.choice((1, 1, 2, 40))
    return b"".join(records)


def _without_a_record(chance: random.Random, flight: bytes) -> bytes:
    records = list(split(flight))
    del records[chance.randrange(len(records))]
    return b"".join(records)


def _other_order(chance: random.Random, flight: bytes) -> bytes:
    records = list(split(flight))
    chance.shuffle(records)
    return b"".join(records)


def _length(chance: random.Random, flight: bytes) -> bytes:
    """Another length of a record, of a handshake message, or of something within."""
    changed, at = bytearray(flight), 0
    if chance.random() < 0.6:
        starts, place = [], 0
        for record in split(flight):
            starts.append(place)
            place += len(record)
        at = chance.choice(starts) + chance.choice((3, 6))
    else:
        at = chance.randrange(len(changed))
    length = chance.choice((0, 1, 0x3FFF, 0x4000, 0x4001, 0x7FFF, 0xFFFF, chance.randrange(0x10000)))
    changed[at : at + 2] = length.to_bytes(2, "big")
    return bytes(changed)


def _insertion(chance: random.Random, flight: bytes) -> bytes:
    at = chance.randrange(len(flight))
    return flight[:at] + chance.randbytes(chance.choice((1, 2, 5, 100))) + flight[at:]


def _removal(chance: random.Random, flight: bytes) -> bytes:
    at = chance.randrange(len(flight))
    return flight[:at] + flight[at + chance.choice((1, 2, 5, 100)) :]


def _record_of_any_kind(chance: random.Random, flight: bytes) -> bytes:
    body = chance.choice((b"", b"\x01", b"\x01\x00", b"\x02\x28", b"\x00" * 4, chance.randbytes(20)))
    made = record(chance.choice((20, 21, 22, 23, 24, 99)), body, chance.choice((0x0301, 0x0303, 0x0304)))
    return made * chance.choice((1, 1, 50)) + flight


def _spliced(chance: random.Random, flight: bytes, other: bytes) -> bytes:
    return flight[: chance.randrange(len(flight) + 1)] + other[chance.randrange(len(other) + 1) :]


_MUTATIONS: tuple[Mutation, ...] = (
    _bits,
    _byte_near_the_start,
    _truncation,
    _duplication,
    _without_a_record,
    _other_order,
    _length,
    _insertion,
    _removal,
    _record_of_any_kind,
)


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return _RECORD.pack(kind, version, len(body)) + body


def split(flight: bytes) -> Iterator[bytes]:
    """Its records; what is none comes in one piece."""
    at = 0
    while at < len(flight):
        length = _RECORD.unpack_from(flight, at)[2] if at + _RECORD.size <= len(flight) else len(flight)
        yield flight[at : at + _RECORD.size + length]
        at += _RECORD.size + length
