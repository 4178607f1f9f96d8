"""The calls of the library `keyring`, which nothing else makes: blocking, for the vault's worker alone.

keyring would choose a backend by what is installed, a plain-text one too. Here the platform's own is taken by name, and
PYTHON_KEYRING_BACKEND counts only if it names one of these: with any other there is no keyring.
"""

import base64
import binascii
import importlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from enum import Enum
from typing import Any, Final, TypeVar

from app import NAME
from app.errors import Failure, KeyringDenied, KeyringLocked, KeyringMissing, UnlockCancelled
from app.storage.sealing import KEY_LENGTH

SERVICE: Final = NAME
USER: Final = "vault-key"

# A question that is refused faster than this was refused by the system, for want of a screen; nobody can be so quick.
_HUMAN_SECONDS: Final = 1.0

_SECRET_SERVICE: Final = "keyring.backends.SecretService.Keyring"
_KWALLET: Final = ("keyring.backends.kwallet.DBusKeyring", "keyring.backends.kwallet.DBusKeyringKWallet4")
_BACKENDS: Final[dict[str, tuple[str, ...]]] = {
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
    "darwin": ("keyring.backends.macOS.Keyring",),
}
_BACKENDS_ELSEWHERE: Final[tuple[str, ...]] = (_SECRET_SERVICE, *_KWALLET)

_T = TypeVar("_T")


class KeyringState(Enum):
    """What the system's keyring would say now, without asking the person."""

    AVAILABLE = "available"
    LOCKED = "locked"
    """Opening it asks the person; so does making the first one."""
    MISSING = "missing"
    DENIED = "denied"


def state() -> KeyringState:
    """Asks nobody. Raises whatever the backend does: see `attempted`."""
    found = _backend()
    if found is None:
        return KeyringState.MISSING
    if found[0] != _SECRET_SERVICE:
        return KeyringState.AVAILABLE
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        try:
            locked = secretstorage.Collection(bus).is_locked()
        except secretstorage.ItemNotFoundException:
            return KeyringState.LOCKED
    return KeyringState.LOCKED if locked else KeyringState.AVAILABLE


def get(ask_seconds: float) -> bytes | None:
    """The key; None where there is none, or what stands there is not one. May ask the person, as those below."""
    backend = _usable(ask_seconds)
    text = backend.get_password(SERVICE, USER) if backend else None
    try:
        key = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_LENGTH else None


def put(key: bytes, ask_seconds: float) -> None:
    """Store the key in place of any other."""
    _usable(ask_seconds, make=True).set_password(SERVICE, USER, base64.b64encode(key).decode())


def delete(ask_seconds: float) -> None:
    """Take the key away, if it is there."""
    backend = _usable(ask_seconds)
    if backend and backend.get_password(SERVICE, USER) is not None:
        backend.delete_password(SERVICE, USER)


def attempted(call: Callable[[], _T]) -> _T:
    """Make one of the calls above; foreign errors become KeyringLocked, KeyringMissing, KeyringDenied, or
    UnlockCancelled where the person said no, each caused by the foreign one."""
    began = time.monotonic()
    try:
        return call()
    except Failure:
        raise
    except Exception as error:  # D-Bus, Windows and macOS raise errors of their own beside keyring's
        raise _failure(error, time.monotonic() - began) from error


def _failure(error: Exception, seconds: float) -> Failure:
    names = names_of(error)
    if names & {"KeyringLocked", "LockedException", "PromptDismissedException"}:
        return UnlockCancelled() if seconds >= _HUMAN_SECONDS else KeyringLocked()
    if isinstance(error, TimeoutError) or "ItemNotFoundException" in names:  # nobody answered; no way to ask
        return KeyringLocked()
    if names & {"NoKeyringError", "SecretServiceNotAvailableException"}:
        return KeyringMissing()
    return KeyringDenied()


def names_of(error: BaseException | None) -> set[str]:
    """The kinds of an error and of what is behind it: its text may say what belongs in no log."""
    behind = (error, getattr(error, "__cause__", None), getattr(error, "__context__", None))
    return {type(one).__name__ for one in behind if one}


def _backend() -> tuple[str, Any] | None:
    """The keyring of this system and its name; None where there is none that can be used."""
    names = _BACKENDS.get(sys.platform, _BACKENDS_ELSEWHERE)
    wanted = os.environ.get("PYTHON_KEYRING_BACKEND")
    if wanted is not None:
        names = tuple(name for name in names if name == wanted)
    found: list[tuple[float, str, Any]] = []
    for name in names:
        module, _, kind = name.rpartition(".")
        with suppress(Exception):  # each backend refuses in its own way to work where it cannot
            backend = getattr(importlib.import_module(module), kind)
            found.append((float(backend.priority), name, backend))
    if not found:
        return None
    _, name, backend = max(found, key=lambda one: one[0])
    return name, backend()


def _usable(ask_seconds: float, *, make: bool = False) -> Any:
    """The backend, unlocked, for which the person may be asked; None where there is no keyring yet and none is to be
    made."""
    found = _backend()
    if found is None:
        raise KeyringMissing
    name, backend = found
    return backend if name != _SECRET_SERVICE or _unlock_secret_service(ask_seconds, make) else None


def _unlock_secret_service(ask_seconds: float, make: bool) -> bool:
    """Here and not by keyring, which would wait for the answer without end and leave its connection open."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        try:
            collection = secretstorage.Collection(bus)
        except secretstorage.ItemNotFoundException:
            if not make:
                return False
            collection = secretstorage.create_collection(bus, "Default", "default")  # as keyring names it
        if collection.is_locked() and (collection.unlock(timeout=ask_seconds) or collection.is_locked()):
            raise secretstorage.PromptDismissedException
    return True
