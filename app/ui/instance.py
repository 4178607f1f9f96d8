"""The running instance's ear: one line in, one line out, for this user's other processes.

What is said there is `client.remote`'s matter. Here a caller that talks too long, too slowly or nonsense is got rid of.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.errors import BadFile, BadInput, Failure, NotRunning
from app.system import instance
from app.system.instance import MAX_REQUEST, Message, is_running, read_request, to_line
from app.tasks import Tasks
from app.texts import translate

Handler = Callable[[Message], Coroutine[Any, Any, Message]]
"""Answers a request with fields of its own; a `Failure` that it raises is told to the caller."""

_log = logging.getLogger("anytls.instance")

# How long a caller may take for its line, and then to fetch the answer; in seconds.
_PATIENCE: Final = 5.0

# While another instance holds the lock and does not listen yet: it is just starting, or it is gone. In milliseconds.
_STARTING: Final = 450

_MAX_CALLERS: Final = 64  # at once; a line of theirs takes a mebibyte at most


class InstanceServer(QObject):
    """Listens for other processes. `handler` runs as a task, so that many callers are answered at once."""

    def __init__(self, handler: Handler, patience: float = _PATIENCE) -> None:
        super().__init__()
        self._handler = handler
        self._patience = patience
        self._tasks = Tasks()
        self._callers: set[_Caller] = set()
        self._lock: QLockFile | None = None
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._greet)

    def listen(self) -> bool:
        """Become the running instance; False where there is one. Raises `BadFile` where that cannot be found out."""
        folder = instance.prepare()
        lock = QLockFile(str(folder / "lock"))
        lock.setStaleLockTime(0)  # held as long as its process lives, however long that is
        if not self._locked(lock):
            return False
        QLocalServer.removeServer(instance.address())
        if not self._server.listen(instance.address()):
            lock.unlock()
            raise BadFile(self._server.errorString(), instance.address())
        self._lock = lock
        return True

    async def close(self) -> None:
        """Listen no more; who has not been answered is hung up on."""
        self._server.close()
        await self._tasks.close()
        for caller in tuple(self._callers):
            caller.drop()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    @staticmethod
    def _locked(lock: QLockFile) -> bool:
        """Whether the lock is ours. One that a crash left behind counts for nothing."""
        if lock.tryLock(0):
            return True
        if lock.error() is not QLockFile.LockError.LockFailedError:
            raise BadFile(translate("instance", "it cannot be written"), lock.fileName())
        if is_running() or lock.tryLock(_STARTING):
            return lock.isLocked()
        if is_running():
            return False
        # The process it names lives, but does not listen: the number has gone to another one since a crash.
        _log.warning("the lock of an instance that is gone is taken away")
        with suppress(OSError):
            Path(lock.fileName()).unlink()
        return lock.tryLock(0)

    def _greet(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            caller = _Caller(connection, self._patience, self)
            if len(self._callers) >= _MAX_CALLERS:
                caller.drop()
                continue
            self._callers.add(caller)
            caller.gone.connect(self._callers.discard)
            caller.asked.connect(self._answer)
            caller.read()

    def _answer(self, caller: "_Caller", line: bytes) -> None:
        self._tasks.start(self._answered(caller, line), "answer another process")

    async def _answered(self, caller: "_Caller", line: bytes) -> None:
        answer = _refusal(Failure())  # stays where a defect ends the handler, which the task reports
        try:
            answer = {"ok": True, **await self._handler(read_request(line))}
        except Failure as failure:
            answer = _refusal(failure)
        except asyncio.CancelledError:
            answer = _refusal(NotRunning())
            raise
        finally:
            caller.say(to_line({"version": instance.VERSION, **answer}))


def _refusal(failure: Failure) -> Message:
    return {"ok": False, "error": str(failure)}


class _Caller(QObject):
    """One process that has connected: it says one line and hears one."""

    asked = Signal(object, bytes)  # itself and its line
    gone = Signal(object)

    def __init__(self, connection: QLocalSocket, patience: float, parent: QObject) -> None:
        super().__init__(parent)  # which keeps it alive while its own signals are under way
        self._over = False
        self._connection = connection
        connection.setParent(self)
        connection.setReadBufferSize(MAX_REQUEST + 1)
        self._heard = b""
        self._listening = True
        self._timer = QTimer(self, singleShot=True, interval=int(patience * 1000))
        self._timer.timeout.connect(self.drop)
        self._timer.start()
        connection.readyRead.connect(self.read)
        connection.disconnected.connect(self._ended)

    def read(self) -> None:
        """Take what has come."""
        if not self._listening:
            return
        self._heard += self._connection.readAll().data()
        line, newline, _ = self._heard.partition(b"\n")
        if newline:
            self._listening = False
            self._timer.stop()
            self.asked.emit(self, line)
        elif len(self._heard) > MAX_REQUEST:
            self._listening = False
            self.say(to_line({"version": instance.VERSION, **_refusal(BadInput(_too_long()))}))

    def say(self, line: bytes) -> None:
        """Say the answer and hang up once it is fetched; nothing where the caller has gone."""
        if self._over:
            return
        self._timer.start()
        self._connection.write(line)
        self._connection.flush()
        self._connection.disconnectFromServer()

    def drop(self) -> None:
        """Hang up at once."""
        if not self._over:
            self._connection.abort()
            self._ended()

    def _ended(self) -> None:
        if not self._over:
            self._over = True
            self._timer.stop()
            self.gone.emit(self)
            self.deleteLater()


def _too_long() -> str:
    return translate("instance", "it is too long to be handed over")
