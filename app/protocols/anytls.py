"""One AnyTLS session, either role, as a machine without I/O (PROTOCOL.md §1).

Bytes go in through `receive`, which hands stream payload straight to each stream's sink as slices of what came in,
and yields an event for everything rarer, in order. What is to be sent gathers in `outbox`: each element is one write
to TLS, because AnyTLS pads by write; the caller writes and clears it after every call.

    client: authenticate → open → push … end | fin      server: receive → Opened → attach → synack → push … fin
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from app.protocols import login, settings
from app.protocols.events import (
    Accepted,
    Alerted,
    Closed,
    Ended,
    Event,
    HeartResponded,
    Opened,
    Refused,
    SchemePushed,
    SchemeRejected,
    ServerSettingsReceived,
    SettingsReceived,
)
from app.protocols.frames import (
    ALERT,
    END,
    FIN,
    HEADER,
    HEADER_SIZE,
    HEART_REQUEST,
    HEART_RESPONSE,
    MAX_PAYLOAD,
    NAMES,
    PSH,
    SERVER_SETTINGS,
    SETTINGS,
    SYN,
    SYNACK,
    UPDATE_PADDING_SCHEME,
    WASTE,
    is_http2,
    pack,
)
from app.protocols.padding import MAX_SCHEME, BadScheme, Padding, RandBelow, Scheme, cut
from app.protocols.settings import HALF_CLOSE, NUMBER, VERSION
from app.protocols.streams import GET_END, SEND_END, OpenStream, Sink, StreamState, discard
from app.protocols.text import Flaw, printable

# A control frame's payload is kept up to this, and the rest drained: one byte over the longest scheme, so that a
# longer one is seen to be too long.
MAX_BODY: Final = MAX_SCHEME + 1

Buffer = bytes | memoryview


class ProtocolError(Flaw):
    """The peer broke the protocol; the session has to end. What is in `outbox` should still be sent."""


class NotAnyTls(ProtocolError):
    """The first bytes are no AnyTLS frame: something else answers there."""


class Session:
    """See the module's text. `version` is the peer's, 0 until it has told. `half_close` says that it knows the end
    of one direction: by `END`, or where `fin_is_end` by FIN."""

    def __init__(self, *, client: bool, padding: Padding, randbelow: RandBelow, client_name: str = "") -> None:
        self.outbox: list[Buffer] = []
        self.version = 0
        self.half_close = False
        self.fin_is_end = False
        self.stray = 0
        """Payload bytes that came for no open stream."""
        self.fed: set[int] = set()
        """Streams whose sinks have been given something; whoever looks at it empties it."""
        self._client = client
        self._padding = padding
        self._randbelow = randbelow
        self._client_name = client_name
        self._streams: dict[int, OpenStream] = {}
        self._last_id = 0
        self._settled = False  # client: settings sent; server: settings received
        self._padded = client  # servers do not pad (PROTOCOL.md §1.14)
        self._packets = 0
        self._heart_owed = False
        self._known = not client  # a server has said so with a frame of the protocol, a client with its login
        self._head = bytearray()
        self._body = bytearray()
        self._command = WASTE
        self._stream_id = 0
        self._left = 0
        self._sink: Sink = discard

    # ---- sending

    def authenticate(self, hashed: bytes) -> None:
        """Client: the login, packet 0. Settings wait for the first stream, so that packet 1 has its usual shape."""
        self.outbox.append(login.request(hashed, self._padding.scheme.auth_padding(self._randbelow)))

    def open(self, address: bytes, sink: Sink) -> int:
        """Client: open a stream to `address` (as SOCKS writes it) and return its number.

        The address has a PSH of its own, for the servers that parse it there. While padding lasts, SYN and address
        are two packets as the reference's are; afterwards one write carries both (PROTOCOL.md §1.4).
        """
        self._last_id += 1
        stream_id = self._last_id
        self._streams[stream_id] = OpenStream(sink)
        frames = [pack(SYN, stream_id), pack(PSH, stream_id, address)]
        if not self._settled:
            self._settled = True
            self._packet(
                pack(SETTINGS, 0, settings.client_settings(self._client_name, self._padding.scheme.md5))
                + b"".join(frames)
            )
        elif self._pads_next():
            for frame in frames:
                self._packet(frame)
        else:
            self.outbox.append(b"".join(frames))
        return stream_id

    def attach(self, stream_id: int, sink: Sink) -> None:
        """Change where a stream's payload goes. For one that is closed by now there is none."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        stream.sink = sink
        if self._command == PSH and self._stream_id == stream_id:
            self._sink = sink

    def push(self, stream_id: int, room: memoryview) -> None:
        """Send a stream's payload from `room`, whose first seven bytes are room for the header.

        `outbox` then refers to `room` itself: write it before the buffer is used again. A closed stream sends nothing.
        """
        stream = self._streams.get(stream_id)
        if stream is None or stream.state is StreamState.SENT_END:
            return
        HEADER.pack_into(room, 0, PSH, stream_id, len(room) - HEADER_SIZE)
        if self._padded:
            self._packet(bytes(room))
        else:
            self.outbox.append(room)

    def synack(self, stream_id: int, error: str = "") -> None:
        """Server: the target is reached, or why not; a refused stream is closed. A version 1 client is told nothing."""
        if stream_id in self._streams and self.version >= VERSION:
            self._packet(pack(SYNACK, stream_id, error.encode()[:MAX_PAYLOAD]))
        if error:
            self.fin(stream_id)

    def end(self, stream_id: int) -> bool:
        """Say that no more will be sent on the stream; true where that closed it. Only while `half_close` is true."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.state is StreamState.SENT_END:
            return False
        after = SEND_END[stream.state]
        if after is None:
            self.fin(stream_id)
            return True
        stream.state = after
        self._packet(pack(FIN if self.fin_is_end else END, stream_id))
        return False

    def fin(self, stream_id: int) -> None:
        """Close a stream in both directions. One that is closed already stays silent."""
        if self._drop(stream_id):
            self._packet(pack(FIN, stream_id))

    def heartbeat(self) -> None:
        """Ask the peer for a sign of life; only peers of version 2 answer."""
        self._packet(pack(HEART_REQUEST))

    def alert(self, message: str) -> None:
        """Tell the peer why the session ends."""
        self._packet(pack(ALERT, 0, message.encode()[:MAX_PAYLOAD]))

    def answer_heartbeat(self) -> None:
        """Put the heartbeat answer that is owed, if any, into `outbox`. Not done by `receive`, so that a peer that asks
        without reading is owed one answer and not a queue of them."""
        if self._heart_owed:
            self._heart_owed = False
            self._packet(pack(HEART_RESPONSE))

    def receives(self, stream_id: int) -> bool:
        """Whether the peer may still send on the stream."""
        return stream_id in self._streams and self._streams[stream_id].state is not StreamState.GOT_END

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def known(self) -> bool:
        """Whether the peer has been seen to speak AnyTLS."""
        return self._known

    @property
    def settled(self) -> bool:
        """Whether the client's settings have gone out (client) or come in (server)."""
        return self._settled

    @property
    def opened(self) -> int:
        """Client: how many streams this session has carried."""
        return self._last_id

    def _drop(self, stream_id: int) -> bool:
        if self._command == PSH and self._stream_id == stream_id:
            self._sink = discard
        return self._streams.pop(stream_id, None) is not None

    def _pads_next(self) -> bool:
        if self._padded and self._packets + 1 >= self._padding.scheme.stop:
            self._padded = False  # for good, even if a later scheme would pad on (PROTOCOL.md §1.5)
        return self._padded

    def _packet(self, frames: bytes) -> None:
        if self._pads_next():
            self._packets += 1
            self.outbox.extend(cut(self._padding.scheme.sizes(self._packets, self._randbelow), frames))
        else:
            self.outbox.append(frames)

    # ---- receiving

    def receive(self, data: Buffer) -> Iterator[Event]:
        """Take bytes as they come, cut anywhere. Exhaust it: bytes are consumed as it advances.

        Raises `ProtocolError`.
        """
        view = memoryview(data)
        at, end = 0, len(data)
        while at < end:
            if self._left:
                chunk = view[at : at + self._left]
                self._sink(chunk)
                self.fed.add(self._stream_id)
                at += len(chunk)
                self._left -= len(chunk)
                if self._left:
                    return
            elif self._head or end - at < HEADER_SIZE:
                piece = view[at : at + HEADER_SIZE - len(self._head)]
                self._head += piece
                at += len(piece)
                if len(self._head) < HEADER_SIZE:
                    return
                head, self._head = self._head, bytearray()
                self._begin(*HEADER.unpack(head))
            elif self._known and (after := self._whole(view, at, end)) > at:
                at = after
                continue
            else:
                self._begin(*HEADER.unpack_from(view, at))
                at += HEADER_SIZE
            yield from self._complete()

    def _whole(self, view: memoryview, at: int, end: int) -> int:
        """Hand over whole frames of payload, nearly all that ever comes; returns where something else begins."""
        streams, fed, got_end = self._streams, self.fed, StreamState.GOT_END
        while end - at > HEADER_SIZE:
            command, stream_id, length = HEADER.unpack_from(view, at)
            after = at + HEADER_SIZE + length
            stream = streams.get(stream_id)
            if command != PSH or not length or after > end or stream is None or stream.state is got_end:
                break
            stream.sink(view[at + HEADER_SIZE : after])
            fed.add(stream_id)
            at = after
        return at

    def _complete(self) -> Iterable[Event]:
        """The events of a frame that has come whole; payload has none."""
        handler = None if self._left else _HANDLERS.get(self._command)
        return () if handler is None else handler(self, self._stream_id, bytes(self._body))

    def _begin(self, command: int, stream_id: int, length: int) -> None:
        self._command, self._stream_id, self._left = command, stream_id, length
        if command == PSH:
            stream = self._streams.get(stream_id)
            if stream is not None and stream.state is not StreamState.GOT_END:
                self._sink = stream.sink
            else:
                self._sink = discard
                self.stray += length
        elif command in _HANDLERS:
            self._body.clear()
            self._sink = self._collect
        else:
            self._sink = discard
        if not self._known and (command not in NAMES or is_http2(command, stream_id, length)):
            raise NotAnyTls("first byte {byte:#04x}", byte=command)
        self._known = True

    def _collect(self, chunk: memoryview) -> None:
        self._body += chunk[: MAX_BODY - len(self._body)]

    def _on_syn(self, stream_id: int, _body: bytes) -> Iterator[Event]:
        if self._client or stream_id in self._streams:
            return
        if not self._settled:
            self.alert("client did not send its settings")
            raise ProtocolError("a stream was opened before the settings came")
        self._streams[stream_id] = OpenStream(discard)
        yield Opened(stream_id)

    def _on_synack(self, stream_id: int, body: bytes) -> Iterator[Event]:
        if not self._client or stream_id not in self._streams:
            return
        if body:
            self.fin(stream_id)
            yield Refused(stream_id, printable(body))
        else:
            yield Accepted(stream_id)

    def _on_end(self, stream_id: int, _body: bytes) -> Iterator[Event]:
        stream = self._streams.get(stream_id)
        if stream is None or not self.half_close or stream.state is StreamState.GOT_END:
            return
        after = GET_END[stream.state]
        if after is None:
            self._drop(stream_id)
            yield Closed(stream_id)
        else:
            stream.state = after
            yield Ended(stream_id)

    def _on_fin(self, stream_id: int, body: bytes) -> Iterator[Event]:
        if self.fin_is_end:
            yield from self._on_end(stream_id, body)
        elif self._drop(stream_id):
            yield Closed(stream_id)

    def _on_settings(self, _stream_id: int, body: bytes) -> Iterator[Event]:
        if self._client or self._settled or not body:
            return
        self._settled = True
        told = settings.parse(body)
        scheme = self._padding.scheme
        if told.get("padding-md5") != scheme.md5:
            self._packet(pack(UPDATE_PADDING_SCHEME, 0, scheme.raw))
        self._learn(told)
        if self.version >= VERSION:
            self._packet(pack(SERVER_SETTINGS, 0, settings.server_settings(HALF_CLOSE in told)))
        yield SettingsReceived(printable(told.get("client", "")))

    def _on_server_settings(self, _stream_id: int, body: bytes) -> Iterator[Event]:
        if self._client:
            self._learn(settings.parse(body))
            yield ServerSettingsReceived()

    def _learn(self, told: Mapping[str, str]) -> None:
        self.version = settings.version(told)
        if self.version >= VERSION:
            self.fin_is_end = NUMBER in told and HALF_CLOSE not in told
            self.half_close = self.fin_is_end or HALF_CLOSE in told

    def _on_scheme(self, _stream_id: int, body: bytes) -> Iterator[Event]:
        if not self._client:
            return
        try:
            scheme = Scheme.parse(body)
        except BadScheme as error:
            yield SchemeRejected(str(error))
            return
        self._padding.scheme = scheme
        yield SchemePushed(scheme)

    def _on_alert(self, _stream_id: int, body: bytes) -> Iterator[Event]:
        if body:
            yield Alerted(printable(body))

    def _on_heart_request(self, _stream_id: int, _body: bytes) -> Iterator[Event]:
        self._heart_owed = True
        return iter(())

    def _on_heart_response(self, _stream_id: int, _body: bytes) -> Iterator[Event]:
        yield HeartResponded()


_HANDLERS: Final[Mapping[int, Callable[[Session, int, bytes], Iterator[Event]]]] = {
    SYN: Session._on_syn,
    SYNACK: Session._on_synack,
    END: Session._on_end,
    FIN: Session._on_fin,
    SETTINGS: Session._on_settings,
    SERVER_SETTINGS: Session._on_server_settings,
    UPDATE_PADDING_SCHEME: Session._on_scheme,
    ALERT: Session._on_alert,
    HEART_REQUEST: Session._on_heart_request,
    HEART_RESPONSE: Session._on_heart_response,
}
