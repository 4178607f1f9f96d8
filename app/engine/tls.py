"""A TLS connection to a server, stage by stage: the name resolved, the fastest address taken, the server proved."""

import asyncio
import hashlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

from app.engine import diagnosis, ech_retry, handshake
from app.engine.certificates import is_weak, spki_hash
from app.engine.ech import EchSource
from app.engine.options import Server, Timings, Verification
from app.engine.stages import OnStage, timed, unheard
from app.engine.tls_context import REFUSED_ECH, hides, with_ech
from app.engine.tls_failures import rejected_certificate, rejection, tls_failure, wrong_version
from app.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRejected,
    EchFailed,
    NothingListens,
    PinMismatch,
    StageTimedOut,
    Unreachable,
)
from app.texts import translate
from app.transport.link import TlsLink
from app.transport.session import plain_reason
from app.transport.tcp import AddressInfo


@dataclass(slots=True)
class Dialled:
    """A TLS connection that is ready for a session."""

    link: TlsLink
    handshake_ms: float
    """What TCP and TLS took; the name's lookup says nothing about the server."""


async def dial(
    server: Server,
    context: ssl.SSLContext,
    timings: Timings,
    on_stage: OnStage = unheard,
    ech: EchSource | None = None,
) -> Dialled:
    """Connect to `server` stage by stage; each is told as it ends, the one that fails too.

    `context` is what `tls_context.make_context` made for it. Raises a `DialFailed` that names the stage it ended at.
    """
    async with _stage("dns", server, timings.tcp, on_stage):
        infos = await handshake.resolve(server)
    way = _Way(server, context, timings, infos, ech or EchSource(server))
    start = time.perf_counter()
    with ExitStack() as undo:
        undo.callback(way.close)
        async with _stage("tcp", server, timings.tcp, on_stage):
            await way.connect()
        async with _stage("tls", server, timings.tls, on_stage):
            link = await way.secure()
            undo.callback(link.abort)
        undo.pop_all()
    return Dialled(link, (time.perf_counter() - start) * 1000)


@asynccontextmanager
async def _stage(name: str, server: Server, limit: float, on_stage: OnStage) -> AsyncIterator[None]:
    with timed(name, on_stage):
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            raise StageTimedOut(server.host, server.port, name, limit) from None


class _Way:
    """One server's addresses, and the connection to one of them that is being made."""

    def __init__(
        self,
        server: Server,
        context: ssl.SSLContext,
        timings: Timings,
        infos: Sequence[AddressInfo],
        ech: EchSource,
    ) -> None:
        self._server = server
        self._context = context
        self._timings = timings
        self._infos = infos
        self._ech = ech
        self._sock: socket.socket | None = None

    async def connect(self) -> None:
        """Have a TCP connection. Raises a `DialFailed` or TimeoutError."""
        server = self._server
        try:
            self._sock = await handshake.connect(server, self._infos, self._timings.happy_eyeballs)
        except ConnectionRefusedError:
            raise NothingListens(server.host, server.port) from None
        except TimeoutError:
            raise  # the stage's own, or the kernel's: both are named by the stage
        except OSError as error:
            raise Unreachable(server.host, server.port, plain_reason(error)) from None

    def close(self) -> None:
        """Close a connection that no link has taken over."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    async def secure(self) -> TlsLink:
        """TLS over that connection, with a server that has proved who it is. Raises a `DialFailed` or TimeoutError."""
        if not self._server.tls.hides_name:
            return await self._proved(self._context)
        config = await self._ech.config()
        link = await self._hidden(config)
        if link is None:
            again = await self._ech.after(config, await self._offered(config))
            if again is None:
                raise self._exposed(translate("ech", "the server does not take the key and offers no other"))
            await self.connect()
            link = await self._hidden(again)
        if link is None:
            raise self._exposed(translate("ech", "the server takes neither the key nor the one that it offers instead"))
        return link

    async def _hidden(self, config: bytes) -> TlsLink | None:
        """The same with the name encrypted for `config`; None where the server, which has proved itself by another
        name, does not take it."""
        context = with_ech(self._context, config)
        if not hides(context, handshake.sent_name(self._server)):
            raise self._exposed(translate("ech", "its key is in no form that is known here"))
        try:
            return await self._proved(context)
        except _EchRefused:
            return None

    async def _offered(self, config: bytes) -> bytes | None:
        """What the server, which has to prove itself for it, offers in place of a key that it does not take."""
        if self._server.tls.verification is Verification.NONE:
            return None  # whoever answers in the server's place would be told the name by a key of its own
        await self.connect()
        sock, self._sock = self._sock, None
        assert sock is not None
        try:
            offer = await ech_retry.offered(self._server, config, sock)
        except OSError:
            return None
        if offer is None:
            return None
        _check_pins(self._server, offer.certificate)
        return offer.config

    def _exposed(self, reason: str) -> EchFailed:
        return EchFailed(self._server.host, self._server.port, reason)

    async def _proved(self, context: ssl.SSLContext) -> TlsLink:
        server, sock = self._server, self._sock
        assert sock is not None
        link = handshake.make_link(server, context)
        self._sock = None
        try:
            await handshake.shake_hands(link, sock)
        except (OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise await self._failure(error, link) from None
        try:
            _check(server, link)
        except BaseException:
            link.abort()
            raise
        return link

    async def _failure(self, error: Exception, link: TlsLink) -> Exception:
        """What the end of a handshake is. A server that was not accepted is looked at once more where the library has
        not kept its certificate, or where its clock may tell that it is ours that is wrong."""
        shown = _shown(link)
        if REFUSED_ECH in str(error):
            _check_pins(self._server, shown)
            return _EchRefused()
        if not rejected_certificate(error) or not isinstance(error, ssl.SSLCertVerificationError):
            return tls_failure(self._server, error, link.opening)
        failure = await asyncio.to_thread(rejection, self._server, error, shown)  # which loads a large library
        dated = isinstance(failure, CertificateExpired | CertificateNotYetValid)
        if shown and not dated:
            return failure
        look = await diagnosis.look(self._server, self._infos, self._timings, ask_time=dated)
        if look is None:
            return failure
        return diagnosis.with_clock(rejection(self._server, error, shown or look.certificate), look.time)


class _EchRefused(Exception):
    """The server did not take the key that the hello was encrypted with."""


def _shown(link: TlsLink) -> bytes:
    """The server's certificate, where the library has kept it: OpenSSL does only if it was accepted."""
    try:
        return link.tls.getpeercert(True) or b""
    except ValueError:
        return b""


def _check(server: Server, link: TlsLink) -> None:
    """What is looked at after the handshake. Raises a `TlsFailed`."""
    version = (link.tls.version() or "").removeprefix("TLSv")
    if version < (server.tls.min_version or ""):
        raise wrong_version(server, version)
    certificate = link.tls.getpeercert(True) or b""
    if server.tls.verification in (Verification.SYSTEM, Verification.CA_FILE) and is_weak(certificate):
        reason = translate("certificate", "its key or its signature is too weak")
        raise CertificateRejected(server.host, server.port, reason, certificate=certificate)
    _check_pins(server, certificate)


def _check_pins(server: Server, certificate: bytes) -> None:
    options = server.tls
    if options.verification is not Verification.PIN:
        return
    wanted = (options.certificate_pin, options.spki_pin)
    shown = (hashlib.sha256(certificate).digest(), spki_hash(certificate) if options.spki_pin else None)
    for pin, seen in zip(wanted, shown, strict=True):
        if pin is not None and pin != seen:
            words = seen.hex() if seen else translate("tls", "an unknown kind of key")
            raise PinMismatch(server.host, server.port, words, pinned=pin.hex(), certificate=certificate)
