"""A server's session with one client: login first, then streams, each starting with its target's address."""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from app.errors import Failure
from app.protocols import anytls
from app.protocols.address import Address, BadAddress, decode_socks
from app.protocols.anytls import Sink
from app.protocols.events import Event, HeartResponded, Opened, SettingsReceived
from app.protocols.login import Login, Stranger
from app.transport.link import TlsLink
from app.transport.session import Session
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.server")

# The longest address: type, length, 255 bytes of a name, port. A client may put payload behind it in the same frame.
_LONGEST_ADDRESS: Final = 1 + 1 + 255 + 2


class Host(Protocol):
    """The server, as a session sees it."""

    def welcome(self, session: "ServerSession", user: str) -> None:
        """The client has logged in."""

    def stranger(self, session: "ServerSession", received: bytes) -> None:
        """The client knows no password. What it sent is `received`; its link wants another owner or an end."""

    def requested(self, stream: Stream, target: Address, first: bytes) -> None:
        """A stream wants to go to `target`; `first` has already come for it."""

    def session_over(self, session: "ServerSession") -> None:
        """The session is gone."""


class ServerSession(Session):
    """See the module's text."""

    def __init__(self, link: TlsLink, machine: anytls.Session, login: Login, host: Host, most_streams: int) -> None:
        super().__init__(link, machine)
        self._login: Login | None = login
        self._host = host
        self._most_streams = most_streams
        handlers: dict[type[Event], Callable[..., None]] = {
            Opened: self._on_opened,
            SettingsReceived: lambda event: _log.debug("client %s", event.client_name),
            HeartResponded: lambda _event: None,
        }
        self._handlers |= handlers

    @property
    def logged_in(self) -> bool:
        """Whether the client has shown a password."""
        return self._login is None

    def received(self, data: bytes) -> None:
        if self._login is None:
            super().received(data)
            return
        try:
            accepted = self._login.receive(data)
        except Stranger:
            self._host.stranger(self, bytes(self._login.received))
            return
        if accepted is not None:
            self._login = None
            self._host.welcome(self, accepted.user)
            if accepted.rest:
                super().received(accepted.rest)

    def accept(self, stream: Stream, error: str = "") -> None:
        """Tell the client that the target is reached, or why not; the stream is over then."""
        if stream.closed:
            return
        self.machine.synack(stream.id, error)
        if error:
            self._forget(stream)
        self.write_out()

    def ended(self) -> None:
        self._host.session_over(self)

    def _on_opened(self, event: Opened) -> None:
        if len(self.streams) >= self._most_streams:
            _log.warning("a session wants more than %d streams", self._most_streams)
            self.machine.synack(event.stream_id, "too many streams")
            return
        request = _Request(self._host)
        request.stream = self.add_stream(event.stream_id, request)
        self.machine.attach(event.stream_id, request.sink)


class _Request(Consumer):
    """A stream until it is known where it wants to go."""

    stream: Stream

    def __init__(self, host: Host) -> None:
        self._host = host
        self._received = bytearray()

    @property
    def sink(self) -> Sink:
        return self._received.extend

    def flush(self) -> None:
        if not self._received:
            return
        try:
            found = decode_socks(bytes(self._received))
        except BadAddress as error:
            _log.info("stream %d: no target: %s", self.stream.id, error)
            self._refuse(f"bad address: {error}")
            return
        if found is not None:
            address, end = found
            first = bytes(self._received[end:])
            self._received.clear()
            self._host.requested(self.stream, address, first)
        elif len(self._received) > _LONGEST_ADDRESS:
            self._refuse("bad address")

    def _refuse(self, reason: str) -> None:
        session = self.stream.session
        assert isinstance(session, ServerSession)
        session.accept(self.stream, reason)

    def accepted(self) -> None:
        """A server's streams are not accepted by their client."""

    def ended(self) -> None:
        self.stream.close()

    def closed(self, error: Failure | None) -> None:
        """Nothing was begun for it."""

    def hold(self) -> None:
        """It sends nothing."""

    def release(self) -> None:
        """See `hold`."""
