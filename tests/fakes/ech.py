"""A server that takes the server's name encrypted (ECH): Go's, for OpenSSL's does not yet. And what passes by it."""

import asyncio
import base64
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.listening import GONE, listening
from tests.fakes.waiting import PATIENCE, until

CONFIG: Final = bytes.fromhex(
    "0045fe0d0041ad0020002021c1b16f0be1c7ffd7d1c54a02bb0a6b6e6f1cdc5b3a2b7d0d0a0c1f2e3d4c5b"
    "0004000100010012636c6f7564666c6172652d6563682e636f6d0000"
)
"""One configuration, X25519, whose public name is cloudflare-ech.com."""

SOURCE = Path(__file__).with_name("ech_server.go")
GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")

INNER, PUBLIC = "hidden.test", "public.test"

needs_go = pytest.mark.skipif(GO is None, reason="there is no Go here, whose TLS is the ECH server")


@dataclass
class EchServer:
    """A running one. `configs` are ECHConfigLists, of which it takes the first ones."""

    address: Address
    configs: list[bytes]
    handshakes: list[str] = field(default_factory=list)
    """What it said of each: "true NAME" where the name came encrypted, "false NAME", or "failed …"."""

    async def met(self, count: int) -> list[str]:
        """What it said of its handshakes, once there were this many."""
        await until(lambda: len(self.handshakes) >= count)
        return self.handshakes


@dataclass
class Passage:
    """What clients have sent through `watched`, each connection's bytes apart."""

    address: Address
    sent: list[bytearray] = field(default_factory=list)


@functools.cache
def _program() -> Path:
    """The server, compiled; removed with the process's temporary files."""
    assert GO is not None
    folder = tempfile.TemporaryDirectory()
    _FOLDERS.append(folder)
    path = Path(folder.name) / "ech_server"
    subprocess.run([GO, "build", "-o", path, SOURCE], check=True, timeout=100)
    return path


_FOLDERS: list[tempfile.TemporaryDirectory] = []


@contextlib.asynccontextmanager
async def ech_server(
    *options: str, identity: Identity | None = None, count: int = 2, processor: str = ""
) -> AsyncIterator[EchServer]:
    """Serve until the block ends; `options` are the program's (see its source). `processor` is Go's GODEBUG."""
    shown = identity or certificates.for_names(INNER, PUBLIC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "identity.pem"
        path.write_bytes(shown.both_pem)
        process = await asyncio.create_subprocess_exec(
            str(_program()),
            f"-identity={path}",
            f"-keys={count}",
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"GODEBUG": processor},
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            port = int(await process.stdout.readline())
            configs = [base64.b64decode(await process.stdout.readline()) for _ in range(count)]
        server = EchServer(Address("127.0.0.1", port), configs)
        listener = asyncio.create_task(_listen(process.stdout, server))
        try:
            yield server
        finally:
            process.kill()
            await process.wait()
            await listener


async def _listen(output: asyncio.StreamReader, server: EchServer) -> None:
    while line := await output.readline():
        server.handshakes.append(line.decode().strip())


@contextlib.asynccontextmanager
async def watched(target: Address) -> AsyncIterator[Passage]:
    """Stand before `target` and see all that its clients send."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray) -> None:
        try:
            with contextlib.suppress(*GONE):
                while data := await reader.read(64 * 1024):
                    seen += data
                    writer.write(data)
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage.sent.append(bytearray())
        theirs, ours = await asyncio.open_connection(*target)
        await asyncio.gather(copy(reader, ours, passage.sent[-1]), copy(theirs, writer, bytearray()))

    async with listening(serve) as address:
        passage = Passage(address)
        yield passage
