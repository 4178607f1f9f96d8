"""A JSON file with a version number: written whole or not at all, with the last good ones kept beside it.

    profiles.json      what is in force
    profiles.json.1    what it was before the last change; .2 and .3 are older
    profiles.json.damaged   what could not be read when one of these had to take its place

A file that another program has changed since it was read is never overwritten, nor is one from a newer version. Between
the look at the file and its replacement another writer could still slip in; one instance of this program at a time is
what keeps two from writing at all, this is the net below it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from app.errors import BadFile
from app.storage.files import plain_reason, read_limited, write_atomically
from app.texts import translate

ROTATIONS: Final = 3
MAX_DOCUMENT: Final = 64 * 1024 * 1024  # bytes; ten thousand profiles of three servers take a quarter

Content = dict[str, Any]
Migration = Callable[[Content], Content]

_Stamp = tuple[int, int, int] | None  # None: there is no file
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_CANNOT_MIGRATE = (LookupError, TypeError, ValueError, AttributeError)

_log = logging.getLogger("anytls.storage")


class Document:
    """One such file. `load` comes first; all of it blocks, so it is called in a thread, one call at a time."""

    def __init__(
        self,
        path: Path,
        version: int,
        migrations: Mapping[int, Migration] | None = None,
        limit: int = MAX_DOCUMENT,
    ) -> None:
        """`migrations[n]` turns the content of version n into that of version n + 1; `limit` is in bytes."""
        self.path = path
        self.warning = ""
        """What `load` has to say in one sentence: which older file was taken; empty where nothing was wrong."""
        self._version = version
        self._migrations = migrations or {}
        self._limit = limit
        self._stamp: _Stamp = None
        self._damaged = False
        self._refusal: BadFile | None = None

    def load(self) -> Content:
        """The content in today's version, empty where there is no file; unknown fields are in it.

        A damaged file falls back to the last good one, and `warning` says so. Raises BadFile where the file cannot be
        had, or a newer version has written it: it cannot be saved over then.
        """
        self.warning, self._damaged, self._refusal = "", False, None
        try:
            self._stamp = _stamp(self.path)
            content = self._read(self.path) if self._stamp else None
            self._damaged = content is None and self._stamp is not None
            return content if content is not None else self._last_good()
        except BadFile as error:
            self._refusal = error
            raise

    def save(self, content: Content, *, rotate: bool = True) -> None:
        """Replace the file. The one before is kept as `.1`, unless `rotate` is off, as for what is measured again.

        Raises BadFile, and the file is what it was.
        """
        if self._refusal is not None:
            raise self._refusal
        data = msgspec.json.format(msgspec.json.encode({"version": self._version} | content), indent=2) + b"\n"
        if len(data) > self._limit:
            raise self._bad(translate("files", "it would be larger than {limit} bytes").format(limit=self._limit))
        if _stamp(self.path) != self._stamp:
            raise self._bad(translate("files", "another program has changed it; start this one again"))
        if self._stamp is not None:
            self._keep_old(rotate)
        write_atomically(self.path, data)
        self._stamp, self._damaged = _stamp(self.path), False

    # ---- reading

    def _last_good(self) -> Content:
        for number in range(1, ROTATIONS + 1):
            path = self._older(number)
            content = self._read(path) if _stamp(path) else None
            if content is not None:
                self._warn(translate("files", "{path} was damaged or gone; its older copy {copy} is used."), path.name)
                return content
        if self._damaged:
            self._warn(translate("files", "{path} is damaged and there is no older copy: it begins anew."), "")
        return {"version": self._version}

    def _warn(self, text: str, copy: str) -> None:
        self.warning = text.format(path=self.path, copy=copy)
        _log.warning("%s", self.warning)

    def _read(self, path: Path) -> Content | None:
        """What stands there; None where it is damaged."""
        try:
            content = msgspec.json.decode(read_limited(path, self._limit))
        except _UNREADABLE as error:
            _log.warning("%s is damaged: %s", path, type(error).__name__)
            return None
        if not isinstance(content, dict) or type(content.get("version")) is not int or content["version"] < 1:
            _log.warning("%s is damaged: it has no version", path)
            return None
        if content["version"] > self._version:
            raise self._bad(translate("files", "a newer version of this program has written it"))
        return self._migrated(content)

    def _migrated(self, content: Content) -> Content | None:
        version = content["version"]
        try:
            for older in range(version, self._version):
                content = self._migrations[older](content)
        except _CANNOT_MIGRATE as error:
            _log.warning("%s of version %d cannot be read: %s", self.path, version, type(error).__name__)
            return None
        return content | {"version": self._version}

    # ---- writing

    def _keep_old(self, rotate: bool) -> None:
        """Keep the file that is about to be replaced. It stays in its place, so that there is one at every moment."""
        try:
            if self._damaged:
                self._copy(self.path.with_name(f"{self.path.name}.damaged"))
            elif rotate and _stamp(self._older(1)) != self._stamp:  # equal where the write after it has failed
                for number in range(ROTATIONS, 1, -1):
                    with suppress(FileNotFoundError):
                        self._older(number - 1).replace(self._older(number))
                self._copy(self._older(1))
        except OSError as error:
            raise self._bad(plain_reason(error)) from error

    def _copy(self, target: Path) -> None:
        """Another name for the file; a copy where the file system knows no second names."""
        target.unlink(missing_ok=True)
        try:
            target.hardlink_to(self.path)
        except OSError:
            write_atomically(target, self.path.read_bytes())

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _bad(self, reason: str) -> BadFile:
        return BadFile(reason, str(self.path))


async def in_thread(work: Callable[[], None], then: Callable[[], None]) -> None:
    """Do `work` in a thread, then `then` on the loop, so that memory follows what has reached the disk.

    A cancellation meanwhile takes effect after both: a write cannot be stopped half-way. Raises what `work` raises.
    """
    writing = asyncio.get_running_loop().run_in_executor(None, work)
    cancelled = False
    while not writing.done():
        try:
            await asyncio.wait({writing})
        except asyncio.CancelledError:
            cancelled = True
    error = writing.exception()
    if error is None:
        then()
    if cancelled:
        raise asyncio.CancelledError
    if error is not None:
        raise error


def _stamp(path: Path) -> _Stamp:
    """What tells one state of a file from another: time, size, and which file it is."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadFile(plain_reason(error), str(path)) from error
    return status.st_mtime_ns, status.st_size, status.st_ino
