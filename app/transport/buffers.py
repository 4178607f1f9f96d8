"""Receive buffers that connections of one thread share.

On POSIX an event loop reads into the buffer and reports it in one go, so that all connections of a thread can receive
into the same memory as long as they are done with it when `buffer_updated` returns. On Windows a read is pending
while its buffer is lent out: there every connection has one of its own.
"""

import sys
import threading
from typing import Final

# With the header in front, a full buffer is one frame of 64 KiB: four full TLS records and nothing left over. Several
# such frames in one read are no faster, and take more of the processor's cache.
ROOM_SIZE: Final = 64 * 1024

# What a kernel's socket buffer commonly holds; a larger read saves calls of the loop, not of OpenSSL, and from half a
# MiB on brings more than an app's socket takes at a time. Where it is a connection's own, its memory counts for more.
CIPHERTEXT_SIZE: Final = 256 * 1024
_OWN_CIPHERTEXT_SIZE: Final = 64 * 1024

# What a full ciphertext buffer holds, decrypted, with a record that began before it and room for one that ends it.
PLAINTEXT_SIZE: Final = CIPHERTEXT_SIZE + 32 * 1024


class _Shared(threading.local):
    def __init__(self) -> None:
        self.ciphertext = memoryview(bytearray(CIPHERTEXT_SIZE))
        self.plaintext = memoryview(bytearray(PLAINTEXT_SIZE))
        self.room = memoryview(bytearray(ROOM_SIZE))


_shared = _Shared()
_SHARING = sys.platform != "win32"


def ciphertext_buffer() -> memoryview:
    """Memory to receive TLS records into."""
    return _shared.ciphertext if _SHARING else memoryview(bytearray(_OWN_CIPHERTEXT_SIZE))


def plaintext_buffer() -> memoryview:
    """Memory to decrypt into. No read of a socket is ever pending on it, so it is shared everywhere."""
    return _shared.plaintext


def room_buffer() -> memoryview:
    """Memory to receive payload into, behind `HEADER_SIZE` bytes of room for a frame's header."""
    return _shared.room if _SHARING else memoryview(bytearray(ROOM_SIZE))
