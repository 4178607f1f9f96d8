"""Everything a person can be told has gone wrong, as one tree.

    Failure                       one sentence, an exit code
    ├── BadInput                  what the person gave cannot be used (exit 2)
    │   ├── BadLink               an anytls:// link
    │   ├── BadConfig             a configuration file
    │   └── BadFile               a key, certificate, password or scheme file
    ├── NoProfile                 nothing to connect with
    ├── ListenFailed              the local address cannot be had
    ├── DialFailed                no session could be made; `stage` says where it ended
    │   ├── NameNotResolved       dns
    │   ├── NothingListens        tcp
    │   ├── Unreachable           tcp
    │   ├── StageTimedOut         any stage
    │   ├── TlsFailed             tls: the handshake ended
    │   │   ├── NotTls            something else answers there
    │   │   ├── HandshakeClosed   the connection was closed in its midst
    │   │   ├── HandshakeRefused  the server did not like what was offered: TlsVersionRefused, AlpnRefused, NameRefused,
    │   │   │                     ClientCertificateRefused
    │   │   ├── EchFailed         the server's name could not be sent encrypted, so it was not sent
    │   │   └── CertificateRejected  CertificateExpired, CertificateNotYetValid, ClockWrong, CertificateSelfSigned,
    │   │                         CertificateUnknownIssuer, CertificateWrongName, PinMismatch
    │   ├── ClosedSilently        authentication: most often a wrong password
    │   └── NotAnyTls             authentication: something else answered
    ├── VaultFailed               the passwords of the profiles cannot be opened
    │   ├── KeyringLocked         the system's keyring is locked and stayed so
    │   ├── KeyringMissing        there is no keyring
    │   │   └── VaultKeyLost      there is one, without the key that sealed the passwords
    │   ├── KeyringDenied         the keyring keeps this program out
    │   ├── VaultBroken           the process that opens passwords does not work
    │   ├── UnlockCancelled       the person said no: nothing to show
    │   ├── WrongMasterPassword   too many times
    │   └── PasswordMissing       not kept, or sealed with a key that is gone
    ├── PageFailed                the server works, but a page behind it did not answer; `stage` is page
    ├── EngineCrashed             the engine's thread or loop is gone
    ├── NotRunning                no running instance to speak to
    │   └── NotAnswering          there is one, but it is silent
    ├── RequestRefused            the running instance said no, in a sentence of its own
    ├── SessionLost               a session ended under a stream
    ├── ServerAlert               the server ended the session and said why
    └── TargetRefused             the server could not reach the target

Errors keep fields; the sentence is made from `text` where it is shown, translated there.
"""

from dataclasses import dataclass, field, fields
from typing import ClassVar

from app.texts import QT_TRANSLATE_NOOP, translate
from app.wording import stage_name


@dataclass(eq=False)
class Failure(Exception):
    """Base of all: `str()` is one plain sentence."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "Something went wrong.")
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return translate("errors", self.text).format(**self.values())

    def values(self) -> dict[str, object]:
        """What stands in the places of `text`."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(eq=False)
class BadInput(Failure):
    """What the person gave cannot be used."""

    reason: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "This cannot be used: {reason}.")
    exit_code: ClassVar[int] = 2


@dataclass(eq=False)
class BadLink(BadInput):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "This link cannot be used: {reason}.")


@dataclass(eq=False)
class BadConfig(BadInput):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "This configuration cannot be used: {reason}.")


@dataclass(eq=False)
class BadFile(BadInput):
    path: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The file {path} cannot be used: {reason}.")


@dataclass(eq=False)
class NoProfile(Failure):
    """There is nothing to connect with, or not what was asked for."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "There is no such profile. Import a link or add one first.")


@dataclass(eq=False)
class ListenFailed(Failure):
    host: str
    port: int
    reason: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "Cannot listen on {host} port {port}: {reason}.")


@dataclass(eq=False)
class DialFailed(Failure):
    """No session could be made. `stage` is one of dns, tcp, tls, authentication, stream."""

    host: str
    port: int
    stage: ClassVar[str] = "tcp"
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "No connection to {host} port {port}.")


@dataclass(eq=False)
class NameNotResolved(DialFailed):
    stage: ClassVar[str] = "dns"
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The name {host} does not resolve.")


@dataclass(eq=False)
class NothingListens(DialFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "Nothing listens on {host} port {port}.")


@dataclass(eq=False)
class Unreachable(DialFailed):
    reason: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "{host} port {port} cannot be reached: {reason}.")


@dataclass(eq=False)
class StageTimedOut(DialFailed):
    at: str
    seconds: float
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "{host} port {port} did not answer within {seconds:g} s at the stage “{at}”."
    )

    @property
    def stage(self) -> str:  # type: ignore[override]  # the stage is known only once it has timed out
        return self.at

    def values(self) -> dict[str, object]:
        return super().values() | {"at": stage_name(self.at)}


@dataclass(eq=False)
class TlsFailed(DialFailed):
    reason: str
    stage: ClassVar[str] = "tls"
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The TLS handshake with {host} port {port} failed: {reason}.")


@dataclass(eq=False)
class NotTls(TlsFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "What answers on {host} port {port} does not speak TLS ({reason}); is the port right?"
    )


@dataclass(eq=False)
class HandshakeClosed(TlsFailed):
    """`reason` says what another ClientHello met with, where one was tried."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "{host} port {port} closed the connection in the middle of the TLS handshake: {reason}."
    )


@dataclass(eq=False)
class HandshakeRefused(TlsFailed):
    """The server answered with an alert; `reason` is its name (RFC 8446 §6)."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "{host} port {port} refused the TLS handshake: {reason}.")


@dataclass(eq=False)
class TlsVersionRefused(HandshakeRefused):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "{host} and this profile share no TLS version: {reason}.")


@dataclass(eq=False)
class AlpnRefused(HandshakeRefused):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "{host} does not take the protocols that are offered (ALPN {reason}); change ALPN in the profile."
    )


@dataclass(eq=False)
class NameRefused(HandshakeRefused):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "{host} knows no name {reason}; change it in the profile.")


@dataclass(eq=False)
class ClientCertificateRefused(HandshakeRefused):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "{host} wants another client certificate ({reason}); choose the right one in the profile."
    )


@dataclass(eq=False)
class EchFailed(TlsFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The name of {host} cannot be sent encrypted (ECH), so nothing was sent: {reason}."
    )


@dataclass(eq=False)
class CertificateRejected(TlsFailed):
    """`certificate` is the server's own, in DER, where it was shown."""

    certificate: bytes = field(default=b"", kw_only=True, repr=False)
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The certificate of {host} is not accepted: {reason}.")


@dataclass(eq=False)
class CertificateExpired(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The certificate of {host} has expired on {reason}.")


@dataclass(eq=False)
class CertificateNotYetValid(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} is not valid before {reason}; is this computer’s clock right?"
    )


@dataclass(eq=False)
class ClockWrong(CertificateRejected):
    """By the server's clock, for which nobody vouches, its certificate is valid. `reason` is how far ours is off it."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "If {host} has the right time, your clock is off by {reason}, and its certificate is valid."
    )


@dataclass(eq=False)
class CertificateUnknownIssuer(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} comes from an issuer that is not known here ({reason})."
    )


@dataclass(eq=False)
class CertificateSelfSigned(CertificateUnknownIssuer):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "{host} has issued its certificate itself ({reason}); no authority vouches for it."
    )


@dataclass(eq=False)
class CertificateWrongName(CertificateRejected):
    """`reason` has the names that it is for."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} is for other names: {reason}. Is the server name in the profile right?"
    )


@dataclass(eq=False)
class PinMismatch(CertificateRejected):
    """`pinned` and `reason` are SHA-256 in hexadecimal digits, of the certificate or of its public key."""

    pinned: str = field(kw_only=True)
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} is not the pinned one. Pinned: {pinned}; shown: {reason}."
    )


@dataclass(eq=False)
class ClosedSilently(DialFailed):
    stage: ClassVar[str] = "authentication"
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors",
        "TLS works but the server {host} closed without a word: wrong password, or not an AnyTLS server.",
    )


@dataclass(eq=False)
class NotAnyTls(DialFailed):
    stage: ClassVar[str] = "authentication"
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "{host} port {port} answered, but not as an AnyTLS server: wrong password, or another service."
    )


@dataclass(eq=False)
class SessionLost(Failure):
    reason: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The session with the server ended: {reason}.")


@dataclass(eq=False)
class ServerAlert(Failure):
    message: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The server ended the session: {message}.")


@dataclass(eq=False)
class TargetRefused(Failure):
    message: str
    stage: ClassVar[str] = "stream"
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The server could not reach the target: {message}.")


@dataclass(eq=False)
class VaultFailed(Failure):
    """The passwords of the profiles cannot be opened, or none can be added."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The passwords are locked.")


@dataclass(eq=False)
class KeyringLocked(VaultFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The system's keyring is locked and could not be opened.")


@dataclass(eq=False)
class KeyringMissing(VaultFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "This system has no keyring that answers.")


@dataclass(eq=False)
class VaultKeyLost(KeyringMissing):
    """The sealed passwords are kept as they are until the person starts over."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors",
        "The key of your passwords is no longer in the system's keyring; the passwords have to be entered again.",
    )


@dataclass(eq=False)
class KeyringDenied(VaultFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The system's keyring does not let this program in.")


@dataclass(eq=False)
class VaultBroken(VaultFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The part that opens passwords does not work; the log says why.")


@dataclass(eq=False)
class UnlockCancelled(VaultFailed):
    """The person closed the question. Whoever catches it stops what it was needed for, and shows nothing."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The passwords stay locked: unlocking was cancelled.")


@dataclass(eq=False)
class WrongMasterPassword(VaultFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "This is not the master password.")


@dataclass(eq=False)
class PasswordMissing(VaultFailed):
    name: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The password of “{name}” is not known; it has to be entered.")


@dataclass(eq=False)
class PageFailed(Failure):
    """The server speaks AnyTLS, but a page asked for through it did not answer."""

    url: str
    reason: str
    stage: ClassVar[str] = "page"
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The page {url} did not answer through the tunnel: {reason}.")


@dataclass(eq=False)
class EngineCrashed(Failure):
    """The engine's thread or loop has ended by itself. A new start makes a new one."""

    reason: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The engine has stopped working: {reason}.")


@dataclass(eq=False)
class NotRunning(Failure):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "AnyTLS Tray is not running.")


@dataclass(eq=False)
class NotAnswering(NotRunning):
    """There is a running instance, but its answer did not come in time or cannot be read."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "AnyTLS Tray is running but does not answer.")


@dataclass(eq=False)
class RequestRefused(Failure):
    """The running instance said no; `message` is its sentence."""

    message: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "{message}")
