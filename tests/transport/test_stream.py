"""A stream, as its user sees it: frames of the right size, counts, pauses that are its session's."""

import contextlib
from collections.abc import AsyncIterator

from app.protocols.frames import FIN, HEADER_SIZE, MAX_PAYLOAD, PSH, SYNACK, pack
from app.transport.stream import Stream
from tests.fakes.clients import log_in
from tests.fakes.consumers import Recorder
from tests.fakes.peers import Peer, scripted
from tests.fakes.waiting import settle, until

TARGET = bytes.fromhex("01 7f000001 0050")


@contextlib.asynccontextmanager
async def two_streams() -> AsyncIterator[tuple[Stream, Stream, Peer]]:
    """Two open streams of one session, and the server's end of it, which reads nothing by itself."""

    async def take_two(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        await peer.opened()
        peer.send(pack(SYNACK, 1), pack(SYNACK, 2))
        ready.append(peer)
        await peer.writer.wait_closed()

    ready: list[Peer] = []
    async with scripted(take_two) as server, log_in(server.server) as session:
        first, second = session.open(TARGET, Recorder()), session.open(TARGET, Recorder())
        await until(lambda: first.accepted and second.accepted)
        yield first, second, ready[0]


def recorder(stream: Stream) -> Recorder:
    assert isinstance(stream.consumer, Recorder)
    return stream.consumer


async def test_payload_of_any_length_is_cut_into_frames() -> None:
    async with two_streams() as (stream, _, peer):
        data = bytes(range(256)) * 600
        stream.send(data)
        received = b""
        while len(received) < len(data):
            stream_id, payload = await peer.expect(PSH)
            assert stream_id == stream.id
            assert len(payload) == min(MAX_PAYLOAD, len(data) - len(received))
            received += payload
        assert received == data
        assert stream.bytes_sent == stream.session.bytes_sent == len(data)


async def test_nothing_to_send_sends_nothing() -> None:
    async with two_streams() as (stream, other, peer):
        stream.send(b"")  # an empty frame would end the session on some servers
        other.send(b"x")
        assert await peer.expect(PSH) == (other.id, b"x")


async def test_memory_that_was_pushed_is_free_again() -> None:
    async with two_streams() as (stream, _, peer):
        room = bytearray(HEADER_SIZE + 5)
        for payload in (b"first", b"other"):
            room[HEADER_SIZE:] = payload
            stream.push(memoryview(room))
        assert (await peer.expect(PSH))[1] == b"first"
        assert (await peer.expect(PSH))[1] == b"other"


async def test_what_the_consumer_passes_on_is_counted_for_stream_and_session() -> None:
    async with two_streams() as (first, second, _):
        first.count_received(3)
        second.count_received(4)
        assert (first.bytes_received, second.bytes_received, first.session.bytes_received) == (3, 4, 7)


async def test_an_answer_is_one_until_something_more_is_sent() -> None:
    async with two_streams() as (stream, _, _peer):
        stream.send(b"question")
        assert not stream.answered
        stream.count_received(6)
        assert stream.answered
        stream.send(b"question")
        assert not stream.answered


async def test_silence_is_counted_from_the_last_change() -> None:
    async with two_streams() as (stream, _, _peer):
        start = stream.quiet_since
        assert stream.mark(start + 5) == 5
        stream.count_received(1)
        assert stream.mark(start + 7) == 0
        assert stream.mark(start + 9) == 2


async def test_a_pause_is_for_the_whole_session_and_ends_with_the_last() -> None:
    async with two_streams() as (first, second, peer):
        first.pause()
        first.pause()
        second.pause()
        peer.send(pack(PSH, 2, b"for the second"))
        first.resume()
        first.resume()
        await settle()
        assert recorder(second).data == b""
        second.resume()
        await until(lambda: recorder(second).data == b"for the second")


async def test_closing_a_paused_stream_lets_the_others_read_on() -> None:
    async with two_streams() as (first, second, peer):
        first.pause()
        peer.send(pack(PSH, 2, b"for the second"))
        await settle()
        assert recorder(second).data == b""
        first.close()
        await until(lambda: recorder(second).data == b"for the second")


async def test_a_closed_stream_does_nothing_and_its_consumer_is_not_told() -> None:
    async with two_streams() as (first, second, peer):
        first.close()
        said = list(recorder(first).said)
        first.send(b"too late")
        first.end()
        first.close()
        second.send(b"alive")
        assert await peer.expect(FIN) == (1, b"")
        assert await peer.expect(PSH) == (2, b"alive")
        assert recorder(first).said == said
        assert first.bytes_sent == 0
