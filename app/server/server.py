"""Listens for clients, knows their passwords, and carries their streams to the targets."""

import asyncio
import contextlib
import logging
import secrets
import ssl
from typing import cast

from app.errors import ListenFailed, SessionLost
from app.protocols import anytls, uot
from app.protocols.address import Address
from app.protocols.login import Login, password_hash
from app.protocols.padding import Padding
from app.server.fallback import Fallback
from app.server.options import ServerOptions
from app.server.session import ServerSession
from app.server.target import TcpTarget
from app.server.udp_target import UdpTarget
from app.tasks import Tasks
from app.texts import translate
from app.transport import tcp
from app.transport.link import TlsLink
from app.transport.session import listen_reason
from app.transport.stream import Stream

_log = logging.getLogger("anytls.server")


class Server:
    """An AnyTLS server. `start` it with a TLS context, `stop` it."""

    def __init__(self, options: ServerOptions, context: ssl.SSLContext) -> None:
        self.limits = options.limits
        self.tasks = Tasks()
        self.sessions: set[ServerSession] = set()
        self._options = options
        self._context = context
        self._users = {name: password_hash(password) for name, password in options.users.items()}
        self._padding = Padding(options.scheme)
        self._listener: asyncio.Server | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._guests: dict[ServerSession, float] = {}  # who has not logged in and until when it may; oldest first
        self._fallbacks: set[Fallback] = set()
        self._crowded = False
        self._stopping = False
        self._empty = asyncio.Event()

    async def start(self) -> Address:
        """Open the port and say which. Raises `ListenFailed`."""
        host, port = self._options.host, self._options.port
        try:
            self._listener = await asyncio.get_running_loop().create_server(self._arrived, host, port, backlog=1024)
        except (OSError, OverflowError, UnicodeError) as error:
            raise ListenFailed(host, port, listen_reason(error)) from None
        return Address(*self._listener.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Close everything, and return when the last connection is gone."""
        self._stopping = True
        if self._listener is not None:
            self._listener.close()
        for session in tuple(self.sessions):
            session.abort()
        for fallback in tuple(self._fallbacks):
            fallback.abort()
        await self.tasks.close()
        self._check()
        await self._empty.wait()
        if self._deadline is not None:
            self._deadline.cancel()

    # ---- what sessions report

    def welcome(self, session: ServerSession, user: str) -> None:
        self._guests.pop(session, None)
        _watch(session.link)
        _log.debug("user %s logged in", user)

    def stranger(self, session: ServerSession, received: bytes) -> None:
        address = self._options.fallback
        if address is None or len(self._fallbacks) >= self.limits.strangers:
            _log.info("a stranger was turned away")
            session.close()
            return
        _log.info("a stranger is handed to the fallback")
        fallback = Fallback(session.link, received, self._fallback_over)
        self._fallbacks.add(fallback)
        self.session_over(session)
        _watch(session.link)
        fallback.start(self.tasks, address, self.limits)

    def requested(self, session: ServerSession, stream: Stream, target: Address, first: bytes) -> None:
        version = uot.version_of(target)
        if version is None:
            TcpTarget(session, stream, self).start(target, first)
        else:
            UdpTarget(session, stream, self, version).start(first)

    def session_over(self, session: ServerSession) -> None:
        self.sessions.discard(session)
        self._guests.pop(session, None)
        self._check()

    # ---- inside

    def _arrived(self) -> asyncio.BaseProtocol:
        crowded = len(self.sessions) >= self.limits.sessions
        if crowded and not self._crowded:
            _log.warning("there are %d sessions, newcomers are turned away", self.limits.sessions)
        self._crowded = crowded
        if crowded or self._stopping:
            return _Refusal()
        link = TlsLink(self._context, server_side=True)
        machine = anytls.Session(client=False, padding=self._padding, randbelow=secrets.randbelow)
        session = ServerSession(link, machine, Login(self._users), self)
        self.sessions.add(session)
        self._guests[session] = session.created_at + self.limits.login
        if self._deadline is None:
            self._await_logins()
        link.attach(session)
        return link

    def _await_logins(self) -> None:
        """Cut those whose time to log in is over, and come back for the next."""
        loop = asyncio.get_running_loop()
        self._deadline = None
        while self._guests:
            session, until = next(iter(self._guests.items()))
            if until > loop.time():
                self._deadline = loop.call_at(until, self._await_logins)
                return
            del self._guests[session]
            session.fail(SessionLost(translate("connection", "the login took too long")))
            session.link.abort()

    def _fallback_over(self, fallback: Fallback) -> None:
        self._fallbacks.discard(fallback)
        self._check()

    def _check(self) -> None:
        if self._stopping and not self.sessions and not self._fallbacks:
            self._empty.set()


class _Refusal(asyncio.Protocol):
    """A newcomer for whom there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


def _watch(link: TlsLink) -> None:
    """Let the kernel notice when the client is gone."""
    if link.transport is not None:
        with contextlib.suppress(OSError):  # macOS refuses it for a connection that is gone already
            tcp.watch(link.transport.get_extra_info("socket"))
