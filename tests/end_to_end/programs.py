"""The command line as people run it: processes of their own, with folders of their own, on ports that are free."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (str(Path(sys.executable).with_name("anytls-tray")),)

# The same on asyncio's own loop, as it runs where there is no uvloop.
_WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from app.cli import main; sys.exit(main())"
PLAIN_COMMAND = (sys.executable, "-c", _WITHOUT_UVLOOP)

# Seconds. Long enough for the slowest machine under load, shorter than a test's own limit.
PATIENCE = 60.0

Event = dict[str, Any]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Finished:
    """A program that has ended."""

    code: int
    out: str
    err: str


class Program:
    """A running program. What it writes goes to files, so that it never waits for anybody to read it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str = "") -> None:
        folder.mkdir()
        self.out, self.err = folder / "out", folder / "err"
        source = folder / "in"
        source.write_text(stdin, encoding="utf-8")
        with source.open("rb") as read, self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(command, env=environment, stdin=read, stdout=out, stderr=err)
        self._events: list[Event] = []
        self._read = 0

    # ---- what it says

    def said(self) -> str:
        """Its standard output so far."""
        return self.out.read_text(encoding="utf-8")

    def complained(self) -> str:
        """Its standard error so far, which is where the log goes."""
        return self.err.read_text(encoding="utf-8")

    def events(self, kind: str) -> list[Event]:
        """What it has written with `--json` so far, of one kind."""
        with self.out.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole + newline)
        self._events += map(json.loads, whole.splitlines())
        return [event for event in self._events if event["event"] == kind]

    def states(self) -> list[str]:
        """The states it has been in, in order."""
        return [event["state"] for event in self.events("state")]

    @property
    def state(self) -> str:
        """The state it is in."""
        return (self.states() or [""])[-1]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.events("listening")[0]["port"])

    @property
    def link(self) -> str:
        """How a server is reached."""
        return str(self.events("listening")[0]["link"])

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds; fails where the program ends instead."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    assert self.running, f"it ended with {self.process.returncode}: {self.complained()[-2000:]}"
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"in vain; {self.said()[-2000:]} {self.complained()[-2000:]}") from None

    async def snapshot(self, fits: Callable[[Event], object] = bool) -> Event:
        """The next snapshot that `fits`."""
        seen = len(self.events("snapshot"))
        await self.until(lambda: any(map(fits, self.events("snapshot")[seen:])))
        return next(filter(fits, self.events("snapshot")[seen:]))

    # ---- its end

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            while self.running:
                await asyncio.sleep(0.02)
        return int(self.process.returncode)


class Home:
    """One user's folders, and the programs that this user runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        places = {"HOME": folder, "TMPDIR": folder / "tmp"}
        places |= {f"XDG_{name.upper()}_HOME": folder / name for name in ("config", "data", "state", "cache")}
        for place in places.values():
            place.mkdir(parents=True, exist_ok=True)
        places["XDG_RUNTIME_DIR"] = folder / "run"
        places["XDG_RUNTIME_DIR"].mkdir(mode=0o700, exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"]} | {name: str(place) for name, place in places.items()}
        self._count = 0

    def temporary(self) -> list[Path]:
        """What lies among the temporary files."""
        return list(Path(self.environment["TMPDIR"]).iterdir())

    @contextlib.asynccontextmanager
    async def run(
        self, *arguments: str, stdin: str = "", command: Sequence[str] = COMMAND, **environment: str
    ) -> AsyncIterator[Program]:
        """Run a program until the block ends."""
        self._count += 1
        program = Program(
            (*command, *arguments), self.environment | environment, self.folder / f"run-{self._count}", stdin
        )
        try:
            yield program
        finally:
            if program.running:
                await program.end(signal.SIGKILL)

    async def finish(
        self, *arguments: str, stdin: str = "", command: Sequence[str] = COMMAND, **environment: str
    ) -> Finished:
        """Run a program to its own end."""
        async with self.run(*arguments, stdin=stdin, command=command, **environment) as program:
            code = await program.ended()
            return Finished(code, program.said(), program.complained())

    @contextlib.asynccontextmanager
    async def serve(
        self, *arguments: str, port: int = 0, password: str = "", command: Sequence[str] = COMMAND
    ) -> AsyncIterator[Program]:
        """An AnyTLS server that listens."""
        options = ("--listen", f"127.0.0.1:{port}", "--password-env", "ANYTLS_PASSWORD", "--json", *arguments)
        secret = password or secrets.token_urlsafe()
        async with self.run("serve", *options, command=command, ANYTLS_PASSWORD=secret) as program:
            await program.until(lambda: program.events("listening"))
            yield program

    @contextlib.asynccontextmanager
    async def connect(
        self, link: str, *arguments: str, command: Sequence[str] = COMMAND, **environment: str
    ) -> AsyncIterator[Program]:
        """A client that listens; its link comes by standard input. With an empty one `arguments` name a file."""
        source = ("-",) if link else ()
        options = (*source, "--listen", "127.0.0.1:0", "--json", *arguments)
        async with self.run("connect", *options, stdin=link, command=command, **environment) as program:
            await program.until(lambda: program.events("listening"))
            yield program


@dataclass(frozen=True)
class Tunnel:
    """A client that is connected to a server."""

    home: Home
    server: Program
    client: Program

    @property
    def port(self) -> int:
        """The local proxy's."""
        return self.client.port


@contextlib.asynccontextmanager
async def running_tunnel(folder: Path, *arguments: str, command: Sequence[str] = COMMAND) -> AsyncIterator[Tunnel]:
    """A server and a client with these `arguments` that has seen it speak."""
    home = Home(folder)
    async with home.serve(command=command) as server, home.connect(server.link, *arguments, command=command) as client:
        await client.until(lambda: client.state == "on")
        yield Tunnel(home, server, client)
