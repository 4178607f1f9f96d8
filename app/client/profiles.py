"""The list of profiles with their passwords: every change is on disk before it is seen, or it has not happened."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar
from uuid import uuid4

from app.client import profile_list
from app.client.duplicates import Duplicates
from app.client.profile_list import Entries, Sealed, Undo
from app.errors import BadFile, BadInput, PasswordMissing, VaultFailed
from app.protocols.text import printable
from app.storage.document import in_thread
from app.storage.passwords import Place, Protection, Vault
from app.storage.profile_file import MAX_PASSWORD, Entry, ProfileFile, check
from app.storage.profiles import Profile, clean_name
from app.texts import translate

__all__ = ["Entry", "Profiles", "Undo"]

MAX_PROFILES: Final = 10_000  # as many as one import may bring

_T = TypeVar("_T")
_Passwords = tuple[str, ...]
_log = logging.getLogger("anytls.profiles")


class Profiles:
    """See the module's text. Entries never change: a change puts another one in their place and calls `on_change`.

    Changes raise BadFile where the disk refuses, VaultFailed where a password has to be sealed and cannot be, and
    BadInput for what no server could be dialled with. What takes an id raises KeyError where it is gone.
    """

    def __init__(self, file: ProfileFile, vault: Vault) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.warning = ""
        """What `load` had to say, in sentences: what was damaged or could not be read; empty where all was well."""
        self._file = file
        self._vault = vault
        self._entries: Entries = ()
        self._known: dict[str, _Passwords] = {}  # passwords that are sealed nowhere, until the program ends
        self._lock = asyncio.Lock()
        self._noted = False  # something that is not on disk yet

    # ---- looking

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them in the person's order."""
        return self._entries

    def get(self, entry_id: str) -> Entry:
        """Raises KeyError."""
        return self._entries[profile_list.place(self._entries, entry_id)]

    def find(self, name: str) -> Entry | None:
        """The first one of this name, in upper or lower case, or of this id."""
        wanted = clean_name(name).casefold()
        found = (entry for entry in self._entries if wanted in (entry.profile.name.casefold(), entry.id))
        return next(found, None)

    def recent(self, limit: int = 15) -> tuple[Entry, ...]:
        """The last used first; then those never used, in their order."""
        return tuple(sorted(self._entries, key=lambda entry: -(entry.used_at or 0.0))[:limit])

    def is_duplicate(self, profile: Profile, passwords: tuple[str, ...] | None) -> Entry | None:
        """An entry with the same servers, and the same passwords as far as they can be seen without a question."""
        return self.duplicates().find(profile, passwords)

    def duplicates(self) -> Duplicates:
        """`is_duplicate` for many profiles at a time."""
        return Duplicates(self._entries, self._visible)

    async def passwords(self, entry_id: str) -> tuple[str, ...]:
        """One for each server; the vault is unlocked where they are sealed.

        Raises VaultFailed, and PasswordMissing where they are not kept: ask the person, and tell `edit`.
        """
        entry = self.get(entry_id)
        known = self._known.get(entry_id)
        if known is not None:
            return known
        if not entry.has_password:
            raise PasswordMissing(entry.profile.name)
        await self._vault.unlock()
        entry = self.get(entry_id)  # the person may have taken a while
        if not self._vault.has_opened(_places(entry)):
            await self._open_all()
        return self._opened(self.get(entry_id))

    async def unlock(self) -> None:
        """Make `duplicates` see every password that is kept; may ask the person. Raises VaultFailed or BadFile."""
        await self._vault.unlock()
        await self._open_all()

    async def unlock_unasked(self) -> None:
        """The same if that takes no question to the person."""
        if await self._vault.unlock_unasked():
            with suppress(VaultFailed):  # as there: whoever needs them hears why
                await self._open_all()

    # ---- changing

    async def load(self) -> None:
        """Read the list, and the vault's file. Never raises and asks nothing: see `warning`, and the vault's."""
        async with self._lock:
            try:
                entries = await asyncio.to_thread(self._file.load)
                self.warning = self._file.warning
            except BadFile as error:
                entries, self.warning = [], str(error)
            await self._vault.load()
            self._show((*entries, *(entry for entry in self._entries if entry.temporary)))

    async def add(
        self, profile: Profile, passwords: tuple[str, ...], group: str = "", temporary: bool = False
    ) -> Entry:
        """Put a profile at the end; a temporary one is never written. The password "" is one to ask for each time."""
        return (await self._add([(profile, passwords)], group, temporary))[0]

    async def add_many(self, items: Sequence[tuple[Profile, tuple[str, ...]]], group: str = "") -> list[Entry]:
        """Put all of them at the end with one write: all or none."""
        return await self._add(items, group, False)

    async def edit(self, entry_id: str, profile: Profile, passwords: tuple[str, ...] | None, group: str) -> Entry:
        """Put `profile` in place of the one before. None keeps the passwords: there must be as many servers then."""
        _check(profile, passwords)
        before = self.get(entry_id)
        sealed = (await self._seal([before], [passwords]))[0] if passwords is not None else None

        def change(entries: Entries) -> tuple[Entries, Entry]:
            result = profile_list.edited(entries, entry_id, profile, group, sealed)
            return result, result[profile_list.place(result, entry_id)]

        def remember() -> None:
            if passwords is not None:
                self._remember([replace(before, sealed=sealed or ())], [passwords])

        return await self._change(change, remember)

    async def duplicate(self, entry_id: str) -> Entry:
        """A copy with its passwords, right below, under the next name that is free."""
        try:
            passwords = await self.passwords(entry_id)
        except PasswordMissing:
            passwords = ("",) * len(self.get(entry_id).profile.servers)
        before = self.get(entry_id)
        profile = replace(before.profile, name=profile_list.free_name(self._entries, before.profile.name))
        copy = replace(before, id=uuid4().hex, profile=profile, used_at=None)
        copy = replace(copy, sealed=(await self._seal([copy], [passwords]))[0])
        await self._change(
            lambda entries: (profile_list.with_below(entries, entry_id, copy), None),
            partial(self._remember, [copy], [passwords]),
        )
        return copy

    async def remove(self, entry_ids: Sequence[str]) -> Undo:
        """Take them away with their passwords; `restore` brings both back. Ids that are gone are skipped."""
        gone = frozenset(entry_ids)

        def change(entries: Entries) -> tuple[Entries, Undo]:
            removed = profile_list.removed(entries, gone)
            known = {entry_id: self._known[entry_id] for entry_id in gone & self._known.keys()}
            return tuple(entry for entry in entries if entry.id not in gone), Undo(removed, known)

        def forget() -> None:
            for entry_id in gone:
                self._known.pop(entry_id, None)
            self._vault.forget(gone)

        return await self._change(change, forget)

    async def restore(self, undo: Undo) -> None:
        """Bring back what `remove` took, where it stood. Those that are there already are left as they are."""

        def remember() -> None:
            self._known = {**undo.known, **self._known}

        await self._change(lambda entries: (profile_list.restored(entries, undo), None), remember)

    async def move(self, entry_id: str, position: int) -> None:
        """Put an entry at `position`, counted without it: 0 is first, and any number past the end is last."""
        await self._change(lambda entries: (profile_list.moved(entries, entry_id, position), None))

    async def note_latency(self, entry_id: str, ms: float | None, problem: str) -> None:
        """Note a test's outcome: milliseconds, or a sentence on why not. Never raises: a note is no more than that."""
        await self._note(entry_id, latency_ms=ms, problem=printable(problem), tested_at=time.time())

    async def note_used(self, entry_id: str) -> None:
        """Note that it is connected with now. Never raises."""
        await self._note(entry_id, used_at=time.time())

    # ---- the vault's key

    async def change_protection(self, new: Protection) -> None:
        """Keep the vault's key elsewhere. Raises VaultFailed or BadFile, and nothing has changed then.

        Passwords that were kept nowhere are sealed from now on; with ASK those that were sealed are known until the
        program ends, and then no more.
        """
        if any(entry.has_password for entry in self._entries) and self._vault.protection is not Protection.ASK:
            await self._vault.unlock()
        visible = await self._all_visible()
        await self._vault.change_protection(new)
        await self._seal_again(visible)

    async def start_over(self) -> None:
        """After VaultKeyLost, or for a forgotten master password: give up what cannot be opened and make a new key.

        The entries are marked first, by `has_password`; their passwords have to be entered again. Raises VaultFailed
        or BadFile, and nothing has changed then.
        """
        visible = await self._all_visible()
        before = {entry.id: entry.sealed for entry in self._entries}
        await self._change(lambda entries: (profile_list.resealed(entries, {}, clear_others=True), None))
        try:
            await self._vault.start_over()
        except BaseException:
            await self._change(lambda entries: (profile_list.resealed(entries, before), None))
            raise
        await self._seal_again(visible)

    # ---- inside

    async def _add(self, items: Sequence[tuple[Profile, _Passwords]], group: str, temporary: bool) -> list[Entry]:
        passwords = [one for _, one in items]
        new = await asyncio.to_thread(_made, items, clean_name(group), temporary)
        sealed = await self._seal(new, passwords)
        new = [replace(entry, sealed=one) for entry, one in zip(new, sealed, strict=True)]

        def change(entries: Entries) -> tuple[Entries, list[Entry]]:
            if len(entries) + len(new) > MAX_PROFILES:
                raise BadInput(translate("profiles", "there is room for {count} profiles").format(count=MAX_PROFILES))
            return (*entries, *new), new

        return await self._change(change, partial(self._remember, new, passwords))

    async def _change(
        self, change: Callable[[Entries], tuple[Entries, _T]], then: Callable[[], None] = lambda: None
    ) -> _T:
        """Make a list of the list that is there; write it, and only then show it and do `then`."""
        async with self._lock:
            entries, result = change(self._entries)
            if profile_list.lasting(entries) == profile_list.lasting(self._entries):
                then()
                self._show(entries)
            else:
                await self._write(entries, then)
            return result

    async def _write(self, entries: Entries, then: Callable[[], None] = lambda: None, *, rotate: bool = True) -> None:
        def shown() -> None:
            self._noted = False
            then()
            self._show(entries)

        await in_thread(partial(self._file.save, entries, rotate=rotate), shown)

    def _show(self, entries: Entries) -> None:
        if entries != self._entries:
            self._entries = entries
        self.on_change()

    async def _note(self, entry_id: str, **values: Any) -> None:
        """Show it at once and write it soon: notes that come together are one write, and rotate no older copies."""
        async with self._lock:
            entries = profile_list.noted(self._entries, entry_id, values)
            self._noted = self._noted or profile_list.lasting(entries) != profile_list.lasting(self._entries)
            self._show(entries)
        async with self._lock:
            if self._noted:
                try:
                    await self._write(self._entries, rotate=False)
                except BadFile as error:
                    _log.warning("a profile's latest test or use is not kept: %s", error)

    # ---- passwords

    async def _seal(self, entries: Sequence[Entry], passwords: Sequence[_Passwords]) -> list[Sealed]:
        """The passwords as they may be kept; the vault is unlocked where there are any."""
        pairs = [
            (entry.id, ("",) * len(one) if entry.temporary else one)
            for entry, one in zip(entries, passwords, strict=True)
        ]
        if not any(any(one) for _, one in pairs):
            return [(None,) * len(one) for _, one in pairs]
        await self._vault.unlock()
        sealed = await self._vault.seal(
            {Place(entry_id, at): it for entry_id, one in pairs for at, it in enumerate(one) if it}
        )
        return [tuple(sealed.get(Place(entry_id, at)) for at in range(len(one))) for entry_id, one in pairs]

    def _remember(self, entries: Sequence[Entry], passwords: Sequence[_Passwords]) -> None:
        """Keep in mind what is sealed nowhere."""
        for entry, one in zip(entries, passwords, strict=True):
            self._known.pop(entry.id, None)
            if not entry.has_password and all(one):
                self._known[entry.id] = one

    def _opened(self, entry: Entry) -> _Passwords:
        name = entry.profile.name
        return tuple(self._vault.opened(Place(entry.id, at), it, name) for at, it in enumerate(entry.sealed))

    async def _open_all(self) -> None:
        """All in one go: each takes a process."""
        await self._vault.open({place: it for entry in self._entries for place, it in _places(entry).items()})

    def _visible(self, entry: Entry) -> _Passwords | None:
        """The passwords, where they can be had without a question."""
        known = self._known.get(entry.id)
        if known is not None or not (entry.has_password and self._vault.is_open):
            return known
        try:
            return self._opened(entry)
        except VaultFailed:
            return None

    async def _all_visible(self) -> dict[str, _Passwords]:
        if self._vault.is_open:
            await self._open_all()
        found = {entry.id: self._visible(entry) for entry in self._entries if not entry.temporary}
        return {entry_id: passwords for entry_id, passwords in found.items() if passwords is not None}

    async def _seal_again(self, visible: Mapping[str, _Passwords]) -> None:
        """Seal passwords with the vault's present key, or keep them in mind where it has none."""
        asks = self._vault.protection is Protection.ASK
        entries = [entry for entry in self._entries if entry.id in visible]
        passwords = [visible[entry.id] for entry in entries]
        sealed = await self._seal(entries, passwords)
        entries = [replace(entry, sealed=one) for entry, one in zip(entries, sealed, strict=True)]
        if asks:  # even where the disk refuses: they can be opened no more
            self._remember(entries, passwords)
        again = {entry.id: entry.sealed for entry in entries}
        await self._change(
            lambda entries: (profile_list.resealed(entries, again, clear_others=asks), None),
            partial(self._remember, entries, passwords),
        )


def _places(entry: Entry) -> dict[Place, bytes]:
    """What is kept of an entry's passwords."""
    return {Place(entry.id, at): it for at, it in enumerate(entry.sealed) if it is not None}


def _made(items: Sequence[tuple[Profile, _Passwords]], group: str, temporary: bool) -> list[Entry]:
    """New entries, for a thread: hundreds take a tenth of a second. Raises BadInput as `_check`."""
    for profile, passwords in items:
        _check(profile, passwords)
    return [Entry(uuid4().hex, profile_list.named(profile), group, temporary=temporary) for profile, _ in items]


def _check(profile: Profile, passwords: _Passwords | None) -> None:
    """Raises BadInput for what could not be read back, or is not one password for each server."""
    check(profile_list.named(profile))
    if passwords is None:
        return
    if len(passwords) != len(profile.servers):
        raise BadInput(translate("profiles", "each server needs a password"))
    try:
        too_long = any(len(password.encode()) > MAX_PASSWORD for password in passwords)
    except UnicodeEncodeError:
        raise BadInput(translate("profiles", "a password is not valid text")) from None
    if too_long:
        raise BadInput(translate("profiles", "a password is too long"))
