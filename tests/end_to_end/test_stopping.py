"""Every command ends when it is asked to, in the middle of anything, and leaves nothing behind."""

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.apps import socks_connection
from tests.end_to_end.programs import COMMAND, PLAIN_COMMAND, Home, Program
from tests.fakes.listening import deaf, listening
from tests.fakes.targets import echo_target

asked_to_stop = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@contextlib.asynccontextmanager
async def busy(home: Home) -> AsyncIterator[tuple[Program, Program]]:
    """A server and a client with a connection that nobody has ended."""
    async with (
        echo_target() as echo,
        home.serve() as server,
        home.connect(server.link) as client,
        socks_connection(client.port, *echo) as (reader, writer),
    ):
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        yield server, client


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


@asked_to_stop
async def test_a_client(home: Home, number: signal.Signals) -> None:
    async with busy(home) as (server, client):
        assert await client.end(number) == 0
        assert "Traceback" not in client.complained()
        assert is_free(client.port)
        assert server.running
    assert not home.temporary()


@asked_to_stop
async def test_a_server(home: Home, number: signal.Signals) -> None:
    async with busy(home) as (server, client):
        assert await server.end(number) == 0
        assert "Traceback" not in server.complained()
        assert is_free(server.port)
        assert client.running
    kept = Path(home.environment["XDG_DATA_HOME"]) / "anytls-tray"
    assert [path.name for path in kept.iterdir()] == ["server.pem"]
    assert not home.temporary()


async def test_a_client_that_never_got_through(home: Home) -> None:
    with deaf() as address:
        async with home.connect(f"anytls://pw@{address}/?hpkp={'00' * 32}") as client:
            assert await client.end(signal.SIGINT) == 0
            assert "Traceback" not in client.complained()


@pytest.mark.parametrize("command", [COMMAND, PLAIN_COMMAND], ids=["uvloop", "asyncio"])
async def test_a_probe_that_waits(home: Home, command: Sequence[str]) -> None:
    """It has no result then."""
    accepted = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()

    async with (
        listening(wait) as address,
        home.run("probe", "-", "--json", stdin=f"anytls://pw@{address}/", command=command) as probe,
    ):
        await accepted.wait()
        assert await probe.end(signal.SIGINT) == 1
        assert not probe.said()
        assert not probe.complained()


async def test_a_reader_that_goes_away(home: Home) -> None:
    """As `anytls-tray connect … --json | head -1` does."""
    async with home.serve() as server:
        process = subprocess.Popen(
            (*COMMAND, "connect", server.link, "--listen", "127.0.0.1:0", "--json", "--log-level", "error"),
            env=home.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        process.stdout.close()
        _, complaint = await asyncio.to_thread(process.communicate)
    assert (process.returncode, complaint) == (0, b"")
