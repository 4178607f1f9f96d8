"""How a second start, or the command line, speaks to the running instance: one JSON line there and one back.

The place belongs to this user alone: on POSIX a socket in a folder that nobody else can enter, whose owner is looked
at before anything is said; on Windows a named pipe whose owner is. No Qt: the other end is `ui.instance`.
"""

import hashlib
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app import NAME
from app.errors import BadFile, BadInput, NotAnswering, NotRunning, RequestRefused
from app.system.channel import Channel, exchange, is_private, own_number
from app.texts import translate

VERSION: Final = 1

MAX_REQUEST: Final = 1024 * 1024  # bytes: some thousand links

_SOCKET: Final = "socket"

# A path of more than 103 bytes does not fit into a socket's address on macOS (sun_path), which is the shortest.
_MAX_PLACE: Final = 103 - len(f"/{NAME}/{_SOCKET}")

Message = dict[str, Any]


def address() -> str:
    """Where the running instance listens: the path of its socket, or the name of its pipe. Nothing is made."""
    if sys.platform == "win32":
        home = os.path.normcase(Path.home())
        return rf"\\.\pipe\{NAME}-{hashlib.sha256(home.encode()).hexdigest()[:16]}"
    return str(_folder() / _SOCKET)


def prepare() -> Path:
    """The folder for the socket and its lock, made where it is missing, for this user alone. Raises `BadFile`."""
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == own_number():
            folder.chmod(0o700)
    except OSError as error:
        reason = error.strerror or translate("instance", "it cannot be used")
        raise BadFile(reason[:1].lower() + reason[1:], str(folder)) from None
    if sys.platform != "win32" and not is_private(folder, stat.S_ISDIR):
        raise BadFile(translate("instance", "it belongs to somebody else"), str(folder))
    return folder


def ask(request: Mapping[str, Any], timeout: float = 10.0) -> Message:
    """What the running instance answers, within `timeout` seconds.

    Raises `NotRunning`, `NotAnswering`, `RequestRefused` with its sentence, or `BadInput` for too long a request.
    """
    line = to_line({"version": VERSION, **request})
    if len(line) > MAX_REQUEST:
        raise BadInput(translate("instance", "it is too long to be handed over"))
    answer = read_answer(exchange(address(), line, timeout))
    if answer.pop("ok", None) is not True:
        raise RequestRefused(str(answer.get("error") or NotAnswering()))
    return answer


def is_running() -> bool:
    """Whether an instance listens."""
    try:
        Channel(address(), time.monotonic() + 1.0).close()
    except NotAnswering:
        return True  # it has many callers
    except NotRunning:
        return False
    return True


# ---- the lines


def to_line(message: Mapping[str, Any]) -> bytes:
    """One message as it goes over the socket."""
    return json.dumps(message).encode("ascii") + b"\n"


def read_request(line: bytes) -> Message:
    """The request in a line, without its version. Raises `BadInput` with one sentence for everything else."""
    message = _object(line)
    if message is None:
        raise BadInput(translate("instance", "a request is one line with a JSON object"))
    if message.pop("version", None) != VERSION:
        raise BadInput(translate("instance", "the running AnyTLS Tray is of another version; quit it first"))
    return message


def read_answer(line: bytes) -> Message:
    """The answer in a line, without its version. Raises `NotAnswering` where it is none."""
    message = _object(line)
    if message is None or message.pop("version", None) != VERSION:
        raise NotAnswering
    return message


def _object(line: bytes) -> Message | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _folder() -> Path:
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / NAME
    for place in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{own_number()}"):
        if place and len(os.fsencode(place)) <= _MAX_PLACE and Path(place).is_dir():
            return Path(place) / NAME
    return Path(tempfile.gettempdir()) / f"{NAME}-{own_number()}"
