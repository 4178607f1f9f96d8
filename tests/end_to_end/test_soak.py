"""An hour's use in minutes: on and off, from one server to another and back, under traffic; nothing may pile up.

The real control and bridge on Qt's loop, the real engine on its own thread, two real servers. `make test` runs a short
version, `make soak` the whole one.
"""

import asyncio
import contextlib
import ctypes
import gc
import os
import statistics
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.engine.fingerprints import CHROME, NONE
from app.engine.host import ThreadDoor
from app.logs import LogRing
from app.protocols.address import Address
from app.storage.settings import ON_SWITCH
from app.ui.bridge import Bridge
from tests.end_to_end.apps import socks_address
from tests.fakes.desk import Desk, desk, profile_of
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import until

WHOLE = os.environ.get("ANYTLS_SOAK") == "1"
TOGGLES, SWITCHES = (2_000, 500) if WHOLE else (40, 20)

_LOOKS = 40 if WHOLE else 10
_AT_REST = 0.2  # seconds in which connections that are ending have ended
_PATIENCE = 30.0  # seconds until all has ended that was going on
_PIECE = 16 * 1024  # bytes that a connection sends, and gets back

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only there a process sees its own descriptors and memory"),
    pytest.mark.timeout(3600 if WHOLE else 120),
]


class Refused(Exception):
    """The proxy has no tunnel for this connection."""


_NOT_NOW = (OSError, EOFError, Refused)


@dataclass(frozen=True)
class Look:
    """What there is of everything that could pile up."""

    descriptors: float
    tasks: float
    threads: float
    memory: float
    """MiB that are really there."""


# How far the median of the last fifth may lie above that of the first one after the warm-up: connections that are just
# ending hold a descriptor and a task or two; the allocator's pools fill up for a while.
TOLERATED = Look(descriptors=4, tasks=4, threads=2, memory=6 if WHOLE else 12)


def look() -> Look:
    """Everything that is there now, garbage left out."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free in the allocator's hands is no leak
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Look(
        descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        memory=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
    )


def growth(looks: Sequence[Look]) -> Look:
    """From the median of the first fifth to that of the last one; the very first fifth is the warm-up."""
    fifth = max(1, len(looks) // 5)
    first, last = looks[fifth : 2 * fifth], looks[-fifth:]
    return Look(*(_median(last, field.name) - _median(first, field.name) for field in fields(Look)))


def piled_up(looks: Sequence[Look]) -> list[str]:
    """What has grown by more than is tolerated."""
    grown = growth(looks)
    pairs = zip(fields(Look), astuple(grown), astuple(TOLERATED), strict=True)
    return [f"{field.name}: {by:+.1f}" for field, by, most in pairs if by > most]


def _median(looks: Sequence[Look], name: str) -> float:
    return statistics.median(getattr(one, name) for one in looks)


@pytest.fixture
async def here(qtbot: QtBot, tmp_path: Path) -> AsyncIterator[tuple[Desk, list[str]]]:
    """Two profiles that lead to a server each, one by Chrome's library and one by Python's; what the window stands on
    looks at the tunnel all the time."""
    async with anytls_server() as one, anytls_server() as other, desk(tmp_path, ThreadDoor) as made:
        defects: list[BaseException] = []
        bridge = Bridge(made.control, LogRing(), defects.append)
        made.settings.set(ON_SWITCH, "drain")
        profiles = (
            replace(profile_of(one, "One"), fingerprint=CHROME),
            replace(profile_of(other, "Other"), fingerprint=NONE),
        )
        added = await made.profiles.add_many([(profile, (PASSWORD,)) for profile in profiles])
        yield made, [entry.id for entry in added]
        await bridge.close()
        assert not defects


async def exchange(proxy: Address, target: Address) -> None:
    """One connection through the tunnel: what is sent comes back. Raises one of _NOT_NOW where it is cut off."""
    sent = os.urandom(_PIECE)
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    with contextlib.closing(writer):
        writer.write(b"\5\1\0\5\1\0" + socks_address(target.host, target.port))
        answer = await reader.readexactly(12)
        if answer[3]:
            raise Refused
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent


@contextlib.asynccontextmanager
async def traffic(desk: Desk, target: Address) -> AsyncIterator[None]:
    """Connections one after the other, whatever becomes of the tunnel under them."""

    async def carry() -> None:
        while True:
            await asyncio.sleep(0.01)
            if desk.client.address is not None:
                with contextlib.suppress(*_NOT_NOW):
                    await exchange(desk.client.address, target)

    tasks = [asyncio.create_task(carry()) for _ in range(2)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def looked_at(desk: Desk, target: Address, times: int, turn: Callable[[int], Awaitable[None]]) -> list[Look]:
    """Take `times` turns under traffic; in even steps let it come to rest and look around."""
    looks = []
    step = times // _LOOKS
    for begin in range(0, times, step):
        async with traffic(desk, target):
            for number in range(begin, begin + step):
                await turn(number)
        await at_rest(desk)
        looks.append(look())
    return looks


async def at_rest(desk: Desk) -> None:
    """Wait until nothing ends any more and one session is kept ready, where the tunnel is on."""
    async with asyncio.timeout(_PATIENCE):
        while not await rests(desk):
            await desk.client.close_idle()
            await asyncio.sleep(0.05)
    await asyncio.sleep(_AT_REST)


async def rests(desk: Desk) -> bool:
    """Whether there is a tunnel that nothing goes through, or none."""
    snapshot = await desk.client.snapshot()
    if snapshot is None:
        return True
    over = all(one.state in ("closed", "failed") for one in snapshot.connections)
    return over and not snapshot.warming and [one.state in ("idle", "warm") for one in snapshot.sessions] == [True]


async def test_two_thousand_times_on_and_off(here: tuple[Desk, list[str]]) -> None:
    desk, ids = here
    async with echo_target() as target:

        async def turn(number: int) -> None:
            await desk.control.connect(ids[number % 2])
            await until(lambda: desk.client.state is State.ON)
            if number % 10 < 2:
                assert desk.client.address is not None
                await exchange(desk.client.address, target)
            await desk.control.toggle()
            assert desk.client.state is State.OFF

        looks = await looked_at(desk, target, TOGGLES, turn)
    print(f"{TOGGLES} toggles: {growth(looks)}")
    assert not piled_up(looks)


async def test_five_hundred_times_to_the_other_profile(here: tuple[Desk, list[str]]) -> None:
    desk, ids = here
    async with echo_target() as target:
        await desk.control.connect(ids[0])

        async def turn(number: int) -> None:
            await desk.control.activate(ids[(number + 1) % 2])
            await until(lambda: desk.client.state is State.ON)
            assert desk.client.address is not None
            await exchange(desk.client.address, target)

        looks = await looked_at(desk, target, SWITCHES, turn)
        await desk.control.disconnect()
    print(f"{SWITCHES} switches: {growth(looks)}")
    assert not piled_up(looks)


def test_a_leak_would_be_seen() -> None:
    still = Look(40, 5, 4, 100)
    assert not piled_up([still] * 10)
    assert not piled_up([Look(10, 1, 1, 50), *[still] * 9])  # the warm-up
    assert piled_up([Look(40 + number, 5, 4, 100) for number in range(10)]) == ["descriptors: +6.0"]
    assert piled_up([Look(40, 5, 4, 100 + 3 * number) for number in range(10)]) == ["memory: +18.0"]
