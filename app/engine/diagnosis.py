"""A second look at a server whose handshake failed: what it shows, what time it has, and which hello it likes.

Nothing secret is sent: the login belongs to connections that are proved.
"""

import asyncio
import contextlib
import datetime
import email.utils
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.engine import fingerprints, handshake
from app.engine.certificates import read_certificate
from app.engine.options import Server, Timings, Verification
from app.engine.tls_context import make_context
from app.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRejected,
    ClockWrong,
    Failure,
    HandshakeClosed,
)
from app.protocols.anytls import Buffer
from app.texts import translate
from app.transport.link import Owner, TlsLink
from app.transport.tcp import AddressInfo

_PATIENCE: Final = 4.0  # seconds for all of it: a failure is being waited for
_ANSWER: Final = 2.0  # of these for the time
_LONGEST: Final = 16 * 1024  # bytes of an answer that are looked through for its date
_DATE: Final = re.compile(rb"\r\nDate: ?([^\r\n]{10,40})\r\n", re.IGNORECASE)

__all__ = ["Look", "compared_hello", "look", "with_clock"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a connection that trusts anybody has seen."""

    certificate: bytes
    """The server's own, in DER."""
    time: datetime.datetime | None = None
    """The server's, where it was asked for and told."""


async def look(server: Server, infos: Sequence[AddressInfo], timings: Timings, *, ask_time: bool) -> Look | None:
    """See a server's certificate without judging it, and its time where an HTTP server answers behind it."""
    with contextlib.suppress(OSError, ValueError, Failure):
        async with asyncio.timeout(_PATIENCE):
            link = await _unjudged(server, infos, timings)
            try:
                certificate = link.tls.getpeercert(True) or b""
                time = await _time(link, server) if ask_time else None
                return Look(certificate, time)
            finally:
                link.abort()
    return None


def with_clock(failure: CertificateRejected, time: datetime.datetime | None) -> CertificateRejected:
    """`failure`, or that this computer's clock is wrong where the certificate is valid by the server's `time`."""
    facts = read_certificate(failure.certificate)
    if not isinstance(failure, CertificateExpired | CertificateNotYetValid) or time is None or facts is None:
        return failure
    if not facts.not_before <= time <= facts.not_after:
        return failure
    off = abs(datetime.datetime.now(datetime.UTC) - time)
    return ClockWrong(failure.host, failure.port, _duration(off), certificate=failure.certificate)


async def compared_hello(failure: HandshakeClosed, server: Server, timings: Timings) -> HandshakeClosed:
    """`failure`, with what became of a second try, and of one that began with the other library's hello.

    The second try comes first: where a connection is cut by chance the other hello proves nothing.
    """
    shaped = server.tls.fingerprint != fingerprints.NONE
    if await _works(server, timings):
        return replace(failure, reason=translate("tls", "a second try worked, so the way there is not reliable"))
    if not fingerprints.available() or server.tls.hides_name:
        return failure
    other = fingerprints.NONE if shaped else fingerprints.CHROME
    if not await _works(replace(server, tls=replace(server.tls, fingerprint=other, ciphers=None, curve=None)), timings):
        reason = translate("tls", "with and without Chrome’s fingerprint alike")
    elif shaped:
        reason = translate("tls", "it works without a fingerprint, so choose “none” in the profile")
    else:
        reason = translate("tls", "it works with Chrome’s fingerprint, so choose that in the profile")
    return replace(failure, reason=reason)


async def _works(server: Server, timings: Timings) -> bool:
    try:
        link = await _unjudged(server, await handshake.resolve(server), timings)
    except (OSError, ValueError, Failure):
        return False
    link.abort()
    return True


async def _unjudged(server: Server, infos: Sequence[AddressInfo], timings: Timings) -> TlsLink:
    """A connection that trusts anybody. A name that has to be hidden is not sent, and no certificate is shown."""
    options = replace(
        server.tls,
        verification=Verification.NONE,
        ech_config=None,
        ech_resolver=None,
        server_name="" if server.tls.hides_name else server.tls.server_name,
        client_certificate=None,
        client_key=None,
    )
    stranger = replace(server, tls=options)
    link = handshake.make_link(stranger, await asyncio.to_thread(make_context, options))
    async with asyncio.timeout(timings.tls):
        await handshake.shake_hands(link, await handshake.connect(stranger, infos, timings.happy_eyeballs))
    return link


async def _time(link: TlsLink, server: Server) -> datetime.datetime | None:
    """The time in the answer to a plain HTTP request: servers that have a website to show strangers tell it."""
    asked = _Answer()
    link.attach(asked)
    host = "" if server.tls.hides_name else server.tls.server_name or server.host
    link.write([f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()])
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ANSWER):
            await asked.whole.wait()
    found = _DATE.search(bytes(asked.data))
    try:
        time = email.utils.parsedate_to_datetime(found[1].decode("ascii", "replace")) if found else None
    except (ValueError, OverflowError):
        return None
    return time if time is None or time.tzinfo else time.replace(tzinfo=datetime.UTC)


class _Answer(Owner):
    """What comes until the date is in it, or the end."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.whole = asyncio.Event()

    def received(self, data: Buffer) -> None:
        self.data += data[: _LONGEST - len(self.data)]
        if _DATE.search(self.data) or len(self.data) >= _LONGEST:
            self.whole.set()

    def batch_received(self) -> None:
        """Looked at piece by piece."""

    def hold(self) -> None:
        """It has sent all that it has to."""

    def release(self) -> None:
        """See `hold`."""

    def lost(self, _error: Exception | None) -> None:
        self.whole.set()


def _duration(off: datetime.timedelta) -> str:
    if off >= datetime.timedelta(days=2):
        return translate("tls", "{count} days").format(count=round(off / datetime.timedelta(days=1)))
    if off >= datetime.timedelta(hours=2):
        return translate("tls", "{count} hours").format(count=round(off / datetime.timedelta(hours=1)))
    return translate("tls", "{count} minutes").format(count=round(off / datetime.timedelta(minutes=1)))
