"""The system's keyring, and the one secret that this program keeps in it. Nothing else calls the library `keyring`.

keyring would choose a backend by what is installed, a plain-text one too. Here the platform's own is taken by name, and
PYTHON_KEYRING_BACKEND counts only if it names one of these: with any other there is no keyring.

Every call runs in a thread of its own that nobody waits for at the end, because a keyring that asks the person a
question blocks until it has an answer. One call at a time: a second question would only confuse, and a late answer to
the first could replace what the second has stored.
"""

import asyncio
import base64
import binascii
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar

from app import NAME
from app.errors import Failure, KeyringDenied, KeyringLocked, KeyringMissing, UnlockCancelled
from app.storage.sealing import KEY_LENGTH

SERVICE: Final = NAME
USER: Final = "vault-key"

LOOK_SECONDS: Final = 5.0  # for an answer without a question to the person; measured: 20 ms
ASK_SECONDS: Final = 60.0  # for the person to find the keyring's password

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
_log = logging.getLogger("anytls.storage")


class KeyringState(Enum):
    """What the system's keyring would say now, without asking the person."""

    AVAILABLE = "available"
    LOCKED = "locked"
    """Opening it asks the person; so does making the first one."""
    MISSING = "missing"
    DENIED = "denied"


class SystemKeyring:
    """All methods but `state` may ask the person. They raise KeyringLocked, KeyringMissing, KeyringDenied, or
    UnlockCancelled where the person said no."""

    def __init__(self, look_seconds: float = LOOK_SECONDS, ask_seconds: float = ASK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._ask_seconds = ask_seconds
        self._running: asyncio.Future[None] | None = None
        self._asks = False

    async def state(self) -> KeyringState:
        """Never raises; a keyring that does not answer in time is missing."""
        if self._asks and self._running is not None and not self._running.done():
            return KeyringState.LOCKED
        try:
            return await self._call(_state, self._look_seconds, asks=False)
        except (KeyringLocked, KeyringMissing):
            return KeyringState.MISSING
        except Failure:
            return KeyringState.DENIED

    async def get(self) -> bytes | None:
        """The key; None where there is none, or what stands there is not one."""
        await self._answers()
        return await self._call(partial(_get, self._ask_seconds), self._ask_seconds, asks=True)

    async def put(self, key: bytes) -> None:
        """Store the key in place of any other."""
        await self._answers()
        await self._call(partial(_put, key, self._ask_seconds), self._ask_seconds, asks=True)

    async def delete(self) -> None:
        """Take the key away, if it is there."""
        await self._answers()
        await self._call(partial(_delete, self._ask_seconds), self._ask_seconds, asks=True)

    async def _answers(self) -> None:
        """Do not wait a minute for a keyring that is dead, only for one that asks."""
        match await self.state():
            case KeyringState.MISSING:
                raise KeyringMissing
            case KeyringState.DENIED:
                raise KeyringDenied

    async def _call(self, function: Callable[[], _T], seconds: float, *, asks: bool) -> _T:
        """Run `function` in a thread of its own once the one before has ended, within `seconds` all in all."""
        try:
            async with asyncio.timeout(seconds):
                while self._running is not None and not self._running.done():
                    await asyncio.shield(self._running)
                answer: list[Callable[[], _T]] = []
                self._running, self._asks = _start(function, answer), asks
                await asyncio.shield(self._running)
        except TimeoutError:
            raise KeyringLocked from None
        return answer[0]()


def _start(function: Callable[[], _T], answer: list[Callable[[], _T]]) -> asyncio.Future[None]:
    """Run `function` in a thread. What it returns or raises is what the callable does that `answer` is given."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def run() -> None:
        answer.append(_outcome(function))
        with suppress(RuntimeError):  # the loop has ended meanwhile, and with it whoever waited
            loop.call_soon_threadsafe(done.set_result, None)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    return done


def _outcome(function: Callable[[], _T]) -> Callable[[], _T]:
    """Call `function` and keep what comes of it, foreign errors turned into ours."""
    began = time.monotonic()
    try:
        value = function()
    except Exception as error:  # D-Bus, Windows and macOS raise errors of their own beside keyring's
        failure = error if isinstance(error, Failure) else _failure(error, time.monotonic() - began)
        return lambda: _raise(failure)
    return lambda: value


def _raise(failure: Failure) -> Any:
    raise failure


def _failure(error: Exception, seconds: float) -> Failure:
    """What a foreign error means. Its text is not shown or logged: nobody knows what every backend puts there."""
    names = {type(one).__name__ for one in (error, error.__cause__, error.__context__)}
    _log.info("keyring: %s %s", " ".join(sorted(names)), getattr(error, "name", ""))
    if names & {"KeyringLocked", "LockedException", "PromptDismissedException"}:
        return UnlockCancelled() if seconds >= _HUMAN_SECONDS else KeyringLocked()
    if isinstance(error, TimeoutError) or "ItemNotFoundException" in names:  # nobody answered; no way to ask
        return KeyringLocked()
    if names & {"NoKeyringError", "SecretServiceNotAvailableException"}:
        return KeyringMissing()
    return KeyringDenied()


# ---- in the thread


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


def _state() -> KeyringState:
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


def _get(ask_seconds: float) -> bytes | None:
    backend = _usable(ask_seconds)
    text = backend.get_password(SERVICE, USER) if backend else None
    try:
        key = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_LENGTH else None


def _put(key: bytes, ask_seconds: float) -> None:
    _usable(ask_seconds, make=True).set_password(SERVICE, USER, base64.b64encode(key).decode())


def _delete(ask_seconds: float) -> None:
    backend = _usable(ask_seconds)
    if backend and backend.get_password(SERVICE, USER) is not None:
        backend.delete_password(SERVICE, USER)
