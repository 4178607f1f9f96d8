"""The vault's worker: every request has its answers, and the libraries that it is there for stay in it."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import KeyringLocked
from app.storage import keyring_calls, vault_worker
from app.storage.keyring_calls import KeyringState
from app.storage.sealing import Wrapped, decrypt
from app.storage.vault_worker import (
    OPTION,
    Answer,
    Delete,
    Get,
    Look,
    Open,
    Put,
    Request,
    Seal,
    Unwrap,
    Wrap,
    answers,
)

KEY = bytes(range(32))


def values(request: Request) -> list[Any]:
    """What it answers; failures by their names."""
    return [answer.failure or answer.value for answer in answers(request)]


@given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=40)), max_size=5))
def test_what_is_sealed_is_opened_in_its_place_alone(items: list[tuple[bytes, bytes]]) -> None:
    (sealed,) = values(Seal(KEY, tuple(items)))
    pairs = [(bound_to, one) for (bound_to, _), one in zip(items, sealed, strict=True)]
    assert values(Open(KEY, tuple(pairs))) == [[plain for _, plain in items]]
    elsewhere = tuple((bound_to + b"!", one) for bound_to, one in pairs)
    assert values(Open(KEY, elsewhere)) == [[None] * len(items)]


def test_a_key_under_a_master_password_comes_back_with_it_alone() -> None:
    (wrapped,) = values(Wrap(KEY, "grün\udcff".encode(errors="surrogatepass")))
    assert isinstance(wrapped, Wrapped)
    assert values(Unwrap(wrapped, "grün\udcff".encode(errors="surrogatepass"))) == [KEY]
    assert values(Unwrap(wrapped, b"other")) == [None]


def test_memory_that_is_not_there_is_a_failure_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrap(_key: bytes, _password: str) -> Wrapped:
        raise MemoryError

    monkeypatch.setattr(vault_worker, "wrap", wrap)
    assert list(answers(Wrap(KEY, b""))) == [Answer(failure="VaultBroken", cause="MemoryError")]


# ---- the keyring: its state first


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A keyring that keeps the key in this list."""
    keys: list[bytes] = []
    monkeypatch.setattr(keyring_calls, "state", lambda: KeyringState.AVAILABLE)
    monkeypatch.setattr(keyring_calls, "get", lambda _seconds: keys[-1] if keys else None)
    monkeypatch.setattr(keyring_calls, "put", lambda key, _seconds: keys.append(key))
    monkeypatch.setattr(keyring_calls, "delete", lambda _seconds: keys.clear())
    return keys


def test_the_state_stands_before_what_was_asked_for(kept: list[bytes]) -> None:
    state = KeyringState.AVAILABLE
    assert values(Look()) == [state]
    assert values(Get(1.0)) == [state, None]
    assert values(Put(KEY, 1.0)) == [state, None]
    assert kept == [KEY]
    assert values(Get(1.0)) == [state, KEY]
    assert values(Delete(1.0)) == [state, None]
    assert kept == []


@pytest.mark.parametrize(
    ("state", "failure"), [(KeyringState.MISSING, "KeyringMissing"), (KeyringState.DENIED, "KeyringDenied")]
)
@pytest.mark.parametrize("request_", [Get(1.0), Put(KEY, 1.0), Delete(1.0)], ids=repr)
def test_a_keyring_that_is_not_there_is_not_called(
    kept: list[bytes], monkeypatch: pytest.MonkeyPatch, state: KeyringState, failure: str, request_: Request
) -> None:
    kept.append(KEY)
    monkeypatch.setattr(keyring_calls, "state", lambda: state)
    assert values(request_) == [state, failure]
    assert kept == [KEY]


@pytest.mark.usefixtures("kept")
def test_a_failure_names_what_is_behind_it_and_not_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(_seconds: float) -> bytes:
        raise OSError("the secret is hunter2")

    monkeypatch.setattr(keyring_calls, "get", get)
    *_, last = answers(Get(1.0))
    assert last == Answer(failure="KeyringDenied", cause="OSError")


@pytest.mark.usefixtures("kept")
def test_what_the_calls_raise_themselves_has_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> KeyringState:
        raise KeyringLocked

    monkeypatch.setattr(keyring_calls, "state", state)
    assert list(answers(Look())) == [Answer(failure="KeyringLocked")]


# ---- the process


def test_the_programs_own_option_is_the_worker() -> None:
    request = msgspec.json.encode(Seal(KEY, ((b"here", b"hunter2"),)))
    done = subprocess.run([sys.executable, "-m", "app", OPTION], input=request, capture_output=True, check=True)
    (sealed,) = msgspec.convert(json.loads(done.stdout)["value"], list[bytes])
    assert decrypt(KEY, sealed, b"here") == b"hunter2"
    assert done.stderr == b""


def test_what_backends_print_is_no_answer() -> None:
    code = (
        "from app.storage import keyring_calls, vault_worker\n"
        "keyring_calls.state = lambda: print('hello', flush=True) or keyring_calls.KeyringState.MISSING\n"
        "vault_worker.main()"
    )
    request = msgspec.json.encode(Look())
    done = subprocess.run([sys.executable, "-c", code], input=request, capture_output=True, check=True)
    assert json.loads(done.stdout) == {"value": "missing"}
    assert done.stderr == b"hello\n"


def test_who_asks_it_needs_none_of_its_libraries() -> None:
    code = (
        "import sys; import app.storage.passwords; print({'keyring', 'secretstorage', 'cryptography'} & {*sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
