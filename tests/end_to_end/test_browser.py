"""A real browser through the tunnel: a page with thirty resources, loaded at once over many connections."""

import asyncio
from pathlib import Path

import pytest

from tests.end_to_end.chromium import BROWSER, OPTIONS, needs_browser
from tests.end_to_end.programs import Tunnel
from tests.end_to_end.website import RESOURCES, website
from tests.fakes import certificates

pytestmark = [pytest.mark.browser, needs_browser]


async def browse(proxy: str, url: str, folder: Path) -> str:
    """The page as the browser has it once it is loaded."""
    own = ("--ignore-certificate-errors", "--proxy-bypass-list=<-loopback>", "--dump-dom")
    command = (BROWSER or "", *OPTIONS, *own, f"--user-data-dir={folder}", f"--proxy-server={proxy}", url)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@pytest.mark.parametrize(("proxy", "secure"), [("socks5", False), ("http", False), ("http", True)])
async def test_a_page_comes_with_all_its_resources(tunnel: Tunnel, proxy: str, secure: bool, tmp_path: Path) -> None:
    context = certificates.good().context() if secure else None
    async with website(context=context) as site:
        page = await browse(f"{proxy}://127.0.0.1:{tunnel.port}", site.url("/page"), tmp_path / "profile")
    assert 'data-loaded="all"' in page
    fetched = [path for path in site.hits if path.startswith(("/script/", "/picture/"))]
    assert len(fetched) == RESOURCES
    protocol = {"socks5": "socks5", "http": "connect" if secure else "http"}[proxy]
    target = str(site.address)
    await tunnel.client.snapshot(
        lambda event: any((it["protocol"], it["target"]) == (protocol, target) for it in event["connections"])
    )
