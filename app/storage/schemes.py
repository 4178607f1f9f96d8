"""Padding schemes that servers pushed, remembered for each server across restarts (PROTOCOL.md §6.1, §7)."""

import logging
from pathlib import Path
from typing import Final

import msgspec

from app.errors import BadFile
from app.storage.files import read_limited, write_atomically

MAX_SCHEME: Final = 8192  # bytes; the reference's default has 300, and protocols.padding refuses far smaller monsters
MAX_SERVERS: Final = 256
_MAX_KEY = 512  # characters: the longest host name and a port, twice over
_MAX_FILE = MAX_SERVERS * (MAX_SCHEME * 4 // 3 + _MAX_KEY + 16)  # bytes; base64 takes four for three

_log = logging.getLogger("anytls.storage")


class _File(msgspec.Struct):
    version: int
    schemes: dict[str, bytes]  # base64 in the file


class PushedSchemes:
    """The last scheme of each server, by its "host:port"; without a path it remembers until the program ends.

    Never raises: a damaged file or a full disk costs only the memory, and is said in the log.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._schemes: dict[str, bytes] = {}
        if path is not None and path.exists():
            self._load(path)

    def get(self, server_key: str) -> bytes | None:
        """The raw scheme that this server pushed last."""
        return self._schemes.get(server_key)

    def put(self, server_key: str, raw: bytes) -> None:
        """Remember `raw`; costs nothing where it is known already. The server that changed least lately makes room."""
        if self._schemes.get(server_key) == raw or not _fits(server_key, raw):
            return
        self._schemes.pop(server_key, None)
        self._schemes[server_key] = raw
        self._drop_oldest()
        if self._path is not None:
            try:
                write_atomically(self._path, msgspec.json.encode(_File(1, self._schemes)))
            except BadFile as error:
                _log.warning("padding schemes are not kept: %s", error)

    def _load(self, path: Path) -> None:
        try:
            file = msgspec.json.decode(read_limited(path, _MAX_FILE), type=_File)
        except (BadFile, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            _log.warning("remembered padding schemes are lost, %s is damaged: %s", path, error)
            return
        if file.version != 1:
            _log.warning("remembered padding schemes are lost, %s has the unknown version %d", path, file.version)
            return
        self._schemes = {key: raw for key, raw in file.schemes.items() if _fits(key, raw)}
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._schemes) > MAX_SERVERS:
            del self._schemes[next(iter(self._schemes))]


def _fits(server_key: str, raw: bytes) -> bool:
    return len(raw) <= MAX_SCHEME and len(server_key) <= _MAX_KEY
