import asyncio
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from app.cli import main
from app.cli.inputs import LOCAL_PORT


@pytest.fixture
def seconds(monkeypatch):
    """Lets the command live for some of its seconds, which are short ones, and then stops it as Ctrl-C does."""
    left = [3]

    async def first_of(stop, _seconds):
        await asyncio.sleep(0.1)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGINT)
            await stop.wait()
        return stop.is_set()

    monkeypatch.setattr("app.cli.connect.first_of", first_of)
    before = signal.getsignal(signal.SIGINT)
    yield left
    signal.signal(signal.SIGINT, before)


def events(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_port_first_then_states_and_snapshots(served, seconds, capsys):
    seconds[0] = 10
    assert main(["connect", served.link(), "--listen", "127.0.0.1:0", "--json"]) == 0
    said = events(capsys)
    assert said[0]["event"] == "listening"
    assert said[0]["port"] > 0
    states = [event["state"] for event in said if event["event"] == "state"]
    assert states == ["connecting", "on", "off"]
    last = [event for event in said if event["event"] == "snapshot"][-1]
    assert last["state"] == "on"
    assert last["sessions"][0]["streams_served"] == 1
    assert last["connections"] == []


def test_a_server_that_is_not_there_is_failed_and_tried_again(seconds, capsys):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        link = f"anytls://x@127.0.0.1:{sock.getsockname()[1]}/"
        assert main(["connect", link, "--listen", "127.0.0.1:0", "--json"]) == 0
    states = [event for event in events(capsys) if event["event"] == "state"]
    assert [event["state"] for event in states] == ["connecting", "failed", "off"]
    assert "Nothing listens" in states[1]["error"]


def test_a_port_that_is_taken_starts_nothing(served, capsys):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        assert main(["connect", served.link(), "--listen", f"127.0.0.1:{port}", "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"anytls-tray: Cannot listen on 127.0.0.1 port {port}: something else listens there already.\n"
    )


def test_notes_of_the_link_are_said_once(served, seconds, capsys):
    assert main(["connect", f"{served.link()}&fp=firefox&strange=1", "--listen", "127.0.0.1:0", "--json"]) == 0
    err = capsys.readouterr().err
    assert err.count("firefox") == 1
    assert err.count("strange") == 1


def test_the_demo_says_how_to_try_it(seconds, capsys):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", LOCAL_PORT))
        sock.listen()
        assert main(["--demo"]) == 0
    out = capsys.readouterr().out
    assert f"Port {LOCAL_PORT} is taken" in out
    assert "curl -x socks5h://127.0.0.1:10" in out
    assert out.split()[-2:] == ["on", "off"]


@pytest.mark.parametrize("words", [["--json"], []])
def test_a_reader_that_leaves_ends_the_command_without_a_word(words, served):
    command = [sys.executable, "-m", "app", "connect", "-", "--listen", "127.0.0.1:0", *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(f"{served.link()}\n")
        process.stdin.close()
        assert "127.0.0.1" in process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert "Traceback" not in said
    assert "Broken pipe" not in said
