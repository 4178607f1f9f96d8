"""v2ray's JSON instead of a link: all of its options, and several servers in one configuration."""

import contextlib
import itertools
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.protocols.address import Address
from tests.end_to_end.apps import socks_connection, status
from tests.end_to_end.programs import Home, Program
from tests.end_to_end.website import Website
from tests.fakes import certificates
from tests.fakes.targets import echo_target


def outbound(*servers: tuple[Program, str], **tls: Any) -> dict[str, Any]:
    """The configuration of the shape that f2ray-core and others read."""
    return {
        "outbounds": [
            {
                "protocol": "anytls",
                "settings": {
                    "servers": [
                        {"address": "127.0.0.1", "port": server.port, "password": password}
                        for server, password in servers
                    ],
                    "idle_session_check_interval": 30,
                    "idle_session_timeout": 30,
                    "min_idle_session": 3,
                },
                "streamSettings": {
                    "network": "tcp",
                    "security": "tls",
                    "tlsSettings": {"alpn": ["h2", "http/1.1"], "fingerprint": "chrome", **tls},
                },
            }
        ]
    }


@contextlib.asynccontextmanager
async def configured(home: Home, config: dict[str, Any], **environment: str) -> AsyncIterator[Program]:
    """A client with this configuration, connected."""
    file = home.folder / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    async with home.connect("", "--config", str(file), **environment) as client:
        await client.until(lambda: client.state == "on")
        yield client


@pytest.fixture
def issued(tmp_path: Path) -> Path:
    """A folder with an authority, and a certificate that it issued."""
    identity = certificates.good()
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "authority.pem").write_bytes(certificates.authority().pem)
    (tmp_path / "certificate.pem").write_bytes(identity.pem)
    (tmp_path / "key.pem").write_bytes(key)
    return tmp_path


async def test_an_insecure_one_works_and_is_warned_of(home: Home, site: Website) -> None:
    async with (
        home.serve(password="one") as server,
        configured(home, outbound((server, "one"), allowInsecure=True, fingerprint="firefox")) as client,
    ):
        assert await status(f"http://127.0.0.1:{client.port}", site.url()) == "200"
        snapshot = await client.snapshot(lambda event: len(event["sessions"]) >= 3)
        assert {session["server"] for session in snapshot["sessions"]} == {f"127.0.0.1:{server.port}"}
        assert "certificate is not checked" in client.complained()
        assert "fingerprint “firefox” cannot be had" in client.complained()


async def test_a_certificate_is_checked_by_its_name(home: Home, site: Website, issued: Path) -> None:
    """The server's link for a certificate that an authority has issued has no pin."""
    files = ("--cert", str(issued / "certificate.pem"), "--key", str(issued / "key.pem"))
    async with home.serve(*files, password="one") as server:
        assert "hpkp" not in server.link
        config = outbound((server, "one"), serverName="server.test")
        async with configured(home, config, SSL_CERT_FILE=str(issued / "authority.pem")) as client:
            assert await status(f"http://127.0.0.1:{client.port}", site.url()) == "200"
        unknown = await home.finish("probe", "-", "--json", stdin=server.link)
        assert "comes from an issuer that is not known here" in unknown.out


async def connections(client: Program, target: Address, count: int) -> list[str]:
    """The servers that carry the connections to `target`, in the order in which these were opened."""
    snapshot = await client.snapshot(
        lambda event: (
            sum(it["target"] == str(target) and it["session"] is not None for it in event["connections"]) == count
        )
    )
    servers = {session["number"]: session["server"] for session in snapshot["sessions"]}
    opened = sorted((it["number"], it["session"]) for it in snapshot["connections"] if it["target"] == str(target))
    return [servers[session] for _, session in opened]


async def test_servers_take_turns(home: Home) -> None:
    other_home = Home(home.folder / "other")
    async with home.serve(password="one") as one, other_home.serve(password="two") as two:
        config = outbound((one, "one"), (two, "two"), allowInsecure=True)
        async with configured(home, config) as client, echo_target() as echo, contextlib.AsyncExitStack() as open_ones:
            for _ in range(6):
                reader, writer = await open_ones.enter_async_context(socks_connection(client.port, *echo))
                writer.write(b"x")
                assert await reader.readexactly(1) == b"x"
            turns = await connections(client, echo, 6)
    assert set(turns) == {f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"}
    assert all(first != second for first, second in itertools.pairwise(turns))


async def test_one_of_two_servers_is_enough(home: Home, site: Website) -> None:
    async with home.serve(password="one") as one, home.serve(password="two") as two:
        config = outbound((one, "one"), (two, "two"), allowInsecure=True)
        async with configured(home, config) as client:
            proxy = f"http://127.0.0.1:{client.port}"
            assert [await status(proxy, site.url()) for _ in range(2)] == ["200"] * 2
            await one.end(signal.SIGKILL)
            assert [await status(proxy, site.url()) for _ in range(6)] == ["200"] * 6
            await client.until(lambda: client.state == "on")
