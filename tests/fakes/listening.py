"""Listens on loopback and serves each connection by a coroutine, which ends with the test and whose failure fails it."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from app.protocols.address import Address

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# What a peer's going away looks like from inside a handler; it is no failure there.
GONE = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, BrokenPipeError)


@contextlib.asynccontextmanager
async def listening(
    handler: Handler, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
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
        except Exception as error:  # noqa: BLE001 (it is raised again below)
            failures.append(error)
        except asyncio.CancelledError:
            writer.transport.abort()  # and not passed on, which asyncio would report as a failure of its own
        finally:
            writer.close()
            running.discard(task)

    server = await asyncio.start_server(serve, host, 0, ssl=context)
    try:
        yield Address(*server.sockets[0].getsockname()[:2])
    finally:
        server.close()
        while running:
            for task in tuple(running):
                task.cancel()
            await asyncio.wait(tuple(running))
        await asyncio.sleep(0)
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


@contextlib.contextmanager
def deaf() -> Iterator[Address]:
    """An address where the kernel accepts connections and nobody ever says a word."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield Address(*sock.getsockname())
