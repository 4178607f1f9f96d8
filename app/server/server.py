"""Listens for clients, knows their passwords, and carries their streams to the targets."""

import asyncio
import logging
import secrets
import ssl

from app.errors import ListenFailed
from app.protocols import anytls, uot
from app.protocols.address import Address
from app.protocols.login import Login, password_hash
from app.protocols.padding import Padding
from app.server.fallback import Fallback
from app.server.options import ServerOptions
from app.server.session import ServerSession
from app.server.target import serve_target
from app.server.udp_target import UdpTarget
from app.tasks import Tasks
from app.transport import tcp
from app.transport.link import TlsLink
from app.transport.relay import Relay
from app.transport.session import listen_reason
from app.transport.stream import Stream

_log = logging.getLogger("anytls.server")


class Server:
    """An AnyTLS server. `start` it with a TLS context, `stop` it."""

    def __init__(self, options: ServerOptions, context: ssl.SSLContext) -> None:
        self._options = options
        self._context = context
        self._users = {name: password_hash(password) for name, password in options.users.items()}
        self._padding = Padding(options.scheme)
        self._tasks = Tasks()
        self._listener: asyncio.Server | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self.sessions: set[ServerSession] = set()
        self._guests: dict[ServerSession, float] = {}
        self._fallbacks: set[TlsLink] = set()

    async def start(self) -> Address:
        """Open the port and say which. Raises `ListenFailed`."""
        host, port = self._options.host, self._options.port
        try:
            self._listener = await asyncio.get_running_loop().create_server(self._arrived, host, port, backlog=1024)
        except (OSError, OverflowError) as error:
            raise ListenFailed(host, port, listen_reason(error)) from None
        self._tick()
        return Address(*self._listener.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Close everything."""
        if self._listener is not None:
            self._listener.close()
        if self._ticking is not None:
            self._ticking.cancel()
        for link in tuple(self._fallbacks):
            link.abort()
        for session in tuple(self.sessions):
            session.close()
            session.link.abort()
        await self._tasks.close()
        for session in tuple(self.sessions):
            await session.gone.wait()

    # ---- what sessions report

    def welcome(self, session: ServerSession, user: str) -> None:
        self._guests.pop(session, None)
        transport = session.link.transport
        if transport is not None and (sock := transport.get_extra_info("socket")) is not None:
            tcp.watch(sock)
        _log.info("user %s logged in", user)

    def stranger(self, session: ServerSession, received: bytes) -> None:
        _log.info("a stranger came")
        self.session_over(session)
        if self._options.fallback is None:
            session.link.close()
            return
        fallback = Fallback(session.link, received)
        session.link.attach(fallback)
        self._tasks.start(self._fall_back(session.link, fallback, self._options.fallback), "fallback")

    def requested(self, stream: Stream, target: Address, first: bytes) -> None:
        session = stream.session
        assert isinstance(session, ServerSession)
        version = uot.version_of(target)
        if version is not None:
            UdpTarget(stream, session, version, self._tasks).start(first)
            return
        relay = Relay()
        relay.take(stream)
        if first:
            relay.sink(memoryview(first))
        self._tasks.start(
            serve_target(stream, session, target, relay, self._options.limits), f"target of stream {stream.id}"
        )

    def session_over(self, session: ServerSession) -> None:
        self.sessions.discard(session)
        self._guests.pop(session, None)

    # ---- inside

    def _arrived(self) -> TlsLink:
        link = TlsLink(self._context, server_side=True)
        machine = anytls.Session(client=False, padding=self._padding, randbelow=secrets.randbelow)
        session = ServerSession(link, machine, Login(self._users), self, self._options.limits.streams)
        if len(self.sessions) >= self._options.limits.sessions:
            _log.warning("more than %d sessions, one is turned away", self._options.limits.sessions)
            asyncio.get_running_loop().call_soon(link.abort)
        self.sessions.add(session)
        self._guests[session] = asyncio.get_running_loop().time()
        link.attach(session)
        return link

    async def _fall_back(self, link: TlsLink, fallback: Fallback, address: Address) -> None:
        self._fallbacks.add(link)
        try:
            async with asyncio.timeout(self._options.limits.connect):
                await asyncio.get_running_loop().create_connection(lambda: fallback, *address)
        except OSError as error:
            _log.warning("the fallback is not reached: %s", error)
            link.close()
        finally:
            self._fallbacks.discard(link)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        for session, since in tuple(self._guests.items()):
            if loop.time() - since > self._options.limits.login:
                _log.info("a login took too long")
                session.link.abort()
        self._ticking = loop.call_later(1.0, self._tick)
