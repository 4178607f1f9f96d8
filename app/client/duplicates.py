"""Which profiles are there already: asked for every link of an import, so that each password is opened once."""

from collections.abc import Callable, Iterable

from app.client import profile_list
from app.storage.profile_file import Entry
from app.storage.profiles import Profile, ProfileServer

_Servers = frozenset[ProfileServer]
_Passwords = tuple[str, ...]
_Keyed = frozenset[tuple[ProfileServer, str]]


class Duplicates:
    """Looks through `entries` as they are now. `visible` gives an entry's passwords, None where they cannot be seen.

    It remembers passwords in the clear: keep it for one import and no longer.
    """

    def __init__(self, entries: Iterable[Entry], visible: Callable[[Entry], _Passwords | None]) -> None:
        self._alike = profile_list.by_servers(entries)
        self._visible = visible
        self._known: dict[_Servers, dict[_Keyed | None, Entry]] = {}

    def find(self, profile: Profile, passwords: _Passwords | None) -> Entry | None:
        """An entry with the same servers, and the same passwords as far as both can be seen."""
        servers = frozenset(profile.servers)
        alike = self._alike.get(servers, ())
        if not alike or passwords is None:
            return next(iter(alike), None)
        if servers not in self._known:
            known: dict[_Keyed | None, Entry] = {}
            self._known[servers] = known
            for entry in alike:
                theirs = self._visible(entry)
                known.setdefault(None if theirs is None else _keyed(entry.profile, theirs), entry)
        found = self._known[servers]
        return found.get(_keyed(profile, passwords)) or found.get(None)


def _keyed(profile: Profile, passwords: _Passwords) -> _Keyed:
    return frozenset(dict(zip(profile.servers, passwords, strict=True)).items())
