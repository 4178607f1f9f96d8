"""Targets that cannot be reached: what apps are told, and where the reason is to be found."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.protocols.address import Address
from tests.end_to_end.apps import Refused, curl, sessions_made, socks_connection, status
from tests.end_to_end.programs import Tunnel, running_tunnel
from tests.fakes.listening import closed_port

CONNECTION_REFUSED = 5  # RFC 1928 section 6
PROXY_REFUSED = 97  # curl's exit code
NO_SUCH_NAME = "no-such-name.invalid"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exact(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tunnel]:
    """A tunnel that waits for the server's word."""
    async with running_tunnel(tmp_path_factory.mktemp("exact"), "--exact-replies") as running:
        yield running


@pytest.fixture
def nowhere() -> Address:
    return closed_port()


async def test_plain_http_is_told_at_once(tunnel: Tunnel, nowhere: Address) -> None:
    fetched = await curl("--proxy", f"http://127.0.0.1:{tunnel.port}", "--include", f"http://{nowhere}/")
    assert fetched.body.startswith(b"HTTP/1.1 502 ")
    assert b"refused" in fetched.body


async def test_an_app_that_was_answered_is_reset(tunnel: Tunnel, nowhere: Address) -> None:
    """The reason is in the snapshot and in the log."""
    with pytest.raises(ConnectionResetError):
        async with socks_connection(tunnel.port, *nowhere) as (reader, _):
            await reader.read()
    snapshot = await tunnel.client.snapshot(
        lambda event: any(it["target"] == str(nowhere) and it["state"] == "failed" for it in event["connections"])
    )
    (reason,) = (it["reason"] for it in snapshot["connections"] if it["target"] == str(nowhere))
    assert "refused" in reason
    assert reason in tunnel.client.complained()


async def test_connect_is_reset_too(tunnel: Tunnel, nowhere: Address) -> None:
    fetched = await curl("--proxy", f"http://127.0.0.1:{tunnel.port}", "--proxytunnel", f"http://{nowhere}/")
    assert fetched.code in (55, 56), fetched.complaint  # reset while it sent or while it read


@pytest.mark.parametrize("dialect", ["socks4", "socks4a", "socks5", "socks5h"])
async def test_exact_replies_refuse(exact: Tunnel, nowhere: Address, dialect: str) -> None:
    fetched = await curl("--proxy", f"{dialect}://127.0.0.1:{exact.port}", f"http://{nowhere}/")
    assert fetched.code == PROXY_REFUSED, fetched.complaint


async def test_exact_replies_name_the_reason(exact: Tunnel, nowhere: Address) -> None:
    with pytest.raises(Refused, match=str(CONNECTION_REFUSED)):
        async with socks_connection(exact.port, *nowhere):
            pass


async def test_exact_replies_give_502_to_connect(exact: Tunnel, nowhere: Address) -> None:
    proxy = f"http://127.0.0.1:{exact.port}"
    fetched = await curl(
        "--proxy",
        proxy,
        "--proxytunnel",
        "--write-out",
        "%{http_connect}",
        "--output",
        "/dev/null",
        f"http://{nowhere}/",
    )
    assert fetched.body == b"502"


async def test_a_name_that_nobody_knows(exact: Tunnel) -> None:
    assert await status(f"http://127.0.0.1:{exact.port}", f"http://{NO_SUCH_NAME}/") == "502"
    fetched = await curl("--proxy", f"socks5h://127.0.0.1:{exact.port}", f"http://{NO_SUCH_NAME}/")
    assert fetched.code == PROXY_REFUSED


async def test_the_session_goes_on(exact: Tunnel, nowhere: Address) -> None:
    before = await sessions_made(exact.client, exact.port)
    for _ in range(10):
        with pytest.raises(Refused):
            async with socks_connection(exact.port, *nowhere):
                pass
    assert (await exact.client.snapshot())["sessions_made"] == before
