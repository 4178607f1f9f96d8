import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.protocols.anytls import MAX_BODY, NotAnyTls, ProtocolError, Session
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
    pack,
)
from app.protocols.login import password_hash, request
from app.protocols.padding import DEFAULT, MAX_SCHEME, Padding, Scheme
from app.protocols.streams import Sink

Frame = tuple[int, int, bytes]

UNPADDED = Scheme.parse(b"stop=0")
ADDRESS = bytes.fromhex("01 7f000001 4a38")
UNKNOWN = 77


def smallest(_n: int) -> int:
    return 0


def new_client(scheme: Scheme = UNPADDED, client_name: str = "t") -> Session:
    return Session(client=True, padding=Padding(scheme), randbelow=smallest, client_name=client_name)


def new_server(scheme: Scheme = UNPADDED) -> Session:
    return Session(client=False, padding=Padding(scheme), randbelow=smallest)


def settings_frame(*lines: str, md5: str = UNPADDED.md5) -> bytes:
    return pack(SETTINGS, 0, "\n".join((*lines, "client=t", f"padding-md5={md5}")).encode())


V1 = settings_frame("v=1")
V2 = settings_frame("v=2")
V2_END = settings_frame("v=2", "end=1")


def feed(session: Session, *data: bytes) -> list[Event]:
    return list(session.receive(b"".join(data)))


def split(data: bytes) -> Iterator[Frame]:
    at = 0
    while at < len(data):
        command, stream_id, length = HEADER.unpack_from(data, at)
        at += HEADER_SIZE
        yield command, stream_id, data[at : at + length]
        at += length


def sent(session: Session) -> list[Frame]:
    """The frames of all writes so far, without padding."""
    data = b"".join(session.outbox)
    session.outbox.clear()
    return [frame for frame in split(data) if frame[0] != WASTE]


def room(payload: bytes) -> memoryview:
    return memoryview(bytearray(HEADER_SIZE) + payload)


def nobody(_chunk: memoryview) -> None:
    raise AssertionError("no payload is due here")


class Heap:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.data = b""

    def __call__(self, chunk: memoryview) -> None:
        self.data += chunk


def client_with_stream(sink: Sink = nobody, scheme: Scheme = UNPADDED) -> Session:
    client = new_client(scheme)
    client.open(ADDRESS, sink)
    client.outbox.clear()
    return client


def server_with_stream(sink: Sink = nobody, client_settings: bytes = V2_END) -> Session:
    server = new_server()
    assert feed(server, client_settings, pack(SYN, 1)) == [SettingsReceived("t"), Opened(1)]
    server.attach(1, sink)
    server.outbox.clear()
    return server


def half_closing_client(sink: Sink = nobody) -> Session:
    client = client_with_stream(sink)
    assert feed(client, pack(SERVER_SETTINGS, 0, b"v=2\nend=1")) == [ServerSettingsReceived()]
    return client


# ---- what a client sends


def test_the_login_is_one_write() -> None:
    client = new_client(DEFAULT)
    client.authenticate(password_hash("letmein"))
    assert client.outbox == [request(password_hash("letmein"), 30)]
    assert not client.settled


def test_the_first_packet() -> None:
    packet = (
        bytes.fromhex("04 00000000 004b")
        + b"v=2\nclient=anytls/0.0.13\npadding-md5=75cff2ad89aadf5e257059ee571ebe11\nend=1"
        + bytes.fromhex("01 00000001 0000")
        + bytes.fromhex("02 00000001 000f 03 0b")
        + b"example.com\x01\xbb"
    )
    drawn = [len(packet) - 100, 250]  # of 100-400: once as long as the packet, once longer
    for padding in (b"", pack(WASTE, 0, bytes(350 - len(packet) - HEADER_SIZE))):
        client = Session(
            client=True, padding=Padding(DEFAULT), randbelow=lambda _: drawn.pop(0), client_name="anytls/0.0.13"
        )
        assert client.open(b"\x03\x0bexample.com\x01\xbb", nobody) == 1
        assert client.outbox == [packet + padding]
        assert client.settled


def test_streams_are_numbered_and_counted() -> None:
    client = new_client()
    assert [client.open(ADDRESS, nobody) for _ in range(3)] == [1, 2, 3]
    client.fin(2)
    assert (client.opened, client.streams) == (3, 2)
    assert client.open(ADDRESS, nobody) == 4


def test_while_padding_lasts_syn_and_address_are_two_packets_and_then_one_write() -> None:
    client = new_client(Scheme.parse(b"stop=5\n1=200-200\n2=50-60\n3=40-50"))
    writes = []
    for _ in range(4):
        client.open(ADDRESS, nobody)
        writes.append([len(write) for write in client.outbox])
        client.outbox.clear()
    assert writes == [[200], [50, 40], [7, 14], [21]]


def test_a_pushed_scheme_pads_the_packets_still_to_come() -> None:
    client = client_with_stream(scheme=DEFAULT)
    assert feed(client, pack(UPDATE_PADDING_SCHEME, 0, b"stop=4\n1=9-9\n2=200-200\n3=300-300")) == [
        SchemePushed(client._padding.scheme)
    ]
    for _ in range(3):
        client.push(1, room(b"x"))
    assert [len(write) for write in client.outbox] == [200, 300, 8]


def test_a_session_that_has_stopped_padding_never_starts_again() -> None:
    client = client_with_stream(scheme=Scheme.parse(b"stop=2"))
    client.push(1, room(b"x"))
    feed(client, pack(UPDATE_PADDING_SCHEME, 0, b"stop=99\n3=200-200\n4=200-200"))
    client.push(1, room(b"x"))
    client.open(ADDRESS, nobody)
    assert [len(write) for write in client.outbox] == [8, 8, 21]


def test_sessions_of_one_server_share_a_pushed_scheme() -> None:
    padding = Padding(DEFAULT)
    first, second = (Session(client=True, padding=padding, randbelow=smallest) for _ in range(2))
    feed(first, pack(UPDATE_PADDING_SCHEME, 0, b"stop=9\n0=77-77"))
    second.authenticate(password_hash("x"))
    assert len(second.outbox[0]) == 34 + 77


def test_payload_is_written_from_where_it_lies() -> None:
    client = client_with_stream()
    payload = room(b"hello")
    client.push(1, payload)
    assert client.outbox[0] is payload
    assert payload == pack(PSH, 1, b"hello")


def test_padded_payload_is_cut() -> None:
    client = client_with_stream(scheme=Scheme.parse(b"stop=8\n2=10-10,30-30"))
    client.push(1, room(b"hello"))
    assert client.outbox == [pack(PSH, 1, b"hello")[:10], b"lo" + pack(WASTE, 0, bytes(21))]


def test_too_much_payload_for_a_frame_raises() -> None:
    client = client_with_stream()
    client.push(1, room(bytes(MAX_PAYLOAD)))
    with pytest.raises(struct.error):
        client.push(1, room(bytes(MAX_PAYLOAD + 1)))


def test_a_closed_stream_sends_nothing() -> None:
    client = half_closing_client()
    client.fin(1)
    assert sent(client) == [(FIN, 1, b"")]
    client.fin(1)
    client.push(1, room(b"late"))
    assert client.end(1) is False
    assert sent(client) == []


def test_an_alert_says_why_within_a_frame() -> None:
    server = new_server()
    server.alert("bye")
    server.alert("x" * 70_000)
    assert sent(server) == [(ALERT, 0, b"bye"), (ALERT, 0, b"x" * MAX_PAYLOAD)]


# ---- SYNACK


def test_a_server_says_that_the_target_is_reached_or_why_not() -> None:
    server = server_with_stream()
    server.synack(1)
    feed(server, pack(SYN, 2))
    server.synack(2, "no route to host")
    server.synack(2, "too late")
    server.synack(9)
    feed(server, pack(SYN, 3))
    server.synack(3, "x" * 70_000)
    assert sent(server) == [
        (SYNACK, 1, b""),
        (SYNACK, 2, b"no route to host"),
        (FIN, 2, b""),
        (SYNACK, 3, b"x" * MAX_PAYLOAD),
        (FIN, 3, b""),
    ]
    assert server.streams == 1


def test_a_version_1_client_is_told_nothing() -> None:
    server = server_with_stream(client_settings=V1)
    server.synack(1)
    server.synack(1, "no route to host")
    assert sent(server) == [(FIN, 1, b"")]


@pytest.mark.parametrize("stream_id", [1, 2])
def test_a_client_learns_whether_its_target_is_reached(stream_id: int) -> None:
    client = client_with_stream()
    client.open(ADDRESS, nobody)
    client.outbox.clear()
    assert feed(client, pack(SYNACK, stream_id)) == [Accepted(stream_id)]
    assert sent(client) == []
    assert feed(client, pack(SYNACK, stream_id, b"refused")) == [Refused(stream_id, "refused")]
    assert sent(client) == [(FIN, stream_id, b"")]
    assert client.streams == 1


def test_a_synack_that_nobody_waits_for_is_ignored() -> None:
    client = client_with_stream()
    client.fin(1)
    client.outbox.clear()
    assert feed(client, pack(SYNACK, 1), pack(SYNACK, 1, b"refused"), pack(SYNACK, 9, b"refused")) == []
    server = server_with_stream()
    assert feed(server, pack(SYNACK, 1), pack(SYNACK, 1, b"refused")) == []
    assert client.outbox == server.outbox == []


def test_error_text_is_cut_and_made_safe_to_show() -> None:
    hostile = "\x1b]0;gotcha\x07\r\n\u202eevil\u2066".encode() + b"A" * MAX_PAYLOAD
    client = client_with_stream()
    [refused] = feed(client, pack(SYNACK, 1, hostile[:MAX_PAYLOAD]))
    assert isinstance(refused, Refused)
    assert refused.message.startswith("]0;gotcha    evil AAA")
    assert len(refused.message) == 200
    [alerted] = feed(client, pack(ALERT, 0, hostile[:MAX_PAYLOAD]))
    assert alerted == Alerted(refused.message)


# ---- settings


@pytest.mark.parametrize(("line", "version"), [("v=2", 2), ("v=3", 2), ("v=1", 1), ("v=x", 1), ("x=2", 1)])
def test_the_version_is_agreed_on(line: str, version: int) -> None:
    server, client = new_server(), new_client()
    assert (server.version, client.version) == (0, 0)
    assert feed(server, settings_frame(line)) == [SettingsReceived("t")]
    assert server.version == version
    assert sent(server) == ([(SERVER_SETTINGS, 0, b"v=2")] if version == 2 else [])
    assert feed(client, pack(SERVER_SETTINGS, 0, line.encode())) == [ServerSettingsReceived()]
    assert client.version == version


def test_half_close_is_agreed_on_by_a_key_that_others_ignore() -> None:
    server, client = new_server(), new_client()
    client.open(ADDRESS, nobody)
    feed(server, *map(bytes, client.outbox))
    assert server.half_close
    assert b"".join(server.outbox) == pack(SERVER_SETTINGS, 0, b"v=2\nend=1")
    assert not client.half_close
    feed(client, *map(bytes, server.outbox))
    assert client.half_close
    assert client.version == server.version == 2


def test_a_client_with_another_scheme_is_sent_ours_first() -> None:
    server = new_server(DEFAULT)
    assert feed(server, V2) == [SettingsReceived("t")]
    assert sent(server) == [(UPDATE_PADDING_SCHEME, 0, DEFAULT.raw), (SERVER_SETTINGS, 0, b"v=2")]
    server = new_server(DEFAULT)
    feed(server, settings_frame("v=2", md5=DEFAULT.md5))
    assert sent(server) == [(SERVER_SETTINGS, 0, b"v=2")]


def test_settings_count_once_and_empty_ones_do_not_count() -> None:
    server = new_server()
    assert feed(server, pack(SETTINGS)) == []
    assert not server.settled
    assert feed(server, V1, V2) == [SettingsReceived("t")]
    assert server.settled
    assert server.version == 1


def test_a_clients_name_is_made_safe_to_show() -> None:
    name = b"client=\x1b[31m\xff" + b"x" * 300
    [received] = feed(new_server(), pack(SETTINGS, 0, name))
    assert received == SettingsReceived("[31m\ufffd" + "x" * 194 + "…")
    assert feed(new_server(), pack(SETTINGS, 0, b"v=2")) == [SettingsReceived("")]


@pytest.mark.parametrize("before", [b"", pack(SETTINGS), pack(WASTE, 0, bytes(9)), pack(HEART_REQUEST)])
def test_a_stream_before_the_settings_ends_the_session(before: bytes) -> None:
    server = new_server()
    with pytest.raises(ProtocolError, match="before the settings"):
        feed(server, before, pack(SYN, 1))
    assert sent(server) == [(ALERT, 0, b"client did not send its settings")]


# ---- schemes


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [
        (b"", "stop"),
        (b"1=5-9", "stop"),
        (b"stop=9\n1=\xff", "UTF-8"),
        (b"stop=9\n1=65536-65536", "65535"),
        (b"stop=9\n" + b"1=65535-65535\n" * 4_000, f"longer than {MAX_SCHEME}"),
        (b"stop=9\n" + b"#" * (MAX_SCHEME - 6), f"longer than {MAX_SCHEME}"),
    ],
)
def test_a_scheme_outside_the_budget_changes_nothing(scheme: bytes, reason: str) -> None:
    client = new_client(DEFAULT)
    [rejected] = feed(client, pack(UPDATE_PADDING_SCHEME, 0, scheme))
    assert isinstance(rejected, SchemeRejected)
    assert reason in rejected.reason
    assert client._padding.scheme is DEFAULT


def test_the_longest_scheme_is_taken() -> None:
    raw = b"stop=9\n" + b"#" * (MAX_SCHEME - 7)
    assert feed(new_client(), pack(UPDATE_PADDING_SCHEME, 0, raw)) == [SchemePushed(Scheme.parse(raw))]


# ---- robustness (PROTOCOL.md §6.2)


def test_what_only_the_other_side_may_send_is_ignored() -> None:
    client = client_with_stream()
    assert feed(client, pack(SYN, 1), pack(SYN, 7, b"x"), V2) == []
    server = server_with_stream()
    assert feed(server, pack(SERVER_SETTINGS, 0, b"v=1"), pack(UPDATE_PADDING_SCHEME, 0, b"stop=1")) == []
    assert (client.streams, server.streams, server.version) == (1, 1, 2)
    assert client.outbox == server.outbox == []


def test_a_second_syn_for_an_open_stream_is_ignored() -> None:
    heap = Heap()
    server = server_with_stream(heap)
    assert feed(server, pack(SYN, 1), pack(PSH, 1, b"again")) == []
    assert heap.data == b"again"


@pytest.mark.parametrize("stream_id", [0, 1, 0xFFFFFFFF])
def test_a_client_may_number_its_streams_as_it_likes_and_use_a_number_again(stream_id: int) -> None:
    server = new_server()
    feed(server, V2)
    for _ in range(2):
        assert feed(server, pack(SYN, stream_id, b"ignored"), pack(FIN, stream_id)) == [
            Opened(stream_id),
            Closed(stream_id),
        ]


def test_payload_for_no_open_stream_is_drained_and_counted() -> None:
    heap = Heap()
    client = client_with_stream(heap)
    assert feed(client, pack(PSH, 9, b"unknown"), pack(PSH, 1), pack(PSH, 1, b"payload")) == []
    assert client.stray == 7
    assert feed(client, pack(FIN, 1), pack(PSH, 1, b"late")) == [Closed(1)]
    assert client.stray == 11
    assert heap.data == b"payload"


@pytest.mark.parametrize("make", [client_with_stream, server_with_stream])
def test_a_stream_closes_once(make: Callable[[], Session]) -> None:
    session = make()
    assert feed(session, pack(FIN, 9), pack(FIN, 1, b"data"), pack(FIN, 1)) == [Closed(1)]
    assert session.streams == 0
    assert session.outbox == []


def test_both_sides_close_at_once() -> None:
    client = client_with_stream()
    client.fin(1)
    assert feed(client, pack(FIN, 1)) == []


def test_an_alert_without_words_is_ignored() -> None:
    assert feed(client_with_stream(), pack(ALERT), pack(ALERT, 0, b"go away")) == [Alerted("go away")]


@pytest.mark.parametrize("command", sorted({11, UNKNOWN, 199, 201, 255}))
def test_unknown_commands_are_drained_whatever_they_carry(command: int) -> None:
    looks_like_a_frame = pack(FIN, 1)
    client = client_with_stream()
    assert feed(client, pack(SYNACK, 1)) == [Accepted(1)]
    assert feed(client, pack(command), pack(command, 1, looks_like_a_frame), pack(SYNACK, 1)) == [Accepted(1)]


@pytest.mark.parametrize("command", [SYN, FIN, HEART_REQUEST, HEART_RESPONSE, WASTE, END])
def test_payload_where_none_belongs_is_drained(command: int) -> None:
    heap = Heap()
    client = client_with_stream(heap)
    feed(client, pack(command, 9, pack(FIN, 1) * 9_000), pack(PSH, 1, b"fine"))
    assert heap.data == b"fine"
    assert len(client._body) <= MAX_BODY


def test_of_an_overlong_control_frame_only_the_start_is_kept() -> None:
    client = client_with_stream()
    frame = pack(UPDATE_PADDING_SCHEME, 0, bytes(MAX_PAYLOAD))
    for at in range(0, len(frame) - 1, 1_000):
        feed(client, frame[at : at + 1_000])
        assert len(client._body) <= MAX_BODY


def test_heartbeats_are_asked_and_answered() -> None:
    client, server = client_with_stream(), server_with_stream()
    client.heartbeat()
    assert feed(server, *map(bytes, client.outbox)) == []
    assert server.outbox == []
    server.answer_heartbeat()
    assert feed(client, *map(bytes, server.outbox)) == [HeartResponded()]


def test_a_flood_of_heartbeats_is_owed_one_answer() -> None:
    client = client_with_stream()
    feed(client, pack(HEART_REQUEST, 0, b"data") + pack(HEART_REQUEST, 7) * 10_000)
    for _ in range(2):
        client.answer_heartbeat()
    assert sent(client) == [(HEART_RESPONSE, 0, b"")]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes([UNKNOWN] * 7)]
)
def test_another_service_is_told_apart_by_its_first_byte(answer: bytes) -> None:
    client = client_with_stream()
    with pytest.raises(NotAnyTls, match=f"{answer[0]:#04x}"):
        feed(client, answer)
    assert not client.known


@pytest.mark.parametrize("count", [0, 3, 6])
def test_a_server_of_http_2_is_told_apart_by_its_settings(count: int) -> None:
    settings = (6 * count).to_bytes(3) + b"\x04\x00" + bytes(4) + bytes((0, 3, 0, 0, 0, 128)) * count
    client = client_with_stream()
    with pytest.raises(NotAnyTls):
        feed(client, settings)
    assert not client.known


@pytest.mark.parametrize("frame", [pack(WASTE, 0x120401), pack(WASTE, 0x130400), pack(WASTE, 0x120400, b"\0")])
def test_padding_is_no_settings(frame: bytes) -> None:
    client = client_with_stream()
    feed(client, frame)
    assert client.known


def test_a_server_drains_even_a_first_frame_that_it_does_not_know() -> None:
    assert feed(new_server(), pack(UNKNOWN, 0, b"whatever"), V2) == [SettingsReceived("t")]


@pytest.mark.parametrize("frame", [pack(WASTE), pack(PSH, 1, b"payload")])
def test_once_a_frame_has_come_the_peer_is_known(frame: bytes) -> None:
    client = client_with_stream(Heap())
    feed(client, frame)
    assert client.known
    assert feed(client, b"HTTP/1.1 400 Bad Request\r\n\r\n") == []


def test_a_truncated_frame_does_nothing() -> None:
    client = client_with_stream()
    assert feed(client, pack(SYNACK, 1)[:-1]) == []
    assert feed(client, pack(SYNACK, 1)[-1:]) == [Accepted(1)]
    assert feed(client, pack(SYNACK, 1, b"refused")[:-1]) == []
    assert client.streams == 1


# ---- payload is handed over, not copied


def test_slices_of_what_came_in_go_to_the_sink() -> None:
    chunks: list[memoryview] = []
    client = client_with_stream(chunks.append)
    data = pack(PSH, 1, b"abc") + pack(PSH, 1) + pack(WASTE, 0, b"--") + pack(PSH, 1, b"defgh")[:-2]
    feed(client, data)
    rest = b"gh" + pack(PSH, 1)
    feed(client, rest)
    assert [chunk.tobytes() for chunk in chunks] == [b"abc", b"def", b"gh"]
    assert [chunk.obj for chunk in chunks] == [data, data, rest]
    assert chunks[0].obj is data


def test_a_sink_may_be_changed_in_the_middle_of_a_frame() -> None:
    first, second, other = Heap(), Heap(), Heap()
    client = client_with_stream(first)
    client.open(ADDRESS, other)
    frame = pack(PSH, 1, b"abcdef")
    feed(client, frame[:10])
    client.attach(1, second)
    client.attach(2, other)
    client.fin(2)
    feed(client, frame[10:], pack(PSH, 1, b"ghi"))
    assert (first.data, second.data, other.data) == (b"abc", b"defghi", b"")
    frame = pack(SYNACK, 1, b"refused")
    assert feed(client, frame[:10]) == []
    client.attach(1, nobody)
    assert feed(client, frame[10:]) == [Refused(1, "refused")]


def test_a_sink_for_a_stream_that_is_closed_gets_nothing() -> None:
    first, second = Heap(), Heap()
    client = client_with_stream(first)
    feed(client, pack(PSH, 1, b"abc"), pack(FIN, 1))
    client.attach(1, second)
    feed(client, pack(PSH, 1, b"def"))
    assert (first.data, second.data, client.streams) == (b"abc", b"", 0)


def test_a_sink_may_close_its_stream_in_the_middle_of_a_frame() -> None:
    taken: list[bytes] = []

    def take_one(chunk: memoryview) -> None:
        taken.append(bytes(chunk))
        client.fin(1)

    client = client_with_stream(take_one)
    frame = pack(PSH, 1, b"abcdef")
    assert feed(client, frame[:10]) == []
    assert feed(client, frame[10:], pack(PSH, 1, b"more"), pack(SYNACK, 1)) == []
    assert taken == [b"abc"]
    assert sent(client) == [(FIN, 1, b"")]


# ---- half-close


@pytest.mark.parametrize("make", [half_closing_client, server_with_stream])
def test_the_end_of_sending_leaves_the_other_direction_open(make: Callable[[Sink], Session]) -> None:
    heap = Heap()
    session = make(heap)
    assert session.end(1) is False
    assert session.end(1) is False
    session.push(1, room(b"late"))
    assert sent(session) == [(END, 1, b"")]
    assert feed(session, pack(PSH, 1, b"answer"), pack(END, 1)) == [Closed(1)]
    assert heap.data == b"answer"
    assert session.streams == 0


@pytest.mark.parametrize("make", [half_closing_client, server_with_stream])
def test_after_the_peers_end_only_we_send(make: Callable[[Sink], Session]) -> None:
    session = make(nobody)
    assert feed(session, pack(END, 1), pack(END, 1), pack(PSH, 1, b"late")) == [Ended(1)]
    assert session.stray == 4
    session.push(1, room(b"answer"))
    assert session.end(1) is True
    assert sent(session) == [(PSH, 1, b"answer"), (FIN, 1, b"")]
    assert session.streams == 0


def test_fin_closes_a_half_closed_stream() -> None:
    for ours, theirs in ((True, False), (False, True)):
        client = half_closing_client()
        if ours:
            client.end(1)
        if theirs:
            feed(client, pack(END, 1))
        assert feed(client, pack(FIN, 1)) == [Closed(1)]


NUMBERED = settings_frame("v=2", "session=7")


def numbering_client(sink: Sink = nobody) -> Session:
    """A client of a server that numbers its sessions, with one stream."""
    client = client_with_stream(sink)
    feed(client, pack(SERVER_SETTINGS, 0, b"v=2\nsession=7"))
    return client


def test_a_peer_that_numbers_its_sessions_takes_fin_for_an_end() -> None:
    for session in (numbering_client(), server_with_stream(nobody, NUMBERED)):
        assert session.half_close
        assert session.fin_is_end
        sent(session)
        assert session.end(1) is False
        assert sent(session) == [(FIN, 1, b"")]
        assert session.receives(1)
        assert feed(session, pack(FIN, 1)) == [Closed(1)]
        assert sent(session) == []
        assert not session.receives(1)


def test_after_its_fin_such_a_peer_still_listens() -> None:
    heap = Heap()
    client = numbering_client(heap)
    sent(client)
    assert feed(client, pack(PSH, 1, b"all"), pack(FIN, 1), pack(FIN, 1), pack(PSH, 1, b"stray")) == [Ended(1)]
    assert heap.data == b"all"
    assert not client.receives(1)
    client.push(1, room(b"more"))
    assert client.end(1) is True
    assert sent(client) == [(PSH, 1, b"more"), (FIN, 1, b"")]
    assert feed(client, pack(FIN, 1)) == []


def test_a_number_means_nothing_beside_our_own_key_or_in_version_1() -> None:
    for lines in (("v=2", "session=7", "end=1"), ("v=1", "session=7")):
        server = server_with_stream(nobody, settings_frame(*lines))
        assert not server.fin_is_end
        assert feed(server, pack(FIN, 1)) == [Closed(1)]


def test_end_is_ignored_where_it_was_not_agreed_on() -> None:
    heap = Heap()
    server = server_with_stream(heap, V2)
    assert feed(server, pack(END, 1), pack(END, 9), pack(PSH, 1, b"more")) == []
    assert heap.data == b"more"


# ---- however the bytes are cut, and whatever they are

FRAMES = st.builds(
    pack,
    st.sampled_from([*NAMES, *[SYN, PSH, PSH, PSH, FIN], UNKNOWN]),
    st.integers(0, 3),
    st.binary(max_size=20),
) | st.sampled_from(
    [V1, V2, V2_END, pack(SERVER_SETTINGS, 0, b"v=2\nend=1"), pack(UPDATE_PADDING_SCHEME, 0, b"stop=9")]
)

TRAFFIC = st.lists(FRAMES, max_size=12).map(b"".join) | st.binary(max_size=60).map(pack(WASTE).__add__) | st.binary()


def outcome(client: bool, pieces: list[bytes]) -> dict[str, Any]:
    """All that a session shows when it is given `pieces` one after the other."""
    session = new_client(DEFAULT) if client else new_server(DEFAULT)
    payload: defaultdict[int, bytes] = defaultdict(bytes)
    seen: list[Any] = []

    def sink_of(stream_id: int) -> Sink:
        def sink(chunk: memoryview) -> None:
            assert isinstance(chunk.obj, bytes)
            payload[stream_id] += chunk

        return sink

    if client:
        for number in (1, 2):
            session.open(ADDRESS, sink_of(number))
    try:
        for piece in pieces:
            for event in session.receive(piece):
                seen.append((event, dict(payload)))
                if isinstance(event, Opened):
                    session.attach(event.stream_id, sink_of(event.stream_id))
                    session.synack(event.stream_id)
    except ProtocolError as error:
        seen.append((type(error), str(error)))
    session.answer_heartbeat()
    return {
        "seen": seen,
        "payload": payload,
        "sent": b"".join(session.outbox),
        "stray": session.stray,
        "streams": {number: stream.state for number, stream in session._streams.items()},
    }


@given(st.booleans(), TRAFFIC, st.lists(st.integers(1, 30), max_size=40))
@example(
    client=False, data=V2_END + pack(SYN, 1) + pack(PSH, 1, b"payload") + pack(END, 1) + pack(FIN, 1), sizes=[1] * 99
)
@example(
    client=True, data=pack(SERVER_SETTINGS, 0, b"v=2") + pack(SYNACK, 1, b"refused") + pack(PSH, 2, b"xy"), sizes=[8]
)
def test_it_does_not_matter_how_the_bytes_are_cut(client: bool, data: bytes, sizes: list[int]) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    assert outcome(client, [*pieces, data[at:]]) == outcome(client, [data])


# ---- two machines, back to back


class Side:
    """A machine, the bytes on their way to it, and what it has sent and received on each stream."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.arriving = b""
        self.given: defaultdict[int, bytes] = defaultdict(bytes)
        self.taken: defaultdict[int, bytes] = defaultdict(bytes)
        self.over: set[int] = set()
        self.cut_short: set[int] = set()

    def sink(self, stream_id: int) -> Sink:
        def sink(chunk: memoryview) -> None:
            assert stream_id not in self.over
            self.taken[stream_id] += chunk

        return sink

    def deliver(self, count: int) -> None:
        data, self.arriving = self.arriving[:count], self.arriving[count:]
        for event in self.session.receive(data):
            match event:
                case Opened(stream_id):
                    self.session.attach(stream_id, self.sink(stream_id))
                    self.session.synack(stream_id)
                case Closed(stream_id) | Refused(stream_id, _):
                    assert stream_id not in self.over
                    self.over.add(stream_id)

    def push(self, stream_id: int, payload: bytes) -> None:
        self.session.push(stream_id, room(payload))
        if self.session.outbox:
            self.given[stream_id] += payload

    def end(self, stream_id: int) -> None:
        if self.session.half_close and self.session.end(stream_id):
            self.over.add(stream_id)

    def cut(self, stream_id: int, error: str) -> None:
        if stream_id in self.session._streams:
            self.over.add(stream_id)
            self.cut_short.add(stream_id)
            if error:
                self.session.synack(stream_id, error)
            else:
                self.session.fin(stream_id)

    def states(self) -> dict[int, str]:
        return {stream_id: stream.state.name for stream_id, stream in self.session._streams.items()}


class Pair:
    """A client and a server machine."""

    def __init__(self, scheme: Scheme) -> None:
        self.client, self.server = Side(new_client(scheme)), Side(new_server(scheme))

    def ways(self) -> tuple[tuple[Side, Side], tuple[Side, Side]]:
        return (self.client, self.server), (self.server, self.client)

    def open(self) -> None:
        number = self.client.session.opened + 1
        if number <= 2:
            self.client.session.open(ADDRESS, self.client.sink(number))
            self.client.given[number] = ADDRESS

    def act(self, by_client: bool, action: str, stream_id: int, size: int) -> None:
        side = self.client if by_client else self.server
        match action:
            case "open":
                self.open()
            case "push":
                side.push(stream_id, bytes([size % 256]) * size)
            case "end":
                side.end(stream_id)
            case "fin":
                side.cut(stream_id, "")
            case "refuse":
                self.server.cut(stream_id, "refused")
            case "deliver":
                side.deliver(size)
        self.pass_on()

    def pass_on(self) -> None:
        for sender, receiver in self.ways():
            receiver.arriving += b"".join(sender.session.outbox)
            sender.session.outbox.clear()

    def settle(self) -> None:
        while self.client.arriving or self.server.arriving:
            for side in (self.client, self.server):
                side.deliver(len(side.arriving))
            self.pass_on()


ACQUAINTED = [(True, "open", 1, 1), (False, "deliver", 1, 999), (True, "deliver", 1, 999)]
POLITE = ["open", "push", "push", "end", "end", "deliver", "deliver"]
RUDE = ["fin", "refuse"]


def actions(names: list[str]) -> st.SearchStrategy[list[tuple[bool, str, int, int]]]:
    action = st.tuples(st.booleans(), st.sampled_from(names), st.integers(1, 2), st.integers(1, 300))
    return st.lists(action, max_size=60)


MIRRORED = {"OPEN": "OPEN", "SENT_END": "GOT_END", "GOT_END": "SENT_END"}


@settings(max_examples=300)
@given(
    st.sampled_from([DEFAULT, UNPADDED]),
    st.builds(list.__add__, st.sampled_from([[], ACQUAINTED]), actions(POLITE) | actions(POLITE + RUDE)),
)
def test_two_machines_agree_in_the_end(scheme: Scheme, done: list[tuple[bool, str, int, int]]) -> None:
    pair = Pair(scheme)
    for action in done:
        pair.act(*action)
    pair.settle()
    client, server = pair.client, pair.server
    opened = set(range(1, client.session.opened + 1))
    assert {stream_id: MIRRORED[state] for stream_id, state in client.states().items()} == server.states()
    assert opened - client.over == set(client.states())
    assert opened - server.over == set(server.states())
    for sender, receiver in pair.ways():
        for stream_id in opened:
            given, taken = sender.given[stream_id], receiver.taken[stream_id]
            assert given.startswith(taken)
            assert given == taken or stream_id in client.cut_short | server.cut_short
