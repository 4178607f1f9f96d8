"""Runs one AnyTLS machine on one TLS link: what client sessions and server sessions have in common."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Callable
from typing import Final

from app.errors import Failure, ServerAlert, SessionLost
from app.protocols import anytls
from app.protocols.anytls import Buffer, ProtocolError
from app.protocols.events import Alerted, Closed, Ended, Event
from app.protocols.frames import HEADER_SIZE
from app.protocols.text import printable
from app.texts import translate
from app.transport.link import TlsLink
from app.transport.stream import Consumer, Stream
from app.wording import reason_of

_BORING_REASON: Final = re.compile(r"OPENSSL_internal:([A-Z0-9_]+)")


class Session:
    """Streams over one link. Subclasses know what a client and what a server does with the machine's events."""

    def __init__(self, link: TlsLink, machine: anytls.Session) -> None:
        loop = asyncio.get_running_loop()
        self.link = link
        self.machine = machine
        self.streams: dict[int, Stream] = {}
        self.time: Callable[[], float] = loop.time
        self.created_at = loop.time()
        self.bytes_sent = 0
        self.bytes_received = 0
        self.held = False
        self.over = False
        self.corked = False
        """What the machine wants sent waits for more."""
        self.closed_here = False
        self.gone = asyncio.Event()
        link.gathers = True
        self.failure: Failure | None = None
        self._handlers: dict[type[Event], Callable[..., None]] = {
            Ended: self._on_ended,
            Closed: self._on_closed,
            Alerted: self._on_alerted,
        }

    # ---- what streams ask for

    def push(self, stream: Stream, room: memoryview) -> None:
        """Send `stream`'s payload; see `Stream.push`."""
        if stream.closed:
            return
        count = len(room) - HEADER_SIZE
        stream.answered = False
        stream.bytes_sent += count
        self.bytes_sent += count
        self.machine.push(stream.id, room)
        self.write_out()

    def end(self, stream: Stream) -> None:
        """Send no more on `stream`; see `Stream.end`. A peer that knows no half-close is told that all is over."""
        if stream.closed:
            return
        if not self.machine.half_close:
            self.close_stream(stream)
        elif self.machine.end(stream.id):
            self._forget(stream)
            self.write_out()
            self.stream_closed(stream)
        else:
            self.write_out()

    def close_stream(self, stream: Stream) -> None:
        """Close `stream` for good; see `Stream.close`."""
        if self._forget(stream):
            self.machine.fin(stream.id)
            self.write_out()
            self.stream_closed(stream)

    def pause_reading(self) -> None:
        self.link.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless another stream still wants a pause."""
        if not any(stream.paused for stream in self.streams.values()):
            self.link.resume_reading()

    # ---- for subclasses

    def add_stream(self, stream_id: int, consumer: Consumer) -> Stream:
        """Keep a stream that the machine has opened."""
        stream = self.streams[stream_id] = Stream(self, stream_id, consumer, self.time())
        if self.held:
            consumer.hold()
        return stream

    def write_out(self) -> None:
        """Hand to TLS what the machine wants sent."""
        outbox = self.machine.outbox
        if outbox and not self.corked:
            self.link.write(outbox)
            outbox.clear()

    def finish_stream(self, stream: Stream, error: Failure | None) -> None:
        """Tell the stream's user that it is over."""
        if self._forget(stream):
            stream.consumer.flush()
            stream.consumer.closed(error)
            self.stream_closed(stream)

    def stream_closed(self, stream: Stream) -> None:
        """Called after a stream of this session is gone."""

    def ended(self) -> None:
        """Called once, when the session is over; `failure` says why, if anything went wrong."""

    def fail(self, failure: Failure) -> None:
        """End the session because of `failure`."""
        self.failure = self.failure or failure
        self.write_out()
        self.link.close()

    def close(self) -> None:
        """End the session in an orderly way; streams that are still open end with it."""
        self.closed_here = True
        self.failure = self.failure or SessionLost(translate("connection", "it was closed on this side"))
        self.link.close()

    # ---- what the link reports

    def received(self, data: Buffer) -> None:
        try:
            for event in self.machine.receive(data):
                self._handlers[type(event)](event)
        except ProtocolError as error:
            self.fail(self.protocol_failure(error))

    def loss(self, error: Exception | None) -> Failure:
        """The failure that the connection's end is."""
        return SessionLost(plain_reason(error))

    def protocol_failure(self, error: ProtocolError) -> Failure:
        """The failure that a breach of the protocol by the peer is."""
        text = translate("connection", "the other side broke the protocol: {reason}")
        return SessionLost(text.format(reason=reason_of(error)))

    def batch_received(self) -> None:
        fed = self.machine.fed
        while fed:
            stream = self.streams.get(fed.pop())
            if stream is not None:
                stream.consumer.flush()
        if not self.held:
            self.machine.answer_heartbeat()
        self.write_out()

    def hold(self) -> None:
        self.held = True
        for stream in tuple(self.streams.values()):
            stream.consumer.hold()

    def release(self) -> None:
        self.held = False
        self.machine.answer_heartbeat()
        self.write_out()
        for stream in tuple(self.streams.values()):
            stream.consumer.release()

    def lost(self, error: Exception | None) -> None:
        if self.over:
            return
        self.over = True
        reason = self.failure = self.failure or self.loss(error)
        for stream in tuple(self.streams.values()):
            self.finish_stream(stream, reason)
        self.ended()
        self.gone.set()

    # ---- inside

    def _forget(self, stream: Stream) -> bool:
        if stream.closed:
            return False
        stream.closed = True
        self.streams.pop(stream.id, None)
        stream.resume()
        return True

    def _on_ended(self, event: Ended) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.consumer.flush()
            stream.consumer.ended()

    def _on_closed(self, event: Closed) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            self.finish_stream(stream, None)

    def _on_alerted(self, event: Alerted) -> None:
        self.fail(ServerAlert(event.message))


def plain_reason(error: Exception | None) -> str:
    """A connection's end in plain words, without the numbers and names that Python and OpenSSL put there."""
    if error is None or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return _closed()
    if isinstance(error, ssl.SSLError):
        return printable(_tls_reason(error).lower().replace("_", " ")) or translate("connection", "TLS failed")
    if isinstance(error, TimeoutError):
        return translate("connection", "it timed out")
    if isinstance(error, OSError) and error.errno is not None:
        known = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno)
        return printable((known or "").lower())
    return printable(str(error)) or _closed()


def _tls_reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason, or BoringSSL's, which stands in the text alone."""
    boring = _BORING_REASON.search(str(error))
    return boring[1] if boring else str(getattr(error, "reason", None) or "")


def _closed() -> str:
    return translate("connection", "the other side closed it")


def listen_reason(error: Exception) -> str:
    """Why a port cannot be opened, in plain words."""
    if isinstance(error, OverflowError):
        return translate("connection", "there is no such port")
    if isinstance(error, UnicodeError):
        return translate("connection", "that is no host name")
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return translate("connection", "something else listens there already")
    return plain_reason(error)
