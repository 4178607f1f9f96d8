"""Asking the worker: what it says comes back, and whatever becomes of it or of the caller, no process is left."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.errors import KeyringDenied, KeyringMissing, VaultBroken
from app.storage.keyring_calls import KeyringState
from app.storage.vault_calls import ask, working
from app.storage.vault_worker import OPTION, Get, Look, Open, Seal
from tests.fakes.waiting import until

KEY = bytes(range(32))
PATIENCE = 60.0  # seconds; only a failing test waits as long
SEAL = Seal(KEY, ((b"here", b"hunter2"),))


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    """No worker lives on, and none is a zombie."""
    before = {child.pid for child in psutil.Process().children()}
    yield
    assert [child for child in psutil.Process().children() if child.pid not in before] == []


async def test_what_was_sealed_is_opened() -> None:
    (sealed,) = await ask(SEAL, list[bytes], PATIENCE)
    assert await ask(Open(KEY, ((b"here", sealed), (b"there", sealed))), list[bytes | None], PATIENCE) == [
        b"hunter2",
        None,
    ]


async def test_more_than_a_pipe_holds_passes_through() -> None:
    plain = os.urandom(1000)
    items = tuple((b"%d" % number, plain) for number in range(500))
    sealed = await ask(Seal(KEY, items), list[bytes], PATIENCE)
    pairs = tuple((bound_to, one) for (bound_to, _), one in zip(items, sealed, strict=True))
    assert await ask(Open(KEY, pairs), list[bytes | None], PATIENCE) == [plain] * 500


async def test_answers_come_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with working(Get(1.0)) as worker:
        assert await worker.answer(KeyringState, PATIENCE) is KeyringState.MISSING
        with pytest.raises(KeyringMissing):
            await worker.answer(bytes | None, PATIENCE)
        with pytest.raises(VaultBroken):  # there is no more
            await worker.answer(bytes | None, PATIENCE)


async def test_many_at_once_do_not_disturb_each_other() -> None:
    sealed = await asyncio.gather(*(ask(SEAL, list[bytes], PATIENCE) for _ in range(8)))
    assert len({one for (one,) in sealed}) == 8


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
async def test_it_leaves_no_descriptor() -> None:
    await ask(SEAL, list[bytes], PATIENCE)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        await ask(SEAL, list[bytes], PATIENCE)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_secrets_stand_neither_in_arguments_nor_in_the_environment(
    hanging: Callable[[], psutil.Process | None],
) -> None:
    task = asyncio.create_task(ask(SEAL, list[bytes], PATIENCE))
    await until(hanging)
    process = hanging()
    assert process is not None
    seen = " ".join(process.cmdline()) + str(process.environ())
    assert "hunter2" not in seen
    assert KEY.hex() not in seen
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# ---- what goes wrong


@pytest.fixture
def worker_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts another program, Python, in the worker's place."""

    def put(code: str) -> None:
        program = tmp_path / "worker"
        program.write_text(f"#!{sys.executable}\n{code}\n")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))

    return put


@pytest.fixture
def hanging(worker_is: Callable[[str], None]) -> Callable[[], psutil.Process | None]:
    """The worker reads and never answers; this finds its process once it does."""
    worker_is("import sys, time; sys.stdin.read(); time.sleep(600)")
    before = {child.pid for child in psutil.Process().children()}

    def find() -> psutil.Process | None:
        return next((child for child in psutil.Process().children() if child.pid not in before), None)

    return find


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
async def test_one_that_does_not_answer_is_ended(hanging: Callable[[], psutil.Process | None]) -> None:
    with pytest.raises(TimeoutError):
        await ask(SEAL, list[bytes], 0.3)
    assert hanging() is None


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
async def test_one_whose_caller_is_cancelled_is_ended(hanging: Callable[[], psutil.Process | None]) -> None:
    task = asyncio.create_task(ask(SEAL, list[bytes], PATIENCE))
    await until(hanging)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert hanging() is None


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
async def test_a_caller_that_is_cancelled_twice_leaves_neither_process_nor_task(
    hanging: Callable[[], psutil.Process | None],
) -> None:
    task = asyncio.create_task(ask(SEAL, list[bytes], PATIENCE))
    await until(hanging)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await until(lambda: hanging() is None)


async def test_a_caller_that_is_cancelled_before_the_start_leaves_none() -> None:
    task = asyncio.create_task(ask(SEAL, list[bytes], PATIENCE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
@pytest.mark.parametrize(
    "code", ["import sys; sys.stdin.read(); sys.exit(3)", "raise SystemExit", "import os; os.abort()"]
)
async def test_one_that_dies_is_a_failure_and_told(
    worker_is: Callable[[str], None], caplog: pytest.LogCaptureFixture, code: str
) -> None:
    worker_is(code)
    with pytest.raises(VaultBroken):
        await ask(SEAL, list[bytes], PATIENCE)
    assert "without an answer" in caplog.text
    assert "hunter2" not in caplog.text


async def test_one_that_does_not_start_is_a_failure_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(VaultBroken):
        await ask(SEAL, list[bytes], PATIENCE)
    assert "does not start" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
async def test_what_is_behind_a_failure_is_logged(
    worker_is: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    worker_is("""print('{"failure": "KeyringDenied", "cause": "OSError"}')""")
    with pytest.raises(KeyringDenied):
        await ask(Look(), KeyringState, PATIENCE)
    assert "OSError" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
@pytest.mark.parametrize(
    "line",
    ["hello", "{}{}", '{"failure": "nope"}', '{"failure": "BadFile"}', '{"failure": "dataclass"}', '{"value": 1}'],
)
async def test_rubbish_is_a_failure_and_told(
    worker_is: Callable[[str], None], caplog: pytest.LogCaptureFixture, line: str
) -> None:
    worker_is(f"print({line!r})")
    with pytest.raises(VaultBroken, match="does not work"):
        await ask(SEAL, list[bytes], PATIENCE)
    assert "vault's worker" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
async def test_a_program_in_one_piece_is_asked_by_its_option(
    worker_is: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    worker_is("import json, sys; print(json.dumps({'value': sys.argv[1:]}))")
    assert await ask(SEAL, list[str], PATIENCE) == [OPTION]


async def test_where_the_person_is_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("msgspec", "base64", "app"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert len(await ask(SEAL, list[bytes], PATIENCE)) == 1
