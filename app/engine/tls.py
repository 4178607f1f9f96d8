"""TCP and TLS to a server: the name resolved, the fastest address taken, the certificate verified or its pin compared.

`make_context` is the seam where another TLS library steps in: all it has to give is an object with `wrap_bio`.
"""

import asyncio
import hashlib
import socket
import ssl
import stat
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.engine.certificates import spki_hash
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.stages import OnStage, timed, unheard
from app.errors import (
    BadFile,
    BadInput,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRejected,
    CertificateUnknownIssuer,
    CertificateWrongName,
    DialFailed,
    NameNotResolved,
    NothingListens,
    PinMismatch,
    StageTimedOut,
    TlsFailed,
    Unreachable,
)
from app.texts import translate
from app.transport import tcp
from app.transport.link import TlsLink
from app.transport.session import plain_reason

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# What OpenSSL's verification says, by its X509_V_ERR numbers (x509_vfy.h).
_REJECTIONS: Final[dict[int, type[CertificateRejected]]] = {
    9: CertificateNotYetValid,
    10: CertificateExpired,
    18: CertificateUnknownIssuer,
    19: CertificateUnknownIssuer,
    20: CertificateUnknownIssuer,
    21: CertificateUnknownIssuer,
    62: CertificateWrongName,
    64: CertificateWrongName,
}


@dataclass(slots=True)
class Dialled:
    """A TLS connection that is ready for a session."""

    link: TlsLink
    handshake_ms: float
    """What TCP and TLS took; the name's lookup says nothing about the server."""


def make_context(options: TlsOptions) -> ssl.SSLContext:
    """The TLS settings for a server. Reads certificate files: call it off the loop.

    Raises `BadFile` for a CA file that cannot be used and `BadInput` for options that contradict each other.
    """
    checked = options.verification in (Verification.SYSTEM, Verification.CA_FILE)
    if checked and options.server_name == "":
        raise BadInput(
            translate(
                "tls", "a certificate can be checked only if the server's name is sent; name it or pin the certificate"
            )
        )
    context = ssl.create_default_context() if checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if options.verification is Verification.CA_FILE:
        context = _trusting(options.ca_file)
    elif not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = _VERSIONS[options.min_version or "1.2"]
    if options.max_version is not None:
        context.maximum_version = _VERSIONS[options.max_version]
    if options.alpn:
        context.set_alpn_protocols(list(options.alpn))
    return context


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    if not ca_file:
        raise BadInput(translate("tls", "a certificate can be checked by a CA file only if the file is named"))
    try:
        if not stat.S_ISREG(Path(ca_file).stat().st_mode):  # a pipe or a terminal would be read without end
            raise BadFile(translate("certificate", "it is not a file"), ca_file)
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise BadFile(translate("certificate", "it holds no certificate in PEM form"), ca_file) from None
    except OSError as error:
        raise BadFile(plain_reason(error), ca_file) from None


async def dial(server: Server, context: ssl.SSLContext, timings: Timings, on_stage: OnStage = unheard) -> Dialled:
    """Connect to `server` stage by stage; each is told as it ends, the one that fails too.

    Raises a `DialFailed` that names the stage it ended at.
    """
    async with _stage("dns", server, timings.tcp, on_stage):
        infos = await _resolve(server)
    start = time.perf_counter()
    async with _stage("tcp", server, timings.tcp, on_stage):
        sock = await _connect(server, infos, timings.happy_eyeballs)
    async with _stage("tls", server, timings.tls, on_stage):
        link = await _shake_hands(server, context, sock)
    return Dialled(link, (time.perf_counter() - start) * 1000)


@asynccontextmanager
async def _stage(name: str, server: Server, limit: float, on_stage: OnStage) -> AsyncIterator[None]:
    with timed(name, on_stage):
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            raise StageTimedOut(server.host, server.port, name, limit) from None


async def _resolve(server: Server) -> Sequence[tcp.AddressInfo]:
    try:
        infos = await tcp.resolve(server.host, server.port)
    except (OSError, UnicodeError):
        infos = ()
    if not infos:
        raise NameNotResolved(server.host, server.port)
    return infos


async def _connect(server: Server, infos: Sequence[tcp.AddressInfo], delay: float) -> socket.socket:
    try:
        return await tcp.connect(infos, delay)
    except ConnectionRefusedError:
        raise NothingListens(server.host, server.port) from None
    except TimeoutError:
        raise  # the stage's own, or the kernel's: both are named by the stage
    except OSError as error:
        raise Unreachable(server.host, server.port, plain_reason(error)) from None


async def _shake_hands(server: Server, context: ssl.SSLContext, sock: socket.socket) -> TlsLink:
    name = server.tls.server_name
    try:
        link = TlsLink(context, server_name=server.host if name is None else name or None)
    except (ValueError, TypeError):
        sock.close()
        reason = translate("tls", "the name to send is not a host name")
        raise TlsFailed(server.host, server.port, reason) from None
    try:
        await asyncio.get_running_loop().create_connection(lambda: link, sock=sock)
        await link.handshake()
        _check_pins(server, link.tls.getpeercert(True) or b"")
    except (OSError, ValueError) as error:
        link.abort()
        raise tls_failure(server, error) from None
    except BaseException:
        link.abort()
        raise
    return link


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


def tls_failure(server: Server, error: Exception) -> DialFailed:
    """The failure that an error of the handshake is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _REJECTIONS.get(error.verify_code, CertificateRejected)
        return kind(server.host, server.port, error.verify_message.lower().rstrip("."))
    if isinstance(error, (ssl.SSLEOFError, ConnectionError)):
        return TlsFailed(server.host, server.port, translate("tls", "the server closed the connection"))
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return TlsFailed(server.host, server.port, translate("tls", "what answers there does not speak TLS"))
    return TlsFailed(server.host, server.port, plain_reason(error))
