import os
import socket
import stat
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.errors import NotAnswering, NotRunning
from app.system.channel import MAX_ANSWER, Channel, exchange, is_private, own_number
from tests.system.conftest import listening

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets with a path")


@pytest.fixture
def path(runtime):
    folder = runtime / "here"
    folder.mkdir(mode=0o700)
    return str(folder / "socket")


def hear_line(caller):
    heard = b""
    while not heard.endswith(b"\n"):
        heard += caller.recv(65536)
    return heard


def test_a_line_there_and_one_back(path):
    heard = []

    def serve(caller):
        heard.append(hear_line(caller))
        caller.sendall(b"the ")
        caller.sendall(b"answer\n")

    with listening(path, serve):
        assert exchange(path, b"the question\n", 10) == b"the answer\n"
    assert heard == [b"the question\n"]


def test_nobody_there(path):
    with pytest.raises(NotRunning):
        exchange(path, b"\n", 10)


def test_a_socket_that_a_crash_left_behind(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    Path(path).chmod(0o600)
    with pytest.raises(NotRunning):
        exchange(path, b"\n", 10)


@pytest.mark.parametrize("place", ["folder", "socket"])
def test_a_place_that_others_can_get_at_is_never_spoken_to(path, place):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        Path(path).chmod(0o622 if place == "socket" else 0o600)
        Path(path).parent.chmod(0o755 if place == "folder" else 0o700)
        with pytest.raises(NotRunning):
            exchange(path, b"\n", 10)
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has called
            sock.accept()


@pytest.mark.parametrize("said", [b"", b"half a li"])
def test_an_answer_that_ends_early(path, said):
    def serve(caller):
        hear_line(caller)
        caller.sendall(said)

    with listening(path, serve), pytest.raises(NotAnswering):
        exchange(path, b"\n", 10)


def test_an_answer_that_never_comes(path):
    def serve(caller):
        hear_line(caller)
        caller.recv(1)  # until the asker has lost its patience

    start = time.monotonic()
    with listening(path, serve), pytest.raises(NotAnswering):
        exchange(path, b"\n", 0.05)
    assert time.monotonic() - start < 60


def test_an_answer_that_never_ends(path):
    def serve(caller):
        hear_line(caller)
        try:
            caller.sendall(b"x" * (MAX_ANSWER + 100_000))
            caller.recv(1)
        except ConnectionError:  # it has been hung up on
            pass

    with listening(path, serve), pytest.raises(NotAnswering):
        exchange(path, b"\n", 60)


def test_an_answer_to_what_was_not_heard_to_its_end(path):
    def serve(caller):
        caller.recv(1)
        caller.sendall(b"too long\n")

    with listening(path, serve):
        assert exchange(path, b"x" * 4_000_000 + b"\n", 10) == b"too long\n"


def test_an_instance_with_more_callers_than_it_can_hold(path):
    with socket.socket(socket.AF_UNIX) as sock, ExitStack() as waiting:
        sock.bind(path)
        Path(path).chmod(0o600)
        sock.listen(0)

        def fill():
            for _ in range(10):  # how many fit is the system's to say
                waiting.callback(Channel(path, time.monotonic() + 0.1).close)

        with pytest.raises(NotAnswering):
            fill()


def test_what_is_private(tmp_path):
    tmp_path.chmod(0o700)
    file = tmp_path / "file"
    file.touch(mode=0o600)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert is_private(tmp_path, stat.S_ISDIR)
    assert is_private(file, stat.S_ISREG)
    assert not is_private(file, stat.S_ISDIR)
    assert not is_private(link, stat.S_ISDIR)
    assert not is_private(tmp_path / "missing", stat.S_ISDIR)
    file.chmod(0o604)
    assert not is_private(file, stat.S_ISREG)


def test_what_is_another_users_is_not_private(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    assert own_number() == os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert not is_private(tmp_path, stat.S_ISDIR)
