"""A person's desktop: a screen, a session bus, a window manager, a tray and a keyring, all of them real and private."""

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.programs import PATIENCE, Finished, Home, Program

PARTS = ("Xvfb", "dbus-daemon", "openbox", "trayer", "xdotool", "xprop", "gnome-keyring-daemon")

KEYRING_PASSWORD = "test"


def needs(*parts: str) -> pytest.MarkDecorator:
    """Skips, and says why, where a program is missing that Debian's package of the Makefile's list has."""
    missing = [part for part in parts if shutil.which(part) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}")


class Desktop:
    """See the module's text. `home` is the person's; programs run with its `environment`."""

    def __init__(self, home: Home) -> None:
        self.home = home
        home.environment["QT_QPA_PLATFORM"] = "xcb"
        self._stack = contextlib.AsyncExitStack()

    async def begin(self, tray: bool, keyring: str) -> None:
        """Start all parts. `keyring` is unlocked, locked or missing."""
        screen = await self._part(
            ("Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp")
        )
        await screen.until(lambda: screen.said().strip())
        self.home.environment["DISPLAY"] = f":{screen.said().strip()}"
        bus = await self._part(("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"))
        await bus.until(lambda: "\n" in bus.said())
        self.home.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.said().splitlines()[0]
        await self._part(("openbox",))
        await self.until(lambda: self.tool("xprop", "-root", "_NET_SUPPORTING_WM_CHECK").out.count("window id"))
        if tray:
            await self._part(
                ("trayer", "--edge", "bottom", "--align", "right", "--widthtype", "request", "--height", "32")
            )
            await self.until(lambda: self.tool("xdotool", "search", "--class", "trayer").out)
        if keyring != "missing":
            await self._keyring(keyring == "unlocked")

    async def _keyring(self, unlocked: bool) -> None:
        command = ("gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground")
        if not unlocked:
            command = ("gnome-keyring-daemon", "--start", "--components=secrets", "--foreground")
        await self._part(command, KEYRING_PASSWORD if unlocked else "")
        owner = (
            "dbus-send",
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            "string:org.freedesktop.secrets",
        )
        await self.until(lambda: "boolean true" in self.tool(*owner).out)

    async def end(self) -> None:
        """End all parts, the last one first."""
        await self._stack.aclose()

    async def _part(self, command: Sequence[str], stdin: str = "") -> Program:
        program = await self._stack.enter_async_context(self.home.run(command=command, stdin=stdin))
        self._stack.push_async_callback(_ended, program)
        return program

    # ---- what a person does

    def tool(self, *command: str, **environment: str) -> Finished:
        """Run a small program to its end, at once."""
        done = subprocess.run(
            command, env=self.home.environment | environment, capture_output=True, text=True, timeout=30, check=False
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds."""
        await self._within(PATIENCE, condition)

    async def _within(self, seconds: float, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.05)

    def settings(self, **values: Any) -> None:
        """What the person has chosen before; only where the program does not run."""
        folder = Path(self.home.environment["XDG_CONFIG_HOME"]) / "anytls-tray"
        folder.mkdir(exist_ok=True)
        (folder / "settings.json").write_text(json.dumps({"version": 1, **values}), encoding="utf-8")

    @contextlib.asynccontextmanager
    async def app(self, *arguments: str, **environment: str) -> AsyncIterator["App"]:
        """The program itself, with its window; it has answered a first time when the block begins."""
        async with self.home.run(*arguments, **environment) as program:
            app = App(self, program)
            await app.until("")
            yield app
            if program.running:
                assert (await self.home.finish("quit")).code == 0
                assert await program.ended() == 0

    def key(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self.tool("xdotool", "key", "--delay", "60", *keys)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click at a place of the screen."""
        self.tool("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def picture(self, path: Path) -> None:
        """What the screen shows, as a PNG."""
        self.tool("import", "-window", "root", str(path))

    def windows(self, name: str) -> list[str]:
        """The visible windows whose title has `name`."""
        return self.tool("xdotool", "search", "--onlyvisible", "--name", name).out.split()

    def place(self, window: str) -> Mapping[str, int]:
        """X, Y, WIDTH and HEIGHT of a window on the screen."""
        lines = self.tool("xdotool", "getwindowgeometry", "--shell", window).out.split()
        return {
            key: int(value) for key, _, value in (line.partition("=") for line in lines) if value.lstrip("-").isdigit()
        }

    def tray_icon(self) -> tuple[int, int]:
        """The middle of the only icon in the tray."""
        panels = map(self.place, self.tool("xdotool", "search", "--class", "trayer").out.split())
        panel = max(panels, key=lambda place: place["Y"])
        return panel["X"] + panel["WIDTH"] // 2, panel["Y"] + panel["HEIGHT"] // 2

    def active(self) -> str:
        """The title of the window that has the keyboard."""
        return self.tool("xdotool", "getactivewindow", "getwindowname").out.strip()

    def shown(self, kind: str = "anytls-tray") -> int:
        """How many windows of the program are on the screen, its menus among them; or of every program with "."."""
        return len(self.tool("xdotool", "search", "--onlyvisible", "--class", kind).out.split())

    async def tray_menu(self) -> None:
        """Open the tray icon's menu with the right button, and wait until it is there."""
        before = self.shown()
        async with asyncio.timeout(PATIENCE):
            while self.shown() <= before:
                self.click(*self.tray_icon(), button=3)  # the icon may not be there yet
                with contextlib.suppress(TimeoutError):
                    await self._within(5, lambda: self.shown() > before)

    async def choose(self, *keys: str) -> None:
        """Press keys in the menu that is open, and wait until it is closed."""
        before = self.shown()
        self.key(*keys)
        await self.until(lambda: self.shown() < before)


class App:
    """The running program, asked by the command line as anybody would."""

    def __init__(self, desktop: Desktop, program: Program) -> None:
        self.desktop = desktop
        self.program = program

    async def say(self, *verb: str, stdin: str = "") -> Finished:
        """Carry out a verb with a second process."""
        return await self.desktop.home.finish(*verb, stdin=stdin)

    async def status(self) -> dict[str, Any]:
        """What `status --json` prints; nothing while nobody answers."""
        answer = await self.say("status", "--json")
        return json.loads(answer.out) if answer.code == 0 else {}

    async def until(self, state: str) -> dict[str, Any]:
        """Wait until it is in a state, or in any with ""; returns its whole status then."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.status()
                if found and (not state or found["state"] == state):
                    return found
                assert self.program.running, self.program.complained()[-2000:]
                await asyncio.sleep(0.1)


async def _ended(program: Program) -> None:
    """End it in order, so that it takes its lock and socket files along."""
    if program.running:
        await program.end()


@contextlib.asynccontextmanager
async def desktop(folder: Path, *, tray: bool = True, keyring: str = "unlocked") -> AsyncIterator[Desktop]:
    """A desktop until the block ends."""
    one = Desktop(Home(folder))
    try:
        await one.begin(tray, keyring)
        yield one
    finally:
        await one.end()
