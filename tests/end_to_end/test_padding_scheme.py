"""A padding scheme that the server pushes: taken at once, and known before the first connection of the next start."""

import hashlib

from tests.end_to_end.apps import status
from tests.end_to_end.programs import Home, Program
from tests.end_to_end.website import Website

SCHEME = b"stop=4\n0=40-80\n1=300-400\n2=200-250,c,300-350\n3=500-600\n"
MD5 = hashlib.md5(SCHEME, usedforsecurity=False).hexdigest()
TAKEN = "a padding scheme of"


async def schemes(client: Program) -> set[str]:
    """The schemes of all sessions, by their MD5."""
    snapshot = await client.snapshot(lambda event: event["sessions"])
    return {session["padding"] for session in snapshot["sessions"]}


async def test_a_pushed_scheme_is_taken_and_remembered(home: Home, site: Website) -> None:
    file = home.folder / "scheme"
    file.write_bytes(SCHEME)
    async with home.serve("--padding-scheme", str(file)) as server:
        async with home.connect(server.link) as client:
            await client.until(lambda: TAKEN in client.complained())
            assert await schemes(client) == {MD5}
            assert await status(f"http://127.0.0.1:{client.port}", site.url()) == "200"
            assert await client.end() == 0
        async with home.connect(server.link) as client:
            await client.until(lambda: client.state == "on")
            assert await schemes(client) == {MD5}
            assert TAKEN not in client.complained()  # it was right from the start, so nothing was pushed
            assert await status(f"http://127.0.0.1:{client.port}", site.url()) == "200"


async def test_what_is_remembered_belongs_to_its_server(home: Home) -> None:
    file = home.folder / "scheme"
    file.write_bytes(SCHEME)
    async with home.serve("--padding-scheme", str(file)) as server, home.connect(server.link) as client:
        await client.until(lambda: TAKEN in client.complained())
        await client.end()
    async with home.serve() as another, home.connect(another.link) as client:
        await client.until(lambda: client.state == "on")
        assert MD5 not in await schemes(client)
