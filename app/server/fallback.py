"""Strangers are handed to an HTTP server, as if the port had always been its own."""

import asyncio
import logging
from typing import cast

from app.transport.link import TlsLink

_log = logging.getLogger("anytls.server")

# What a stranger may send before the fallback answers the connection: one TLS record more than its first.
_EARLY = 32 * 1024


class Fallback(asyncio.Protocol):
    """Joins a stranger's TLS link to a plain connection; owner of the one and protocol of the other."""

    def __init__(self, link: TlsLink, first: bytes) -> None:
        self._link = link
        self._first = bytearray(first)
        self._transport: asyncio.Transport | None = None
        self._gone = False

    # ---- the stranger's side

    def received(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
        elif len(self._first) + len(data) > _EARLY:
            self._link.abort()
        else:
            self._first += data

    def batch_received(self) -> None:
        """Everything has been passed on already."""

    def hold(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def release(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def lost(self, _error: Exception | None) -> None:
        self._gone = True
        if self._transport is not None:
            self._transport.close()

    # ---- the HTTP server's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(bytes(self._first))
        self._first.clear()
        if self._gone:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._link.write([data])

    def connection_lost(self, _exc: Exception | None) -> None:
        self._link.close()

    def pause_writing(self) -> None:
        self._link.pause_reading()

    def resume_writing(self) -> None:
        self._link.resume_reading()
