"""Names are resolved by the server, never by the client.

The server's process knows a name that exists nowhere else, and the client's process tells every name it looks up.
"""

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.apps import curl, udp_app
from tests.end_to_end.programs import Home, Tunnel
from tests.end_to_end.website import Website
from tests.fakes.targets import udp_echo_target

NAME = "only-the-server-knows.invalid"

# On asyncio's own loop every look-up goes through Python's socket module, where it can be changed and watched.
_START = """
import socket, sys
sys.modules["uvloop"] = None
from app.cli import main
"""
KNOWING = f"""{_START}
look_up = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: look_up("127.0.0.1" if host == {NAME!r} else host, *rest, **more)
sys.exit(main())
"""
WATCHED = f"""{_START}
LOOK_UPS = {{"socket.getaddrinfo", "socket.gethostbyname", "socket.getnameinfo", "socket.gethostbyaddr"}}
sys.addaudithook(lambda event, about: event in LOOK_UPS and print("LOOK-UP", about[0], file=sys.stderr))
sys.exit(main())
"""


def by_name(link: str) -> str:
    """The server by a name that the client has to look up."""
    return link.replace("127.0.0.1", "localhost")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telling(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tunnel]:
    """A tunnel between two such processes."""
    home = Home(tmp_path_factory.mktemp("names"))
    knowing, watched = ((sys.executable, "-c", code) for code in (KNOWING, WATCHED))
    async with home.serve(command=knowing) as server, home.connect(by_name(server.link), command=watched) as client:
        await client.until(lambda: client.state == "on")
        yield Tunnel(home, server, client)


def looked_up(tunnel: Tunnel) -> set[str]:
    """What the client has looked up; its server's own name has to be among it."""
    lines = tunnel.client.complained().splitlines()
    return {line.split()[1] for line in lines if line.startswith("LOOK-UP")}


@pytest.mark.parametrize("dialect", ["socks4a", "socks5h", "http"])
async def test_an_apps_target(telling: Tunnel, site: Website, dialect: str) -> None:
    url = f"http://{NAME}:{site.address.port}/"
    fetched = await curl("--proxy", f"{dialect}://127.0.0.1:{telling.port}", url)
    assert fetched.body == b"this is /", fetched.complaint
    assert looked_up(telling) == {"localhost"}


async def test_connects_target(telling: Tunnel, site: Website) -> None:
    url = f"http://{NAME}:{site.address.port}/"
    fetched = await curl("--proxy", f"http://127.0.0.1:{telling.port}", "--proxytunnel", url)
    assert fetched.body == b"this is /", fetched.complaint
    assert looked_up(telling) == {"localhost"}


async def test_a_datagrams_destination(telling: Tunnel) -> None:
    async with udp_echo_target() as echo, udp_app(telling.port) as app:
        app.send(b"by name", NAME, echo.port)
        _, payload = await app.answer()
    assert payload == b"by name"
    assert looked_up(telling) == {"localhost"}


async def test_a_local_look_up_would_be_seen(telling: Tunnel) -> None:
    """The other tests' witness is awake: the probe looks up the server's name in the same kind of process."""
    finished = await telling.home.finish(
        "probe", "-", stdin=by_name(telling.server.link), command=(sys.executable, "-c", WATCHED)
    )
    assert "LOOK-UP localhost" in finished.err
