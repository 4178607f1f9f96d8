"""A padding scheme: parsed within a budget, and how it cuts the first writes of a session (PROTOCOL.md §1.5, §6.1).

A scheme is text such as `stop=8\\n0=30-30\\n2=400-500,c,500-1000`. A *packet* is one logical write of a session: 0 is
the authentication, 1 the first frames, and so on; from `stop` on nothing is padded. A size range excludes its upper
end, as the reference draws it; `c` ends the packet there if no payload is left.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.protocols.frames import HEADER_SIZE, MAX_PAYLOAD, WASTE, pack
from app.protocols.text import Flaw

RandBelow = Callable[[int], int]
Range = tuple[int, int]

CHECK: Final = (0, 0)

# The bounds of the most careful client in the field (PROTOCOL.md §1.6, "cuber"): no scheme in use comes near them.
MAX_SCHEME: Final = 8192
MAX_STOP: Final = 256
MAX_ITEMS: Final = 16
MAX_PACKET: Final = 128 * 1024
MAX_TOTAL: Final = 1024 * 1024

# Servers read the authentication with one read: all of it has to fit one TLS record (PROTOCOL.md §1.1).
MAX_AUTH_PADDING: Final = 16_384 - 34

_NUMBER = re.compile(r"[0-9]{1,20}")
_PACKET = re.compile(r"0|[1-9][0-9]{0,2}")
_RANGE = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")


class BadScheme(Flaw):
    """The scheme is malformed or asks for more than the budget; the text says what."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A parsed scheme. `md5` is over the raw bytes, as both sides compare it."""

    raw: bytes
    md5: str
    stop: int
    packets: Mapping[int, tuple[Range, ...]]

    @classmethod
    def parse(cls, raw: bytes) -> "Scheme":
        """Read a scheme; raises `BadScheme`. Like the reference it passes over single malformed sizes."""
        if len(raw) > MAX_SCHEME:
            raise BadScheme("it is longer than {limit} bytes", limit=MAX_SCHEME)
        try:
            lines = [line for line in raw.decode().split("\n") if "=" in line]
        except UnicodeDecodeError:
            raise BadScheme("it is not UTF-8 text") from None
        values = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
        stop = _stop(values.get("stop", ""))
        packets = {int(key): _ranges(value) for key, value in values.items() if _is_packet(key, stop)}
        if sum(map(_most, packets.values())) > MAX_TOTAL:
            raise BadScheme("it pads a session by more than {limit} bytes", limit=MAX_TOTAL)
        return cls(raw, hashlib.md5(raw, usedforsecurity=False).hexdigest(), stop, packets)

    def sizes(self, packet: int, randbelow: RandBelow) -> Sequence[int]:
        """The sizes to cut packet number `packet` into; 0 stands for a check mark."""
        return [low + randbelow(high - low) if high > low else low for low, high in self.packets.get(packet, ())]

    def auth_padding(self, randbelow: RandBelow) -> int:
        """How many zeros follow the password's hash; a check mark there counts as none."""
        return min(next(iter(self.sizes(0, randbelow)), 0), MAX_AUTH_PADDING)


def _stop(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise BadScheme("it has no valid “stop”")
    # A packet that no line names is not padded, and no line past the cap is kept: a larger number says the same.
    return min(int(text), MAX_STOP)


def _is_packet(key: str, stop: int) -> bool:
    return _PACKET.fullmatch(key) is not None and int(key) < max(stop, 1)


def _ranges(value: str) -> tuple[Range, ...]:
    items = value.split(",")
    if len(items) > MAX_ITEMS:
        raise BadScheme("a packet has more than {limit} sizes", limit=MAX_ITEMS)
    ranges = tuple(parsed for item in items if (parsed := _range(item.strip())) is not None)
    if _most(ranges) > MAX_PACKET:
        raise BadScheme("a packet is padded by more than {limit} bytes", limit=MAX_PACKET)
    return ranges


def _range(item: str) -> Range | None:
    if item == "c":
        return CHECK
    match = _RANGE.fullmatch(item)
    if match is None:
        return None
    low, high = sorted((int(match[1]), int(match[2])))
    if low == 0:
        return None
    if high > MAX_PAYLOAD:
        raise BadScheme("a size is larger than {limit}", limit=MAX_PAYLOAD)
    return low, high


def _most(ranges: tuple[Range, ...]) -> int:
    return sum(high for _, high in ranges)


@dataclass(slots=True)
class Padding:
    """The scheme in force for one server. All sessions with it share this, so a pushed scheme reaches them at once."""

    scheme: Scheme


def cut(sizes: Sequence[int], payload: bytes) -> Iterator[bytes]:
    """The writes that carry `payload` in these sizes, filled up with waste frames: each is one TLS write.

    A size that meets no payload becomes a waste frame with that much *data*, seven bytes longer than the size: so the
    reference does it, and its traffic is the shape to keep.
    """
    at = 0
    for size in sizes:
        left = len(payload) - at
        if size == 0:
            if left == 0:
                return
        elif left > size:
            yield payload[at : at + size]
            at += size
        elif left > 0:
            filler = size - left - HEADER_SIZE
            yield payload[at:] + (pack(WASTE, 0, bytes(filler)) if filler > 0 else b"")
            at = len(payload)
        else:
            yield pack(WASTE, 0, bytes(size))
    if at < len(payload):
        yield payload[at:]


DEFAULT: Final = Scheme.parse(
    b"stop=8\n0=30-30\n1=100-400\n2=400-500,c,500-1000,c,500-1000,c,500-1000,c,500-1000\n"
    b"3=9-9,500-1000\n4=500-1000\n5=500-1000\n6=500-1000\n7=500-1000"
)
