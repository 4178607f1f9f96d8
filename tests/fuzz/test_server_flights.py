"""Ten thousand server flights that went wrong on the way, to both libraries: none does more harm than to fail.

Each goes through the link and the words that the engine uses, with the transport alone made up.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.engine import handshake
from app.engine.options import Server, TlsOptions, Verification
from app.engine.tls_context import make_context
from app.engine.tls_failures import rejected_certificate, rejection, tls_failure
from app.errors import DialFailed
from app.protocols.opening import MAX_OPENING
from app.transport.link import TlsLink
from tests.fakes import certificates
from tests.fakes.libraries import both_libraries
from tests.fuzz.flights import Kind, answering, mutated, record, servers, split

FLIGHTS = 10_000

# All flights together may make the process grow by no more. Garbage is not collected meanwhile, so what a handshake
# leaves in a cycle counts too.
MOST_GROWTH = 64 * 1024 * 1024

# So many flights are made for the hello that they answer, which lets a client read further; the others are recorded,
# for another hello, which is a fault of its own.
FRESH = 0.25

# What a client says to a server, hello and alert.
MOST_SENT = 16 * 1024

WAITS, MADE = "waits for more", "made"


class Wire(asyncio.Transport):
    """A connection to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def taken(link: TlsLink, wire: Wire, data: bytes, piece: int) -> None:
    """Let `link` read `data` in pieces, until it has had enough."""
    piece = min(piece, len(link.get_buffer(-1)))
    for at in range(0, len(data), piece):
        if wire.closed:
            return
        part = data[at : at + piece]
        link.get_buffer(len(part))[: len(part)] = part
        link.buffer_updated(len(part))


async def handshake_with(server: Server, context: Any, kind: Kind, other: bytes, chance: random.Random) -> str:
    """What became of one handshake."""
    link, wire = handshake.make_link(server, context), Wire()
    link.connection_made(wire)
    fresh = chance.random() < FRESH
    flight = mutated(chance, kind.answer(bytes(wire.sent)) if fresh else kind.recorded, other)
    waiting = asyncio.ensure_future(link.handshake())
    await asyncio.sleep(0)
    taken(link, wire, flight, chance.choice((1, 60, 70_000, 70_000, 70_000)) if len(flight) < 20_000 else 70_000)
    waits = not (wire.closed or link.established)
    assert len(wire.sent) < MOST_SENT
    assert len(link.opening) <= MAX_OPENING
    link.connection_lost(None)
    try:
        await waiting
    except (OSError, ValueError) as error:  # what the engine expects
        error.__traceback__ = None  # it leads back here, to what holds the error
        failure = failure_of(server, error, link)
        assert str(failure).isprintable()
        return WAITS if waits else type(failure).__name__
    assert link.tls.getpeercert(True) == certificates.with_chain().certificate.public_bytes(Encoding.DER)
    return MADE


def hello_for(server: Server) -> bytes:
    """What this client says first."""
    wire = Wire()
    handshake.make_link(server, make_context(server.tls)).connection_made(wire)
    return bytes(wire.sent)


def failure_of(server: Server, error: Exception, link: TlsLink) -> DialFailed:
    """As `tls.dial` finds it, without asking the server once more."""
    if rejected_certificate(error):
        return rejection(server, error, certificates.for_another_name().certificate.public_bytes(Encoding.DER))  # type: ignore[arg-type]  # just seen
    return tls_failure(server, error, link.opening)


def server_with(fingerprint: str, ca_file: str) -> Server:
    options = TlsOptions("server.test", fingerprint=fingerprint, verification=Verification.CA_FILE, ca_file=ca_file)
    return Server("server.test", 443, "", options)


@both_libraries
async def test_every_flight_ends_in_words(fingerprint: str, ca_file: str) -> None:
    server = server_with(fingerprint, ca_file)
    context, kinds = make_context(server.tls), servers(hello_for(server))
    outcomes: Counter[str] = Counter()
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(FLIGHTS // 2):
        chance = random.Random(number)
        outcome = await handshake_with(server, context, chance.choice(kinds), chance.choice(kinds).recorded, chance)
        outcomes[outcome] += 1
    growth = process.memory_info().rss - before
    assert growth < MOST_GROWTH
    assert outcomes.total() == FLIGHTS // 2
    assert {WAITS, MADE, "TlsFailed", "NotTls", "HandshakeRefused"} <= set(outcomes), "else this tries too little"


def endless(hello: bytes, kind: str) -> Iterator[bytes]:
    """What never ends: a message of sixteen megabytes, or records without anything in them."""
    first, *_ = split(answering(certificates.with_chain().context())(hello))
    old = certificates.with_chain().context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    oldest, *_ = split(answering(old)(hello))
    hello_of_1_2 = oldest[: 5 + 4 + int.from_bytes(oldest[6:9])]
    hello_of_1_2 = hello_of_1_2[:3] + (len(hello_of_1_2) - 5).to_bytes(2) + hello_of_1_2[5:]
    body = bytes(16_000)
    yield {"certificate": hello_of_1_2, "ticks": first, "empty": b"", "warnings": b"", "hello": b""}[kind]
    if kind in ("certificate", "hello"):
        number = 11 if kind == "certificate" else 2
        yield record(22, bytes((number,)) + b"\xff\xff\xff" + body)
    piece = {
        "certificate": record(22, body),
        "hello": record(22, body),
        "ticks": record(20, b"\x01"),
        "empty": record(22, b""),
        "warnings": record(21, b"\x01\x5a"),
    }[kind]
    while True:
        yield piece * (16_000 // len(piece))


@pytest.mark.parametrize("kind", ["certificate", "hello", "ticks", "empty", "warnings"])
@both_libraries
async def test_what_never_ends_is_ended(fingerprint: str, kind: str, ca_file: str) -> None:
    server = server_with(fingerprint, ca_file)
    link, wire = handshake.make_link(server, make_context(server.tls)), Wire()
    link.connection_made(wire)
    waiting = asyncio.ensure_future(link.handshake())
    await asyncio.sleep(0)
    for count, data in enumerate(endless(bytes(wire.sent), kind)):
        taken(link, wire, data, 70_000)
        if wire.closed:
            break
        assert count < 40, "it would take half a megabyte and more"
    link.connection_lost(None)
    with pytest.raises((OSError, ValueError)) as caught:
        await waiting
    assert str(failure_of(server, caught.value, link)).isprintable()
