"""The vault: one random key of 32 bytes that seals every password, and where that key is kept.

    KEYRING   in the system's keyring, one secret whatever the number of profiles
    MASTER    in vault.json, wrapped with AES-GCM under a key that Argon2id makes of a master password
    ASK       nowhere: passwords are known until the program ends and stand on no disk

A password is sealed with AES-GCM under the key, bound to its profile's id and its server's place in the list, so that
sealed passwords cannot be swapped in the file: a nonce of 12 bytes, then the ciphertext with its tag.

vault.json holds no secret. It says which protection was chosen and carries the key's fingerprint, by which a foreign
key is told from ours before anything is sealed with it. A key that is gone is never silently replaced: `start_over`.
"""

import asyncio
import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Protocol

import msgspec

from app.errors import (
    BadFile,
    KeyringDenied,
    KeyringLocked,
    KeyringMissing,
    PasswordMissing,
    UnlockCancelled,
    VaultBroken,
    VaultFailed,
    VaultKeyLost,
    WrongMasterPassword,
)
from app.storage.document import ROTATIONS, Content, Document, in_thread
from app.storage.keyring_calls import KeyringState
from app.storage.sealing import KEY_LENGTH, Wrapped, fingerprint
from app.storage.system_keyring import SystemKeyring
from app.storage.vault_calls import ask
from app.storage.vault_worker import Open, Request, Seal, Unwrap, Wrap
from app.texts import translate

__all__ = ["KeyringState", "Place", "Prompter", "Protection", "Vault"]

VERSION: Final = 1

_ATTEMPTS: Final = 5  # wrong master passwords in a row, so that a prompter that always says the same comes to an end
_WORK_SECONDS: Final = 60.0  # for Argon2id on the slowest machine, within the limits of `Wrapped`
_LABEL: Final = b"anytls-tray password v1"

_log = logging.getLogger("anytls.storage")


class Protection(Enum):
    """Where the vault's key is kept."""

    KEYRING = "keyring"
    MASTER = "master"
    ASK = "ask"


class Prompter(Protocol):
    """What only a person can answer; None is always "never mind"."""

    async def choose_protection(self) -> Protection | None:
        """What to do where no keyring can be used."""

    async def master_password(self, new: bool, wrong: bool) -> str | None:
        """The master password, a `new` one or the present one; `wrong` says that the last one was not it."""

    async def profile_password(self, name: str) -> str | None:
        """The password of a profile whose password is not kept."""


class _Record(msgspec.Struct, omit_defaults=True):
    """vault.json."""

    protection: Protection | None = None
    fingerprint: Annotated[bytes, msgspec.Meta(min_length=16, max_length=64)] | None = None
    wrapped: Wrapped | None = None


_KNOWN: Final = frozenset(_Record.__struct_fields__)


class Place(NamedTuple):
    """What a password is bound to."""

    profile_id: str
    server: int
    """Its place in the profile's list."""


class Vault:
    """Seals and opens passwords. Questions, keyring and disk are reached by `unlock`, `change_protection` and
    `start_over` alone, one of them at a time; each of them leaves everything as it was where it raises."""

    def __init__(self, path: Path, prompter: Prompter, keyring: SystemKeyring | None = None) -> None:
        self._document = Document(path, VERSION)
        self._prompter = prompter
        self._keyring = keyring or SystemKeyring()
        self._lock = asyncio.Lock()
        self._content: Content | None = None
        self._record = _Record()
        self._trouble = ""
        self._key: bytes | None = None
        self._opened: dict[tuple[Place, bytes], str | None] = {}
        self._opening = asyncio.Lock()

    @property
    def protection(self) -> Protection | None:
        """What was chosen; None where nothing had to be sealed yet, and before `load`."""
        return self._record.protection

    @property
    def warning(self) -> str:
        """What `load` has to say in one sentence; empty where nothing was wrong."""
        return self._trouble or self._document.warning

    @property
    def is_open(self) -> bool:
        """Whether `seal` and `open` work."""
        return self._key is not None or self.protection is Protection.ASK

    async def load(self) -> None:
        """Read what was chosen. Never raises and asks nothing: see `warning`; `unlock` raises what is wrong."""
        async with self._lock:
            try:
                await self._load()
            except BadFile as error:
                self._trouble = str(error)

    async def keyring_state(self) -> KeyringState:
        """What the keyring would say now; within seconds, and without a question to the person."""
        return await self._keyring.state()

    async def unlock(self) -> None:
        """Make `seal` and `open` work; several callers share one question. The first time, a key is made.

        Raises VaultFailed, of which UnlockCancelled is nothing to show, or BadFile.
        """
        async with self._lock:
            await self._unlock()

    async def unlock_unasked(self) -> bool:
        """Make `seal` and `open` work if that takes no question to the person; returns whether they do."""
        kept = self.protection is Protection.KEYRING and not self.is_open
        if kept and await self.keyring_state() is KeyringState.AVAILABLE:
            with suppress(VaultFailed, BadFile):  # whoever needs the key asks again, and tells why
                await self.unlock()
        return self.is_open

    def lock(self) -> None:
        """Forget the key, and what was opened with it."""
        self._key = None
        self._opened.clear()

    async def seal(self, passwords: Mapping[Place, str]) -> dict[Place, bytes]:
        """The passwords as they may be kept on disk; none where none may (ASK). They are open as well.

        Raises VaultFailed while the vault is closed.
        """
        if self.protection is Protection.ASK or not passwords:
            return {}
        items = tuple((_bound_to(place), password.encode()) for place, password in passwords.items())
        key = self._open_key()
        sealed = dict(zip(passwords, await _work(Seal(key, items), list[bytes]), strict=True))
        if key == self._key:
            self._opened.update({(place, one): passwords[place] for place, one in sealed.items()})
        elif self._key is not None:  # another one meanwhile, with which this would never open
            return await self.seal(passwords)
        return sealed

    async def open(self, sealed: Mapping[Place, bytes]) -> None:
        """Open all that is not open yet, in one go, for `opened`. Raises VaultFailed while closed."""
        async with self._opening:
            new = {place: one for place, one in sealed.items() if (place, one) not in self._opened}
            if not new or (self._key is None and self.protection is Protection.ASK):
                return
            key = self._open_key()
            items = tuple((_bound_to(place), one) for place, one in new.items())
            texts = await _work(Open(key, items), list[bytes | None])
            if key == self._key:
                pairs = zip(new.items(), texts, strict=True)
                self._opened.update({pair: text if text is None else text.decode() for pair, text in pairs})

    def has_opened(self, sealed: Mapping[Place, bytes]) -> bool:
        """Whether all of these went through `open`."""
        return all(one in self._opened for one in sealed.items())

    def forget(self, profile_ids: Collection[str]) -> None:
        """Let go of what was opened of these."""
        for place, sealed in tuple(self._opened):
            if place.profile_id in profile_ids:
                del self._opened[place, sealed]

    def opened(self, place: Place, sealed: bytes | None, name: str = "") -> str:
        """What `seal` was given, once `open` had it. Raises VaultFailed while closed, and PasswordMissing, which names
        `name`, for what is not kept or was sealed with another key."""
        if sealed is not None:
            if not self.is_open:
                raise VaultFailed
            password = self._opened.get((place, sealed))
            if password is not None:
                return password
        raise PasswordMissing(name or place.profile_id)

    async def change_protection(self, new: Protection) -> None:
        """Keep the same key elsewhere; what was sealed stays sealed. Under ASK it can be opened until the program ends
        or `lock` is called, and never again.

        Raises VaultFailed or BadFile.
        """
        async with self._lock:
            await self._load()
            before = self.protection
            if before is not None:
                await self._unlock()
            await self._keep(new, self._key)
            if before is Protection.KEYRING and new is not before:
                with suppress(VaultFailed):  # left behind, it is in the place that was trusted with it before
                    await self._keyring.delete()

    async def start_over(self) -> None:
        """Make a new key in place of one that is lost, or whose master password is forgotten.

        What was sealed cannot be opened afterwards. Raises VaultFailed or BadFile.
        """
        async with self._lock:
            await self._load()
            await self._make_key(None if self.protection is Protection.KEYRING else self.protection)

    # ---- inside

    async def _load(self) -> None:
        if self._content is not None:
            return
        content = await asyncio.to_thread(self._document.load)
        try:
            self._record = msgspec.convert(content, _Record)
        except msgspec.ValidationError:
            reason = translate("passwords", "this version does not understand it")
            raise BadFile(reason, str(self._document.path)) from None
        self._content = content

    async def _unlock(self) -> None:
        await self._load()
        if self.is_open:
            return
        match self.protection:
            case Protection.KEYRING if self._record.fingerprint:
                self._key = await self._key_of_keyring(self._record.fingerprint)
            case Protection.MASTER if self._record.wrapped:
                self._key = await self._key_of_master(self._record.wrapped)
            case protection:
                await self._make_key(protection)

    async def _key_of_keyring(self, expected: bytes) -> bytes:
        key = await self._keyring.get()
        if key is None or fingerprint(key) != expected:
            raise VaultKeyLost
        return key

    async def _key_of_master(self, wrapped: Wrapped) -> bytes:
        for attempt in range(_ATTEMPTS):
            password = await self._master_password(new=False, wrong=attempt > 0)
            key: bytes | None = await _work(Unwrap(wrapped, _utf8(password)), bytes | None)
            if key is not None:
                return key
        raise WrongMasterPassword

    async def _make_key(self, protection: Protection | None) -> None:
        """A new key. Without a choice so far the keyring is taken; where it cannot be used the person chooses."""
        try:
            await self._keep(protection or Protection.KEYRING, None)
        except (KeyringMissing, KeyringLocked, KeyringDenied):
            if protection is not None:
                raise
            chosen = await self._prompter.choose_protection()
            if chosen is None:
                raise UnlockCancelled from None
            await self._keep(chosen, None)

    async def _keep(self, protection: Protection, key: bytes | None) -> None:
        """Keep `key` under `protection`; None stands for a new one, which ASK does not need."""
        wrapped = None
        match protection:
            case Protection.KEYRING:
                key = await self._put_into_keyring(key)
            case Protection.MASTER:
                key = key or os.urandom(KEY_LENGTH)
                password = await self._master_password(new=True, wrong=False)
                wrapped = await _work(Wrap(key, _utf8(password)), Wrapped)
            case Protection.ASK:
                await self._save(_Record(protection), key)
                return
        await self._save(_Record(protection, fingerprint(key), wrapped), key)

    async def _put_into_keyring(self, key: bytes | None) -> bytes:
        """A new key is taken from the keyring where one stands there: another vault of this person may need it."""
        kept = await self._keyring.get()
        key = key or kept or os.urandom(KEY_LENGTH)
        if key != kept:
            await self._keyring.put(key)
        return key

    async def _save(self, record: _Record, key: bytes | None) -> None:
        rest = {name: value for name, value in (self._content or {}).items() if name not in _KNOWN}
        content: Content = rest | msgspec.to_builtins(record)

        def done() -> None:
            if key != self._key:
                self._opened.clear()
            self._content, self._record, self._key = content, record, key

        await in_thread(lambda: self._write(content), done)

    def _write(self, content: Content) -> None:
        """Write until the older copies are the same: none may stay that an old master password opens, or that sends
        the next start to a key which is gone."""
        self._document.save(content)
        try:
            for _ in range(ROTATIONS):
                self._document.save(content)
        except BadFile as error:
            _log.warning("older copies stay: %s", error)

    async def _master_password(self, *, new: bool, wrong: bool) -> str:
        password = await self._prompter.master_password(new, wrong)
        if not password:
            raise UnlockCancelled
        return password

    def _open_key(self) -> bytes:
        if self._key is None:
            raise VaultFailed
        return self._key


def _bound_to(place: Place) -> bytes:
    return b"%s\0%s\0%d" % (_LABEL, place.profile_id.encode(), place.server)


def _utf8(password: str) -> bytes:
    return password.encode(errors="surrogatepass")


async def _work(request: Request, kind: Any) -> Any:
    """What the vault's worker makes of it."""
    try:
        return await ask(request, kind, _WORK_SECONDS)
    except TimeoutError:
        raise VaultBroken from None
