"""The library's calls: a real gnome-keyring in each state, which backend is taken, and what foreign errors become."""

import base64
import gc
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import Failure, KeyringDenied, KeyringLocked, KeyringMissing, UnlockCancelled
from app.storage import keyring_calls
from app.storage.keyring_calls import SERVICE, USER, KeyringState, attempted, names_of
from tests.fakes.keyring_session import State, keyring_session

KEY = bytes(range(32))
OTHER = bytes(32)
ASK = 1.0  # seconds


def get() -> bytes | None:
    return attempted(lambda: keyring_calls.get(ASK))


def put(key: bytes) -> None:
    attempted(lambda: keyring_calls.put(key, ASK))


def delete() -> None:
    attempted(lambda: keyring_calls.delete(ASK))


def each() -> list[type[Failure]]:
    """What each call raises."""
    raised: list[type[Failure]] = []
    for call in (get, lambda: put(KEY), delete):
        with pytest.raises(Failure) as caught:
            call()
        raised.append(type(caught.value))
    return raised


# ---- a real one


def test_an_open_keyring_keeps_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyring_session(tmp_path, "unlocked", monkeypatch):
        assert attempted(keyring_calls.state) is KeyringState.AVAILABLE
        assert get() is None
        put(KEY)
        assert get() == KEY
        put(OTHER)
        assert get() == OTHER
        delete()
        assert get() is None
        delete()
    gc.collect()  # what was left open is told here and not in another test


def test_it_is_found_under_its_name_by_other_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyring_session(tmp_path, "unlocked", monkeypatch):
        put(KEY)
        from keyring.backends.SecretService import Keyring

        assert base64.b64decode(Keyring().get_password("anytls-tray", "vault-key") or "") == KEY
        assert (SERVICE, USER) == ("anytls-tray", "vault-key")


def test_what_is_no_key_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyring_session(tmp_path, "unlocked", monkeypatch):
        from keyring.backends.SecretService import Keyring

        for text in ("", "not base64!", "AAAA", "ü"):
            Keyring().set_password(SERVICE, USER, text)
            assert get() is None


@pytest.mark.parametrize(
    ("state", "told", "raised"),
    [
        ("locked", KeyringState.LOCKED, KeyringLocked),  # it cannot ask: nobody has cancelled anything
        ("missing", KeyringState.MISSING, KeyringMissing),
    ],
)
def test_a_keyring_that_cannot_be_used_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, told: KeyringState, raised: type[Failure]
) -> None:
    with keyring_session(tmp_path, state, monkeypatch):
        assert attempted(keyring_calls.state) is told
        assert each() == [raised] * 3
    gc.collect()


def test_one_that_lets_nobody_in_is_told_from_one_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keyring_session(tmp_path, "denied", monkeypatch):
        with pytest.raises(KeyringDenied):
            attempted(keyring_calls.state)
        assert each() == [KeyringDenied] * 3
    gc.collect()


def test_where_there_is_no_keyring_yet_reading_makes_none_and_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keyring_session(tmp_path, "empty", monkeypatch):
        assert attempted(keyring_calls.state) is KeyringState.LOCKED
        assert get() is None
        delete()
        with pytest.raises(KeyringLocked):  # for making one asks for its password
            put(KEY)
    gc.collect()


# ---- which one is taken


def test_without_a_bus_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert attempted(keyring_calls.state) is KeyringState.MISSING


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
def test_a_backend_that_is_not_the_systems_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with keyring_session(tmp_path, "unlocked", monkeypatch):
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
        assert attempted(keyring_calls.state) is KeyringState.MISSING
        assert each() == [KeyringMissing] * 3


def test_the_systems_backend_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyring_session(tmp_path, "unlocked", monkeypatch):
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
        assert attempted(keyring_calls.state) is KeyringState.AVAILABLE


def test_a_configuration_of_the_library_cannot_bring_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keyring_session(tmp_path, "missing", monkeypatch) as running:
        folder = Path(running.environment["XDG_CONFIG_HOME"]) / "python_keyring"
        folder.mkdir()
        (folder / "keyringrc.cfg").write_text("[backend]\ndefault-keyring=keyring.backends.null.Keyring\n")
        assert attempted(keyring_calls.state) is KeyringState.MISSING


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_ask_for_their_own(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    asked: list[str] = []
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)

    def import_module(name: str) -> Any:
        asked.append(name)
        raise ImportError

    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        patched.setattr(importlib, "import_module", import_module)
        assert keyring_calls._backend() is None
    assert asked == [f"keyring.backends.{'Windows' if platform == 'win32' else 'macOS'}"]


# ---- strange ones: a backend in place of the real ones


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
    monkeypatch.setattr(keyring_calls, "_backend", lambda: ("keyring.backends.macOS.Keyring", one))
    return one


def raising(error: Exception) -> Callable[[], str | None]:
    def call() -> str | None:
        raise error

    return call


def test_a_backend_that_says_no_more_is_available(backend: Backend) -> None:
    assert attempted(keyring_calls.state) is KeyringState.AVAILABLE
    put(KEY)
    assert backend.stored == [base64.b64encode(KEY).decode()]


def test_a_person_who_says_no_has_cancelled(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.errors import KeyringLocked as Refused

    monkeypatch.setattr(keyring_calls, "_HUMAN_SECONDS", 0.0)
    backend.get = raising(Refused("Can't get password from keychain"))
    with pytest.raises(UnlockCancelled):
        get()


def test_a_refusal_too_quick_for_a_person_is_the_systems(backend: Backend) -> None:
    from keyring.errors import KeyringLocked as Refused

    backend.get = raising(Refused("Can't get password from keychain"))
    with pytest.raises(KeyringLocked):
        get()


def test_one_that_has_no_backend_after_all_is_missing(backend: Backend) -> None:
    from keyring.errors import NoKeyringError

    backend.get = raising(NoKeyringError("No recommended backend was available."))
    with pytest.raises(KeyringMissing):
        get()


def test_one_that_nobody_answers_is_locked(backend: Backend) -> None:
    backend.get = raising(TimeoutError())
    with pytest.raises(KeyringLocked):
        get()


def test_foreign_errors_are_denials_that_name_their_kind_and_not_their_text(backend: Backend) -> None:
    backend.get = raising(OSError("the secret is hunter2"))
    with pytest.raises(KeyringDenied) as caught:
        get()
    assert "OSError" in names_of(caught.value.__cause__)
    assert "hunter2" not in str(names_of(caught.value.__cause__)) + str(caught.value)
