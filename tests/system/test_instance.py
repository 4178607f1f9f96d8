import json
import os
import stat
import sys
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadFile, BadInput, NotAnswering, NotRunning, RequestRefused
from app.system import instance
from app.system.instance import (
    MAX_REQUEST,
    VERSION,
    address,
    ask,
    is_running,
    prepare,
    read_answer,
    read_request,
    to_line,
)
from tests.system.conftest import listening

posix = pytest.mark.skipif(sys.platform == "win32", reason="sockets with a path")


def answering(answer, heard):
    def serve(caller):
        with caller.makefile("rb") as file:
            heard.append(json.loads(file.readline()))
        caller.sendall(answer)

    return serve


# ---- where it is


@posix
def test_the_socket_lies_in_the_users_own_folder(runtime):
    assert address() == f"{runtime}/anytls-tray/socket"
    assert list(runtime.iterdir()) == []  # nothing is made by asking


@posix
@pytest.mark.parametrize("place", [None, "", "/no/such/folder", "/" + "long/" * 30])
def test_without_such_a_folder_it_lies_among_temporary_files(place, monkeypatch, tmp_path):
    if place is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", place)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(instance, "own_number", lambda: 4_000_000)  # nobody, who has no folder below /run/user
    assert address() == f"{tmp_path}/anytls-tray-4000000/socket"


@posix
def test_the_folder_is_the_users_alone(runtime):
    folder = prepare()
    assert folder == runtime / "anytls-tray"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    prepare()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
def test_a_folder_of_somebody_else_is_not_used(runtime, monkeypatch):
    folder = prepare()
    folder.chmod(0o755)
    monkeypatch.setattr(instance, "own_number", lambda: os.geteuid() + 1)
    monkeypatch.setattr("app.system.channel.own_number", lambda: os.geteuid() + 1)
    with pytest.raises(BadFile, match="belongs to somebody else"):
        prepare()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755  # nor meddled with


@posix
@pytest.mark.parametrize("what", ["file", "link"])
def test_what_only_looks_like_the_folder_is_not_used(what, runtime, tmp_path):
    if what == "file":
        (runtime / "anytls-tray").touch()
    else:
        (runtime / "anytls-tray").symlink_to(tmp_path)
    with pytest.raises(BadFile):
        prepare()


# ---- asking


@posix
def test_a_request_and_its_answer(runtime):
    heard: list[dict] = []
    with listening(address(), answering(b'{"version": 1, "ok": true, "state": "on"}\n', heard)):
        assert ask({"verb": "on"}) == {"state": "on"}
    assert heard == [{"version": 1, "verb": "on"}]


@posix
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b'{"version": 1, "ok": false, "error": "Not today."}\n', "Not today."),
        (b'{"version": 1, "ok": false}\n', str(NotAnswering())),
        (b'{"version": 1, "ok": 1, "error": "{braces}"}\n', "{braces}"),
    ],
)
def test_a_refusal_is_its_sentence(runtime, answer, sentence):
    with listening(address(), answering(answer, [])), pytest.raises(RequestRefused) as caught:
        ask({"verb": "on"})
    assert str(caught.value) == sentence


@posix
@pytest.mark.parametrize("answer", [b"\n", b"[]\n", b"garbage\n", b'{"ok": true}\n', b'{"version": 2, "ok": true}\n'])
def test_an_answer_that_is_none(runtime, answer):
    with listening(address(), answering(answer, [])), pytest.raises(NotAnswering):
        ask({"verb": "on"})


def test_nobody_to_ask(runtime):
    with pytest.raises(NotRunning):
        ask({"verb": "on"})
    assert not is_running()


def test_too_long_a_request_is_never_sent(runtime):
    with pytest.raises(BadInput, match="too long"):
        ask({"verb": "import", "text": "x" * MAX_REQUEST})


@posix
def test_whether_one_runs(runtime):
    with listening(address(), lambda _caller: None):
        assert is_running()
    assert not is_running()  # the socket is there, and nobody listens


@posix
def test_one_with_many_callers_runs(runtime, monkeypatch):
    def full(*_arguments):
        raise NotAnswering

    monkeypatch.setattr(instance, "Channel", full)
    assert is_running()


# ---- the lines


def test_a_line_is_one_line_whatever_is_in_it():
    line = to_line({"text": "two\nlines ☃ \udcff"})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line) == {"text": "two\nlines ☃ \udcff"}


def test_the_version_is_looked_at_and_taken_out():
    assert read_request(b'{"version": 1, "verb": "on"}') == {"verb": "on"}
    assert read_answer(b'{"version": 1, "ok": true}') == {"ok": True}


@pytest.mark.parametrize("line", [b'{"verb": "on"}', b'{"version": 2, "verb": "on"}', b'{"version": "1"}'])
def test_another_version_is_refused(line):
    with pytest.raises(BadInput, match="another version"):
        read_request(line)


@pytest.mark.parametrize("line", [b"", b"on", b"[1]", b"\xff\xfe", b'{"version": 1', b"[" * 100_000, b"1" * 5000])
def test_what_is_no_object_is_refused(line):
    with pytest.raises(BadInput, match="one line with a JSON object"):
        read_request(line)
    with pytest.raises(NotAnswering):
        read_answer(line)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(line):
    with pytest.raises(BadInput):
        read_request(line)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none()))
def test_what_is_written_is_read(message):
    message.pop("version", None)
    assert read_request(to_line({"version": VERSION, **message})) == message


def test_windows_has_a_name_for_each_user(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    mine = address()
    assert mine.startswith("\\\\.\\pipe\\anytls-tray-")
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path / "other")
    assert address() != mine
