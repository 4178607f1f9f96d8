"""A real AnyTLS server on loopback, with a certificate that its clients pin."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from app.engine.options import Server as ServerToDial
from app.server.options import ServerOptions
from app.server.server import Server
from tests.fakes import certificates
from tests.fakes.peers import PASSWORD, server_at


@contextlib.asynccontextmanager
async def anytls_server(**options: Any) -> AsyncIterator[ServerToDial]:
    """Serve until the block ends; gives what a client needs to dial it."""
    async with anytls_server_itself(**options) as (server, _):
        yield server


@contextlib.asynccontextmanager
async def anytls_server_itself(**options: Any) -> AsyncIterator[tuple[ServerToDial, Server]]:
    """The same, with the server itself."""
    server = Server(ServerOptions({"tester": PASSWORD}, **options), certificates.good().context())
    address = await server.start()
    try:
        yield server_at(address), server
    finally:
        await server.stop()
