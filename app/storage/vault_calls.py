"""Asks the vault's worker, a process of its own for each request: see `vault_worker`."""

import asyncio
import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec

import app
from app.errors import (
    KeyringDenied,
    KeyringLocked,
    KeyringMissing,
    UnlockCancelled,
    VaultBroken,
    VaultFailed,
)
from app.storage.vault_worker import OPTION, Answer, Request

_log = logging.getLogger("anytls.storage")

# What a worker may say that it has met.
_FAILURES: Final[dict[str, type[VaultFailed]]] = {
    one.__name__: one for one in (KeyringDenied, KeyringLocked, KeyringMissing, UnlockCancelled)
}

# Nothing is looked for where the person happens to be (-P), and nothing beside this program comes before Python's own.
_MAIN: Final = (
    "import sys; sys.path.append(sys.argv.pop()); from app.storage.vault_worker import main; sys.exit(main())"
)

_NO_CONSOLE: Final = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows one would flash up


@contextlib.asynccontextmanager
async def working(request: Request) -> AsyncIterator["Worker"]:
    """A worker with a request. It is ended with the block, and with it a question to the person."""
    worker = Worker(request)
    try:
        yield worker
    finally:
        # Whatever becomes of the caller meanwhile, this comes to its end.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, worker.end))


async def ask(request: Request, kind: Any, seconds: float) -> Any:
    """The answer to a request that has one: as `Worker.answer`."""
    async with working(request) as worker:
        return await worker.answer(kind, seconds)


class Worker:
    """One process and its answers, made by `working`."""

    def __init__(self, request: Request) -> None:
        self._request: bytes | None = msgspec.json.encode(request)
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._lock = threading.Lock()

    async def answer(self, kind: Any, seconds: float) -> Any:
        """The next answer, as a `kind`. Raises TimeoutError, the Failure that the worker names, and VaultBroken where
        it does not answer, or not that."""
        async with asyncio.timeout(seconds):
            line = await asyncio.to_thread(self._line)
        try:
            return msgspec.convert(_read(line).value, kind)
        except msgspec.ValidationError:
            _log.error("the vault's worker answered something else than was asked")
            raise VaultBroken from None

    def end(self) -> None:
        """End the process if it has not ended. Blocks, for a moment."""
        with self._lock:
            self._ended = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    def _line(self) -> bytes:
        """The next line, in a thread; empty where there is none. The first call starts the process."""
        with self._lock:
            if self._process is None and not self._ended:
                self._process = _started()
        if self._process is None:
            return b""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._request is not None:
            with (
                contextlib.suppress(OSError),
                self._process.stdin as stdin,
            ):  # it may have ended: then there is no answer
                stdin.write(self._request)
            self._request = None
        return self._process.stdout.readline()


def _read(line: bytes) -> Answer:
    """Raises the Failure that stands there."""
    if not line:
        _log.error("the vault's worker ended without an answer")
        raise VaultBroken
    try:
        answer = msgspec.json.decode(line, type=Answer)
    except msgspec.MsgspecError:
        answer = Answer(failure="unreadable")
    if not answer.failure:
        return answer
    kind = _FAILURES.get(answer.failure, VaultBroken)
    _log.log(
        logging.ERROR if kind is VaultBroken else logging.INFO, "vault's worker: %s %s", answer.failure, answer.cause
    )
    raise kind


def _started() -> subprocess.Popen[bytes] | None:
    frozen = getattr(sys, "frozen", False)
    home = str(Path(app.__file__).parents[1])
    command = [sys.executable, OPTION] if frozen else [sys.executable, "-P", "-c", _MAIN, home]
    try:
        return subprocess.Popen(  # noqa: S603 (all of it is our own)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # backends say there what they like
            creationflags=_NO_CONSOLE,
        )
    except OSError as error:
        _log.error("the vault's worker does not start: %s", error.strerror)
        return None
