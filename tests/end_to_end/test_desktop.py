"""The whole program as a person has it: a real tray, a real keyring, real clicks, and real curl through its port."""

import asyncio
import hashlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.end_to_end.apps import curl
from tests.end_to_end.desktop import PARTS, App, Desktop, desktop, needs
from tests.end_to_end.programs import free_port
from tests.end_to_end.website import Website, digest, website

pytestmark = [needs(*PARTS), pytest.mark.timeout(180)]

SIZE = 20_000_000


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with website() as made:
        yield made


@pytest.fixture
async def screen(tmp_path: Path, site: Website) -> AsyncIterator[Desktop]:
    """A desktop with everything, whose person proves tunnels by a page of ours."""
    async with desktop(tmp_path) as made:
        made.settings(page_url=site.url("/alive"), listen_port=free_port())
        yield made


def written(screen: Desktop) -> str:
    """Everything that the program has written."""
    home = screen.home
    folders = [Path(home.environment[f"XDG_{name}_HOME"]) for name in ("CONFIG", "DATA", "STATE", "CACHE")]
    files = [file for folder in folders for file in folder.glob("anytls-tray/**/*") if file.is_file()]
    return "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)


async def import_link(screen: Desktop, app: App, link: str) -> None:
    added = await app.say("import", "-", "--yes", stdin=link)
    assert added.code == 0, added.err


async def test_from_the_tray_to_a_download_and_back(screen: Desktop, site: Website) -> None:
    async with screen.home.serve(password="needle-in-no-file") as server, screen.app() as app:
        await import_link(screen, app, server.link)
        assert (await app.status())["state"] == "off"
        await screen.tray_menu()
        await screen.choose("Down", "Return")
        status = await app.until("on")
        assert site.hits["/alive"] >= 1
        fetched = await curl("--proxy", f"socks5h://{status['listen']}", site.url(f"/blob/{SIZE}"))
        assert hashlib.sha256(fetched.body).hexdigest() == digest(SIZE), fetched.complaint
        status = await app.status()
        assert status["down"] >= SIZE
        await screen.tray_menu()
        await screen.choose("Down", "Return")
        await app.until("off")
        assert (await curl("--proxy", f"socks5h://{status['listen']}", site.url("/"))).code == 7  # refused
        found = screen.tool("secret-tool", "search", "service", "anytls-tray")
        assert "vault-key" in found.out + found.err
    everything = written(screen)
    assert server.link.partition("#")[2] in everything
    assert "needle-in-no-file" not in everything


async def test_the_verbs_of_the_command_line(screen: Desktop, site: Website) -> None:
    async with screen.home.serve() as server, screen.home.serve() as other, screen.app() as app:
        await import_link(screen, app, f"{server.link.partition('#')[0]}#One")
        await import_link(screen, app, f"{other.link.partition('#')[0]}#Two")
        assert (await app.say("on")).code == 0
        assert (await app.until("on"))["profile"] == "One"
        assert (await app.say("switch", "two")).code == 0
        status = await app.status()
        assert (status["state"], status["profile"]) == ("on", "Two")
        assert (await curl("--proxy", f"http://{status['listen']}", site.url("/x"))).body == b"this is /x"
        unknown = await app.say("switch", "nobody")
        assert (unknown.code, unknown.err.count("\n")) == (1, 1)
        assert (await app.say("toggle")).code == 0
        await app.until("off")
        assert (await app.say("off")).code == 0


async def test_closing_hides_and_a_second_start_brings_it_back(screen: Desktop) -> None:
    async with screen.app() as app:
        await screen.until(lambda: screen.windows("^AnyTLS Tray$"))
        screen.key("ctrl+w")
        await screen.until(lambda: not screen.windows("^AnyTLS Tray$"))
        assert (await app.status())["state"] == "off"
        assert (await app.say()).code == 0
        await screen.until(lambda: screen.windows("^AnyTLS Tray$"))


async def test_a_link_is_shown_before_it_is_added(screen: Desktop) -> None:
    async with screen.app() as app:
        await screen.until(lambda: screen.windows("^AnyTLS Tray$"))
        handed = await app.say("anytls://secret@192.0.2.1/?insecure=1#Far")
        assert handed.code == 0, handed.err
        await screen.until(lambda: screen.active().startswith("Import"))
        assert (await app.say("switch", "Far")).code == 1  # nothing was added
        screen.key("Return")
        await screen.until(lambda: not screen.active().startswith("Import"))
        assert (await app.say("switch", "Far")).code == 0
        status = await app.status()
        assert (status["state"], status["profile"]) == ("off", "Far")


async def test_a_killed_program_starts_again_with_all_it_knew(screen: Desktop) -> None:
    async with screen.home.serve() as server:
        async with screen.app() as app:
            await import_link(screen, app, server.link)
            await app.program.end(signal.SIGKILL)
        async with screen.app() as app:
            assert (await app.say("on")).code == 0
            await app.until("on")
            assert await app.program.end() == 0  # SIGTERM is an orderly end
    assert not list(Path(screen.home.environment["XDG_RUNTIME_DIR"]).glob("anytls-tray/socket"))


async def test_a_locked_keyring_asks_and_nothing_is_half_done(tmp_path: Path) -> None:
    async with desktop(tmp_path, keyring="locked") as screen, screen.app() as app:
        await screen.until(lambda: screen.windows("^AnyTLS Tray$"))
        before = screen.shown(".")
        link = "anytls://needle@192.0.2.1/#Far"
        async with screen.home.run("import", "-", "--yes", stdin=link) as importing:
            await importing.until(lambda: screen.shown(".") > before)  # the keyring's own question, or ours
            while importing.running:
                screen.key("Escape")  # a question that has just come may not have the keyboard yet
                await asyncio.sleep(0.3)
            assert await importing.ended() != 0
            assert importing.complained().count("\n") == 1
        assert (await app.say("switch", "Far")).code == 1
        assert "needle" not in written(screen)


async def test_without_a_tray_everything_works(tmp_path: Path, site: Website) -> None:
    async with desktop(tmp_path, tray=False) as screen, screen.home.serve() as server:
        screen.settings(page_url=site.url("/alive"), listen_port=free_port(), start_minimised=True)
        async with screen.app() as app:
            await import_link(screen, app, server.link)
            assert (await app.say("on")).code == 0
            await app.until("on")
            await screen.until(lambda: screen.tool("xdotool", "search", "--name", "^AnyTLS Tray$").out)
            settings = Path(screen.home.environment["XDG_CONFIG_HOME"]) / "anytls-tray" / "settings.json"
            await screen.until(lambda: json.loads(settings.read_text(encoding="utf-8")).get("told_no_tray"))


async def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    async with desktop(tmp_path, keyring="missing") as screen:
        screen.settings(listen_port=free_port())
        async with screen.app("--demo") as app:
            assert (await app.until("on"))["profile"] == "Demo"
