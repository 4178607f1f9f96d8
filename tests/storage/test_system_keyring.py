"""The system's keyring: a real gnome-keyring in every state, and what becomes of one that is slow, dead or strange."""

import asyncio
import base64
import gc
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.errors import Failure, KeyringDenied, KeyringLocked, KeyringMissing, UnlockCancelled
from app.storage import system_keyring
from app.storage.system_keyring import SERVICE, USER, KeyringState, SystemKeyring
from tests.fakes.keyring_session import PASSWORD, KeyringSession, State, asking_session, keyring_session
from tests.fakes.waiting import PATIENCE, until

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


async def test_it_is_found_under_its_name_by_other_programs(session: Session) -> None:
    with session("unlocked"):
        await SystemKeyring().put(KEY)
        from keyring.backends.SecretService import Keyring

        text = await asyncio.to_thread(Keyring().get_password, "anytls-tray", "vault-key")
        assert base64.b64decode(text or "") == KEY
        assert (SERVICE, USER) == ("anytls-tray", "vault-key")


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA", "ü"])
async def test_what_is_no_key_counts_as_none(session: Session, text: str) -> None:
    with session("unlocked"):
        from keyring.backends.SecretService import Keyring

        await asyncio.to_thread(Keyring().set_password, SERVICE, USER, text)
        assert await SystemKeyring().get() is None


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
        await asyncio.sleep(system_keyring._HUMAN_SECONDS)  # as long as it takes a person to see what is asked
        await asyncio.to_thread(screen.cancel)
        with pytest.raises(UnlockCancelled):
            await asking

        asking = asyncio.create_task(keyring.get())
        await asyncio.to_thread(screen.say, PASSWORD)
        assert await asking == KEY
        assert await keyring.state() is KeyringState.AVAILABLE
    gc.collect()


async def test_a_question_that_was_left_can_still_be_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking_session(tmp_path, monkeypatch) as (running, screen):
        await SystemKeyring().put(KEY)
        running.lock()
        keyring = SystemKeyring(ask_seconds=1.0)
        with pytest.raises(KeyringLocked):
            await keyring.get()
        await asyncio.to_thread(screen.say, PASSWORD)
        async with asyncio.timeout(PATIENCE):
            while await keyring.state() is not KeyringState.AVAILABLE:
                await asyncio.sleep(0.05)
        assert await keyring.get() == KEY
    gc.collect()


# ---- which one is taken


async def test_without_a_bus_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert await SystemKeyring().state() is KeyringState.MISSING


@pytest.mark.parametrize(
    "name",
    [
        "",
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyrings.alt.file.PlaintextKeyring",
        "os.system",
    ],
)
async def test_a_backend_that_is_not_the_systems_is_none(
    session: Session, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with session("unlocked"):
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
        assert await SystemKeyring().state() is KeyringState.MISSING
        assert await each(SystemKeyring()) == [KeyringMissing] * 3


async def test_the_systems_backend_may_be_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with session("unlocked"):
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
        assert await SystemKeyring().state() is KeyringState.AVAILABLE


async def test_a_configuration_of_the_library_cannot_bring_in_another(session: Session) -> None:
    with session("missing") as running:
        folder = Path(running.environment["XDG_CONFIG_HOME"]) / "python_keyring"
        folder.mkdir()
        (folder / "keyringrc.cfg").write_text("[backend]\ndefault-keyring=keyring.backends.null.Keyring\n")
        assert await SystemKeyring().state() is KeyringState.MISSING


@pytest.mark.parametrize("platform", ["win32", "darwin"])
async def test_other_systems_ask_for_their_own(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    asked: list[str] = []
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)

    def import_module(name: str) -> Any:
        asked.append(name)
        raise ImportError

    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        patched.setattr(importlib, "import_module", import_module)
        assert system_keyring._backend() is None
    assert asked == [f"keyring.backends.{'Windows' if platform == 'win32' else 'macOS'}"]


# ---- slow, dead, strange: a backend in place of the real ones


class Backend:
    """Says what a test tells it to."""

    def __init__(self) -> None:
        self.get: Callable[[], str | None] = lambda: None
        self.stored: list[str] = []

    def get_password(self, _service: str, _user: str) -> str | None:
        return self.get()

    def set_password(self, _service: str, _user: str, text: str) -> None:
        self.stored.append(text)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    one = Backend()
    monkeypatch.setattr(system_keyring, "_backend", lambda: ("keyring.backends.macOS.Keyring", one))
    return one


def raising(error: Exception) -> Callable[[], str | None]:
    def call() -> str | None:
        raise error

    return call


def answering(answer: threading.Event, asked: Callable[[], None] = lambda: None) -> Callable[[], str | None]:
    """The key, once `answer` is given."""

    def call() -> str | None:
        asked()
        assert answer.wait(20)
        return base64.b64encode(KEY).decode()

    return call


async def test_a_backend_that_says_no_more_is_available(backend: Backend) -> None:
    assert await SystemKeyring().state() is KeyringState.AVAILABLE


async def test_a_person_who_says_no_has_cancelled(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.errors import KeyringLocked as Refused

    monkeypatch.setattr(system_keyring, "_HUMAN_SECONDS", 0.0)
    backend.get = raising(Refused("Can't get password from keychain"))
    with pytest.raises(UnlockCancelled):
        await SystemKeyring().get()


async def test_a_refusal_too_quick_for_a_person_is_the_systems(backend: Backend) -> None:
    from keyring.errors import KeyringLocked as Refused

    backend.get = raising(Refused("Can't get password from keychain"))
    with pytest.raises(KeyringLocked):
        await SystemKeyring().get()


async def test_foreign_errors_are_denials_and_their_text_is_never_logged(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    backend.get = raising(OSError("the secret is hunter2"))
    with pytest.raises(KeyringDenied) as caught:
        await SystemKeyring().get()
    assert "OSError" in caplog.text
    assert "hunter2" not in caplog.text + str(caught.value)


async def test_one_that_has_no_backend_after_all_is_missing(backend: Backend) -> None:
    from keyring.errors import NoKeyringError

    backend.get = raising(NoKeyringError("No recommended backend was available."))
    with pytest.raises(KeyringMissing):
        await SystemKeyring().get()


async def test_a_question_that_nobody_answers_ends_and_a_late_answer_harms_nothing(backend: Backend) -> None:
    answer = threading.Event()
    backend.get = answering(answer)
    keyring = SystemKeyring(ask_seconds=0.05)
    try:
        with pytest.raises(KeyringLocked):
            await keyring.get()
        assert await keyring.state() is KeyringState.LOCKED
        with pytest.raises(KeyringLocked):  # the question is still open: nothing is stored behind its back
            await keyring.put(OTHER)
        assert backend.stored == []
    finally:
        answer.set()
    await until(lambda: keyring._running is None or keyring._running.done())
    assert await SystemKeyring().get() == KEY


async def test_a_second_caller_waits_for_the_first_question(backend: Backend) -> None:
    answer = threading.Event()
    asked: list[int] = []
    backend.get = answering(answer, lambda: asked.append(1))
    keyring = SystemKeyring()
    first, second = asyncio.create_task(keyring.get()), asyncio.create_task(keyring.get())
    await until(lambda: asked)
    await asyncio.sleep(0.05)
    assert len(asked) == 1
    answer.set()
    assert [await first, await second] == [KEY, KEY]


async def test_a_cancelled_caller_leaves_the_question_to_its_end(backend: Backend) -> None:
    answer, asked = threading.Event(), threading.Event()
    backend.get = answering(answer, asked.set)
    keyring = SystemKeyring()
    task = asyncio.create_task(keyring.get())
    await until(asked.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answer.set()
    assert await keyring.get() == KEY


async def test_a_dead_keyring_is_missing_after_the_short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = threading.Event()
    monkeypatch.setattr(system_keyring, "_backend", lambda: dead.wait(20) and None)
    keyring = SystemKeyring(look_seconds=0.05)
    try:
        assert await keyring.state() is KeyringState.MISSING
        assert await keyring.state() is KeyringState.MISSING
        assert await each(keyring) == [KeyringMissing] * 3
    finally:
        dead.set()


def test_an_answer_after_the_loops_end_is_let_go(backend: Backend) -> None:
    answer = threading.Event()
    backend.get = answering(answer)

    async def main() -> None:
        with pytest.raises(KeyringLocked):
            await SystemKeyring(ask_seconds=0.05).get()

    asyncio.run(main())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "keyring"]
    assert thread.daemon
    answer.set()
    thread.join(20)
    assert not thread.is_alive()


def test_the_library_is_imported_late() -> None:
    import subprocess

    code = (
        "import sys; import app.storage.passwords; print({'keyring', 'secretstorage', 'cryptography'} & {*sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
