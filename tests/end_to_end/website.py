"""A web server on loopback that counts who comes, takes uploads and gives what curl and browsers are to fetch."""

import asyncio
import contextlib
import functools
import hashlib
import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator

from app.protocols.address import Address
from tests.fakes.listening import listening

# What the large transfers move; generated once for all of them.
BLOB_SIZE = 100_000_000

RESOURCES = 30

_PIECE = 256 * 1024


@functools.cache
def blob() -> bytes:
    """Bytes that nothing can compress or guess."""
    return os.urandom(BLOB_SIZE)


def digest(size: int = BLOB_SIZE) -> str:
    """The SHA-256 of the first `size` bytes of the blob."""
    return hashlib.sha256(memoryview(blob())[:size]).hexdigest()


# The page says that it is complete once each of its scripts has run and each of its pictures is there.
_PAGE = f"""<!doctype html><title>Thirty resources</title><body data-loaded="no">
<script>
var count = 0;
function loaded() {{ count += 1; if (count === {RESOURCES}) document.body.dataset.loaded = "all"; }}
</script>
{"".join(f'<script src="/script/{number}"></script>' for number in range(RESOURCES // 2))}
{"".join(f'<img src="/picture/{number}" onload="loaded()">' for number in range(RESOURCES // 2))}
</body>"""

_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


class Website:
    """See the module's text. `hits` counts requests by path, `hosts` the names they were asked for."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self.connections = 0
        self.address = Address("", 0)
        self.secure = False

    def url(self, path: str = "/") -> str:
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{self.address}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self.connections += 1
        while head := await _head(reader):
            request, *lines = head.decode().split("\r\n")
            method, path, _ = request.split(" ")
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.hits[path] += 1
            self.hosts[fields["host"]] += 1
            if method in ("PUT", "POST"):
                await _give(writer, (await _take(reader, writer, fields)).encode())
            else:
                await self._answer(writer, path)

    async def _answer(self, writer: asyncio.StreamWriter, path: str) -> None:
        match path.strip("/").split("/"):
            case ["blob", size]:
                await _give(writer, memoryview(blob())[: int(size)])
            case ["page"]:
                await _give(writer, _PAGE.encode(), "text/html")
            case ["script", _]:
                await _give(writer, b"loaded();", "text/javascript")
            case ["picture", _]:
                await _give(writer, _PICTURE.encode(), "image/svg+xml")
            case _:
                await _give(writer, f"this is {path}".encode())


@contextlib.asynccontextmanager
async def website(host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> AsyncIterator[Website]:
    """Serve until the block ends; with TLS where there is a context."""
    site = Website()
    async with listening(site.serve, host=host, context=context) as address:
        site.address, site.secure = address, context is not None
        yield site


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The next request's head, or nothing where there is no other."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fields: dict[str, str]) -> str:
    """The SHA-256 of a body of known length."""
    if "expect" in fields:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    total, left = hashlib.sha256(), int(fields["content-length"])
    while left:
        piece = await reader.read(min(left, _PIECE))
        if not piece:
            raise ConnectionError("an upload ended too early")
        total.update(piece)
        left -= len(piece)
    return total.hexdigest()


async def _give(writer: asyncio.StreamWriter, body: bytes | memoryview, kind: str = "text/plain") -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode())
    for at in range(0, len(body), _PIECE):
        writer.write(body[at : at + _PIECE])
        await writer.drain()
