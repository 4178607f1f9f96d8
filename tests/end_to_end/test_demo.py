"""`--demo`: everything on this computer alone, and how to try it."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.end_to_end.apps import curl
from tests.end_to_end.programs import COMMAND, PATIENCE, Home
from tests.end_to_end.website import Website

USUAL_PORT = 1080
LIVE_LINE = "\ron   ↓ 0 B/s   ↑ 0 B/s   sessions: 0 active, 5 idle".encode()


@contextlib.contextmanager
def usual_port_taken() -> Iterator[None]:
    """Somebody listens on 1080, if not somebody else then this test."""
    with socket.socket() as sock:
        with contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", USUAL_PORT))
            sock.listen()
        yield


async def test_it_says_how_to_try_it_and_that_works(home: Home, site: Website) -> None:
    with usual_port_taken():
        async with home.run("--demo") as demo:
            await demo.until(lambda: "\non\n" in demo.said())
            (proxy,) = re.findall(r"curl -x (socks5h://127\.0\.0\.1:[0-9]+) https", demo.said())
            assert f"Port {USUAL_PORT} is taken" in demo.said()
            assert int(proxy.rpartition(":")[2]) != USUAL_PORT
            fetched = await curl("--proxy", proxy, site.url("/tried"))
            assert fetched.body == b"this is /tried"
            assert await demo.end(signal.SIGINT) == 0
            assert not demo.complained()
    assert not home.temporary()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
async def test_a_terminal_has_a_live_line(home: Home) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen((*COMMAND, "--demo"), env=home.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while LIVE_LINE not in shown:
                shown += await asyncio.to_thread(os.read, ours, 4096)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # the terminal's end on Linux
                while more := await asyncio.to_thread(os.read, ours, 4096):
                    shown += more
            assert await asyncio.to_thread(process.wait) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"Traceback" not in shown
