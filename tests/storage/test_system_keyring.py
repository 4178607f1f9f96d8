"""The system's keyring: a real gnome-keyring in every state, one that asks on a screen, and one that hangs."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import Failure, KeyringDenied, KeyringLocked, KeyringMissing, UnlockCancelled
from app.storage import keyring_calls
from app.storage.keyring_calls import KeyringState
from app.storage.system_keyring import SystemKeyring
from tests.fakes.keyring_session import PASSWORD, KeyringSession, State, asking_session, keyring_session

KEY = bytes(range(32))
OTHER = bytes(32)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Session:
    """Makes sessions in the state that a test asks for, one a test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    @contextmanager
    def __call__(self, state: State) -> Iterator[KeyringSession]:
        with keyring_session(self._folder, state, self._monkeypatch) as session:
            yield session
        gc.collect()  # what was left open is told here and not in another test


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    return Session(tmp_path, monkeypatch)


# ---- a real one


async def test_an_open_keyring_keeps_the_key(session: Session) -> None:
    with session("unlocked"):
        keyring = SystemKeyring()
        assert await keyring.state() is KeyringState.AVAILABLE
        assert await keyring.get() is None
        await keyring.put(KEY)
        assert await keyring.get() == KEY
        await keyring.put(OTHER)
        assert await SystemKeyring().get() == OTHER
        await keyring.delete()
        assert await keyring.get() is None
        await keyring.delete()


async def test_the_key_survives_the_keyrings_end(session: Session) -> None:
    with session("unlocked") as running:
        keyring = SystemKeyring()
        await keyring.put(KEY)
        running.stop_daemon()
        assert await keyring.state() is KeyringState.MISSING
        running.start_daemon(unlock=True)
        assert await keyring.get() == KEY


async def each(keyring: SystemKeyring) -> list[type[Failure]]:
    """What each call raises."""
    raised: list[type[Failure]] = []
    for call in (keyring.get, lambda: keyring.put(KEY), keyring.delete):
        with pytest.raises(Failure) as caught:
            await call()
        raised.append(type(caught.value))
    return raised


async def test_a_locked_keyring_that_cannot_ask_is_locked_and_not_cancelled(session: Session) -> None:
    with session("locked"):
        keyring = SystemKeyring()
        assert await keyring.state() is KeyringState.LOCKED
        assert await each(keyring) == [KeyringLocked] * 3


async def test_where_there_is_no_keyring_yet_reading_makes_none_and_asks_nothing(session: Session) -> None:
    with session("empty"):
        keyring = SystemKeyring()
        assert await keyring.state() is KeyringState.LOCKED
        assert await keyring.get() is None
        await keyring.delete()
        with pytest.raises(KeyringLocked):  # for making one asks for its password
            await keyring.put(KEY)


async def test_a_bus_without_a_keyring_has_none(session: Session) -> None:
    with session("missing"):
        keyring = SystemKeyring()
        assert await keyring.state() is KeyringState.MISSING
        assert await each(keyring) == [KeyringMissing] * 3


async def test_a_keyring_that_lets_nobody_in_is_told_from_one_that_is_missing(session: Session) -> None:
    with session("denied"):
        keyring = SystemKeyring()
        assert await keyring.state() is KeyringState.DENIED
        assert await each(keyring) == [KeyringDenied] * 3


async def test_ten_at_once_are_served_one_after_the_other(session: Session) -> None:
    with session("unlocked"):
        keyring = SystemKeyring()
        await keyring.put(KEY)
        assert await asyncio.gather(*(keyring.get() for _ in range(10))) == [KEY] * 10
        states = await asyncio.gather(*(keyring.state() for _ in range(10)))
        assert set(states) == {KeyringState.AVAILABLE}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")
async def test_no_connection_is_left_open(session: Session) -> None:
    with session("locked"):
        keyring = SystemKeyring()
        await keyring.state()
        before = open_files()
        for _ in range(5):
            with pytest.raises(KeyringLocked):
                await keyring.get()
        assert open_files() == before


# ---- one that asks on a screen


async def test_a_person_who_cancels_is_told_from_one_who_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking_session(tmp_path, monkeypatch) as (running, screen):
        keyring = SystemKeyring()
        await keyring.put(KEY)
        running.lock()
        asking = asyncio.create_task(keyring.get())
        await asyncio.to_thread(screen.wait_for_question)
        assert await keyring.state() is KeyringState.LOCKED
        await asyncio.sleep(keyring_calls._HUMAN_SECONDS)  # as long as it takes a person to see what is asked
        await asyncio.to_thread(screen.cancel)
        with pytest.raises(UnlockCancelled):
            await asking

        asking = asyncio.create_task(keyring.get())
        await asyncio.to_thread(screen.say, PASSWORD)
        assert await asking == KEY
        assert await keyring.state() is KeyringState.AVAILABLE
    gc.collect()


async def test_a_question_that_was_left_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking_session(tmp_path, monkeypatch) as (running, screen):
        await SystemKeyring().put(KEY)
        running.lock()
        with pytest.raises(KeyringLocked):
            await SystemKeyring(ask_seconds=1.0).get()
        asking = asyncio.create_task(SystemKeyring().get())
        await asyncio.to_thread(screen.say, PASSWORD)
        assert await asking == KEY
    gc.collect()


async def test_a_caller_who_is_gone_leaves_no_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking_session(tmp_path, monkeypatch) as (running, screen):
        keyring = SystemKeyring()
        await keyring.put(KEY)
        running.lock()
        asking = asyncio.create_task(keyring.get())
        await asyncio.to_thread(screen.wait_for_question)
        second = asyncio.create_task(keyring.get())  # waits for the first
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(screen.say, PASSWORD)
        assert await second == KEY
    gc.collect()


# ---- one that hangs


async def test_a_dead_keyring_is_missing_after_the_short_wait(session: Session) -> None:
    with session("unlocked") as running, running.frozen():
        keyring = SystemKeyring(look_seconds=1.0)
        assert await keyring.state() is KeyringState.MISSING
        assert await each(keyring) == [KeyringMissing] * 3


async def test_a_look_waits_for_no_call_that_is_going_on(session: Session) -> None:
    with session("unlocked") as running, running.frozen():
        keyring = SystemKeyring(look_seconds=2.0)
        going_on = asyncio.create_task(keyring.get())
        await asyncio.sleep(0.1)
        keyring._look_seconds = 0.5
        assert await keyring.state() is KeyringState.MISSING
        assert not going_on.done()
        with pytest.raises(KeyringMissing):
            await going_on


async def test_one_that_wakes_up_is_there_again(session: Session) -> None:
    with session("unlocked") as running:
        keyring = SystemKeyring(look_seconds=1.0)
        with running.frozen():
            assert await keyring.state() is KeyringState.MISSING
        keyring = SystemKeyring()
        await keyring.put(KEY)
        assert await keyring.get() == KEY
