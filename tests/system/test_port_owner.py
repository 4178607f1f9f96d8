"""Who listens on a port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from app.system.port_owner import owner_of
from tests.fakes.listening import closed_port


@pytest.fixture
def other() -> Iterator[tuple[int, int]]:
    """A port and the process that listens on it."""
    listen = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", listen], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
        process.communicate()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_another_program_is_named(other: tuple[int, int], host: str) -> None:
    port, pid = other
    owner = owner_of(port, host)
    assert owner is not None
    assert owner.pid == pid
    assert "python" in owner.name


def test_another_address_is_not_in_the_way(other: tuple[int, int]) -> None:
    assert owner_of(other[0], "127.0.0.2") is None


def test_who_listens_everywhere_is_in_everybodys_way() -> None:
    with socket.create_server(("", 0)) as everywhere:
        owner = owner_of(everywhere.getsockname()[1], "127.0.0.1")
        assert owner is not None
        assert owner.pid == os.getpid()


def test_nobody_listens() -> None:
    assert owner_of(closed_port().port, "127.0.0.1") is None


def test_a_connection_is_not_a_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert owner_of(client.getsockname()[1], "127.0.0.1") is None


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert owner_of(1080, "127.0.0.1") is None


def test_a_name_that_forges_lines_or_is_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "name", lambda _process: "safe\n\u202e" + "x" * 1_000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        owner = owner_of(server.getsockname()[1], "127.0.0.1")
        assert owner is not None
        assert owner.name.isprintable()
        assert len(owner.name) < 100
