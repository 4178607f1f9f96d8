"""Processes that take part in a measurement: started, listened to, stopped."""

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.wire import HOST

_START_WITHIN: Final = 15.0  # seconds
_STOP_WITHIN: Final = 5.0


class ProcessFailed(Exception):
    """A process did not start."""


class Process:
    """One that was started; what it says is in a file."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen = popen
        self._log = log
        self._started = time.monotonic()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def says(self, **fields: str) -> dict[str, Any]:
        """The first JSON object with these fields that it writes on a line of its own. Raises `ProcessFailed`."""
        while True:
            for line in self._words().splitlines(keepends=True):
                if line.startswith("{") and line.endswith("\n"):
                    said = dict(json.loads(line))
                    if fields.items() <= said.items():
                        return said
            self._wait()

    def listens(self, port: int) -> None:
        """Wait until it takes connections. Raises `ProcessFailed`."""
        while True:
            try:
                socket.create_connection((HOST, port), 1.0).close()
            except OSError:
                self._wait()
            else:
                return

    def _wait(self) -> None:
        late = time.monotonic() > self._started + _START_WITHIN
        if late or self._popen.poll() is not None:
            words = self._words().strip().splitlines()
            raise ProcessFailed(words[-1] if words else "it does not start")
        time.sleep(0.02)

    def _words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def started(command: Sequence[str], folder: Path, stdin: str = "", **environment: str) -> Iterator[Process]:
    """Run `command` until the block ends, its files in `folder`."""
    log = folder / f"{secrets.token_hex(8)}.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
        )
    try:
        assert popen.stdin is not None
        with popen.stdin:
            popen.stdin.write(stdin.encode())
        yield Process(popen, log)
    finally:
        popen.terminate()
        try:
            popen.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as sock:
        return int(sock.getsockname()[1])
