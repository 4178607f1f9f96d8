"""The lines that send a terminal's programs through the proxy, tried in the shells that are here."""

import shutil
import subprocess

import pytest

from app.protocols.address import Address
from app.storage.settings import LISTEN_HOST, LISTEN_PORT
from app.ui.bridge import Bridge
from app.ui.proxy_commands import SHELLS, command, local_address

LOCAL = Address("127.0.0.1", 1080)
ODD = ("any'tls", 'p"a$s%s w@:/')


def variables(line: str) -> dict[str, str]:
    """What a real shell makes of it."""
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("there is no sh")
    done = subprocess.run([shell, "-c", f"{line}; env"], capture_output=True, text=True, check=True, env={})
    return dict(row.split("=", 1) for row in done.stdout.splitlines() if "=" in row)


def test_sh() -> None:
    known = variables(command("sh", LOCAL))
    assert known["https_proxy"] == known["http_proxy"] == "http://127.0.0.1:1080"
    assert known["all_proxy"] == "socks5h://127.0.0.1:1080"
    assert "127.0.0.1" in known["no_proxy"]


def test_credentials_reach_the_program_whole() -> None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(variables(command("sh", LOCAL, ODD))["https_proxy"])
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ODD
    assert (parts.hostname, parts.port) == ("127.0.0.1", 1080)


def test_powershell() -> None:
    line = command("powershell", LOCAL)
    assert line.startswith("$env:http_proxy = 'http://127.0.0.1:1080'; ")
    assert "$env:all_proxy = 'socks5h://127.0.0.1:1080'" in line


def test_cmd() -> None:
    line = command("cmd", LOCAL)
    assert line.startswith('set "http_proxy=http://127.0.0.1:1080" & set ')
    assert "'" not in line


@pytest.mark.parametrize("shell", SHELLS)
def test_one_line_without_anything_to_escape(shell: str) -> None:
    line = command(shell, Address("::1", 1080), ODD)
    assert "\n" not in line
    assert "http://any%27tls:p%22a%24s%25s%20w%40%3A%2F@[::1]:1080" in line


async def test_where_apps_find_the_proxy_while_it_is_off(bridge: Bridge) -> None:
    settings = bridge.control.settings
    settings.set(LISTEN_HOST, "127.0.0.1")
    settings.set(LISTEN_PORT, 1080)
    assert local_address(bridge.control) == LOCAL


@pytest.mark.parametrize(("listens", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.7", "192.0.2.7")])
async def test_every_address_is_not_an_address(bridge: Bridge, listens: str, reached: str) -> None:
    bridge.control.client.address = Address(listens, 9000)
    try:
        assert local_address(bridge.control) == Address(reached, 9000)
    finally:
        bridge.control.client.address = None
