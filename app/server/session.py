"""A server's session with one client: login first, then streams, each starting with its target's address."""

import logging
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from app.errors import Failure, SessionLost
from app.protocols import anytls
from app.protocols.address import Address, BadAddress, decode_socks
from app.protocols.anytls import Buffer
from app.protocols.events import Alerted, Event, HeartResponded, Opened, SettingsReceived
from app.protocols.login import Login, Stranger
from app.protocols.streams import Sink
from app.server.options import Limits
from app.tasks import Tasks
from app.texts import translate
from app.transport.link import TlsLink
from app.transport.session import Session, plain_reason
from app.transport.stream import Consumer, Stream

_log = logging.getLogger("anytls.server")

# A client that reads stays below a fifth of this: payload stops at the link's high-water mark, one receive buffer may
# follow it. Only answers come on top (to streams, to TLS key updates), and only for a client that asks without reading.
_MAX_UNSENT: Final = 1024 * 1024


def reads_nothing(link: TlsLink) -> bool:
    """Whether more waits for this peer than for any that reads what it has asked for."""
    return link.transport is not None and link.transport.get_write_buffer_size() > _MAX_UNSENT


class Target(Protocol):
    """Where a stream leads. It may outlive the stream, and even the session, while it hands over what came last."""

    def abort(self) -> None:
        """Close it at once."""


class Host(Protocol):
    """The server, as sessions and targets see it."""

    limits: Limits
    tasks: Tasks

    def welcome(self, session: "ServerSession", user: str) -> None:
        """The client has logged in."""

    def stranger(self, session: "ServerSession", received: bytes) -> None:
        """The client knows no password. What it sent is `received`; its link wants another owner or an end."""

    def requested(self, session: "ServerSession", stream: Stream, target: Address, first: bytes) -> None:
        """A stream wants to go to `target`; `first` has already come for it, and maybe even the stream's end."""

    def session_over(self, session: "ServerSession") -> None:
        """The session is gone, and so are its targets."""


class ServerSession(Session):
    """See the module's text."""

    def __init__(self, link: TlsLink, machine: anytls.Session, login: Login, host: Host) -> None:
        super().__init__(link, machine)
        link.gathers = False  # a login is judged by the record that it comes in
        self.targets: set[Target] = set()
        self._login: Login | None = login
        self._host = host
        self._name = "a guest"
        self._blockers: set[Target] = set()
        self._refused = 0  # streams since the last read
        self._crowded = False
        handlers: dict[type[Event], Callable[..., None]] = {
            Opened: self._on_opened,
            SettingsReceived: lambda event: _log.debug("%s: client %s", self._name, event.client_name),
            HeartResponded: lambda _event: None,
        }
        self._handlers |= handlers

    # ---- for the server

    @property
    def logged_in(self) -> bool:
        """Whether the client has shown a password."""
        return self._login is None

    def abort(self) -> None:
        """End the session and its targets at once."""
        self.close()
        self.link.abort()
        for target in tuple(self.targets):
            target.abort()

    # ---- for targets

    def accept(self, stream: Stream, error: str = "") -> None:
        """Tell the client that the target is reached, or why not; the stream is over then."""
        if stream.closed:
            return
        self.machine.synack(stream.id, error)
        if error:
            self._forget(stream)
        self.write_out()

    def block(self, target: Target) -> None:
        """Receive nothing until `unblock`: `target` cannot take more, even if its stream has closed meanwhile."""
        self._blockers.add(target)
        self.link.pause_reading()

    def unblock(self, target: Target) -> None:
        """Go on receiving, unless another target blocks."""
        self._blockers.discard(target)
        if not self._blockers:
            self.link.resume_reading()

    def target_gone(self, target: Target) -> None:
        """`target` holds nothing any more."""
        self.unblock(target)
        self.targets.discard(target)
        if self.over and not self.targets:
            self._host.session_over(self)

    # ---- what the link and the base class report

    def received(self, data: Buffer) -> None:
        if self.failure is not None:
            return  # the link is closing, and what one read has brought is handed over to the end
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
            self.link.gathers = True
            self._name = f"user {accepted.user}"
            self._host.welcome(self, accepted.user)
            super().received(accepted.rest)

    def batch_received(self) -> None:
        super().batch_received()
        self._refused = 0
        if self.failure is None and reads_nothing(self.link):
            self.fail(SessionLost(translate("connection", "it does not read what it has asked for")))
            self.link.abort()

    def fail(self, failure: Failure) -> None:
        reason = failure.reason if isinstance(failure, SessionLost) else failure
        _log.info("the session of %s is closed: %s", self._name, reason)
        super().fail(failure)

    def loss(self, error: Exception | None) -> Failure:
        lost = SessionLost(plain_reason(error))
        unusual = not self.logged_in or isinstance(error, ssl.SSLError)
        _log.log(logging.INFO if unusual else logging.DEBUG, "%s is gone: %s", self._name, lost.reason)
        return lost

    def ended(self) -> None:
        if not self.targets:
            self._host.session_over(self)

    # ---- inside

    def _on_alerted(self, event: Alerted) -> None:
        self.fail(SessionLost(translate("connection", "it says: {message}").format(message=event.message)))

    def _on_opened(self, event: Opened) -> None:
        most = self._host.limits.streams
        if len(self.streams) >= most or len(self.targets) >= most:
            self._refuse_stream(event.stream_id, most)
            return
        request = _Request(self._host, self)
        request.stream = self.add_stream(event.stream_id, request)
        self.machine.attach(event.stream_id, request.sink)

    def _refuse_stream(self, stream_id: int, most: int) -> None:
        if not self._crowded:
            _log.info("%s wants more than %d streams on one session", self._name, most)
        self._crowded = True
        self._refused += 1
        if self._refused <= most:
            self.machine.synack(stream_id, "too many streams")
        elif self.failure is None:  # each refusal costs more than it takes to ask for
            self.fail(SessionLost(translate("connection", "it opens streams without end")))


class _Request(Consumer):
    """A stream until it is known where it wants to go."""

    stream: Stream

    def __init__(self, host: Host, session: ServerSession) -> None:
        self._host = host
        self._session = session
        self._received = bytearray()

    @property
    def sink(self) -> Sink:
        return self._received.extend

    def flush(self) -> None:
        if not self._received:
            return
        received = bytes(self._received)
        try:
            found = decode_socks(received)
        except BadAddress as error:
            self._received.clear()
            self._session.accept(self.stream, f"bad address: {error}")
            return
        if found is not None:
            target, end = found
            self._received.clear()
            self._host.requested(self._session, self.stream, target, received[end:])

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
