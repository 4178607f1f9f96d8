"""OpenSSL's own test server: a stranger of any kind that a TLS library can be."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.waiting import PATIENCE, until


@dataclass
class OpensslServer:
    """A running one, and what it has printed."""

    address: Address
    said: list[str] = field(default_factory=list)

    async def says(self, words: str, times: int = 1) -> None:
        """Wait until it has printed this so often."""
        await until(lambda: sum(words in line for line in self.said) >= times)


@contextlib.asynccontextmanager
async def openssl_server(
    *options: str, identity: Identity | None = None, port: int = 0
) -> AsyncIterator[OpensslServer]:
    """Serve until the block ends; `options` are `openssl s_server`'s."""
    with tempfile.TemporaryDirectory() as folder:
        path = (identity or certificates.good()).saved(folder)
        process = await asyncio.create_subprocess_exec(
            *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", path, "-cert_chain", path, "-key", path),
            *options,
            stdin=asyncio.subprocess.PIPE,  # it ends with its input
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        said: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while not (said and said[-1].startswith("ACCEPT")):
                said.append((await process.stdout.readline()).decode())
                assert said[-1], "".join(said)
        # Where it was not told the port, it tells it.
        server = OpensslServer(Address("127.0.0.1", port or int(said[-1].rpartition(":")[2])), said)
        listener = asyncio.create_task(_listen(process.stdout, said))
        try:
            yield server
        finally:
            process.kill()
            await process.wait()
            await listener


async def _listen(output: asyncio.StreamReader, said: list[str]) -> None:
    while line := await output.readline():
        said.append(line.decode(errors="replace"))
