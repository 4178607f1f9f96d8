"""One local connection that speaks HTTP/1 to us as its proxy: CONNECT, and absolute-URI requests with keep-alive.

`HttpProxy` takes bytes and answers with actions, to be carried out in their order. h11 keeps the state of both
sides; what is here decides what passes between them (RFC 9110 section 7, RFC 9112). Bodies stream through.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby

import h11

from app.protocols.address import Address, BadAddress, parse_host_port
from app.protocols.text import printable

# A request or answer line with its headers; Chromium stops at 256 KiB and nginx at 32 KiB, cookies rarely pass 16.
MAX_HEAD = 64 * 1024
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_HTTP_TARGET = re.compile(rb"http://(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_CHALLENGE = (b"Proxy-Authenticate", b'Basic realm="AnyTLS Tray"')
_CLOSE = (b"Connection", b"close")
# RFC 9110 section 7.6.1. Transfer-Encoding stays for h11, which frames the body anew by it.
_HOP_BY_HOP = frozenset((b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"te", b"upgrade"))
# A Connection header that names these must not change where a message ends or leads.
_NEVER_DROPPED = frozenset((b"host", b"content-length", b"transfer-encoding"))


@dataclass(frozen=True, slots=True)
class ToLocal:
    """Send to the app."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToUpstream:
    """Send on the stream opened last; hold it while that is still being opened."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Open:
    """Open a stream for plain HTTP. Read on from the app once it is open, so that no body piles up."""

    address: Address


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Open a stream for CONNECT, `rest` being the app's first bytes for it.

    Call `upstream_opened` when the app shall hear that it stands, at once or after the server's word, and relay
    bytes from then on; or `upstream_failed`. Read nothing from the app in between.
    """

    address: Address
    rest: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Raw:
    """The origin switched protocols: relay bytes both ways from here on and call nothing more."""


@dataclass(frozen=True, slots=True)
class CloseUpstream:
    """Close the stream, and give none of its bytes to the proxy any more."""


@dataclass(frozen=True, slots=True)
class CloseLocal:
    """Close the app's connection. `reason` is for the log; `reset` means it must not take its answer for whole."""

    reason: str | None = None
    reset: bool = False


Action = ToLocal | ToUpstream | Open | Tunnel | Raw | CloseUpstream | CloseLocal


class HttpProxy:
    """The proxy's side of one local connection.

    `credentials` are the user name and password asked for. While `paused` is true the app has sent requests ahead
    of their turn: read no more from it, or they pile up.
    """

    def __init__(self, credentials: tuple[str, str] | None = None) -> None:
        self.paused = False
        self._token = None if credentials is None else base64.b64encode(":".join(credentials).encode())
        self._local = h11.Connection(h11.SERVER, MAX_HEAD)
        self._upstream: h11.Connection | None = None
        self._target: Address | None = None
        self._upstream_reused = False
        self._connect_to: Address | None = None
        self._bodiless = False
        self._tunnel = False
        self._ended = False
        self._actions: list[Action] = []

    def local_bytes(self, data: bytes) -> list[Action]:
        """Bytes from the app. What follows a last request is dropped."""
        if data and self._local.their_state is not h11.MUST_CLOSE:
            self._local.receive_data(data)
        return self._proceed()

    def local_eof(self) -> list[Action]:
        """The app sends no more; it still gets the answers to what it asked."""
        self._local.receive_data(b"")
        return self._proceed()

    def upstream_opened(self) -> list[Action]:
        """The stream stands, or shall be taken to stand."""
        if self._tunnel and not self._ended:
            self._ended = True
            self._actions.append(ToLocal(CONNECTED))
        return self._taken()

    def upstream_failed(self, reason: str) -> list[Action]:
        """The stream could not be opened or broke off. The app gets 502 with the reason, if still possible."""
        if self._tunnel and not self._ended:
            self._refuse(HTTPStatus.BAD_GATEWAY, reason)
        elif self._upstream is not None and not self._drop_idle_upstream():
            self._upstream_broken(reason)
        return self._proceed()

    def upstream_bytes(self, data: bytes) -> list[Action]:
        """Bytes from the stream."""
        if data and self._upstream is not None and not self._drop_idle_upstream():
            self._upstream.receive_data(data)
            self._read_upstream("what answered there does not speak HTTP/1")
        return self._proceed()

    def upstream_eof(self) -> list[Action]:
        """The stream ended in order. One that broke off is for `upstream_failed`."""
        if self._upstream is not None and not self._drop_idle_upstream():
            self._upstream.receive_data(b"")
            self._read_upstream("the connection was closed before the answer was complete")
        return self._proceed()

    # what the app sends

    def _proceed(self) -> list[Action]:
        """Read from the app what can be read now, and hand out what there is to do."""
        while not self._ended and not self._tunnel and self._local.their_state is not h11.MUST_CLOSE:
            try:
                event = self._local.next_event()
            except h11.RemoteProtocolError as error:
                # Behind the first ": b" h11 quotes the line, which may hold a password.
                self._refuse(error.error_status_hint, str(error).partition(": b")[0])
                break
            self.paused = event is h11.PAUSED and bool(self._local.trailing_data[0])
            if event is h11.NEED_DATA or event is h11.PAUSED:
                break
            if isinstance(event, h11.Request):
                self._on_request(event)
            elif isinstance(event, h11.Data | h11.EndOfMessage):
                self._on_request_body(event)
            self._end_exchange()
            if isinstance(event, h11.ConnectionClosed):
                break
        return self._taken()

    def _on_request(self, request: h11.Request) -> None:
        self._bodiless = request.method == b"HEAD"
        if not self._may_enter(request):
            self._answer(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, "This proxy asks for a login.", _CHALLENGE)
            return
        try:
            if request.method == b"CONNECT":
                self._connect_to = parse_host_port(request.target.decode("ascii"))
                self._drop_upstream()
            else:
                self._forward(request)
        except BadAddress as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))

    def _may_enter(self, request: h11.Request) -> bool:
        if self._token is None:
            return True
        given = next((value for name, value in request.headers if name == b"proxy-authorization"), b"")
        scheme, _, token = given.partition(b" ")
        return scheme.lower() == b"basic" and hmac.compare_digest(self._token, token.strip())

    def _forward(self, request: h11.Request) -> None:
        """Send a request's head to its origin: in origin-form, with Host from the URI (RFC 9112 section 3.2.2)."""
        address, host, path = _split_target(request)
        if self._upstream is None or self._target != address:
            self._drop_upstream()
            self._upstream = h11.Connection(h11.CLIENT, MAX_HEAD)
            self._target, self._upstream_reused = address, False
            self._actions.append(Open(address))
        headers = [(b"Host", host)]
        headers += [(name, value) for name, value in _end_to_end(request) if name.lower() != b"host"]
        self._to_upstream(self._upstream, h11.Request(method=request.method, target=path, headers=headers))

    def _on_request_body(self, event: h11.Data | h11.EndOfMessage) -> None:
        """Pass a body on; one whose request was answered already and has no stream any more is read and dropped."""
        upstream = self._upstream
        if upstream is not None and upstream.our_state is h11.SEND_BODY:
            self._to_upstream(upstream, event)
        elif self._connect_to is not None and isinstance(event, h11.EndOfMessage):
            self._tunnel = True
            self._actions.append(Tunnel(self._connect_to, self._local.trailing_data[0]))

    # what the origin sends

    def _read_upstream(self, fault: str) -> None:
        while self._upstream is not None and not self._ended:
            try:
                event = self._upstream.next_event()
            except h11.RemoteProtocolError:
                self._upstream_broken(fault)
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            self._on_upstream(self._upstream, event)
            self._end_exchange()

    def _on_upstream(self, upstream: h11.Connection, event: object) -> None:
        speaks_1_1 = (self._local.their_http_version or b"") >= b"1.1"
        if isinstance(event, h11.InformationalResponse):
            if event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                self._switch(upstream, event)
            elif speaks_1_1:
                self._to_local(_without_hops(event))
        elif isinstance(event, h11.Response):
            self._to_local(_without_hops(event))
        elif isinstance(event, h11.Data):
            self._to_local(event)
        elif isinstance(event, h11.EndOfMessage):
            self._to_local(event if speaks_1_1 else h11.EndOfMessage())
        else:
            self._drop_upstream()

    def _switch(self, upstream: h11.Connection, event: h11.InformationalResponse) -> None:
        self._to_local(_without_hops(event))
        self._actions += [ToLocal(upstream.trailing_data[0]), ToUpstream(self._local.trailing_data[0]), Raw()]
        self._ended = True

    def _upstream_broken(self, reason: str) -> None:
        """No more comes from the origin, and its answer is not complete."""
        self._drop_upstream()
        state = self._local.our_state
        if state is h11.SEND_BODY:
            self._close_local(reason, reset=True)
        elif state is h11.SEND_RESPONSE and self._upstream_reused:
            # The origin gave up an idle connection just as a request came; an app that sees its own end without
            # an answer knows that from servers and asks again (RFC 9112 section 9.3.1).
            self._close_local(reason)
        elif state is h11.SEND_RESPONSE:
            self._answer(HTTPStatus.BAD_GATEWAY, reason)
            self._end_exchange()

    # ends

    def _end_exchange(self) -> None:
        """Where request and answer are both complete, get ready for the next, or close."""
        local = self._local
        if self._ended or local.their_state is h11.SEND_BODY:
            return
        if local.our_state is h11.MUST_CLOSE:
            self._drop_upstream()
            self._close_local()
        elif local.our_state is h11.DONE:
            self._keep_upstream()
            local.start_next_cycle()
            self._bodiless = False

    def _keep_upstream(self) -> None:
        upstream = self._upstream
        if upstream is None:
            return
        if set(upstream.states.values()) == {h11.DONE} and not upstream.trailing_data[0]:
            upstream.start_next_cycle()
            self._upstream_reused = True
        else:
            self._drop_upstream()

    def _drop_idle_upstream(self) -> bool:
        """Give up a stream whose origin owes no answer; false if it does. What it sends now was not asked for."""
        idle = self._upstream is not None and self._upstream.their_state not in (h11.SEND_RESPONSE, h11.SEND_BODY)
        if idle:
            self._drop_upstream()
        return idle

    def _drop_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream = None
            self._actions.append(CloseUpstream())

    def _refuse(self, status: int, reason: str) -> None:
        """Answer, if that is still possible, and close."""
        state = self._local.our_state
        if state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(status, reason, _CLOSE)
        self._drop_upstream()
        self._close_local(reason, reset=state is h11.SEND_BODY)

    def _close_local(self, reason: str | None = None, reset: bool = False) -> None:
        self._actions.append(CloseLocal(None if reason is None else printable(reason), reset))
        self._ended = True

    # out

    def _answer(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        """A whole answer of our own."""
        body = printable(text).encode() + b"\n"
        shape = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(body))]
        phrase = HTTPStatus(status).phrase.encode()
        self._to_local(h11.Response(status_code=status, reason=phrase, headers=[*shape, *headers]))
        if not self._bodiless:
            self._to_local(h11.Data(data=body))
        self._to_local(h11.EndOfMessage())

    def _to_local(self, event: h11.Event) -> None:
        self._actions.append(ToLocal(self._local.send(event) or b""))

    def _to_upstream(self, upstream: h11.Connection, event: h11.Event) -> None:
        self._actions.append(ToUpstream(upstream.send(event) or b""))

    def _taken(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return list(_merged(actions))


def _merged(actions: Iterable[Action]) -> Iterator[Action]:
    """Join bytes for the same side: each write is one frame on the wire, and its size is what padding hides."""
    for kind, group in groupby(actions, key=type):
        if issubclass(kind, ToLocal | ToUpstream):
            data = b"".join(action.data for action in group if isinstance(action, ToLocal | ToUpstream))
            if data:
                yield kind(data)
        else:
            yield from group


def _split_target(request: h11.Request) -> tuple[Address, bytes, bytes]:
    """Address, Host header and origin-form of an absolute URI. Raises BadAddress."""
    match = _HTTP_TARGET.fullmatch(request.target)
    if match is None:
        raise BadAddress("this is a proxy for http:// addresses and for CONNECT")
    host, path, query = match.group("host", "path", "query")
    if request.method == b"OPTIONS" and not path and query is None:
        path = b"*"  # RFC 9112 section 3.2.4
    return parse_host_port(host.decode("ascii"), 80), host, (path or b"/") + (query or b"")


def _without_hops(answer: h11.Response | h11.InformationalResponse) -> h11.Response | h11.InformationalResponse:
    return type(answer)(status_code=answer.status_code, reason=answer.reason, headers=_end_to_end(answer))


def _end_to_end(message: h11.Request | h11.Response | h11.InformationalResponse) -> list[tuple[bytes, bytes]]:
    """A message's headers without those for one hop, in their order and casing; an asked-for Upgrade stays."""
    options = {
        option.strip().lower()
        for name, value in message.headers
        if name in (b"connection", b"proxy-connection")
        for option in value.split(b",")
    }
    dropped = _HOP_BY_HOP | (options - _NEVER_DROPPED)
    if any(name == b"transfer-encoding" for name, _ in message.headers):
        dropped |= {b"content-length"}  # RFC 9112 section 6.3: chunked overrides it
    kept = [(name, value) for name, value in message.headers.raw_items() if name.lower() not in dropped]
    if b"upgrade" in options and message.http_version >= b"1.1":
        upgrades = [(name, value) for name, value in message.headers.raw_items() if name.lower() == b"upgrade"]
        kept += [(b"Connection", b"Upgrade"), *upgrades] if upgrades else []
    return kept
