"""A stream's target: connected, and joined to the stream."""

import asyncio
import logging

from app.protocols.address import Address
from app.server.options import Limits
from app.server.session import ServerSession
from app.transport import tcp
from app.transport.relay import Relay
from app.transport.session import plain_reason
from app.transport.stream import Stream

_log = logging.getLogger("anytls.server")


async def serve_target(stream: Stream, session: ServerSession, target: Address, relay: Relay, limits: Limits) -> None:
    """Connect to `target`, tell the client the outcome, and join the connection to `stream` through `relay`."""
    try:
        async with asyncio.timeout(limits.connect):
            infos = await tcp.resolve(target.host, target.port)
            sock = await tcp.connect(infos, limits.happy_eyeballs)
    except (OSError, UnicodeError) as error:
        reason = "connection timed out" if isinstance(error, TimeoutError) else plain_reason(error)
        _log.info("stream %d: the target is not reached: %s", stream.id, reason)
        session.accept(stream, f"connect {target}: {reason}")
        return
    if stream.closed:
        sock.close()
        return
    session.accept(stream)
    await asyncio.get_running_loop().create_connection(lambda: relay, sock=sock)
