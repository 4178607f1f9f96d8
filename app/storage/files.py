"""Files read within a limit, and written whole or not at all. Every OSError becomes one BadFile here."""

import os
import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path

from app.errors import BadFile
from app.texts import translate


def write_atomically(path: Path, data: bytes, *, private: bool = True) -> None:
    """Replace `path` by `data`, so that a crash leaves the old file or the new one, never a part.

    A private file is its owner's alone (0600), any other follows the umask. Raises BadFile; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb", opener=partial(os.open, mode=0o600 if private else 0o666)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError, ValueError):
            temporary.unlink()
        if isinstance(error, (OSError, ValueError)):
            raise BadFile(plain_reason(error), str(path)) from error
        raise
    _sync_folder(path.parent)


def read_limited(path: Path, limit: int) -> bytes:
    """The whole content, at most `limit` bytes. Raises BadFile: missing, not readable, too large, or a folder."""
    try:
        if path.is_dir():
            raise IsADirectoryError
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise BadFile(plain_reason(error), str(path)) from error
    if len(data) > limit:
        raise BadFile(translate("files", "it is larger than {limit} bytes").format(limit=limit), str(path))
    return data


def plain_reason(error: OSError | ValueError) -> str:
    """Why the operating system refused, as half a sentence. (A ValueError is Python's: the name holds a NUL.)"""
    match error:
        case FileNotFoundError():
            return translate("files", "it does not exist")
        case IsADirectoryError():
            return translate("files", "it is a folder")
        case NotADirectoryError() | FileExistsError():
            return translate("files", "a file stands where a folder is needed")
        case PermissionError():
            return translate("files", "this program is not allowed to use it")
        case OSError(strerror=str(text)):
            return text[:1].lower() + text[1:]
        case OSError():
            return translate("files", "it cannot be used")
        case _:
            return translate("files", "its name is not valid")


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable. Windows has no such call, and some file systems refuse it."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
