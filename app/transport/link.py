"""A TLS connection, either role: a TLS library between a socket's transport and an owner, without a queue in between.

The pump is our own because asyncio's copies every chunk once more and keeps a quarter of a megabyte a connection.
What one read brings is decrypted into memory that all links of a thread share, and the owner gets a view of it.
"""

import asyncio
import contextlib
import errno
import os
import ssl
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, cast

from app.protocols import client_hello
from app.protocols.anytls import Buffer
from app.protocols.opening import MAX_OPENING
from app.protocols.records import Records
from app.transport.buffers import PLAINTEXT_SIZE, ciphertext_buffer, plaintext_buffer
from app.transport.sending import Sender

_RECORD: Final = 16 * 1024  # the largest plaintext of one TLS record

# Above this much unsent ciphertext the sources are held. Two receive buffers' worth keeps a fast path busy while the
# loop is elsewhere; more would only add delay for whatever comes after it.
_HIGH_WATER: Final = 128 * 1024

# More than this never waits for a peer that reads: payload stops at the mark above, one read of each source follows.
_MOST_UNREAD: Final = 1024 * 1024

# Between the pieces of a ClientHello, in seconds: enough that no kernel makes one segment of two.
_BETWEEN_FRAGMENTS: Final = 0.02

# How long a closing connection may take to hand over what it still has to send, in seconds.
_CLOSE_GRACE: Final = 5.0


_Read = Callable[..., Any]  # bytes, or how many where they were read into memory that was lent


class Owner(Protocol):
    """Who a link reports to."""

    def received(self, data: Buffer) -> None:
        """One TLS record's plaintext, or that of many where the link gathers. It is valid until `batch_received`."""

    def batch_received(self) -> None:
        """What was handed over has to be used or copied now. That is all of what one read brought, or nearly so."""

    def hold(self) -> None:
        """The peer reads too slowly: send no more until `release`."""

    def release(self) -> None:
        """Go on sending."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone; None where it was closed in an orderly way. Called once."""


def forget(error: ssl.SSLError) -> None:
    """Let go of where an error has come from.

    Those of `utls` hold on to their own frames, and so to the connection and to the data that was read last, until the
    next round of garbage collection; one of these comes with every read.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None


class TlsLink(asyncio.BufferedProtocol):
    """One TLS connection. A client awaits `handshake` and then `attach`es its owner; a server attaches at once."""

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_name: str | None = None,
        fragment: bool = False,
    ) -> None:
        memory = getattr(context, "memory_bio", ssl.MemoryBIO)  # another library's own saves a copy
        self._incoming, self._outgoing = memory(), memory()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_name)
        self.gathers = False
        """Whether the owner may get many records in one piece, for where one ends means nothing to it."""
        # Other TLS libraries copy into memory that is lent to them, and are faster when they need not be lent any.
        self._lends = isinstance(self.tls, ssl.SSLObject)
        self._buffer = ciphertext_buffer()
        self._plain = plaintext_buffer()
        self._records = Records()
        self._early: list[bytes] = []  # records that came behind the handshake and before the owner
        self._transport: asyncio.Transport | None = None
        self._sender: Sender | None = None
        self._owner: Owner | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._established = False
        self._gone = False
        self._closing = False
        self._grace: asyncio.TimerHandle | None = None
        self._fragment = fragment
        self._fragments: list[bytes] = []
        self.opening = b""
        """The first bytes that the peer sent, for whoever asks why the handshake failed."""

    async def handshake(self) -> None:
        """Wait for the end of the handshake. Raises `ssl.SSLError`, or `OSError` where the connection ended."""
        if self._gone:
            raise self._error or ConnectionResetError("closed")
        if not self._established:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def attach(self, owner: Owner) -> None:
        """Report to `owner` from now on."""
        self._owner = owner
        if self._gone:
            owner.lost(self._error)
        elif self._established:
            early, self._early = self._early, []
            self._hand_over(early)
            self.resume_reading()

    def write(self, buffers: Iterable[Buffer]) -> None:
        """Send each buffer as TLS records of its own. They are encrypted before this returns."""
        if self._closing or self._sender is None:
            return
        write = self.tls.write
        try:
            for buffer in buffers:
                write(buffer)
        except ssl.SSLError as error:
            forget(error)
            self._fail(error)
        else:
            self._sender.send(self._outgoing.read())

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Say goodbye, hand over what is still to be sent, and close."""
        if self._closing or self._transport is None:
            return
        if self._established:
            self._unwrap()
        self._closing = True
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._grace = asyncio.get_running_loop().call_later(_CLOSE_GRACE, self._transport.abort)

    def abort(self) -> None:
        """Close at once; what was not sent yet is lost."""
        self._closing = True
        if self._transport is not None and not self._gone:
            self._transport.abort()

    @property
    def transport(self) -> asyncio.Transport | None:
        """The socket's transport, once connected."""
        return self._transport

    @property
    def established(self) -> bool:
        """Whether the handshake is done."""
        return self._established

    # ---- asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._closing:  # it was aborted before there was anything to abort
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._sender = Sender(self._transport)
        self._shake_hands((b"",))

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        if self._error is not None:  # where a read was pending
            return
        data = self._buffer[:count]
        records = self._records.cut(data)
        if not self._established:
            if len(self.opening) < MAX_OPENING:
                self.opening += data[: MAX_OPENING - len(self.opening)]
            self._shake_hands(records)
        if self._owner is not None and self._established:
            self._hand_over(records)
        elif self._established:
            self._early += map(bytes, records)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._gone:
            return
        self._gone = self._closing = True
        self._error = self._error or exc
        if self._grace is not None:
            self._grace.cancel()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._error or ConnectionResetError("closed during the handshake"))
        if self._owner is not None:
            self._owner.lost(self._error)

    def pause_writing(self) -> None:
        if self._owner is not None:
            self._owner.hold()

    def resume_writing(self) -> None:
        if self._owner is not None:
            self._owner.release()

    # ---- inside

    def _shake_hands(self, records: Iterable[Buffer]) -> None:
        """Go on with the handshake; what comes behind its end is left in `records`."""
        try:
            for record in records:
                self._incoming.write(record)
                try:
                    self.tls.do_handshake()
                except ssl.SSLWantReadError as wait:
                    forget(wait)
                else:
                    self._established = True
                    break
        except (ssl.SSLError, ssl.CertificateError) as error:
            forget(error)
            self._fail(error)
            return
        self._flush()
        if not self._established:
            return
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._owner is None:
            self.pause_reading()

    def _hand_over(self, records: Iterable[Buffer]) -> None:
        """Decrypt, and give the owner what comes of it."""
        if self._owner is None:
            return
        try:
            self._decrypt(records)
        except ssl.SSLError as error:
            forget(error)
            self._fail(error)
        self._owner.batch_received()
        if self._outgoing.pending:  # the answer to a key update
            self._flush()
            self._see_that_it_is_read()

    def _decrypt(self, records: Iterable[Buffer]) -> None:
        """Hand over what is in `records`. An owner may put another one in its place meanwhile."""
        assert self._owner is not None
        write, read, lends = self._incoming.write, cast(_Read, self.tls.read), self._lends
        plain, limit = self._plain, PLAINTEXT_SIZE - _RECORD
        begin = end = 0
        due = limit if self.gathers else 0  # what is read beyond it is handed over
        count = 1
        try:
            for record in records:
                write(record)
                try:
                    if lends:
                        count = read(_RECORD, plain[end:])
                    else:
                        data = read(_RECORD)
                        count = len(data)
                        plain[end : end + count] = data
                except ssl.SSLWantReadError as wait:  # it was no data: a ticket, or new keys
                    forget(wait)
                    continue
                if not count:
                    break
                end += count
                if end > due:
                    piece, begin = plain[begin:end], end
                    self._owner.received(piece)
                    if end > limit:
                        self._owner.batch_received()
                        begin = end = 0
                    due = limit if self.gathers else end
        finally:
            if end > begin:
                self._owner.received(plain[begin:end])
        if not count:
            self.close()

    def _flush(self) -> None:
        if not self._outgoing.pending or self._sender is None:
            return
        if self._fragment:
            self._fragment = False
            self._fragments = client_hello.cut(self._outgoing.read())
            self._send_fragment()
        else:
            self._sender.send(self._outgoing.read())

    def _see_that_it_is_read(self) -> None:
        """A peer may ask for new keys without end and never read an answer; OpenSSL does not count them."""
        if self._transport is not None and self._transport.get_write_buffer_size() > _MOST_UNREAD:
            self._error = OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
            self.abort()

    def _send_fragment(self) -> None:
        """The server has nothing to answer before the last of them."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(self._fragments.pop(0))
        if self._fragments:
            asyncio.get_running_loop().call_later(_BETWEEN_FRAGMENTS, self._send_fragment)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._flush()  # the alert that tells the peer why
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def _unwrap(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # the peer's goodbye is not waited for
            self.tls.unwrap()
        self._flush()
