"""One of our ends and one of a peer's, running and joined."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.end_to_end.apps import sessions_made
from tests.end_to_end.programs import PATIENCE, Home, Program, free_port
from tests.interop.peers import ClientJob, Peer, ServerJob

PASSWORD = "interop-password"

# Sessions that our client keeps ready.
_READY = 2


class Direction(Enum):
    """Who is who."""

    OUR_CLIENT = "our client ↔ their server"
    OUR_CHROME = "our client with Chrome’s fingerprint ↔ their server"
    OUR_SERVER = "their client ↔ our server"

    @property
    def we_dial(self) -> bool:
        """Whether our end is the client."""
        return self is not Direction.OUR_SERVER

    @property
    def fingerprint(self) -> str:
        """The one that our client has."""
        return "chrome" if self is Direction.OUR_CHROME else "none"


@dataclass
class Pair:
    """A client and a server that carry traffic. `socks` and `http` are the client's proxies."""

    peer: Peer
    direction: Direction
    home: Home
    client: Program
    server: Program
    socks: int
    http: int
    server_port: int
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack, repr=False)

    @property
    def link(self) -> str:
        """How our client reaches the server."""
        return _link(self.server_port, PASSWORD, self.direction)

    async def sessions(self) -> int:
        """How many sessions were ever made, as our end counts them."""
        if self.direction.we_dial:
            return int((await self.client.snapshot())["sessions_made"])
        return self.server.complained().count("logged in")

    async def enough_sessions(self) -> int:
        """The same, once our client has as many as it needs for one app after the other."""
        if self.direction.we_dial:
            return await sessions_made(self.client, self.socks, _READY)
        return await self.sessions()

    async def kill_server(self) -> None:
        """End the server without a word to anybody."""
        await self.server.end(signal.SIGKILL)

    async def revive_server(self) -> None:
        """Start it again where it was."""
        start = their_server if self.direction.we_dial else our_server
        self.server = await self._stack.enter_async_context(start(self.peer, self.home, self.server_port))

    async def close(self) -> None:
        """End what was revived."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def joined(
    peer: Peer,
    direction: Direction,
    folder: Path,
    *,
    client_password: str = PASSWORD,
    scheme: Path | None = None,
) -> AsyncIterator[Pair]:
    """A pair until the block ends."""
    home, port = Home(folder), free_port()
    if direction.we_dial:
        link = _link(port, client_password, direction)
        async with their_server(peer, home, port, scheme) as server, home.connect(link) as client:
            pair = Pair(peer, direction, home, client, server, client.port, client.port, port)
            yield pair
            await pair.close()
    else:
        async with our_server(peer, home, port, scheme) as server:
            job = ClientJob(port, client_password, free_port(), free_port())
            assert peer.client is not None
            async with home.run(command=peer.client(job)) as client:
                await listens(client, job.port)
                http = job.http_port if peer.own_http_port else job.port
                pair = Pair(peer, direction, home, client, server, job.port, http, port)
                yield pair
                await pair.close()


def _link(port: int, password: str, direction: Direction) -> str:
    """Peers make their certificates themselves, and anew at every start."""
    options = f"insecure=1&min-idle-session={_READY}&fp={direction.fingerprint}"
    return f"anytls://{password}@127.0.0.1:{port}/?{options}"


@contextlib.asynccontextmanager
async def their_server(peer: Peer, home: Home, port: int, scheme: Path | None = None) -> AsyncIterator[Program]:
    """The peer's server, listening."""
    assert peer.server is not None
    async with home.run(command=peer.server(ServerJob(port, PASSWORD, scheme))) as program:
        await listens(program, port)
        yield program


@contextlib.asynccontextmanager
async def our_server(_peer: Peer, home: Home, port: int, scheme: Path | None = None) -> AsyncIterator[Program]:
    """Our server, listening."""
    options = ("--log-level", "debug", *(("--padding-scheme", str(scheme)) if scheme else ()))
    async with home.serve(*options, port=port, password=PASSWORD) as program:
        yield program


async def listens(program: Program, port: int) -> None:
    """Wait until the program has opened its port."""
    async with asyncio.timeout(PATIENCE):
        while True:
            assert program.running, program.complained() + program.said()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
