"""Keyrings for tests: one in memory, and a real gnome-keyring on a bus of its own, away from the person's."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

import pytest

from app.errors import Failure
from app.storage.keyring_calls import KeyringState
from app.storage.system_keyring import SystemKeyring

PROGRAMS: Final = ("dbus-daemon", "gnome-keyring-daemon")
PASSWORD: Final = b"test-password"
PATIENCE: Final = 20.0  # seconds; only a failing test waits as long

State = Literal["unlocked", "locked", "empty", "missing", "denied"]

# No service is started by this bus unless a folder with its file is named, so that nothing of the person's ever is.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  {services}
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    {denied}
  </policy>
</busconfig>
"""
_PROMPTER = "org.gnome.keyring.SystemPrompter"
_PROMPTER_FILE = Path("/usr/share/dbus-1/services") / f"{_PROMPTER}.service"
_DENIED = '<deny send_destination="org.freedesktop.secrets"/>'


class MemoryKeyring(SystemKeyring):
    """A keyring that is there, or raises `failure` at every call; `calls` names them."""

    def __init__(self, key: bytes | None = None, failure: Failure | None = None) -> None:
        super().__init__()
        self.key = key
        self.failure = failure
        self.calls: list[str] = []

    async def state(self) -> KeyringState:
        return KeyringState.MISSING if self.failure else KeyringState.AVAILABLE

    async def get(self) -> bytes | None:
        self._called("get")
        return self.key

    async def put(self, key: bytes) -> None:
        self._called("put")
        self.key = key

    async def delete(self) -> None:
        self._called("delete")
        self.key = None

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.failure is not None:
            raise self.failure


class KeyringSession:
    """A bus and its keyring. `environment` is what a program needs to find them, and to find no others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
        self.environment = {"HOME": str(folder)} | {name: str(folder / name.lower()) for name in names}
        for name in names:
            (folder / name.lower()).mkdir(mode=0o700)
        self._bus: subprocess.Popen[bytes] | None = None
        self._daemon: subprocess.Popen[bytes] | None = None

    def start_bus(self, *, denied: bool = False, services: Path | None = None) -> None:
        """Start the bus; `services` is a folder of services that it may start."""
        config = self.folder / "bus.conf"
        named = f"<servicedir>{services}</servicedir>" if services else ""
        config.write_text(_BUS.format(folder=self.folder, denied=_DENIED if denied else "", services=named))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"]
        self._bus = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._env())
        assert self._bus.stdout is not None
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self._bus.stdout.readline().decode().strip()

    def start_daemon(self, *, unlock: bool) -> None:
        """Start gnome-keyring; its first unlocking makes the keyring."""
        command = ["gnome-keyring-daemon", "--components=secrets", "--foreground", *(["--unlock"] if unlock else [])]
        quiet = subprocess.DEVNULL
        self._daemon = subprocess.Popen(
            command, stdin=subprocess.PIPE if unlock else quiet, stdout=quiet, stderr=quiet, env=self._env()
        )
        if self._daemon.stdin is not None:
            with self._daemon.stdin as stdin:
                stdin.write(PASSWORD)
        self._wait_for_service()

    def lock(self) -> None:
        """Lock the keyring."""
        import secretstorage
        from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]  # it has no types

        with closing(open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"])) as bus:
            collection = secretstorage.Collection(bus)
            collection.lock()
            assert collection.is_locked()

    def stop_daemon(self) -> None:
        """End the keyring; its service is missing then."""
        _end(self._daemon)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the keyring hang until the block ends."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._daemon.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End both."""
        self.stop_daemon()
        _end(self._bus)
        if self._bus is not None and self._bus.stdout is not None:
            self._bus.stdout.close()

    def _env(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
        return inherited | self.environment

    def _wait_for_service(self) -> None:
        from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]  # it has no types
        from jeepney.io.blocking import Proxy, open_dbus_connection

        with closing(open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"])) as bus:
            give_up = time.monotonic() + PATIENCE
            while not Proxy(message_bus, bus).NameHasOwner("org.freedesktop.secrets")[0]:
                assert time.monotonic() < give_up, "gnome-keyring-daemon did not start"
                time.sleep(0.02)


class Screen:
    """An X server of its own, on which a person answers the keyring's question."""

    PROGRAMS: Final = ("Xvfb", "xdotool")

    def __init__(self) -> None:
        command = ["Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._server.stdout is not None
        with self._server.stdout as stdout:
            self.display = f":{stdout.readline().decode().strip()}"

    def wait_for_question(self) -> None:
        """Wait until the keyring's window is there. Blocks, as do the others."""
        self._do("search", "--sync", "--onlyvisible", "--class", "gcr-prompter")

    def say(self, password: bytes) -> None:
        """Type a password."""
        self.wait_for_question()
        self._do("type", "--delay", "20", password.decode())
        self._do("key", "Return")

    def cancel(self) -> None:
        """Close the question."""
        self.wait_for_question()
        self._do("key", "Escape")

    def close(self) -> None:
        """End the server."""
        _end(self._server)

    def _do(self, *arguments: str) -> None:
        environment = os.environ | {"DISPLAY": self.display}
        subprocess.run(["xdotool", *arguments], env=environment, check=True, capture_output=True, timeout=PATIENCE)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def keyring_session(folder: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyringSession]:
    """A session in `state`, which this process finds as its own until the end. Skips where a program is missing.

    unlocked, locked: a keyring in that state, with no means to ask for its password.
    empty: a service without any keyring. missing: a bus without a service. denied: one that lets nobody speak to it.
    """
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (Debian: dbus, gnome-keyring)")
    session = KeyringSession(folder)
    try:
        session.start_bus(denied=state == "denied")
        if state != "missing":
            session.start_daemon(unlock=state != "empty")
        if state == "locked":
            session.lock()
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND"):
            monkeypatch.delenv(name, raising=False)
        for name, value in session.environment.items():
            monkeypatch.setenv(name, value)
        yield session
    finally:
        session.close()


@contextmanager
def asking_session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KeyringSession, Screen]]:
    """An unlocked session that, once it is locked, asks for its password on a screen. Skips as `keyring_session`."""
    absent = [name for name in (*PROGRAMS, *Screen.PROGRAMS) if shutil.which(name) is None]
    if absent or not _PROMPTER_FILE.exists():
        pytest.skip(f"not installed: {', '.join(absent) or 'gcr'} (Debian: dbus, gnome-keyring, gcr, xvfb, xdotool)")
    services = folder / "services"
    services.mkdir()
    shutil.copy(_PROMPTER_FILE, services)
    session, screen = KeyringSession(folder), Screen()
    try:
        session.environment["DISPLAY"] = screen.display
        session.start_bus(services=services)
        session.start_daemon(unlock=True)
        monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
        for name, value in session.environment.items():
            monkeypatch.setenv(name, value)
        yield session, screen
    finally:
        session.close()
        screen.close()
