"""Listens on loopback; each connection is served by a coroutine that ends with the test and fails it if it fails."""

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from app.protocols.address import Address
from tests.fakes.waiting import settle

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# What a peer's going away looks like from inside a handler; it is no failure there.
GONE = (OSError, asyncio.IncompleteReadError)  # of TLS and of a socket that is not connected any more, too


@contextlib.asynccontextmanager
async def listening(
    handler: Handler, *, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[Address]:
    """Serve until the block ends; then raise what a handler has raised."""
    running: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await handler(reader, writer)
        except GONE:
            pass
        except Exception as error:
            failures.append(error)
        except asyncio.CancelledError:
            writer.transport.abort()  # and not passed on, which asyncio would report as a failure of its own
        finally:
            writer.close()
            running.discard(task)

    server = await asyncio.start_server(serve, host, port, ssl=context)
    try:
        yield Address(*server.sockets[0].getsockname()[:2])
    finally:
        await settle(3)  # asyncio of Python 3.11 forgets, open, a socket that is accepted as its server is closed
        server.close()
        await settle(3)  # a connection that has just come may still get a handler
        while running:
            for task in tuple(running):
                task.cancel()
            await asyncio.wait(tuple(running))
        await settle(1)
    if failures:
        raise failures[0]


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that the other end sees a reset, as it does when nobody knows it any more."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def closed_port() -> Address:
    """An address where nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return Address(*sock.getsockname())


def free_port() -> int:
    """A port to listen on, from below those that systems give to whoever asks for any: it is not given away again."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def deaf() -> Iterator[Address]:
    """An address where the kernel accepts connections and nobody ever says a word."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield Address(*sock.getsockname())


@contextlib.contextmanager
def unanswering() -> Iterator[Address]:
    """An address where connections are neither accepted nor refused."""
    with socket.socket() as full, contextlib.ExitStack() as fillers:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # what waits to be accepted fills the queue; the kernel ignores who comes behind it
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield Address(*full.getsockname())
