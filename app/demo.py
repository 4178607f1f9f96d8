"""Everything there is to see, on this computer alone: an AnyTLS server, and a page to fetch through it.

Both run on a thread of their own, as a server elsewhere would, so that full speed does not stop the window.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import app
from app.client.importing import Candidate
from app.engine.thread import LoopThread
from app.protocols.address import Address
from app.storage.profiles import Profile, ProfileServer
from app.texts import translate

if TYPE_CHECKING:
    from app.server.server import Server

_HOST: Final = "127.0.0.1"

_HEAD_LIMIT: Final = 16 * 1024  # bytes of a request: browsers send two thousand

_PAGE: Final = b"""<!doctype html><meta charset="utf-8"><title>AnyTLS Tray</title>
<body style="font-family: system-ui; margin: 4rem auto; max-width: 30rem; line-height: 1.6">
<h1>You are through</h1><p>This page came through the tunnel, from a server on this computer.</p></body>
"""

_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(_PAGE)
    + _PAGE
)

_PATIENCE: Final = 10.0  # seconds for a request

_MAKING: Final = 60.0  # seconds for a certificate; a third of one is usual
_NOT_A_REQUEST: Final = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, TimeoutError)


class Demo:
    """`start` it, as often as you like; `stop` it once."""

    def __init__(self) -> None:
        self._thread: LoopThread | None = None
        self._running: tuple[Candidate, str] | None = None
        self._server: Server | None = None
        self._page: asyncio.Server | None = None

    async def start(self) -> tuple[Candidate, str]:
        """The profile to import, and the page that proves it. Raises `ListenFailed`."""
        if self._running is None:
            self._thread = LoopThread("anytls-demo")
            self._thread.at_end = self._stop
            self._running = await self._thread.call(self._start)
        return self._running

    async def stop(self) -> None:
        """End the server and the page, and the connections to them."""
        thread, self._thread, self._running = self._thread, None, None
        if thread is not None:
            await thread.end()

    async def _start(self) -> tuple[Candidate, str]:
        from app.server.options import ServerOptions
        from app.server.server import Server

        password = secrets.token_urlsafe(24)
        identity = await asyncio.to_thread(_identity)
        self._server = Server(ServerOptions({"demo": password}), await asyncio.to_thread(_context, identity))
        at = await self._server.start()
        self._page = await asyncio.start_server(_serve, _HOST, 0, limit=_HEAD_LIMIT)
        page = Address(*self._page.sockets[0].getsockname()[:2])
        profile = Profile(
            name=translate("demo", "Demo"),
            servers=(ProfileServer(at.host, at.port),),
            verification="pin",
            certificate_pin=hashlib.sha256(_certificate(identity)).digest(),
        )
        return Candidate(profile, (password,), source="demo"), f"http://{page}/"

    async def _stop(self) -> None:
        if self._page is not None:
            self._page.close()
        if self._server is not None:
            await self._server.stop()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, one page."""
    with contextlib.closing(writer), contextlib.suppress(*_NOT_A_REQUEST):
        async with asyncio.timeout(_PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)


def _identity() -> bytes:
    """A new certificate and its key, PEM, without the library that makes them where that can be."""
    if not getattr(sys, "frozen", False):  # a program in one piece has no interpreter to lend
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = [sys.executable, "-m", "app.server.new_identity", _HOST]
            home = Path(app.__file__).parents[1]  # where -m looks first: not where the person happens to be
            return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_MAKING, cwd=home).stdout  # noqa: S603 (all of it is our own)
    from app.server.new_identity import new_identity

    return new_identity(_HOST)


def _certificate(identity: bytes) -> bytes:
    """The certificate alone, DER."""
    end = b"-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert((identity.partition(end)[0] + end).decode())


def _context(identity: bytes) -> ssl.SSLContext:
    from app.server.tls import server_context

    # OpenSSL reads certificates from files alone; this one is gone before anybody connects.
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(identity)
        return server_context(name, name)
    finally:
        Path(name).unlink()
