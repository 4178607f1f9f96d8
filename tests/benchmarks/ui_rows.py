"""What is measured of the program with its window, each as a line of the table."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.end_to_end.apps import curl
from tests.end_to_end.desktop import App, Desktop, desktop
from tests.end_to_end.programs import PATIENCE, Program, free_port
from tests.end_to_end.website import BLOB_SIZE, Website, website

_TIMED: Final = (sys.executable, "-m", "tests.benchmarks.ui_program")

_LOOK_EVERY: Final = 0.02  # seconds between two looks at the screen
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int = 5
    seconds: float = 20.0
    """How long the processor's time is watched."""
    settles: float = 3.0
    """Seconds after which everything that belongs to a start has happened."""
    downloads: int = 10
    """Of 100 MB each, while the window's loop is watched."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is measured: a desktop, whose person has a profile that leads to our server, and a website behind it."""

    desktop: Desktop
    site: Website
    effort: Effort


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `measure` gives one value in `unit`, which should not be above `goal`."""

    key: str
    title: str
    unit: str
    goal: float
    measure: Callable[[Place], Awaitable[float]]
    digits: int = 0


@contextlib.asynccontextmanager
async def place(folder: Path, effort: Effort) -> AsyncIterator[Place]:
    """All of it until the block ends. The program has been on once by then: what the system keeps of it, it has."""
    async with website() as site, desktop(folder) as screen, screen.home.serve() as server:
        screen.settings(page_url=site.url("/alive"), listen_port=free_port(), told_stays_in_tray=True)
        async with screen.app() as app:
            added = await app.say("import", "-", "--yes", stdin=server.link)
            assert added.code == 0, added.err
            await _turn_on(app)
        yield Place(screen, site, effort)


# ---- the start


async def _start_to_tray(at: Place) -> float:
    return await _until_seen(at.desktop, ("--class", "anytls-tray"), "--minimized")


async def _start_to_window(at: Place) -> float:
    return await _until_seen(at.desktop, ("--name", "^AnyTLS Tray$"))


async def _until_seen(screen: Desktop, window: tuple[str, str], *arguments: str) -> float:
    """Seconds from the start of the process until such a window of it is on the screen."""
    begin = time.monotonic()
    async with screen.home.run(*arguments) as program:
        while not screen.tool("xdotool", "search", "--onlyvisible", *window).out:
            assert program.running, program.complained()
            assert time.monotonic() < begin + PATIENCE, "nothing is shown"
            await asyncio.sleep(_LOOK_EVERY)
        seconds = time.monotonic() - begin
        await App(screen, program).until("")
        await _quit(screen, program)
    return seconds


# ---- what it takes


async def _memory_off(at: Place) -> float:
    async with at.desktop.app() as app:
        await asyncio.sleep(at.effort.settles)
        return _resident(app.program.process.pid)


async def _memory(at: Place) -> float:
    async with at.desktop.app() as app:
        await _turn_on(app)
        await asyncio.sleep(at.effort.settles)
        return _resident(app.program.process.pid)


async def _memory_of_demo(at: Place) -> float:
    async with at.desktop.app("--demo") as app:
        await app.until("on")
        await asyncio.sleep(at.effort.settles)
        return _resident(app.program.process.pid)


async def _idle_hidden(at: Place) -> float:
    async with at.desktop.app("--minimized") as app:
        await _turn_on(app)
        return await _busy(app.program.process.pid, at.effort)


async def _idle_shown(at: Place) -> float:
    async with at.desktop.app() as app:
        await _download(await _turn_on(app), at.site, 20_000_000)  # so that the graphs have something to show
        return await _busy(app.program.process.pid, at.effort)


async def _longest_pause(at: Place) -> float:
    """Server and client are one process in the demo: the hardest case."""
    async with at.desktop.home.run("--demo", command=_TIMED) as program:
        proxy = str((await App(at.desktop, program).until("on"))["listen"])
        await asyncio.sleep(at.effort.settles)
        begin = time.monotonic()
        for _ in range(at.effort.downloads):
            await _download(proxy, at.site, BLOB_SIZE)
        end = time.monotonic()
        await _quit(at.desktop, program)
        (event,) = program.events("late")
    return max((gap for when, gap in event["turns"] if begin <= when <= end), default=0.0)


ROWS: Final = (
    Row("tray", "Start until the icon is in the tray", "s", 0.6, _start_to_tray, 2),
    Row("window", "Start until the window is there", "s", 1.0, _start_to_window, 2),
    Row("open", "Memory, window open", "MiB", 110, _memory_off),
    Row("memory", "Memory, window open, tunnel on, keyring open", "MiB", 110, _memory),
    Row("demo", "Memory, window open, the demo on", "MiB", 120, _memory_of_demo),
    Row("hidden", "Processor, tunnel on, window hidden", "%", 1, _idle_hidden, 2),
    Row("shown", "Processor, tunnel on, graphs on the screen", "%", 3, _idle_shown, 2),
    Row("pause", "Longest pause of the window at full speed", "ms", 50, _longest_pause),
)


# ---- parts


async def _turn_on(app: App) -> str:
    """Connect; returns where the local proxy listens."""
    done = await app.say("on")
    assert done.code == 0, done.err
    return str((await app.until("on"))["listen"])


async def _download(proxy: str, site: Website, size: int) -> None:
    fetched = await curl("--proxy", f"socks5h://{proxy}", "--output", os.devnull, site.url(f"/blob/{size}"))
    assert fetched.code == 0, fetched.complaint


async def _quit(desktop: Desktop, program: Program) -> None:
    assert (await desktop.home.finish("quit")).code == 0
    assert await program.ended() == 0


async def _busy(pid: int, effort: Effort) -> float:
    """Per cent of one processor that the process takes, once it has settled."""
    await asyncio.sleep(effort.settles)
    before, begin = _processor_time(pid), time.monotonic()
    await asyncio.sleep(effort.seconds)
    return 100 * (_processor_time(pid) - before) / (time.monotonic() - begin)


def _processor_time(pid: int) -> float:
    """Seconds, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> float:
    """MiB of memory that are really there, those shared with other programs among them."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
