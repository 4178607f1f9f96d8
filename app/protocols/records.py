"""Where TLS records begin and end (RFC 8446 §5.1), for feeding a library one at a time."""

import struct
from collections.abc import Iterator
from typing import Final

_HEAD: Final = struct.Struct(">HxH")  # type and major version, minor version, length
_STARTS: Final = frozenset(kind << 8 | 3 for kind in range(20, 25))  # change_cipher_spec … heartbeat
_MOST: Final = 16 * 1024 + 320  # beyond it OpenSSL refuses a head at once, and a prober would notice who waits


class Records:
    """One direction of a connection. It keeps what has begun and is not whole yet."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._foreign = False

    def cut(self, data: memoryview) -> Iterator[bytes | memoryview]:
        """The records that are whole with `data`: slices of it, but for one that had begun before.

        Exhaust it, or never use it again. What begins no record is not waited for, nor anything behind it: it comes
        as it is, for the library to judge.
        """
        at, end = 0, len(data)
        if self._begun:
            while at < end and (missing := self._missing()):
                self._begun += data[at : at + missing]
                at = min(at + missing, end)
            if self._missing():
                return
            begun, self._begun = bytes(self._begun), bytearray()
            yield begun
        unpack, head = _HEAD.unpack_from, _HEAD.size
        while not self._foreign and at + head <= end:
            start, size = unpack(data, at)
            if start not in _STARTS or size > _MOST:
                self._foreign = True
                break
            after = at + head + size
            if after > end:
                break
            yield data[at:after]
            at = after
        if not self._foreign:
            self._begun += data[at:]
        elif at < end:
            yield data[at:]

    def _missing(self) -> int:
        """What the record that has begun lacks; 0 where it is none."""
        have = len(self._begun)
        if have < _HEAD.size:
            return _HEAD.size - have
        start, size = _HEAD.unpack_from(self._begun)
        if start not in _STARTS or size > _MOST:
            self._foreign = True
            return 0
        return int(_HEAD.size + size - have)
