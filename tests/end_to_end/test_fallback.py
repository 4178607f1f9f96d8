"""Strangers at the server's door: they meet the web server that was named, or a closed connection."""

import asyncio
import contextlib
import random

import pytest

from tests.end_to_end.apps import curl
from tests.end_to_end.programs import Home, Program, Tunnel
from tests.end_to_end.website import Website


async def test_a_stranger_meets_a_web_server(home: Home, site: Website) -> None:
    async with home.serve("--fallback", str(site.address)) as server, home.connect(server.link) as client:
        url = f"https://127.0.0.1:{server.port}"
        fetched = await curl("--insecure", "--http1.1", f"{url}/stranger", f"{url}/again")
        assert fetched.body == b"this is /strangerthis is /again", fetched.complaint
        await client.until(lambda: client.state == "on")


async def test_a_stranger_is_turned_away(home: Home) -> None:
    async with home.serve() as server:
        fetched = await curl("--insecure", "--http1.1", f"https://127.0.0.1:{server.port}/")
        assert fetched.code == 52, fetched.complaint  # nothing was answered
        assert server.running


GARBAGE = {
    "SOCKS5": b"\5\1\x09",
    "SOCKS4": b"\4\1",
    "TLS": b"\x16\x03\x01\xff\xff" + bytes(70_000),
    "HTTP": b"GET / HTTP/9.9\r\n\r\n",
    "noise": random.Random(0).randbytes(100) + b"\r\n\r\n",
}


def log(program: Program) -> list[str]:
    """What it has logged, but for the sessions that it makes ready by itself."""
    return [line for line in program.complained().splitlines() if "anytls.pool" not in line]


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_ends_its_own_connection_alone(tunnel: Tunnel, site: Website, kind: str) -> None:
    """At both doors, with one line in the log at most."""
    for program in (tunnel.server, tunnel.client):
        logged = len(log(program))
        reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
        writer.write(GARBAGE[kind])
        # It may have been turned away before it has said all: then the socket has no direction left to shut.
        with contextlib.suppress(OSError):
            writer.write_eof()
            await reader.read()
        writer.close()
        assert len(log(program)) - logged <= 1
    fetched = await curl("--proxy", f"http://127.0.0.1:{tunnel.port}", site.url("/still"))
    assert fetched.body == b"this is /still"
