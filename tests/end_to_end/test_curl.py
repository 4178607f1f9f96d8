"""curl through the tunnel, in every dialect that it speaks with a proxy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.end_to_end.apps import curl, download, status
from tests.end_to_end.programs import PLAIN_COMMAND, Home, Tunnel, running_tunnel
from tests.end_to_end.website import BLOB_SIZE, Website, blob, digest, website
from tests.fakes import certificates

DIALECTS = ("socks4", "socks4a", "socks5", "socks5h", "http")
DIALECTS_WITH_LOGIN = ("socks5", "socks5h", "http")

SMALL = 300_000

# curl's exit codes for a SOCKS proxy that does not let it in, by version of SOCKS
NOT_LET_IN = 97

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
every_dialect_with_login = pytest.mark.parametrize("dialect", DIALECTS_WITH_LOGIN)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to upload."""
    path = tmp_path_factory.mktemp("large") / "blob"
    path.write_bytes(blob())
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tunnel]:
    """A tunnel whose local proxy wants a user and a password."""
    folder = tmp_path_factory.mktemp("guarded")
    login = folder / "login"
    login.write_text("alice:wonder:land\n", encoding="utf-8")
    async with running_tunnel(folder / "home", "--user-file", str(login)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tunnel]:
    """A tunnel whose both ends run on asyncio's own loop."""
    async with running_tunnel(tmp_path_factory.mktemp("plain"), command=PLAIN_COMMAND) as running:
        yield running


@every_dialect
async def test_100_mb_come_down_whole(tunnel: Tunnel, site: Website, dialect: str, tmp_path: Path) -> None:
    url = site.url(f"/blob/{BLOB_SIZE}")
    assert await download(f"{dialect}://127.0.0.1:{tunnel.port}", url, tmp_path / "got") == digest()


@every_dialect
async def test_100_mb_go_up_whole(tunnel: Tunnel, site: Website, dialect: str, large: Path) -> None:
    proxy = f"{dialect}://127.0.0.1:{tunnel.port}"
    fetched = await curl("--proxy", proxy, "--upload-file", str(large), site.url("/upload"))
    assert fetched.body.decode() == digest()


@every_dialect
async def test_the_plain_loop_carries_every_dialect(plain: Tunnel, site: Website, dialect: str, tmp_path: Path) -> None:
    url = site.url(f"/blob/{BLOB_SIZE // 5}")
    proxy = f"{dialect}://127.0.0.1:{plain.port}"
    assert await download(proxy, url, tmp_path / "got") == digest(BLOB_SIZE // 5)


@every_dialect
async def test_tls_passes_untouched(tunnel: Tunnel, dialect: str, tmp_path: Path) -> None:
    """curl verifies the target's certificate; over HTTP this is CONNECT."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificates.authority().pem)
    proxy = f"{dialect}://127.0.0.1:{tunnel.port}"
    async with website(context=certificates.good().context()) as site:
        fetched = await curl("--proxy", proxy, "--cacert", str(authority), site.url("/safe"))
    assert (fetched.code, fetched.body) == (0, b"this is /safe"), fetched.complaint


async def test_plain_http_keeps_connections_alive(tunnel: Tunnel, site: Website) -> None:
    proxy = f"http://127.0.0.1:{tunnel.port}"
    fetched = await curl("--proxy", proxy, site.url("/1"), site.url("/2"), site.url("/3"))
    assert fetched.body == b"this is /1this is /2this is /3"
    assert site.connections == 1


async def test_python_runs_it_as_a_module(site: Website, home: Home) -> None:
    command = (PLAIN_COMMAND[0], "-m", "app")
    async with running_tunnel(home.folder / "module", command=command) as running:
        assert await status(f"http://127.0.0.1:{running.port}", site.url()) == "200"


@every_dialect_with_login
async def test_the_right_login_is_let_in(guarded: Tunnel, site: Website, dialect: str, tmp_path: Path) -> None:
    proxy = f"{dialect}://alice:wonder%3aland@127.0.0.1:{guarded.port}"
    assert await download(proxy, site.url(f"/blob/{SMALL}"), tmp_path / "got") == digest(SMALL)


@every_dialect_with_login
@pytest.mark.parametrize("login", ["", "alice:wrong@", "bob:wonder%3aland@"], ids=["none", "password", "user"])
async def test_any_other_login_is_kept_out(guarded: Tunnel, site: Website, dialect: str, login: str) -> None:
    proxy = f"{dialect}://{login}127.0.0.1:{guarded.port}"
    fetched = await curl("--proxy", proxy, "--write-out", "%{http_code}", "--output", "/dev/null", site.url())
    if dialect == "http":
        assert fetched.body == b"407"
    else:
        assert fetched.code == NOT_LET_IN
    assert not site.connections


@pytest.mark.parametrize("dialect", ["socks4", "socks4a"])
async def test_socks4_cannot_log_in(guarded: Tunnel, site: Website, dialect: str) -> None:
    fetched = await curl("--proxy", f"{dialect}://alice@127.0.0.1:{guarded.port}", site.url())
    assert fetched.code == NOT_LET_IN
    assert not site.connections
