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
    │   │   ├── CertificateRejected, CertificateExpired, CertificateNotYetValid,
    │   │   └── CertificateUnknownIssuer, CertificateWrongName, PinMismatch
    │   ├── ClosedSilently        authentication: most often a wrong password
    │   └── NotAnyTls             authentication: something else answered
    ├── VaultFailed               the passwords of the profiles cannot be opened
    │   ├── KeyringLocked         the system's keyring is locked and stayed so
    │   ├── KeyringMissing        there is no keyring
    │   │   └── VaultKeyLost      there is one, without the key that sealed the passwords
    │   ├── KeyringDenied         the keyring keeps this program out
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

from dataclasses import dataclass, fields
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
        return {field.name: getattr(self, field.name) for field in fields(self)}


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
class CertificateRejected(TlsFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The certificate of {host} is not accepted: {reason}.")


@dataclass(eq=False)
class CertificateExpired(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The certificate of {host} has expired.")


@dataclass(eq=False)
class CertificateNotYetValid(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} is not valid yet; is this computer's clock right?"
    )


@dataclass(eq=False)
class CertificateUnknownIssuer(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} comes from an unknown issuer ({reason}); pin it or name its CA file."
    )


@dataclass(eq=False)
class CertificateWrongName(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The certificate of {host} is for another name ({reason}).")


@dataclass(eq=False)
class PinMismatch(CertificateRejected):
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The certificate of {host} is not the pinned one (the server shows {reason})."
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
class UnlockCancelled(VaultFailed):
    """The person closed the question. Whoever catches it stops what it was needed for, and shows nothing."""

    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "The passwords stay locked: unlocking was cancelled.")


@dataclass(eq=False)
class WrongMasterPassword(VaultFailed):
    text: ClassVar[str] = QT_TRANSLATE_NOOP("errors", "This is not the master password.")


@dataclass(eq=False)
class PasswordMissing(VaultFailed):
    name: str
    text: ClassVar[str] = QT_TRANSLATE_NOOP(
        "errors", "The password of “{name}” is not known here; it has to be entered."
    )


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
    """No running instance takes requests."""

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
