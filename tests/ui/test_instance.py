"""The server on Qt's loop, asked by what really asks it: `system.instance`, and bare sockets that misbehave."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.errors import BadFile, NotRunning, RequestRefused
from app.system import instance
from app.system.instance import MAX_REQUEST, address, ask, is_running
from app.ui.instance import InstanceServer
from tests.fakes.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bare sockets with a path")


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder / "anytls-tray"


async def echo(request):
    return {"heard": request}


@pytest.fixture
async def serving(qtbot):
    server = InstanceServer(echo)
    assert server.listen()
    yield server
    await server.close()


@pytest.fixture
async def impatient(qtbot):
    server = InstanceServer(echo, patience=0.2)
    assert server.listen()
    yield server
    await server.close()


def in_thread(*arguments, **named):
    return asyncio.to_thread(ask, *arguments, **named)


async def bare(said: bytes) -> bytes:
    """What a caller hears that says just this, until it is hung up on."""
    reader, writer = await asyncio.open_unix_connection(address(), limit=8 * 1024 * 1024)
    writer.write(said)
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_request_is_answered(serving):
    assert await in_thread({"verb": "status", "n": 1}) == {"heard": {"verb": "status", "n": 1}}


async def test_only_this_user_can_reach_it(serving, runtime):
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(address()).lstat().st_mode) & 0o077 == 0


async def test_the_longest_request_is_heard(serving):
    text = "x" * (MAX_REQUEST - 100)
    assert await in_thread({"text": text}) == {"heard": {"text": text}}


async def test_a_request_in_pieces_is_heard(serving):
    reader, writer = await asyncio.open_unix_connection(address())
    for piece in (b'{"ver', b'sion": 1, "verb"', b': "on"}', b"\n and more"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    assert json.loads(await reader.read()) == {"version": 1, "ok": True, "heard": {"verb": "on"}}
    writer.close()


@pytest.mark.parametrize(
    "said", [b"\n", b"garbage\n", b"[]\n", b"\x00\xff\n", b'{"verb": "on"}\n', b"[" * 50_000 + b"\n"]
)
async def test_garbage_is_refused_in_one_sentence(serving, said):
    answer = json.loads(await bare(said))
    assert answer["ok"] is False
    assert answer["error"].endswith(".")
    assert await in_thread({"verb": "status"})  # and nobody else is the worse for it


async def test_a_line_without_an_end_is_refused(serving):
    answer = json.loads(await bare(b"x" * (MAX_REQUEST + 2)))
    assert answer["ok"] is False
    assert "too long" in answer["error"]


async def test_a_caller_that_stalls_is_hung_up_on(impatient):
    assert await bare(b'{"version": 1, "verb": "sta') == b""
    assert await bare(b"") == b""


async def test_a_caller_that_does_not_fetch_its_answer_is_hung_up_on(impatient):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        sock.connect(address())
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, instance.to_line({"version": 1, "text": "x" * (MAX_REQUEST - 100)}))
        await until(lambda: not impatient._callers)
        heard = b""
        while chunk := await loop.sock_recv(sock, 65536):
            heard += chunk
    assert not heard.endswith(b"\n")


async def test_callers_that_leave_are_forgotten(serving):
    for said in (b"", b"half a line", b'{"version": 1}\n'):
        _, writer = await asyncio.open_unix_connection(address())
        writer.write(said)
        await writer.drain()
        writer.close()
    await until(lambda: not serving._callers)
    assert await in_thread({"verb": "status"})


async def test_a_slow_answer_keeps_nobody_waiting(qtbot):
    free = asyncio.Event()

    async def handler(request):
        if request["verb"] == "slow":
            await free.wait()
        return {"verb": request["verb"]}

    server = InstanceServer(handler, patience=0.1)
    assert server.listen()
    slow = asyncio.ensure_future(in_thread({"verb": "slow"}))
    assert await in_thread({"verb": "quick"}) == {"verb": "quick"}
    await asyncio.sleep(0.3)  # its own patience is over: the handler may take longer
    free.set()
    assert await slow == {"verb": "slow"}
    await server.close()


async def test_many_at_once(serving):
    answers = await asyncio.gather(*(in_thread({"n": n}) for n in range(50)))
    assert answers == [{"heard": {"n": n}} for n in range(50)]


async def test_too_many_at_once_are_hung_up_on(serving):
    writers = [(await asyncio.open_unix_connection(address()))[1] for _ in range(64)]
    await until(lambda: len(serving._callers) == 64)
    assert await bare(b"") == b""
    for writer in writers:
        writer.close()
    await until(lambda: not serving._callers)
    assert await in_thread({"verb": "status"})


async def test_a_failure_is_told_to_the_caller(qtbot):
    async def handler(_request):
        raise NotRunning

    server = InstanceServer(handler)
    assert server.listen()
    with pytest.raises(RequestRefused, match="not running"):
        await in_thread({"verb": "on"})
    await server.close()


async def test_a_defect_is_logged_and_told_without_its_details(qtbot, caplog):
    async def handler(_request):
        raise LookupError("a detail")

    server = InstanceServer(handler)
    assert server.listen()
    with pytest.raises(RequestRefused) as caught:
        await in_thread({"verb": "on"})
    assert "a detail" not in str(caught.value)
    assert "a detail" in caplog.text
    await server.close()


async def test_closing_hangs_up_and_leaves_nothing(qtbot, runtime):
    asked = asyncio.Event()

    async def handler(_request):
        asked.set()
        await asyncio.Event().wait()
        return {}

    server = InstanceServer(handler)
    assert server.listen()
    waiting = asyncio.ensure_future(in_thread({"verb": "on"}))
    await asked.wait()
    await server.close()
    with pytest.raises(RequestRefused):
        await waiting
    assert list(runtime.iterdir()) == []
    assert not is_running()


async def test_there_is_one_instance_at_a_time(serving, qtbot):
    second = InstanceServer(echo)
    assert not second.listen()
    await second.close()
    assert await in_thread({"verb": "status"})  # the first one is as it was
    await serving.close()
    assert second.listen()
    await second.close()


CRASHING = """
import sys, time
from PySide6.QtCore import QCoreApplication
from app.ui.instance import InstanceServer
app = QCoreApplication([])
server = InstanceServer(None)
print(server.listen(), flush=True)
time.sleep(600)
"""


async def test_what_a_crash_left_behind_is_no_hindrance(qtbot, runtime):
    with subprocess.Popen([sys.executable, "-c", CRASHING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not InstanceServer(echo).listen()
        process.send_signal(signal.SIGKILL)
    assert sorted(entry.name for entry in runtime.iterdir()) == ["lock", "socket"]
    server = InstanceServer(echo)
    assert server.listen()
    assert await in_thread({"verb": "status"})
    await server.close()


async def test_a_lock_whose_number_has_gone_to_another_process_is_no_hindrance(qtbot, runtime):
    runtime.mkdir(mode=0o700)
    program = Path("/proc/self/exe" if Path("/proc/self/exe").exists() else sys.executable).resolve().name
    (runtime / "lock").write_text(f"{os.getpid()}\n{program}\n{socket.gethostname()}\n\n\n")
    server = InstanceServer(echo)
    start = time.monotonic()
    assert server.listen()
    assert time.monotonic() - start < 30
    await server.close()


async def test_a_folder_that_cannot_be_had_is_said(qtbot, runtime):
    runtime.touch()
    server = InstanceServer(echo)
    with pytest.raises(BadFile):
        server.listen()
    await server.close()


async def test_a_socket_that_cannot_be_made_is_said(qtbot, runtime):
    runtime.mkdir(mode=0o700)
    (runtime / "socket").mkdir()
    server = InstanceServer(echo)
    with pytest.raises(BadFile):
        server.listen()
    await server.close()
    assert not (runtime / "lock").exists()
