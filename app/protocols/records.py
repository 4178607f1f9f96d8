"""Where TLS records begin and end (RFC 8446 §5.1), for feeding a library one at a time."""

import struct
from collections.abc import Iterator
from typing import Final

_HEAD: Final = struct.Struct(">xBxH")  # type, version, length
_MAJOR: Final = 3  # of every version's number; SSL 2 is spoken nowhere
_MOST: Final = 16 * 1024 + 2048  # TLS 1.2's limit, the larger one


class Records:
    """One direction of a connection. It keeps what has begun and is not whole yet."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def cut(self, data: memoryview) -> Iterator[bytes | memoryview]:
        """The records that are whole with `data`: slices of it, but for one that had begun before.

        Exhaust it. Something that is no record comes as soon as its first five bytes show that, and in such pieces.
        """
        at, end = 0, len(data)
        if self._begun:
            while at < end and (missing := _size(self._begun) - len(self._begun)):
                self._begun += data[at : at + missing]
                at = min(at + missing, end)
            if _size(self._begun) > len(self._begun):
                return
            begun, self._begun = bytes(self._begun), bytearray()
            yield begun
        while at + _HEAD.size <= end:
            major, size = _HEAD.unpack_from(data, at)
            after = at + _HEAD.size
            if major == _MAJOR and size <= _MOST:
                after += size
            if after > end:
                break
            yield data[at:after]
            at = after
        self._begun += data[at:]


def _size(begun: bytearray) -> int:
    """Of the record that begins so, or of its head where no more can be told."""
    if len(begun) < _HEAD.size:
        return _HEAD.size
    major, size = _HEAD.unpack_from(begun)
    return _HEAD.size + size if major == _MAJOR and size <= _MOST else _HEAD.size
