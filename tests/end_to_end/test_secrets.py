"""Passwords, links and payload: in no process list, no log, no output that did not ask for them, and no file."""

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.apps import curl, status
from tests.end_to_end.programs import Home, Program
from tests.end_to_end.website import Website

PASSWORD = "needle-of-the-server"
LOGIN = "needle-of-the-proxy"
PAYLOAD = "needle-in-the-payload"


@dataclass(frozen=True)
class Talkative:
    """Programs that log all they can."""

    home: Home
    server: Program
    client: Program


@pytest.fixture
async def talkative(home: Home) -> AsyncIterator[Talkative]:
    loud = ("--log-level", "debug")
    async with home.serve(*loud, password=PASSWORD) as server:
        arguments = (*loud, "--user-env", "LOGIN")
        async with home.connect(server.link, *arguments, LOGIN=f"me:{LOGIN}") as client:
            yield Talkative(home, server, client)


def process_list() -> str:
    """What `ps` shows of everybody's processes."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().decode(errors="replace"))
        except OSError:  # it has ended meanwhile
            continue
    return "\n".join(commands)


def files(home: Home) -> str:
    """All that the programs have written to files of their own."""
    folders = (Path(home.environment[f"XDG_{name}_HOME"]) for name in ("CONFIG", "DATA", "STATE", "CACHE"))
    paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


async def use(talkative: Talkative, site: Website) -> None:
    """Let everything happen that may end up in a log."""
    await talkative.client.until(lambda: talkative.client.state == "on")
    proxy = f"127.0.0.1:{talkative.client.port}"
    url = site.url(f"/{PAYLOAD}")
    fetched = await curl("--proxy", f"http://me:{LOGIN}@{proxy}", "--data", PAYLOAD, url)
    assert fetched.code == 0
    assert await status(f"http://me:{LOGIN}-wrong@{proxy}", url) == "407"
    assert (await curl("--proxy", f"socks5h://me:{LOGIN}-wrong@{proxy}", url)).code != 0
    assert (await curl("--proxy", f"socks5h://me:{LOGIN}@{proxy}", "http://127.0.0.1:1/")).code != 0
    stranger = talkative.server.link.replace(PASSWORD, f"{PASSWORD}-wrong")
    assert (await talkative.home.finish("probe", "-", "--log-level", "debug", stdin=stranger)).code == 1


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
async def test_no_process_shows_a_password(talkative: Talkative) -> None:
    await talkative.client.until(lambda: talkative.client.state == "on")
    shown = process_list()
    assert "connect\0-\0" in shown  # the client is in the list
    assert PASSWORD not in shown
    assert LOGIN not in shown


async def test_no_log_holds_a_secret(talkative: Talkative, site: Website) -> None:
    await use(talkative, site)
    await talkative.server.end(signal.SIGKILL)
    await talkative.client.until(lambda: talkative.client.state in ("degraded", "failed"))
    await talkative.client.end()
    written = talkative.client.complained() + talkative.client.said() + talkative.server.complained()
    for secret in (PASSWORD, LOGIN, PAYLOAD, "anytls://"):
        assert secret not in written


async def test_no_file_holds_a_secret(talkative: Talkative, site: Website) -> None:
    await use(talkative, site)
    await talkative.client.end()
    await talkative.server.end()
    for secret in (PASSWORD, LOGIN, PAYLOAD):
        assert secret not in files(talkative.home)


async def test_the_link_is_printed_where_it_is_asked_for(talkative: Talkative) -> None:
    (event,) = talkative.server.events("listening")
    assert PASSWORD in event["link"]
    assert f"hpkp={event['pin']}" in event["link"]
    assert event["links"] == {"user": event["link"]}
