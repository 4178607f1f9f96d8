"""Servers that vanish and come back, and tunnels that get over it without anybody's help."""

import asyncio
import signal

from tests.end_to_end.apps import curl, socks_connection, status
from tests.end_to_end.programs import Home, free_port
from tests.end_to_end.website import BLOB_SIZE, Website
from tests.fakes.listening import listening

PASSWORD = "the same before and after"


async def test_a_server_is_killed_in_mid_transfer_and_comes_back(home: Home, site: Website) -> None:
    port = free_port()
    async with home.serve(port=port, password=PASSWORD) as server, home.connect(server.link) as client:
        proxy = f"socks5h://127.0.0.1:{client.port}"
        await client.until(lambda: client.state == "on")
        slowly = ("--proxy", proxy, "--limit-rate", "20M", "--output", "/dev/null", site.url(f"/blob/{BLOB_SIZE}"))
        transfer = asyncio.ensure_future(curl(*slowly))
        await client.snapshot(lambda event: event["down"] > 1_000_000)
        await server.end(signal.SIGKILL)
        assert (await transfer).code in (18, 56)  # cut short, or reset
        await client.until(lambda: client.state in ("degraded", "failed"))
        assert client.events("state")[-1]["error"]

        waiting = asyncio.ensure_future(curl("--proxy", proxy, site.url("/patient")))
        async with home.serve(port=port, password=PASSWORD) as again:
            assert again.link == server.link  # the certificate was kept
            await client.until(lambda: client.state == "on")
            assert (await waiting).body == b"this is /patient"  # it was asked for while nobody was there
            assert await status(proxy, site.url()) == "200"
    assert "Traceback" not in client.complained()


async def test_a_server_that_comes_later(home: Home, site: Website) -> None:
    """The tunnel says why it does not work, and starts to work by itself."""
    port = free_port()
    async with home.serve(port=port, password=PASSWORD) as server:
        link = server.link
    async with home.connect(link) as client:
        await client.until(lambda: client.state == "failed")
        assert client.events("state")[-1]["error"] == f"Nothing listens on 127.0.0.1 port {port}."
        async with home.serve(port=port, password=PASSWORD):
            await client.until(lambda: client.state == "on")
            assert await status(f"http://127.0.0.1:{client.port}", site.url()) == "200"


async def test_a_wrong_password_is_said(home: Home) -> None:
    async with home.serve(password=PASSWORD) as server:
        stranger = server.link.replace("the%20same", "another")
        async with home.connect(stranger) as client:
            await client.until(lambda: client.state == "failed")
            assert "wrong password" in client.events("state")[-1]["error"]


async def test_a_client_that_vanishes_leaves_nothing_with_the_server(home: Home) -> None:
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        try:
            await reader.read()
        finally:  # whether it was an end or a reset
            ended.set()

    async with listening(drip) as target, home.serve() as server:
        async with home.connect(server.link) as client:
            await client.until(lambda: client.state == "on")
            async with socks_connection(client.port, *target) as (reader, _):
                assert await reader.readexactly(4) == b"here"
                await client.end(signal.SIGKILL)
                await ended.wait()
        assert server.running
