"""The demo: a server and a page of its own."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.client.state import State
from app.demo import Demo
from app.engine.options import Server, TlsOptions, Verification
from app.protocols.address import parse_host_port
from app.storage.settings import CHECK_PAGE
from tests.end_to_end.apps import curl
from tests.fakes.clients import log_in
from tests.fakes.desk import desk
from tests.fakes.waiting import until


async def test_its_profile_leads_to_its_page(tmp_path: Path) -> None:
    demo = Demo()
    candidate, page = await demo.start()
    assert await demo.start() == (candidate, page)
    assert candidate.profile is not None
    assert candidate.passwords[0] not in repr(candidate)
    async with desk(tmp_path) as one:
        one.settings.set(CHECK_PAGE, True)
        entry = await one.profiles.add(candidate.profile, candidate.passwords, temporary=True)
        one.control.pages[entry.id] = page
        await one.control.connect(entry.id)
        await until(lambda: one.client.state is State.ON)
        assert [stage.name for stage in one.client.stages][-1] == "page"
        fetched = await curl("--proxy", f"socks5h://{one.client.address}", page)
        assert b"You are through" in fetched.body, fetched.complaint
    await demo.stop()
    await until(lambda: not any(thread.name.startswith("anytls-demo") for thread in threading.enumerate()))


async def test_whoever_asks_no_question_gets_no_page() -> None:
    demo = Demo()
    _, page = await demo.start()
    address = parse_host_port(page.removeprefix("http://").rstrip("/"))
    for words in (b"", b"GET / HTTP/1.1\r\n", b"x" * 100_000):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(words)
        try:
            writer.write_eof()
            assert await reader.read() == b""
        except OSError:
            pass  # turned away before it had said all
        writer.close()
    await demo.stop()


async def test_stop_without_a_start() -> None:
    await Demo().stop()


@pytest.mark.parametrize("frozen", [False, True])
async def test_its_certificate_is_made_with_or_without_an_interpreter_to_lend(
    frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    demo = Demo()
    candidate, _ = await demo.start()
    assert candidate.profile is not None
    server = candidate.profile.servers[0]
    tls = TlsOptions(verification=Verification.PIN, certificate_pin=candidate.profile.certificate_pin)
    async with log_in(Server(server.host, server.port, candidate.passwords[0], tls)) as session:
        assert session.failure is None
    await demo.stop()


def test_the_library_that_makes_certificates_does_not_stay() -> None:
    code = "import asyncio, sys; from app.demo import Demo; asyncio.run(Demo().start()); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "app.server.server" in done.stdout.split()
    assert "cryptography" not in done.stdout.split()
