"""The way to the running instance: one line there and one back, on a socket or a pipe that is this user's alone."""

import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final, TypeVar

from app.errors import NotAnswering, NotRunning

T = TypeVar("T")

MAX_ANSWER: Final = 4 * 1024 * 1024  # bytes: the status of a session pool has a few thousand

_CHUNK: Final = 65_536

# Between two tries while more callers wait than the instance can hold; in seconds.
_PAUSE: Final = 0.05


def exchange(address: str, line: bytes, timeout: float) -> bytes:
    """Say one line and hear one, within `timeout` seconds. Raises `NotRunning` or `NotAnswering`."""
    channel = Channel(address, time.monotonic() + timeout)
    try:
        channel.say(line)
        return channel.hear()
    except OSError:  # TimeoutError among them
        raise NotAnswering from None
    finally:
        channel.close()


def is_private(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether it is of this kind (`stat.S_ISDIR` and its like) and this user's alone. POSIX."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return is_kind(found.st_mode) and found.st_uid == own_number() and not found.st_mode & 0o077


def own_number() -> int:
    """The number of the user that this process acts as; 0 on Windows, which has none."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def _is_whole(heard: bytearray, chunk: bytes) -> bool:
    """Whether the line has come to its end with this chunk. Raises `NotAnswering` where it never will."""
    heard += chunk
    if not chunk or len(heard) > MAX_ANSWER:
        raise NotAnswering
    return chunk.endswith(b"\n")


if sys.platform == "win32":

    class Channel:
        """A pipe. Its calls know no time-outs: a thread waits in their place, and is left behind where in vain."""

        def __init__(self, address: str, deadline: float) -> None:
            """Raises `NotRunning` where nobody listens, or somebody else does, and `NotAnswering`."""
            self._deadline = deadline
            try:
                self._pipe = self._in_time(lambda: _opened(address, deadline))
            except TimeoutError:
                raise NotAnswering from None

        def say(self, line: bytes) -> None:
            """Send the line. Raises OSError."""
            self._in_time(lambda: self._pipe.write(line))

        def hear(self) -> bytes:
            """The whole answer. Raises OSError or `NotAnswering`."""
            return self._in_time(self._read)

        def close(self) -> None:
            """Hang up."""
            self._pipe.close()

        def _read(self) -> bytes:
            heard = bytearray()
            while not _is_whole(heard, self._pipe.read(_CHUNK) or b""):
                pass
            return bytes(heard)

        def _in_time(self, work: Callable[[], T]) -> T:
            done: Future[T] = Future()

            def run() -> None:
                try:
                    done.set_result(work())
                except BaseException as error:
                    done.set_exception(error)

            threading.Thread(target=run, daemon=True).start()
            return done.result(max(0.0, self._deadline - time.monotonic()))

    def _opened(name: str, deadline: float) -> FileIO:
        while True:
            try:
                pipe = FileIO(name, "r+")
            except FileNotFoundError:
                raise NotRunning from None
            except OSError:
                if time.monotonic() > deadline:
                    raise NotAnswering from None
                time.sleep(_PAUSE)
                continue
            if _serves_this_user(pipe):
                return pipe
            pipe.close()
            raise NotRunning

    def _serves_this_user(pipe: FileIO) -> bool:
        """Whether the process that made the pipe belongs to this user."""
        import ctypes
        import msvcrt

        import psutil

        number = ctypes.c_ulong()
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(pipe.fileno()))
        if not ctypes.windll.kernel32.GetNamedPipeServerProcessId(handle, ctypes.byref(number)):
            return False
        try:
            return psutil.Process(number.value).username() == psutil.Process().username()
        except psutil.Error:
            return False

else:

    class Channel:
        """A socket."""

        def __init__(self, address: str, deadline: float) -> None:
            """Raises `NotRunning` where nobody listens, or somebody else may, and `NotAnswering`."""
            path = Path(address)
            if not (is_private(path.parent, stat.S_ISDIR) and is_private(path, stat.S_ISSOCK)):
                raise NotRunning
            self._deadline = deadline
            self._socket = _connected(address, deadline)

        def say(self, line: bytes) -> None:
            """Send the line. Raises OSError, but not where the other side has heard enough: its answer says why."""
            self._limit()
            with suppress(ConnectionError):
                self._socket.sendall(line)

        def hear(self) -> bytes:
            """The whole answer. Raises OSError or `NotAnswering`."""
            heard = bytearray()
            self._limit()
            while not _is_whole(heard, self._socket.recv(_CHUNK)):
                self._limit()
            return bytes(heard)

        def close(self) -> None:
            """Hang up."""
            self._socket.close()

        def _limit(self) -> None:
            self._socket.settimeout(max(0.001, self._deadline - time.monotonic()))

    def _connected(path: str, deadline: float) -> socket.socket:
        while True:
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            try:
                sock.connect(path)
            except OSError as error:
                sock.close()
                if not isinstance(error, BlockingIOError):
                    raise NotRunning from None
            else:
                return sock
            if time.monotonic() > deadline:
                raise NotAnswering
            time.sleep(_PAUSE)
