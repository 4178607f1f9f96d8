"""Our machines against what the reference implementations really sent; tests/vectors/README.md says what is there."""

import json
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from app.protocols import frames
from app.protocols.anytls import ProtocolError, Session
from app.protocols.events import (
    Accepted,
    Alerted,
    Closed,
    Event,
    Opened,
    Refused,
    SchemePushed,
    ServerSettingsReceived,
    SettingsReceived,
)
from app.protocols.frames import HEADER, HEADER_SIZE, pack
from app.protocols.login import Accepted as LoggedIn
from app.protocols.login import Login, Stranger, password_hash
from app.protocols.padding import CHECK, DEFAULT, BadScheme, Padding, Range, Scheme
from app.protocols.settings import HALF_CLOSE
from app.protocols.streams import Sink

VECTORS = Path(__file__).parents[1] / "vectors"
TRANSCRIPTS = sorted(path.stem for path in VECTORS.glob("[0-9]*.json"))
HASH = password_hash("testpw")
USERS = {"user": HASH}
PROBES_USERS = {"user": password_hash("pw")}
PUSHED_SCHEME = b"stop=4\n0=50-100\n1=200-300\n2=300-400,c,600-700\n3=40-40,120-150"

# Go's TLS cuts writes above this size into several records while a connection is young.
GO_RECORD = 1_100

Frame = tuple[int, int, bytes]


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def unpack(text: str) -> bytes:
    """`0a0b 00*230` is two bytes and 230 zeros."""
    pieces = (piece.partition("*") for piece in text.split())
    return b"".join(bytes.fromhex(byte) * int(count or 1) for byte, _, count in pieces)


def split(data: bytes) -> Iterator[Frame]:
    at = 0
    while at < len(data):
        command, stream_id, length = HEADER.unpack_from(data, at)
        at += HEADER_SIZE
        yield command, stream_id, data[at : at + length]
        at += length


def room(payload: bytes) -> memoryview:
    return memoryview(bytearray(HEADER_SIZE) + payload)


def settings_of(body: bytes) -> dict[str, str]:
    return dict(line.split("=", 1) for line in body.decode().split("\n"))


class Streams:
    """The sinks of a session's streams, and what came there."""

    def __init__(self) -> None:
        self.payload: defaultdict[int, bytes] = defaultdict(bytes)

    def sink(self, stream_id: int) -> Sink:
        def sink(chunk: memoryview) -> None:
            self.payload[stream_id] += chunk

        return sink


# ---- transcripts


@dataclass
class Packet:
    """One logical write of a recorded peer, as the TLS records that it left in, padding and all."""

    to_server: bool
    records: list[bytes]

    @property
    def data(self) -> bytes:
        return b"".join(self.records)

    @property
    def frames(self) -> list[Frame]:
        return [frame for frame in split(self.data) if frame[0] != frames.WASTE]

    @property
    def commands(self) -> list[int]:
        return [command for command, _, _ in self.frames]

    @property
    def is_whole(self) -> bool:
        data, at = self.data, 0
        while at + HEADER_SIZE <= len(data):
            at += HEADER_SIZE + HEADER.unpack_from(data, at)[2]
        return at == len(data)


def packets(connection: list[tuple[str, bytes]]) -> list[Packet]:
    """The packets of both directions, in the order in which they began."""
    found: list[Packet] = []
    last: dict[str, Packet] = {}
    for direction, record in connection:
        if direction not in last or (last[direction].is_whole and record[0] != frames.WASTE):
            last[direction] = Packet(direction == "c2s", [])
            found.append(last[direction])
        last[direction].records.append(record)
    return found


def connections(name: str) -> Iterator[tuple[bytes, list[Packet]]]:
    """The login of each recorded connection, and the packets after it."""
    for connection in load(name)["connections"]:
        (_, login), *session = [(direction, unpack(text)) for direction, text in connection]
        yield login, packets(session)


class Truth:
    """What a machine has to report of a transcript's frames, as either side."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.payload: defaultdict[int, bytes] = defaultdict(bytes)
        self.open: set[int] = set()

    def sent(self, frame: Frame) -> None:
        command, stream_id, body = frame
        if command == frames.SYN:
            self.open.add(stream_id)
        elif command == frames.FIN or (command == frames.SYNACK and body):
            self.open.discard(stream_id)

    def received(self, frame: Frame) -> None:
        command, stream_id, body = frame
        if command == frames.PSH and stream_id in self.open:
            self.payload[stream_id] += body
        elif command not in {frames.SYNACK, frames.FIN} or stream_id in self.open:
            self.events.extend(self._event(command, stream_id, body))
            self.sent(frame)

    def _event(self, command: int, stream_id: int, body: bytes) -> list[Event]:
        match command:
            case frames.SYN:
                return [Opened(stream_id)]
            case frames.FIN:
                return [Closed(stream_id)]
            case frames.SETTINGS:
                return [SettingsReceived(settings_of(body)["client"])]
            case frames.UPDATE_PADDING_SCHEME:
                return [SchemePushed(Scheme.parse(body))]
            case frames.SYNACK:
                return [Refused(stream_id, body.decode()) if body else Accepted(stream_id)]
            case frames.SERVER_SETTINGS:
                return [ServerSettingsReceived()]
        return []


def draws(ranges: tuple[Range, ...], packet: Packet) -> Iterator[int]:
    """What the dice showed where `packet` was cut: its records have the sizes, but for a few that left no trace."""
    records = iter(packet.records)
    left = sum(HEADER_SIZE + len(payload) for _, _, payload in packet.frames)
    over = False
    for item in ranges:
        over = over or (item == CHECK and left == 0)
        if item == CHECK:
            continue
        low, high = item
        size = low
        if not over:
            record = len(next(records))
            padded = record - HEADER_SIZE if left == 0 else record
            size = max(low, padded)  # a record that ends with the payload may be up to seven bytes short of its size
            left = max(0, left - record)
        if low < high:
            yield size - low


class Client:
    """Our client, made to do what a recorded client did, with its luck."""

    def __init__(self, padding: Padding) -> None:
        self.padding = padding
        self.luck: deque[int] = deque()
        self.truth = Truth()
        self.streams = Streams()
        self.events: list[Event] = []
        self.number = 0
        self.refused = b""
        self.syn: list[bytes] = []

    def draw(self, below: int) -> int:
        drawn = self.luck.popleft()
        assert 0 <= drawn < below
        return drawn

    def play(self, login: bytes, session: list[Packet]) -> None:
        name = settings_of(session[0].frames[0][2])["client"]
        self.machine = Session(client=True, padding=self.padding, randbelow=self.draw, client_name=name)
        low, high = self.padding.scheme.packets[0][0]
        self.luck.extend([len(login) - 34 - low] if low < high else [])
        self.machine.authenticate(HASH)
        assert self.written() == [login]
        for packet in session:
            if packet.to_server:
                self.send(packet)
            else:
                self.receive(packet)
        assert not self.luck
        assert self.events == self.truth.events
        assert self.streams.payload == self.truth.payload

    def receive(self, packet: Packet) -> None:
        for frame in packet.frames:
            self.truth.received(frame)
        # Our answer to a refusal is a FIN, whose dice are known only when the recorded one is reached.
        if self.refused or any(command == frames.SYNACK and body for command, _, body in packet.frames):
            self.refused += packet.data
        else:
            self.events += self.machine.receive(packet.data)

    def send(self, packet: Packet) -> None:
        self.number += 1
        self.luck.extend(draws(self.padding.scheme.packets.get(self.number, ()), packet))
        self.events += self.machine.receive(self.refused)
        self.refused = b""
        for frame in packet.frames:
            self.truth.sent(frame)
        _, stream_id, payload = packet.frames[-1]
        if packet.commands == [frames.SYN]:
            self.syn = packet.records
            return
        if packet.commands == [frames.FIN]:
            self.machine.fin(stream_id)
        elif packet.commands == [frames.PSH] and not self.syn:
            self.machine.push(stream_id, room(payload))
        else:
            assert packet.commands in ([frames.PSH], [frames.SETTINGS, frames.SYN, frames.PSH])
            assert self.machine.open(payload, self.streams.sink(stream_id)) == stream_id
        self.compare(self.syn + packet.records)
        self.syn = []

    def compare(self, recorded: list[bytes]) -> None:
        written = self.written()
        if self.number == 1:
            assert list(map(len, written)) == list(map(len, recorded))
            same_but_for_our_settings(Packet(True, written), Packet(True, recorded))
            return
        assert b"".join(written) == b"".join(recorded)
        cuts, their_cuts = (set(accumulate(map(len, pieces))) for pieces in (written, recorded))
        assert cuts <= their_cuts
        # After `stop` our SYN and address are one write.
        assert cuts == their_cuts or len(written[-1]) > GO_RECORD or self.number >= self.padding.scheme.stop

    def written(self) -> list[bytes]:
        writes = [bytes(write) for write in self.machine.outbox]
        self.machine.outbox.clear()
        return writes


def same_but_for_our_settings(ours: Packet, theirs: Packet) -> None:
    """Our settings have one line more; Go's lines come in any order, and an old client tells its own version."""
    assert ours.frames[1:] == theirs.frames[1:]
    lines, their_lines = settings_of(ours.frames[0][2]), settings_of(theirs.frames[0][2])
    assert lines.pop(HALF_CLOSE) == "1"
    assert lines.pop("v") == "2"
    assert their_lines.pop("v") in {"1", "2"}
    assert lines == their_lines


@pytest.mark.parametrize("name", sorted(set(TRANSCRIPTS) - {"08_wrong_password"}))
def test_our_client_writes_what_the_recorded_one_wrote_and_reads_what_it_read(name: str) -> None:
    padding = Padding(DEFAULT)
    for login, session in connections(name):
        Client(padding).play(login, session)


def played(name: str) -> list[list[Event]]:
    padding = Padding(DEFAULT)
    events = []
    for login, session in connections(name):
        client = Client(padding)
        client.play(login, session)
        events.append(client.events)
    return events


def test_what_our_client_reports() -> None:
    assert played("09_target_refused") == [
        [
            ServerSettingsReceived(),
            Refused(1, "dial tcp 127.0.0.1:9: connect: connection refused"),
            Accepted(2),
        ]
    ]
    assert played("10_target_closes_first") == [[ServerSettingsReceived(), Accepted(1), Closed(1)]]
    assert played("16_v1_client") == [[]]
    first, second = played("07_padding_update")
    assert first[0] == SchemePushed(Scheme.parse(PUSHED_SCHEME))
    assert second == [ServerSettingsReceived(), Accepted(1)]


@pytest.mark.parametrize("name", sorted(set(TRANSCRIPTS) - {"08_wrong_password"}))
def test_our_server_answers_as_the_recorded_one_did(name: str) -> None:
    scheme = Scheme.parse(PUSHED_SCHEME) if name == "07_padding_update" else DEFAULT
    for login, session in connections(name):
        assert Login(USERS).receive(login) == LoggedIn("user", b"")
        server = Session(client=False, padding=Padding(scheme), randbelow=lambda _: 0)
        truth, streams = Truth(), Streams()
        events: list[Event] = []
        answers: list[bytes] = []
        closed: set[int] = set()
        for packet in session:
            if packet.to_server:
                for frame in packet.frames:
                    truth.received(frame)
                closed |= {stream_id for command, stream_id, _ in packet.frames if command == frames.FIN}
                for event in server.receive(packet.data):
                    events.append(event)
                    if isinstance(event, Opened):
                        server.attach(event.stream_id, streams.sink(event.stream_id))
                continue
            for frame in packet.frames:
                truth.sent(frame)
                repeat(server, frame)
                # The reference says even of a closed stream whether its target was reached; we do not.
                if frame[1] not in closed:
                    answers.append(pack(*frame))
        assert events == truth.events
        assert streams.payload == truth.payload
        assert [bytes(write) for write in server.outbox] == answers


def repeat(server: Session, frame: Frame) -> None:
    """Do what made the recorded server send `frame`, where the machine does not do it by itself."""
    command, stream_id, body = frame
    if command == frames.SYNACK:
        server.synack(stream_id, body.decode())
    elif command == frames.PSH:
        server.push(stream_id, room(body))
    elif command == frames.FIN:
        server.fin(stream_id)


def test_a_wrong_password_is_a_strangers() -> None:
    [(login, _)] = connections("08_wrong_password")
    with pytest.raises(Stranger):
        Login(USERS).receive(login)


# ---- the sizes of every write of the reference's session code, for schemes without chance

ORACLE = {entry["name"]: entry for entry in load("padding_oracle")}

# Where we differ on purpose (PROTOCOL.md §6.1).
TRIMMED = {"crlf", "spaces_in_stop"}
REFUSED = {"stop_bad", "stop_negative", "size_65540"}
CAPPED = {"big_stop"}

SETTINGS_END = HEADER_SIZE + 69


def alphabet(size: int) -> bytes:
    return bytes(ord("A") + number % 26 for number in range(size))


def writes_of(scheme: Scheme, ops: list[str]) -> list[bytes]:
    """The writes of our client: `open` and the `w:` after it open a stream to an address of that many bytes."""
    # With six letters fewer in the name our settings are as long as the reference's, which lack our own key.
    client = Session(client=True, padding=Padding(scheme), randbelow=lambda _: 0, client_name="anytls/")
    opening = False
    for op in ops:
        if op == "open":
            opening = True
        elif op == "close":
            client.fin(client.opened)
        elif opening:
            client.open(alphabet(int(op[2:])), lambda _: None)
            opening = False
        else:
            client.push(client.opened, room(alphabet(int(op[2:]))))
    return [bytes(write) for write in client.outbox]


def expected_sizes(ops: list[str], writes: list[list[int]], stop: int) -> Iterator[int]:
    """The reference's sizes, with frames.SYN and address in one write from packet `stop` on."""
    held: list[int] = []
    packet = 0
    for op, sizes in zip(ops, writes, strict=True):
        packet += bool(sizes)
        if op == "open" and sizes and packet >= stop:
            held = sizes
        elif held:
            yield sum(held + sizes)
            held = []
        else:
            yield from sizes


@pytest.mark.parametrize("name", sorted(set(ORACLE) - TRIMMED - REFUSED - CAPPED))
def test_our_client_pads_as_the_reference_does(name: str) -> None:
    entry = ORACLE[name]
    scheme = Scheme.parse(entry["scheme"].encode())
    assert scheme.md5 == entry["md5"]
    assert scheme.stop == entry["stop"]
    assert scheme.auth_padding(lambda _: 0) == max(entry["auth_padding"] or 0, 0)
    writes = writes_of(scheme, entry["ops"])
    assert list(map(len, writes)) == list(expected_sizes(entry["ops"], entry["writes"], scheme.stop))
    if "bytes" in entry:
        ours, theirs = b"".join(writes), unpack(entry["bytes"])
        assert ours[:HEADER_SIZE] + ours[SETTINGS_END:] == theirs[:HEADER_SIZE] + theirs[SETTINGS_END:]


@pytest.mark.parametrize("name", sorted(TRIMMED))
def test_space_around_a_schemes_words_is_passed_over(name: str) -> None:
    entry = ORACLE[name]
    assert entry["rejected"]
    scheme = Scheme.parse(entry["scheme"].encode())
    assert (scheme.md5, scheme.stop, scheme.packets[1]) == (entry["md5"], 3, ((300, 300),))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_would_pad_without_end_or_break_frames_is_refused(name: str) -> None:
    with pytest.raises(BadScheme):
        Scheme.parse(ORACLE[name]["scheme"].encode())


@pytest.mark.parametrize("name", sorted(CAPPED))
def test_a_huge_stop_is_capped_and_does_not_wrap(name: str) -> None:
    assert (ORACLE[name]["stop"], Scheme.parse(ORACLE[name]["scheme"].encode()).stop) == (0, 256)


# ---- odd clients, and what the reference servers answered

PROBES = {entry["name"]: entry for entry in load("probes")}

NAMES = {
    frames.PSH: "PSH",
    frames.FIN: "FIN",
    frames.ALERT: "ALERT",
    frames.UPDATE_PADDING_SCHEME: "UPDATE_PADDING",
    frames.SYNACK: "SYNACK",
    frames.HEART_RESPONSE: "HEART_RESP",
    frames.SERVER_SETTINGS: "SERVER_SETTINGS",
}

# Where we differ on purpose: the answers, as the reference's and as ours.
DIFFERENT_ANSWERS = {
    "auth_split_after_34_padding_in_second_record": ([], ["SERVER_SETTINGS sid=0 len=3 b'v=2'", "SYNACK sid=1"]),
    "heart_request": (["HEART_RESP sid=5"], ["HEART_RESP sid=0"]),  # nobody matches answers by stream
    "settings_twice": (["SERVER_SETTINGS sid=0 len=3 b'v=2'"], []),
    "unknown_cmd_with_data_7_looking_like_a_frame": (["HEART_RESP sid=77"], []),  # the reference lost its step
}
TOLERATED = {"auth_split_after_34_padding_in_second_record"}
LATE = {"fin_right_after_data"}  # the target answers when the client has gone
RACES = {"two_streams_interleaved_one_session"}  # whichever target was reached first was told of first
TARGET = bytes.fromhex("01 7f000001 4a38")


class Server:
    """Our login and machine, with the reference's reaction to what they report, but for the target's bytes."""

    def __init__(self) -> None:
        self.login = Login(PROBES_USERS)
        self.machine = Session(client=False, padding=Padding(DEFAULT), randbelow=lambda _: 0)
        self.streams = Streams()
        self.come_in = False
        self.closed = False

    def receive(self, data: bytes) -> None:
        if not self.come_in:
            answer = self.login.receive(data)
            self.come_in = answer is not None
            data = answer.rest if answer else b""
        for event in self.machine.receive(data):
            if isinstance(event, Opened):
                self.machine.attach(event.stream_id, self.streams.sink(event.stream_id))
                self.machine.synack(event.stream_id)
            self.closed = self.closed or isinstance(event, Alerted)
            if self.closed:
                return
        self.machine.answer_heartbeat()

    def play(self, records: list[bytes]) -> list[str]:
        """The answers, in the words of the recording."""
        try:
            for record in records:
                if not self.closed:
                    self.receive(record)
        except (Stranger, ProtocolError):
            self.closed = True
        return [in_words(*frame) for frame in split(b"".join(self.machine.outbox))]


def in_words(command: int, stream_id: int, body: bytes) -> str:
    return f"{NAMES[command]} sid={stream_id}" + (f" len={len(body)} {body[:70]!r}" if body else "")


@pytest.mark.parametrize("name", sorted(PROBES))
def test_our_server_answers_odd_clients_as_the_reference_does(name: str) -> None:
    probe = PROBES[name]
    server = Server()
    answers = server.play([unpack(record) for record in probe["sent"]])
    theirs = [answer for answer in probe["answer"] if not answer.startswith("PSH")]
    dropped, added = DIFFERENT_ANSWERS.get(name, ([], []))
    for answer in dropped:
        theirs.remove(answer)
    if name in RACES:
        answers, theirs = sorted(answers), sorted(theirs)
    assert answers == theirs + added
    assert server.closed == (probe["closed"] and name not in TOLERATED)


@pytest.mark.parametrize("name", sorted(set(PROBES) - TOLERATED - LATE))
def test_our_server_hands_on_what_odd_clients_send(name: str) -> None:
    probe = PROBES[name]
    server = Server()
    server.play([unpack(record) for record in probe["sent"]])
    echoed: defaultdict[str, int] = defaultdict(int)
    for answer in probe["answer"]:
        if answer.startswith("PSH"):
            _, stream_id, length, *_ = answer.replace("sid=", "").replace("len=", "").split(" ")
            echoed[stream_id] += int(length)
    target_saw = {
        str(stream_id): sum(len(request) - len(b"E\n") for request in payload.split(TARGET)[1:])
        for stream_id, payload in server.streams.payload.items()
    }
    assert target_saw == echoed
