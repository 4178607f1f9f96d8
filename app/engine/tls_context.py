"""The TLS settings for a server, by one of two libraries: the standard one, or BoringSSL with Chrome's ClientHello.

Both give an `ssl.SSLContext`; whoever uses it asks it for `wrap_bio` and need not know which one it is.
"""

import base64
import binascii
import contextlib
import math
import re
import ssl
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from app.engine import fingerprints
from app.engine.options import TlsOptions, Verification
from app.errors import BadFile, BadInput
from app.protocols import client_hello
from app.protocols.client_hello import ClientHello
from app.protocols.text import Flaw
from app.texts import translate
from app.transport.session import plain_reason
from app.wording import reason_of

if TYPE_CHECKING:
    import utls

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

REFUSED_ECH: Final = "ECH_REJECTED"
"""Stands in BoringSSL's error where a server has proved itself by its public name and did not take the key."""

# A server gives one or two tickets a session; what a pool of sessions gathers beyond these grows old unused.
_MOST_SESSIONS: Final = 8

# Each look at SSLObject.session leaves 5.7 KB in memory for good (measured; CPython's issue 116810, never mended in
# 3.11). There a program takes no more tickets than these, 3 MB, and has full handshakes afterwards.
_LEAKS: Final = sys.version_info < (3, 12, 7) or (3, 13) <= sys.version_info < (3, 13, 1)
_MOST_LOOKS: Final = 500

# Suites in which the server shows no certificate, so that none is checked, and those that do not encrypt.
_NEVER: Final = ":!aNULL:!eNULL"

# What a hello is made for where it is only compared.
_NOBODY: Final = "example.com"


class ResumingContext(ssl.SSLContext):
    """The standard library's, that resumes sessions: a fresh connection saves the certificate and a signature.

    Each ticket is used once (RFC 8446 §C.4), so that nobody on the way can tell two connections for the same client's.
    A resumed session shows no certificate to check a name by, so it is resumed for the name alone that it was made for.
    """

    looks_left: ClassVar[float] = _MOST_LOOKS if _LEAKS else math.inf
    """In this program: see `_LEAKS`."""

    def __init__(self, _protocol: int) -> None:
        self._sessions: list[ssl.SSLSession] = []
        self._name: str | bytes | None = None

    def keep(self, connection: ssl.SSLObject) -> None:
        """Remember the session that a server has given this connection a ticket for, if it has."""
        if len(self._sessions) == _MOST_SESSIONS or ResumingContext.looks_left <= 0:
            return
        ResumingContext.looks_left -= 1
        session = connection.session
        if session is not None and session.has_ticket:
            self._sessions.append(session)

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the base class's, resuming the newest session that is kept."""
        if server_hostname != self._name:
            self._name = server_hostname
            self._sessions.clear()
        if session is None and self._sessions:
            session = self._sessions.pop()
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def make_context(options: TlsOptions) -> ssl.SSLContext:
    """The TLS settings for a server. Reads certificate files: call it off the loop.

    Where Chrome's library has no wheel for the platform the standard one takes its place; `client.options` says so.
    Raises `BadFile` for a file that cannot be used and `BadInput` for options that contradict each other.
    """
    _check(options)
    chrome = options.fingerprint != fingerprints.NONE and fingerprints.available()
    context = _chrome(options) if chrome else _standard(options)
    _trust(context, options)
    if options.client_certificate is not None:
        _show(context, options.client_certificate, options.client_key)
    if options.spki_pin is not None:
        import cryptography.x509  # noqa: F401 (takes a tenth of a second: here, off the loop, and not at the first pin)
    return context


def website_context() -> ssl.SSLContext:
    """For a website that proves itself by the system's authorities. Reads files: call it off the loop."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust_the_system(context)
    return context


def _check(options: TlsOptions) -> None:
    checked = options.verification in (Verification.SYSTEM, Verification.CA_FILE)
    shaped = options.fingerprint != fingerprints.NONE
    if checked and options.server_name == "":
        raise BadInput(
            translate(
                "tls", "a certificate can be checked only if the server's name is sent; name it or pin the certificate"
            )
        )
    if options.verification is Verification.CA_FILE and not options.ca_file:
        raise BadInput(translate("tls", "a certificate can be checked by a CA file only if the file is named"))
    if options.verification is Verification.PIN and options.certificate_pin is None and options.spki_pin is None:
        raise BadInput(translate("tls", "a certificate can be compared with a pin only if there is one"))
    if shaped and (options.ciphers or options.curve):
        raise BadInput(translate("tls", "cipher suites and curve can be chosen only without a fingerprint"))
    if options.hides_name and not (shaped and fingerprints.available()):
        raise BadInput(translate("tls", "the server's name can be sent encrypted (ECH) only with Chrome's fingerprint"))
    if options.hides_name and options.server_name == "":
        raise BadInput(translate("tls", "there is no name to send encrypted (ECH), because none is sent"))


# ---- the standard library


def _standard(options: TlsOptions) -> ResumingContext:
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # browsers have not for years, nor does BoringSSL
    context.minimum_version = _VERSIONS[options.min_version or "1.2"]
    if options.max_version is not None:
        context.maximum_version = _VERSIONS[options.max_version]
    if options.alpn:
        context.set_alpn_protocols(list(options.alpn))
    try:
        if options.ciphers:
            context.set_ciphers(options.ciphers + _NEVER)
    except ssl.SSLError:
        raise BadInput(translate("tls", "none of the cipher suites is known here")) from None
    try:
        if options.curve:
            context.set_ecdh_curve(options.curve)
    except (ValueError, ssl.SSLError):  # the latter for one that only a later Python can choose, such as X25519
        raise BadInput(translate("tls", "the curve is not known here")) from None
    return context


# ---- Chrome's


def _chrome(options: TlsOptions) -> ssl.SSLContext:
    """BoringSSL's, with a hello as it is told.

    No session is resumed: Chrome does, but `utls` 2026.10.3 hands out no session of TLS 1.3 that a server would know
    again (BoringSSL gives tickets to a callback that it does not set), and one that offered a ticket in vain would be
    no more like Chrome. A hello without a ticket is what Chrome sends to a server that it does not know yet.
    """
    import utls

    context = utls.SSLContext(utls.PROTOCOL_TLS_CLIENT)
    vars(context)["memory_bio"] = _memory(utls.MemoryBIO)  # a copy for an ECH configuration takes it along
    context.set_fingerprint(_fingerprint(options))
    if options.alpn:
        context.set_alpn_protocols(list(options.alpn))
    if options.max_version is not None:
        context.maximum_version = utls.TLSVersion(_VERSIONS[options.max_version])
    # The lowest version is not told: Chrome offers 1.2 too, and what is agreed on is looked at afterwards.
    if options.fingerprint == fingerprints.FILE:
        _see_that_it_is_sent(context, options)
    return context


def _memory(base: Any) -> type:
    class Memory(base):  # type: ignore[misc]  # the class is known once the library is loaded
        """Takes a slice of a buffer too."""

        def write(self, data: Any) -> int:
            return int(super().write(bytes(data)))

    return Memory


def _fingerprint(options: TlsOptions) -> "utls.Fingerprint":
    import utls

    name = options.fingerprint
    if name == fingerprints.FILE:
        return utls.Fingerprint.from_capture(_captured(options)[0])
    if name not in fingerprints.known():
        raise BadInput(translate("tls", "the fingerprint “{name}” is not known here").format(name=name))
    return utls.Fingerprint.from_preset("chrome:stable" if name == fingerprints.CHROME else name)


def _captured(options: TlsOptions) -> tuple[bytes, ClientHello]:
    """The record in the file, and what it offers."""
    path = options.hello_file or ""
    if not path:
        raise BadInput(translate("tls", "the file with the captured ClientHello is not named"))
    record = _record(_read(path))
    try:
        hello = client_hello.parse(record)
        import utls

        utls.Fingerprint.from_capture(record)
    except Flaw as flaw:
        raise BadFile(reason_of(flaw), path) from None
    except ValueError:
        raise BadFile(_unsendable(), path) from None
    return record, hello


def _record(data: bytes) -> bytes:
    """A capture as it is, or as text in hexadecimal digits or base64."""
    if data[:1] == bytes((client_hello.HANDSHAKE,)):
        return data
    text = b"".join(data.split())
    if re.fullmatch(rb"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text.decode())
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return data


def _see_that_it_is_sent(context: ssl.SSLContext, options: TlsOptions) -> None:
    """BoringSSL leaves out, without a word, what it cannot do: a hello that would be told apart is refused."""
    _, wanted = _captured(options)
    name = _NOBODY if wanted.server_name is not None else None
    # Nothing is verified for a hello that no server answers.
    context.check_hostname = False
    try:
        sent = hello_of(context, name)
    except ssl.SSLError:
        raise BadFile(_unsendable(), options.hello_file or "") from None
    context.check_hostname = True
    difference = wanted.differs_from(sent)
    if difference:
        text = translate("tls", "its ClientHello cannot be sent faithfully; these would differ: {names}")
        raise BadFile(text.format(names=difference), options.hello_file or "")


def _unsendable() -> str:
    return translate("tls", "its ClientHello has something that cannot be sent from here")


def with_ech(context: ssl.SSLContext, config: bytes) -> ssl.SSLContext:
    """The same settings, which send the server's name encrypted for an ECHConfigList; see `hides`."""
    import utls

    assert isinstance(context, utls.SSLContext)
    return context.set_ech_configs(config)


def hides(context: ssl.SSLContext, name: str) -> bool:
    """Whether `name` stays out of the hello that `with_ech`'s settings begin with.

    BoringSSL passes over, without a word, a configuration that it cannot use, and sends the name in the open.
    """
    try:
        sent = hello_of(context, name).server_name
    except ssl.SSLError:  # it is no ECHConfigList
        return False
    return sent is not None and sent.lower() != name.lower()


def hello_of(context: ssl.SSLContext, name: str | None) -> ClientHello:
    """The hello that a connection would begin with."""
    memory = getattr(context, "memory_bio", ssl.MemoryBIO)
    incoming, outgoing = memory(), memory()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, False, name).do_handshake()
    return client_hello.parse(outgoing.read())


# ---- what both have


def _trust(context: ssl.SSLContext, options: TlsOptions) -> None:
    """By whom the server's certificate has to be vouched for; a pin is compared after the handshake."""
    if options.verification is Verification.CA_FILE:
        assert options.ca_file is not None
        data = _read(options.ca_file)
        try:
            context.load_verify_locations(cadata=_certificates(data))
        except (ssl.SSLError, ValueError):
            raise BadFile(translate("certificate", "it holds no certificate in PEM form"), options.ca_file) from None
    elif options.verification is Verification.SYSTEM:
        _trust_the_system(context)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE


def _certificates(data: bytes) -> str:
    """The certificates of a PEM file, without what stands around them."""
    found = re.findall(rb"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----", data)
    if not found:
        raise ValueError
    return b"\n".join(found).decode("ascii")


def _trust_the_system(context: ssl.SSLContext) -> None:
    """The system's authorities, the same ones for both libraries.

    `utls` gets them from `wassima`, which knows each system's store; so does the standard library where it does not
    find them itself, on macOS. `truststore` was tried too: it lets Windows and macOS verify, which may ask the network
    and would hold up every connection of the engine meanwhile, and it does not work with `utls`.
    """
    if sys.platform == "darwin" and isinstance(context, ResumingContext):
        import wassima

        context.load_verify_locations(cadata=b"".join(wassima.root_der_certificates()))
    context.load_default_certs()


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Have a certificate ready for a server that asks for one."""
    for path in filter(None, (certificate, key)):
        _read(path)
    try:
        # A key under a pass phrase would be asked for on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError, OSError):
        text = translate("certificate", "it and its key do not belong together, or are not in PEM form")
        raise BadFile(text, certificate) from None


_MOST: Final = 4 * 1024 * 1024  # bytes; a bundle of all public authorities has a quarter of a million


def _read(path: str) -> bytes:
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # a pipe or a terminal would be read without end
            raise BadFile(translate("certificate", "it is not a file"), path)
        with Path(path).open("rb") as file:
            data = file.read(_MOST + 1)
    except FileNotFoundError:
        raise BadFile(translate("certificate", "it does not exist"), path) from None
    except OSError as error:
        raise BadFile(plain_reason(error), path) from None
    except ValueError:
        raise BadFile(translate("certificate", "that is no file name"), path) from None
    if len(data) > _MOST:  # what is cut off could be the one that is needed
        raise BadFile(translate("certificate", "it is larger than {limit} bytes").format(limit=_MOST), path)
    return data
