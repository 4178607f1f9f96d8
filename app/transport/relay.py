"""Joins one socket to one stream and copies both ways at the slower side's pace.

The client's relay stands between an app and a stream, the server's between a stream and its target. Either half may
come later: what arrives for a half that is not there yet waits, and its source is paused.
"""

import asyncio
import socket
import struct
import sys
from typing import Final, cast

from app.errors import Failure
from app.protocols.frames import HEADER_SIZE
from app.protocols.streams import Sink
from app.transport.buffers import room_buffer
from app.transport.sending import Sender
from app.transport.stream import Stream

# What may wait for a target that is still being connected: one receive buffer's worth.
_EARLY: Final = 64 * 1024

# How long, in seconds, a socket that has been told "no more comes" may go on sending before it is closed. Closing it
# at once would reset the connection, and the reset would overtake what the app has not read yet.
_LINGER: Final = 10.0

_HIGH_WATER: Final = 256 * 1024

# Pieces that are smaller on average are put together first: a peer may send a byte with each, and a call takes no more
# than 1,024 of them.
_SMALL: Final = 2 * 1024

_RESET: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Relay(asyncio.BufferedProtocol):
    """One socket and one stream. `joined` gives it the stream, `connection_made` or `adopt` the socket."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._sender: Sender | None = None
        self._stream: Stream | None = None
        self._pieces: list[memoryview] = []
        self._paused = False
        self._room = room_buffer()
        self._payload = self._room[HEADER_SIZE:]
        self._early = b""
        self._over = False
        self._source_ended = False
        self._stream_ended = False
        self._linger: asyncio.TimerHandle | None = None

    # ---- putting it together

    def adopt(self, transport: asyncio.Transport, early: bytes = b"") -> None:
        """Take over a connected socket that another protocol has served, with what it received too much.

        It reads on, and stops by itself when something comes and there is no stream yet.
        """
        self._early = early
        self._use(transport)
        transport.set_protocol(self)

    def joined(self, stream: Stream) -> None:
        """The stream is there: what has waited goes out."""
        self._stream = stream
        if self._early:
            stream.send(self._early)
            self._early = b""
        if self._source_ended:
            stream.end()
        if self._paused and not stream.session.held:
            self.release()

    @property
    def gone(self) -> bool:
        """Whether the socket is closed or closing."""
        return self._over

    def take(self, stream: Stream) -> None:
        """Become the consumer of a stream that another one has used."""
        stream.session.machine.attach(stream.id, self.sink)
        stream.consumer = self
        self.joined(stream)

    # ---- the socket's side, called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._over_to(cast(asyncio.Transport, transport))
        if self._over:  # the stream was closed while the target was being connected
            transport.close()
            return
        self.flush()
        if self._stream_ended:
            self.ended()
        if self._stream is not None:
            self._stream.resume()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._payload

    def buffer_updated(self, count: int) -> None:
        stream = self._stream
        if stream is not None:
            stream.push(self._room[: HEADER_SIZE + count])
        else:
            self._early += self._payload[:count]
        if stream is None or stream.session.held:
            self._hold_anew()

    def eof_received(self) -> bool:
        self._source_ended = True
        if self._over:
            return False
        if self._stream is None:
            return True
        self._stream.end()
        return not self._stream.closed

    def pause_writing(self) -> None:
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        if self._stream is not None:
            self._stream.resume()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._over = True
        if self._linger is not None:
            self._linger.cancel()
        stream, self._stream = self._stream, None  # each holds the other: as garbage they would wait for a collection
        if stream is not None:
            stream.close()

    # ---- the stream's side

    @property
    def sink(self) -> Sink:
        return self._pieces.append

    def flush(self) -> None:
        pieces, sender = self._pieces, self._sender
        if not pieces:
            return
        size = sum(map(len, pieces))
        if sender is None:
            pieces[:] = [memoryview(b"".join(pieces))]
            if self._stream is not None and size > _EARLY:
                self._stream.pause()
            return
        if self._stream is not None:
            self._stream.count_received(size)
        if not self._over:
            if size < _SMALL * len(pieces):
                sender.send(b"".join(pieces))
            else:
                sender.send_pieces(pieces)
        pieces.clear()

    def accepted(self) -> None:
        """Nothing waits for it here."""

    def ended(self) -> None:
        self._stream_ended = True
        if self._transport is not None and not self._over and self._transport.can_write_eof():
            self._transport.write_eof()

    def closed(self, error: Failure | None) -> None:
        if error is not None:
            self.reset()
            return
        over, self._over = self._over, True
        if self._transport is not None and not over:
            if self._source_ended:
                self._transport.close()
            else:
                self._linger = close_gracefully(self._transport)

    def hold(self) -> None:
        self._paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self) -> None:
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # ---- both

    def reset(self) -> None:
        """Close the socket so that its other end sees a failure and not an end."""
        self._over = True
        if self._transport is not None:
            reset(self._transport)

    def _use(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._sender = Sender(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)

    def _hold_anew(self) -> None:
        """uvloop, and asyncio of Python 3.11.2, start to read after `connection_made`, paused or not; asyncio then
        takes itself for paused, and would not do it again."""
        self.release()
        self.hold()

    def _over_to(self, transport: asyncio.Transport) -> None:
        self._use(transport)
        if self._stream is None or self._stream.session.held:
            self.hold()


def reset(transport: asyncio.Transport) -> None:
    """Close a socket so that its other end sees a failure and not an end."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def close_gracefully(transport: asyncio.Transport) -> asyncio.TimerHandle | None:
    """Send what is left and the end of it, then wait a while for the other side's own end.

    The protocol has to drop what it still receives and to return false from `eof_received`.
    """
    if not transport.can_write_eof():
        transport.close()
        return None
    transport.write_eof()
    transport.resume_reading()
    return asyncio.get_running_loop().call_later(_LINGER, transport.abort)
