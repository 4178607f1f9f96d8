"""The list of profiles as a value: every function makes a new list of an old one."""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.errors import BadInput
from app.storage.profile_file import Entry
from app.storage.profiles import MAX_NAME, Profile, ProfileServer, clean_name
from app.texts import translate

Entries = tuple[Entry, ...]
Sealed = tuple[bytes | None, ...]

_NUMBERED = re.compile(r"(.*\S) [0-9]{1,5}")
_NUMBER_ROOM = 6  # characters of a space and the longest number


@dataclass(frozen=True, slots=True)
class Undo:
    """What was removed, each with its place in the list before."""

    removed: tuple[tuple[int, Entry], ...] = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)  # passwords that stand on no disk


def place(entries: Entries, entry_id: str) -> int:
    """Where an entry stands. Raises KeyError."""
    for at, entry in enumerate(entries):
        if entry.id == entry_id:
            return at
    raise KeyError(entry_id)


def lasting(entries: Entries) -> Entries:
    """Those that are written."""
    return tuple(entry for entry in entries if not entry.temporary)


def edited(entries: Entries, entry_id: str, profile: Profile, group: str, sealed: Sealed | None) -> Entries:
    """With another profile in an entry, and other passwords unless `sealed` is None: then there have to be as many
    servers as before, else it is BadInput. A test's outcome goes with what was tested: all but the names."""
    at = place(entries, entry_id)
    old = entries[at]
    if sealed is None:
        if len(profile.servers) != len(old.profile.servers):
            raise BadInput(translate("profiles", "each server needs a password"))
        sealed = old.sealed
    if replace(profile, name=old.profile.name) != old.profile or sealed != old.sealed:
        old = replace(old, latency_ms=None, problem="", tested_at=None)
    new = replace(old, profile=named(profile), group=clean_name(group), sealed=sealed)
    return (*entries[:at], new, *entries[at + 1 :])


def noted(entries: Entries, entry_id: str, values: Mapping[str, Any]) -> Entries:
    """With other values in an entry's fields, if it is there."""
    return tuple(replace(entry, **values) if entry.id == entry_id else entry for entry in entries)


def with_below(entries: Entries, entry_id: str, new: Entry) -> Entries:
    """With a new entry right below another."""
    below = place(entries, entry_id) + 1
    return (*entries[:below], new, *entries[below:])


def removed(entries: Entries, gone: Collection[str]) -> tuple[tuple[int, Entry], ...]:
    """Those of the ids in `gone`, each with its place."""
    return tuple((at, entry) for at, entry in enumerate(entries) if entry.id in gone)


def restored(entries: Entries, undo: Undo) -> Entries:
    """With what was removed where it stood; what is there already stays as it is."""
    present = {entry.id for entry in entries}
    result = list(entries)
    for at, entry in undo.removed:
        if entry.id not in present:
            result.insert(at, entry)
    return tuple(result)


def moved(entries: Entries, entry_id: str, position: int) -> Entries:
    """With an entry at `position`, counted without it; any number past the end is the last place."""
    entry = entries[place(entries, entry_id)]
    rest = [one for one in entries if one is not entry]
    rest.insert(max(0, position), entry)
    return tuple(rest)


def resealed(entries: Entries, sealed: Mapping[str, Sealed], *, clear_others: bool = False) -> Entries:
    """With these sealed passwords in the entries that are named. Others keep theirs, or have none with
    `clear_others`."""
    return tuple(
        replace(entry, sealed=sealed.get(entry.id, _nothing(entry) if clear_others else entry.sealed))
        for entry in entries
    )


def named(profile: Profile) -> Profile:
    """The profile under a name that can be shown."""
    return replace(profile, name=clean_name(profile.name) or str(profile.servers[0]))


def free_name(entries: Iterable[Entry], name: str) -> str:
    """`name` with the lowest number from 2 on under which no entry is known."""
    taken = {entry.profile.name.casefold() for entry in entries}
    match = _NUMBERED.fullmatch(name)
    base = (match[1] if match else name)[: MAX_NAME - _NUMBER_ROOM].rstrip()
    return next(free for number in itertools.count(2) if (free := f"{base} {number}").casefold() not in taken)


def by_servers(entries: Iterable[Entry]) -> dict[frozenset[ProfileServer], list[Entry]]:
    """The entries by the servers they dial, in whatever order."""
    found: dict[frozenset[ProfileServer], list[Entry]] = {}
    for entry in entries:
        found.setdefault(frozenset(entry.profile.servers), []).append(entry)
    return found


def _nothing(entry: Entry) -> Sealed:
    return (None,) * len(entry.profile.servers)
