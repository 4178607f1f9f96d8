"""A stream's target: connected, and joined to the stream."""

import asyncio
import logging
from typing import Any, Final, cast

from app.errors import Failure
from app.protocols.address import Address
from app.protocols.streams import Sink
from app.server.session import Host, ServerSession
from app.transport import tcp
from app.transport.relay import Relay
from app.transport.session import plain_reason
from app.transport.stream import Stream

_log = logging.getLogger("anytls.server")

# What may wait for a target that is still being connected: one receive buffer's worth.
_EARLY: Final = 64 * 1024

# What a target may go on sending after its client has closed the stream: more than is under way on a fast line. It is
# read so that the target takes what the client sent last, and dropped.
_UNWANTED: Final = 1024 * 1024


class TcpTarget(Relay):
    """A relay whose stream is there first. What comes before the socket is kept, and delivered even after a FIN."""

    def __init__(self, session: ServerSession, stream: Stream, host: Host) -> None:
        super().__init__()
        self._session = session
        self._stream: Stream = stream
        self._host = host
        self._waiting = bytearray()  # a copy: slices would hold on to the records that they were cut from
        self._closed_early = False
        self._connected = False
        self._unwanted = 0

    def start(self, target: Address, first: bytes) -> None:
        """Take over the stream with what has come for it, and connect."""
        self._session.targets.add(self)
        self._waiting += first
        self._stream.consumer = self
        self._attach()
        task = self._host.tasks.start(self._connect(target), f"target of stream {self._stream.id}")
        task.add_done_callback(self._tried)

    def abort(self) -> None:
        """Close it at once."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    # ---- the socket's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not at once: a socket that is closed while uvloop calls this is closed a second time later on, when its number
        # may be another's already.
        asyncio.get_running_loop().call_soon(self._begin, cast(asyncio.Transport, transport))

    def buffer_updated(self, count: int) -> None:
        if not self._over:
            super().buffer_updated(count)
            return
        self._unwanted += count
        if self._unwanted > _UNWANTED:
            self.abort()

    def pause_writing(self) -> None:
        self._session.block(self)

    def resume_writing(self) -> None:
        self._session.unblock(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._session.target_gone(self)

    # ---- the stream's side

    @property
    def sink(self) -> Sink:
        return self._waiting.extend if self._transport is None else super().sink

    def flush(self) -> None:
        if self._transport is not None:
            super().flush()
        elif len(self._waiting) > _EARLY:
            self._session.block(self)

    def closed(self, error: Failure | None) -> None:
        if error is None and self._transport is None and self._waiting:
            self._closed_early = True
            return
        self._waiting.clear()
        super().closed(error)

    # ---- inside

    def _begin(self, transport: asyncio.Transport) -> None:
        if self._over or transport.is_closing():
            transport.abort()
            return
        if self._waiting:
            self._pieces.append(memoryview(self._waiting))
            self._waiting = bytearray()
        self._session.unblock(self)
        super().connection_made(transport)
        self._attach()
        self._session.accept(self._stream)
        if self._closed_early:
            self.closed(None)

    def _attach(self) -> None:
        if not self._stream.closed:
            self._session.machine.attach(self._stream.id, self.sink)

    async def _connect(self, target: Address) -> None:
        limits = self._host.limits
        try:
            async with asyncio.timeout(limits.connect):
                sock = await tcp.connect(await tcp.resolve(*target), limits.happy_eyeballs)
            if self._over:
                sock.close()
            else:
                await asyncio.get_running_loop().create_connection(lambda: self, sock=sock)
                self._connected = True
        except (OSError, UnicodeError) as error:
            reason = "connection timed out" if isinstance(error, TimeoutError) else plain_reason(error)
            _log.debug("stream %d: the target is not reached: %s", self._stream.id, reason)
            self._session.accept(self._stream, f"connect {target}: {reason}")

    def _tried(self, _task: asyncio.Task[Any]) -> None:
        if not self._connected:  # uvloop does not tell of the end of a connection that was given up
            self._over = True
            self._waiting.clear()
            self._session.target_gone(self)
