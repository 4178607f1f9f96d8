"""Writes to a socket's transport: at once what the kernel takes, and the rest through the transport's own queue.

A transport keeps a reference to what it cannot send yet, and uvloop's to everything until the end of the turn. Written
here, the memory is free again when the call returns, so one buffer can serve all connections of a thread.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

# A socket's number is a file's only where the system says so.
_DIRECT: Final = sys.platform != "win32"

_NONE: Final = -1


class Sender:
    """The sending side of one connected socket."""

    __slots__ = ("_descriptor", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        sock = transport.get_extra_info("socket") if _DIRECT else None
        self._descriptor = _NONE if sock is None else sock.fileno()

    def send(self, data: bytes) -> None:
        """Send `data`; nothing on a connection that is being closed."""
        transport, sent = self._transport, 0
        if transport.is_closing():
            return
        if self._descriptor != _NONE and not transport.get_write_buffer_size():
            try:
                sent = os.write(self._descriptor, data)
            except OSError:  # nothing fits, or the connection is gone: the transport finds out what that means
                sent = 0
        if sent < len(data):
            transport.write(memoryview(data)[sent:] if sent else data)

    def send_pieces(self, pieces: Sequence[memoryview]) -> None:
        """The same with all of `pieces`, at most 1,024 (IOV_MAX). Their memory is free again afterwards."""
        transport, sent = self._transport, 0
        if transport.is_closing():
            return
        if self._descriptor != _NONE and not transport.get_write_buffer_size():
            try:
                sent = os.writev(self._descriptor, pieces)
            except OSError:  # as above
                sent = 0
        if sent < sum(map(len, pieces)):
            transport.write(b"".join(_behind(pieces, sent)))


def _behind(pieces: Sequence[memoryview], sent: int) -> list[memoryview]:
    """What is left of `pieces` behind the first `sent` bytes."""
    left = []
    for piece in pieces:
        if sent < len(piece):
            left.append(piece[sent:])
        sent = max(0, sent - len(piece))
    return left
