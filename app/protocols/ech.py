"""Encrypted ClientHello: the configuration that a server publishes, as text and as bytes (RFC 9849 §4, RFC 9934).

    ECHConfigList   u16 length · one or more configurations
    ECHConfig       u16 version · u16 length · contents
    contents 0xfe0d u8 id · u16 KEM · u16 public key · u16 cipher suites, 4 bytes each · u8 longest name ·
                    u8 public name · u16 extensions          (u8 and u16 before a name: its length)

Configurations of other versions are skipped, as the RFC wants it; what is none is refused, because a name that was to
be hidden must not travel in the open.
"""

import base64
import binascii
import re
from typing import Final

from app.protocols.text import Flaw, printable

VERSION: Final = 0xFE0D
MAX_SIZE: Final = 65_537  # bytes: a list of the longest length, and the length

# RFC 9934's label, and the one that sing-box writes. A private key may stand before it; nobody here wants that one.
_PEM = re.compile(r"-----BEGIN (ECHCONFIG|ECH CONFIGS)-----(.*?)-----END \1-----", re.DOTALL)


class BadEch(Flaw):
    """What it is given is no configuration."""


def read_config(text: str) -> bytes:
    """The ECHConfigList that base64, standard or URL-safe, or a PEM block stands for. Raises `BadEch`."""
    block = _PEM.search(text)
    written = "".join((block[2] if block else text).split())
    standard = written.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadEch("the ECH configuration is neither base64 nor PEM") from None
    return config_list(data)


def config_list(data: bytes) -> bytes:
    """`data`, where it is an ECHConfigList with a configuration that can be used. Raises `BadEch`."""
    if not public_names(data):
        raise BadEch("the ECH configuration is of a kind that is not known here")
    return data


def public_names(data: bytes) -> tuple[str, ...]:
    """The names that travel in the open instead, one of each usable configuration. Raises `BadEch`."""
    reader = _Reader(data)
    configs = _Reader(reader.block(2))
    reader.end()
    names: list[str] = []
    while configs.more:
        version = configs.number(2)
        contents = configs.block(2)
        if version == VERSION:
            names.append(_public_name(contents))
    return tuple(names)


def _public_name(contents: bytes) -> str:
    reader = _Reader(contents)
    reader.number(1)  # the configuration's id
    reader.number(2)  # the KEM
    key, suites = reader.block(2), reader.block(2)
    reader.number(1)  # the longest name
    name = reader.block(1)
    reader.block(2)  # extensions
    reader.end()
    if not key or not suites or len(suites) % 4 or not name:
        raise _broken()
    return printable(name)


class _Reader:
    """Takes numbers and blocks off the front of `data`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        return self._at < len(self._data)

    def number(self, size: int) -> int:
        return int.from_bytes(self._take(size))

    def block(self, size: int) -> bytes:
        """As many bytes as the number of `size` bytes before them says."""
        return self._take(self.number(size))

    def end(self) -> None:
        if self.more:
            raise _broken()

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise _broken()
        self._at += size
        return taken


def _broken() -> BadEch:
    return BadEch("the ECH configuration is cut short or damaged")
