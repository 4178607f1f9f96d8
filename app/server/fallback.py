"""Strangers are handed to an HTTP server, as if the port had always been its own."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from app.protocols.address import Address
from app.protocols.anytls import Buffer
from app.server.options import Limits
from app.server.session import reads_nothing
from app.tasks import Tasks
from app.transport.link import TlsLink
from app.transport.session import plain_reason

_log = logging.getLogger("anytls.server")


class Fallback(asyncio.Protocol):
    """Joins a stranger's TLS link to a plain connection; owner of the one and protocol of the other."""

    def __init__(self, link: TlsLink, first: bytes, over: Callable[["Fallback"], None]) -> None:
        """`first` is what the stranger has sent; `over` is called when both connections are gone."""
        self._link = link
        self._first = bytearray(first)
        self._over = over
        self._transport: asyncio.Transport | None = None
        self._connecting = True
        self._link_gone = False

    def start(self, tasks: Tasks, address: Address, limits: Limits) -> None:
        """Take over the link and connect to the HTTP server; until then the stranger is not read."""
        self._link.attach(self)
        self._link.pause_reading()
        tasks.start(self._connect(address, limits), "fallback").add_done_callback(self._tried)

    def abort(self) -> None:
        """Close both connections at once."""
        self._link.abort()
        if self._transport is not None:
            self._transport.abort()

    # ---- the stranger's side

    def received(self, data: Buffer) -> None:
        if self._transport is None:
            self._first += data
        else:
            self._transport.write(bytes(data))

    def batch_received(self) -> None:
        if reads_nothing(self._link):
            self.abort()

    def hold(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def lost(self, _error: Exception | None) -> None:
        self._link_gone = True
        if self._transport is not None:
            self._transport.close()
        self._check()

    # ---- the HTTP server's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._link_gone or transport.is_closing():  # uvloop tells of the beginning of one that was given up, too
            cast(asyncio.Transport, transport).abort()
            return
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(bytes(self._first))
        self._first.clear()
        self._link.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._link.write([data])

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._link.close()
        self._check()

    def pause_writing(self) -> None:
        self._link.pause_reading()

    def resume_writing(self) -> None:
        self._link.resume_reading()

    # ---- inside

    async def _connect(self, address: Address, limits: Limits) -> None:
        try:
            async with asyncio.timeout(limits.connect):
                await asyncio.get_running_loop().create_connection(lambda: self, *address)
            self._connecting = False
        except (OSError, UnicodeError) as error:
            _log.warning("the fallback is not reached: %s", plain_reason(error))
            self._link.close()

    def _tried(self, _task: asyncio.Task[Any]) -> None:
        if self._connecting:  # uvloop does not tell of the end of a connection that was given up
            self._connecting = False
            self._transport = None
        self._check()

    def _check(self) -> None:
        if self._link_gone and self._transport is None and not self._connecting:
            self._over(self)
