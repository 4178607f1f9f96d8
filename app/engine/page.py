"""A page asked for through a tunnel: the proof that traffic gets further than to the server.

Any answer counts that is no server's error, a redirect too: a hotel's login page in front of the target would pass
for an answer, but no tunnel reaches its server from behind one.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.engine.options import Timings
from app.engine.tls_context import website_context
from app.engine.tunnel import Tunnel
from app.errors import BadInput, Failure, PageFailed, ServerAlert, SessionLost, TargetRefused
from app.protocols.address import Address, BadAddress, encode_socks, parse_host
from app.protocols.streams import Sink
from app.texts import translate
from app.transport.session import plain_reason
from app.transport.stream import Consumer, Stream

_PORTS: Final = {"http": 80, "https": 443}

# A status line has a few dozen bytes; what sends more without a line's end is no web server.
_LONGEST: Final = 64 * 1024

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for, and where."""

    url: str
    target: Address
    encrypted: bool
    request: bytes

    @classmethod
    def parse(cls, url: str) -> "Page":
        """Read an http or https URL. Raises `BadInput`."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
            host = str(parse_host(parts.hostname or ""))
            target = Address(host, port)
            encode_socks(target)
        except (ValueError, KeyError, BadAddress):
            raise BadInput(translate("page", "the page to ask for is no http or https address")) from None
        where = str(target) if port != _PORTS[parts.scheme] else str(target).rpartition(":")[0]
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not (path.isascii() and path.isprintable()) or " " in path:
            raise BadInput(translate("page", "the page to ask for has a character that has to be written with %"))
        request = f"GET {path} HTTP/1.1\r\nHost: {where}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        return cls(url, target, parts.scheme == "https", request.encode("ascii"))


async def ask(page: Page, tunnel: Tunnel, timings: Timings) -> None:
    """See `page` answer through `tunnel`, within the time for an answer. Raises `PageFailed`, or the `DialFailed` that
    keeps the tunnel from having a session."""
    try:
        async with asyncio.timeout(timings.answer):
            try:
                status = await _visit(page, tunnel, fresh=False)
            except SessionLost:  # some servers' sessions have room for one stream
                status = await _visit(page, tunnel, fresh=True)
    except TimeoutError:
        text = translate("page", "nothing came within {seconds:g} s")
        raise PageFailed(page.url, text.format(seconds=timings.answer)) from None
    except SessionLost as error:
        text = translate("page", "the session ended: {reason}")
        raise PageFailed(page.url, text.format(reason=error.reason)) from None
    except _Ended as error:
        raise PageFailed(page.url, str(error)) from None
    except (ssl.SSLError, OSError) as error:
        raise PageFailed(page.url, plain_reason(error)) from None
    if status >= 500:
        raise PageFailed(page.url, translate("page", "it answered {status}").format(status=status))


async def _visit(page: Page, tunnel: Tunnel, *, fresh: bool) -> int:
    context = await asyncio.to_thread(website_context) if page.encrypted else None
    session = await tunnel.session(tunnel.route(), patient=False, fresh=fresh)
    visitor = _Visitor()
    visitor.stream = tunnel.open_on(session, page.target, visitor)
    try:
        pipe = visitor if context is None else await _Encrypted.over(visitor, context, page.target.host)
        pipe.send(page.request)
        return await _status(pipe)
    finally:
        visitor.stream.close()


async def _status(pipe: "_Visitor | _Encrypted") -> int:
    got = b""
    while b"\n" not in got and len(got) < _LONGEST:
        data = await pipe.receive()
        if not data:
            break
        got += data
    found = _STATUS.match(got)
    if found is None:
        silent = translate("page", "it closed without an answer")
        raise _Ended(translate("page", "what answered is no web server") if got else silent)
    return int(found[1])


class _Ended(Exception):
    """There is no answer, and the text says why."""


def _words(failure: Failure) -> str:
    if isinstance(failure, TargetRefused):
        return translate("page", "the server could not reach it: {message}").format(message=failure.message)
    if isinstance(failure, ServerAlert):
        return translate("page", "the server ended the session: {message}").format(message=failure.message)
    return str(failure).rstrip(".")


class _Visitor(Consumer):
    """A stream as a pipe."""

    stream: Stream

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._over = False
        self._failure: Failure | None = None
        self._news = asyncio.Event()

    def send(self, data: bytes) -> None:
        self.stream.send(data)

    async def receive(self) -> bytes:
        """What has come, as soon as something has; nothing at the end. Raises `SessionLost` or `_Ended`."""
        while not self._pieces and not self._over:
            self._news.clear()
            await self._news.wait()
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.stream.count_received(len(data))
        if not data and self._failure is not None:
            raise self._failure if isinstance(self._failure, SessionLost) else _Ended(_words(self._failure))
        return data

    @property
    def sink(self) -> Sink:
        return lambda chunk: self._pieces.append(bytes(chunk))

    def flush(self) -> None:
        self._news.set()

    def accepted(self) -> None:
        """The page's own answer says it."""

    def ended(self) -> None:
        self._over = True
        self._news.set()

    def closed(self, error: Failure | None) -> None:
        self._failure = error
        self.ended()

    def hold(self) -> None:
        """It sends next to nothing."""

    def release(self) -> None:
        """See `hold`."""


class _Encrypted:
    """TLS over a pipe, verified by what the system trusts."""

    def __init__(self, pipe: _Visitor, context: ssl.SSLContext, host: str) -> None:
        self._pipe = pipe
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    @classmethod
    async def over(cls, pipe: _Visitor, context: ssl.SSLContext, host: str) -> "_Encrypted":
        """Shake hands. Raises `ssl.SSLError`."""
        encrypted = cls(pipe, context, host)
        while True:
            try:
                encrypted._tls.do_handshake()
            except ssl.SSLWantReadError:
                await encrypted._turn()
            else:
                return encrypted

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self._flush()

    async def receive(self) -> bytes:
        """What has come, as soon as something has; nothing at the end."""
        while True:
            try:
                return self._tls.read(_LONGEST)
            except ssl.SSLWantReadError:
                await self._turn()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def _turn(self) -> None:
        """Send what TLS wants sent, and give it what comes."""
        self._flush()
        data = await self._pipe.receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._pipe.send(self._outgoing.read())
