"""A client's session: when it is free for the next stream, when it is taken for dead, and why it ended."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from app.engine.options import Timings
from app.engine.session import ClientSession, State
from app.errors import (
    ClosedSilently,
    Failure,
    NotAnyTls,
    ServerAlert,
    SessionLost,
    StageTimedOut,
    TargetRefused,
)
from app.protocols.address import Address, encode_socks
from app.protocols.anytls import Buffer
from app.protocols.frames import (
    ALERT,
    END,
    FIN,
    HEART_REQUEST,
    HEART_RESPONSE,
    PSH,
    SERVER_SETTINGS,
    SETTINGS,
    SYN,
    SYNACK,
    UPDATE_PADDING_SCHEME,
    pack,
)
from app.protocols.padding import MAX_SCHEME, Padding, Scheme
from tests.fakes.clients import UNPADDED, Keeper, log_in
from tests.fakes.consumers import Recorder
from tests.fakes.loops import both_loops
from tests.fakes.peers import PASSWORD, Peer, Script, answer_http, echo, mute, scripted, wrong_password
from tests.fakes.servers import anytls_server
from tests.fakes.targets import late_target
from tests.fakes.waiting import settle, until

TARGET = encode_socks(Address("192.0.2.1", 80))
TIMINGS = Timings()

Answering = Callable[[Peer], Awaitable[None]]


class Conversation:
    """A session, who keeps it, and the server's end of it."""

    def __init__(self, session: ClientSession, keeper: Keeper, peer: Peer) -> None:
        self.session = session
        self.keeper = keeper
        self.peer = peer

    def open(self) -> Recorder:
        """Open a stream; its recorder knows its number."""
        consumer = Recorder()
        self.session.open(TARGET, consumer)
        return consumer

    async def greeted(self, version: int = 2, *, half_close: bool = False) -> Recorder:
        """Open the first stream and answer it as a server of this version does."""
        consumer = self.open()
        await self.peer.greet(version, half_close=half_close)
        assert await self.peer.opened() == (1, Address("192.0.2.1", 80))
        if version >= 2:
            self.peer.send(pack(SYNACK, 1))
            await until(lambda: "accepted" in consumer.said)
        return consumer

    async def said(self, consumer: Recorder, stream_id: int, data: bytes) -> None:
        """Let the server say this on a stream, and its user pass it on."""
        before = len(consumer.data)
        self.peer.send(pack(PSH, stream_id, data))
        await until(lambda: len(consumer.data) == before + len(data))
        self.session.streams[stream_id].count_received(len(data))

    def is_in(self, state: State) -> bool:
        return self.session.state is state

    async def still_alive(self) -> None:
        """Let a frame go round, behind everything that was sent before."""
        self.peer.send(pack(HEART_REQUEST))
        await self.peer.expect(HEART_RESPONSE)


@contextlib.asynccontextmanager
async def conversation(padding: Padding | None = None) -> AsyncIterator[Conversation]:
    ready: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()

    async def keep(peer: Peer) -> None:
        ready.set_result(peer)
        await peer.writer.wait_closed()

    keeper = Keeper()
    async with scripted(keep) as server, log_in(server.server, keeper, padding) as session:
        yield Conversation(session, keeper, await ready)


async def failure_of(script: Script) -> Failure:
    """How a first stream ends with a server that follows this script."""
    consumer = Recorder()
    async with scripted(script) as server, log_in(server.server) as session:
        session.open(TARGET, consumer)
        await until(lambda: consumer.over)
        assert session.failure is not None
        assert consumer.error is session.failure
        return session.failure


# ---- the beginning


@both_loops
async def test_a_session_logs_in_and_holds_its_settings_back_until_the_first_stream() -> None:
    async with conversation() as talk:
        assert await talk.peer.log_in() == hashlib.sha256(PASSWORD.encode()).digest()
        await settle()
        assert talk.peer.reader._buffer == b""  # type: ignore[attr-defined]  # nothing more has come
        assert talk.is_in(State.WARM)
        assert talk.session.at_rest


async def test_the_first_word_proves_the_password_once() -> None:
    async with conversation() as talk:
        assert not talk.session.heard
        consumer = await talk.greeted()
        await talk.said(consumer, 1, b"x")
        assert talk.session.heard
        assert talk.session.spoken.is_set()
        assert talk.keeper.said == ["proved"]
        assert talk.peer.settings["client"] == "test"


async def test_payload_goes_both_ways() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        talk.session.streams[1].send(b"question")
        assert await talk.peer.expect(PSH) == (1, b"question")
        await talk.said(consumer, 1, b"answer")
        assert consumer.data == b"answer"
        assert talk.is_in(State.ACTIVE)


async def test_a_servers_heartbeat_is_answered() -> None:
    async with conversation() as talk:
        await talk.greeted()
        await talk.still_alive()


# ---- half-close


async def test_where_the_server_knows_no_end_the_fin_is_held_until_its_own() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        stream = talk.session.streams[1]
        stream.send(b"question")
        stream.end()
        assert await talk.peer.expect(PSH) == (1, b"question")
        talk.session.check(talk.session.time() + TIMINGS.half_close - 1, replace(TIMINGS, answer=1e9))
        await talk.still_alive()
        assert talk.is_in(State.ACTIVE)
        await talk.said(consumer, 1, b"the whole answer")
        talk.peer.send(pack(FIN, 1))
        await until(lambda: consumer.over)
        assert consumer.error is None
        assert consumer.data == b"the whole answer"
        await talk.still_alive()
        assert talk.is_in(State.IDLE)
        assert talk.keeper.said == ["proved", "free"]


async def test_where_the_server_knows_no_end_silence_ends_it() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        stream = talk.session.streams[1]
        stream.send(b"question")
        stream.end()
        await talk.said(consumer, 1, b"slow")
        later = talk.session.time() + 8
        talk.session.check(later, TIMINGS)
        talk.session.check(later + 9, TIMINGS)
        assert not stream.closed, "it has spoken meanwhile"
        talk.session.check(later + 11, TIMINGS)
        assert stream.closed
        assert await talk.peer.expect(PSH) == (1, b"question")
        assert await talk.peer.expect(FIN) == (1, b"")
        assert consumer.over, "or the app's socket would stay open for ever"
        assert consumer.error is None
        assert talk.is_in(State.IDLE)


async def test_a_server_that_knows_the_end_is_told_it_at_once() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted(half_close=True)
        stream = talk.session.streams[1]
        stream.send(b"question")
        stream.end()
        stream.end()
        assert await talk.peer.expect(PSH) == (1, b"question")
        assert await talk.peer.expect(END) == (1, b"")
        talk.session.check(talk.session.time() + 60, replace(TIMINGS, answer=1e9))
        await talk.said(consumer, 1, b"thinking takes a while")
        talk.peer.send(pack(END, 1))
        await until(lambda: consumer.over)
        await talk.still_alive()
        assert talk.is_in(State.IDLE)


async def test_an_end_that_came_before_the_servers_settings_is_told_with_them() -> None:
    async with conversation() as talk:
        talk.open()
        stream = talk.session.streams[1]
        stream.send(b"question")
        stream.end()
        await talk.peer.log_in()
        for _ in range(4):
            await talk.peer.frame()
        assert talk.peer.frames[-1] == (PSH, 1, b"question")
        talk.peer.send(pack(SERVER_SETTINGS, 0, b"v=2\nend=1"))
        assert await talk.peer.expect(END) == (1, b"")


async def test_settings_without_half_close_leave_such_an_end_untold() -> None:
    async with conversation() as talk:
        talk.open()
        talk.session.streams[1].send(b"question")
        talk.session.streams[1].end()
        await talk.peer.greet(2)
        await talk.peer.opened()
        await talk.peer.expect(PSH)
        await talk.still_alive()
        assert not talk.session.streams[1].closed


@both_loops
async def test_half_close_works_with_a_server_of_our_own() -> None:
    async with late_target() as target, anytls_server() as server, log_in(server) as session:
        for question in (b"one", b"two"):
            consumer = Recorder()
            stream = session.open(encode_socks(target), consumer)
            stream.send(question)
            stream.end()
            while not consumer.over:
                await settle(1)
            assert consumer.data == b"got " + question
        assert session.machine.half_close
        assert session.state is State.IDLE


# ---- free for the next


# ---- servers that number their sessions take FIN for the end of one direction


async def numbered(talk: Conversation) -> Recorder:
    """Open the first stream with such a server."""
    consumer = talk.open()
    await talk.peer.log_in()
    await talk.peer.expect(SETTINGS)
    talk.peer.send(pack(SERVER_SETTINGS, 0, b"v=2\nsession=7"))
    await talk.peer.opened()
    await talk.said(consumer, 1, b"welcome")
    return consumer


@both_loops
async def test_a_session_with_a_number_is_free_when_both_sides_have_sent_fin() -> None:
    async with conversation() as talk:
        consumer = await numbered(talk)
        talk.session.streams[1].end()
        assert await talk.peer.expect(FIN) == (1, b"")
        await talk.said(consumer, 1, b"more")
        assert talk.is_in(State.ACTIVE)
        talk.peer.send(pack(FIN, 1))
        await until(lambda: talk.is_in(State.IDLE))
        assert consumer.over
        assert consumer.error is None


async def test_it_is_free_after_our_fin_where_the_servers_came_first() -> None:
    async with conversation() as talk:
        consumer = await numbered(talk)
        talk.peer.send(pack(FIN, 1))
        await until(lambda: "ended" in consumer.said)
        assert talk.is_in(State.ACTIVE)
        talk.session.streams[1].close()
        assert await talk.peer.expect(FIN) == (1, b"")
        assert talk.is_in(State.IDLE)


async def test_it_ends_with_a_stream_that_the_server_has_not_ended() -> None:
    async with conversation() as talk:
        await numbered(talk)
        talk.session.streams[1].close()
        assert "free" not in talk.keeper.said
        await until(lambda: talk.is_in(State.CLOSED))


@pytest.mark.parametrize("why", ["session stream limit reached", "session reached its maximum age"])
async def test_a_refusal_that_speaks_of_the_session_ends_it(why: str) -> None:
    async with conversation() as talk:
        consumer = await numbered(talk)
        talk.peer.send(pack(SYNACK, 1, why.encode()))
        await until(lambda: talk.is_in(State.CLOSED))
        assert isinstance(consumer.error, SessionLost)
        assert consumer.error.reason == why


async def test_a_session_is_free_after_the_servers_fin_and_carries_the_next_stream() -> None:
    async with conversation() as talk:
        first = await talk.greeted()
        talk.peer.send(pack(FIN, 1))
        await until(lambda: first.over)
        assert talk.is_in(State.IDLE)
        assert talk.session.at_rest
        second = talk.open()
        assert talk.is_in(State.ACTIVE)
        assert (await talk.peer.opened())[0] == 2
        await talk.said(second, 2, b"for the second")
        assert first.data == b""
        assert talk.session.machine.opened == 2


async def test_a_session_is_free_after_our_own_fin() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        talk.session.streams[1].close()
        assert await talk.peer.expect(FIN) == (1, b"")
        assert talk.is_in(State.IDLE)
        assert talk.keeper.said == ["proved", "free"]
        talk.peer.send(pack(PSH, 1, b"crossing"), pack(FIN, 1))
        await talk.still_alive()
        assert consumer.data == b""


async def test_a_session_with_a_parked_stream_is_reused_and_late_data_still_arrives() -> None:
    async with conversation() as talk:
        parked = await talk.greeted()
        stream = talk.session.streams[1]
        stream.send(b"question")
        await talk.said(parked, 1, b"answer")
        stream.end()
        assert talk.is_in(State.IDLE)
        second = talk.open()
        await talk.peer.expect(PSH)
        assert (await talk.peer.opened())[0] == 2
        talk.peer.send(pack(PSH, 2, b"for the second"), pack(PSH, 1, b", and one more thing"), pack(FIN, 1))
        await until(lambda: parked.over)
        assert parked.data == b"answer, and one more thing"
        assert second.data == b"for the second"
        assert talk.is_in(State.ACTIVE), "the second stream is still open"


async def test_a_stream_that_waits_for_its_answer_keeps_the_session() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        stream = talk.session.streams[1]
        stream.send(b"question")
        stream.end()
        assert talk.is_in(State.ACTIVE)
        assert not consumer.over


async def test_a_stream_whose_app_does_not_read_keeps_the_session() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        await talk.said(consumer, 1, b"the beginning of much")
        stream = talk.session.streams[1]
        stream.pause()
        stream.end()
        assert talk.is_in(State.ACTIVE), "another stream would wait for this one's app"


async def test_of_many_parked_streams_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[list[bytes]] = []

    def write(buffers: list[Buffer]) -> None:
        writes.append([bytes(buffer) for buffer in buffers])
        send(buffers)

    async with conversation() as talk:
        first = await talk.greeted()
        talk.session.streams[1].end()
        for _ in range(7):
            talk.open()
            talk.session.streams[max(talk.session.streams)].end()
        assert sorted(talk.session.streams) == list(range(1, 9))
        send = talk.session.link.write
        monkeypatch.setattr(talk.session.link, "write", write)
        talk.open()
        assert writes == [[pack(FIN, 1), pack(SYN, 9) + pack(PSH, 9, TARGET)]], "both leave in one go"
        assert sorted(talk.session.streams) == list(range(2, 10))
        assert first.over, "or the app's socket would stay open for ever"
        assert first.error is None
        assert talk.is_in(State.ACTIVE)
        assert talk.keeper.said.count("free") == 8


# ---- interrupted downloads


@pytest.mark.parametrize("why", ["much has come", "the app did not read"])
async def test_after_an_interrupted_download_what_is_under_way_passes_before_the_next_stream(why: str) -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        stream = talk.session.streams[1]
        if why == "much has come":
            stream.count_received(300_000)
        else:
            stream.pause()
        stream.close()
        assert talk.is_in(State.DRAINING)
        assert "free" not in talk.keeper.said
        assert await talk.peer.expect(FIN) == (1, b"")
        assert await talk.peer.expect(HEART_REQUEST) == (0, b"")
        talk.peer.send(pack(PSH, 1, bytes(50_000)))
        await talk.still_alive()
        assert talk.is_in(State.DRAINING)
        talk.peer.send(pack(HEART_RESPONSE))
        await until(lambda: talk.keeper.said == ["proved", "free"])
        assert talk.is_in(State.IDLE)
        assert talk.session.machine.stray == 50_000
        assert consumer.data == b""


async def test_a_server_that_pours_on_and_never_answers_is_given_up() -> None:
    async with conversation() as talk:
        await talk.greeted()
        talk.session.streams[1].count_received(300_000)
        talk.session.streams[1].close()
        talk.peer.send(pack(PSH, 1, bytes(1000)))
        await until(lambda: talk.session.machine.stray)
        talk.session.check(talk.session.time() + TIMINGS.heartbeat + 1, TIMINGS)
        await talk.session.gone.wait()
        assert "no sign of life" in str(talk.session.failure)
        assert talk.keeper.said == ["proved", "over"]


async def test_a_server_of_version_1_cannot_be_asked_so_its_session_is_closed() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted(version=1)
        await talk.said(consumer, 1, b"x")
        talk.session.streams[1].count_received(300_000)
        talk.session.streams[1].close()
        await talk.session.gone.wait()
        assert talk.keeper.said == ["proved", "over"], "it must not be free for anyone in between"
        assert talk.session.closed_here


async def test_a_finished_download_needs_no_draining() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        talk.session.streams[1].count_received(300_000)
        talk.peer.send(pack(FIN, 1))
        await until(lambda: consumer.over)
        assert talk.is_in(State.IDLE)


# ---- signs of life


async def test_no_answer_to_a_stream_is_followed_by_a_question_and_then_by_the_end() -> None:
    async with conversation() as talk:
        first = await talk.greeted()
        talk.peer.send(pack(FIN, 1))
        await until(lambda: first.over)
        second = talk.open()
        await talk.peer.opened()
        start = talk.session.time()
        talk.session.check(start + TIMINGS.answer - 1, TIMINGS)
        talk.session.check(start + TIMINGS.answer + 1, TIMINGS)
        assert await talk.peer.expect(HEART_REQUEST) == (0, b"")
        assert not talk.session.over
        talk.session.check(talk.session.time() + TIMINGS.heartbeat + 1, TIMINGS)
        await until(lambda: second.over)
        assert isinstance(second.error, SessionLost)
        assert "no sign of life" in str(second.error)


@pytest.mark.parametrize("sign", [pack(HEART_RESPONSE), pack(PSH, 2, b"data"), pack(SYNACK, 1)])
async def test_any_frame_is_a_sign_of_life(sign: bytes) -> None:
    async with conversation() as talk:
        first = await talk.greeted()
        talk.peer.send(pack(FIN, 1))
        await until(lambda: first.over)
        talk.open()
        await talk.peer.opened()
        talk.session.check(talk.session.time() + TIMINGS.answer + 1, TIMINGS)
        await talk.peer.expect(HEART_REQUEST)
        talk.peer.send(sign)
        await talk.still_alive()
        talk.session.check(talk.session.time() + 1000, TIMINGS)
        assert not talk.session.over
        assert talk.session.failure is None


async def test_a_slow_target_is_no_dead_server() -> None:
    async with conversation() as talk:
        await talk.greeted()
        talk.session.streams[1].send(b"question")
        for _ in range(5):
            talk.session.check(talk.session.time() + 100, TIMINGS)
        await talk.peer.expect(PSH)
        await talk.still_alive()
        assert HEART_REQUEST not in [frame[0] for frame in talk.peer.frames]


async def test_an_idle_session_can_be_asked() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        talk.peer.send(pack(FIN, 1))
        await until(lambda: consumer.over)
        talk.session.ask_for_life()
        talk.session.ask_for_life()
        await talk.peer.expect(HEART_REQUEST)
        talk.peer.send(pack(HEART_RESPONSE))
        await talk.still_alive()
        assert talk.is_in(State.IDLE)
        assert talk.keeper.said == ["proved", "free"], "free only once"


async def test_silence_that_we_chose_ourselves_is_no_sign_of_death() -> None:
    async with conversation() as talk:
        first = await talk.greeted()
        talk.peer.send(pack(FIN, 1))
        await until(lambda: first.over)
        talk.open()
        talk.session.streams[2].pause()
        start = talk.session.time()
        talk.session.check(start + 100, TIMINGS)
        talk.session.ask_for_life()
        talk.session.check(start + 200, TIMINGS)
        assert talk.session.failure is None, "nothing can be heard while an app does not read"
        talk.session.streams[2].resume()
        talk.session.check(start + 200 + TIMINGS.heartbeat - 1, TIMINGS)
        assert talk.session.failure is None, "the answer may still be on its way"
        talk.session.check(start + 200 + TIMINGS.heartbeat + 1, TIMINGS)
        await talk.session.gone.wait()


async def test_a_server_that_was_never_heard_times_out_at_authentication() -> None:
    async with scripted(mute) as server, log_in(server.server) as session:
        consumer = Recorder()
        session.open(TARGET, consumer)
        session.check(session.time() + TIMINGS.answer - 1, TIMINGS)
        assert session.failure is None
        session.check(session.time() + TIMINGS.answer + 1, TIMINGS)
        await until(lambda: consumer.over)
        assert isinstance(consumer.error, StageTimedOut)
        assert consumer.error.stage == "authentication"


async def test_a_session_that_nobody_uses_waits_for_nothing() -> None:
    async with scripted(mute) as server, log_in(server.server) as session:
        session.check(session.time() + 10_000, TIMINGS)
        assert session.failure is None


async def test_a_server_of_version_1_may_be_silent_for_long() -> None:
    async with scripted(mute) as server, log_in(server.server) as session:
        session.open(TARGET, Recorder())
        session.expect_silence()
        session.check(session.time() + 1000, TIMINGS)
        assert session.failure is None


# ---- how it ends


@both_loops
async def test_a_close_without_a_word_is_most_often_a_wrong_password() -> None:
    failure = await failure_of(wrong_password)
    assert isinstance(failure, ClosedSilently)
    assert failure.stage == "authentication"


@both_loops
async def test_a_reset_without_a_word_is_the_same() -> None:
    async def reset(peer: Peer) -> None:
        await peer.log_in()
        peer.reset()

    assert isinstance(await failure_of(reset), ClosedSilently)


@both_loops
async def test_an_http_answer_is_not_anytls() -> None:
    assert isinstance(await failure_of(answer_http), NotAnyTls)


async def test_an_alert_is_the_servers_last_word() -> None:
    async def alert(peer: Peer) -> None:
        await peer.greet()
        peer.send(pack(ALERT, 0, b"maintenance"))
        await peer.left()

    failure = await failure_of(alert)
    assert isinstance(failure, ServerAlert)
    assert failure.message == "maintenance"


async def test_a_death_in_mid_stream_is_a_lost_session() -> None:
    async def die(peer: Peer) -> None:
        await peer.greet()
        peer.send(pack(PSH, 1, b"half a"))
        await settle()
        peer.reset()

    assert isinstance(await failure_of(die), SessionLost)


async def test_a_refusal_is_the_streams_and_the_session_goes_on() -> None:
    async with conversation() as talk:
        consumer = talk.open()
        await talk.peer.greet()
        await talk.peer.opened()
        talk.peer.send(pack(SYNACK, 1, b"connection refused"))
        await until(lambda: consumer.over)
        assert isinstance(consumer.error, TargetRefused)
        assert consumer.error.message == "connection refused"
        assert await talk.peer.expect(FIN) == (1, b"")
        assert talk.is_in(State.IDLE)
        talk.open()
        assert (await talk.peer.opened())[0] == 2


async def test_a_word_about_an_unknown_stream_is_ignored() -> None:
    async with conversation() as talk:
        consumer = await talk.greeted()
        talk.peer.send(pack(SYNACK, 9, b"refused"), pack(SYNACK, 9), pack(FIN, 9), pack(END, 9), pack(99, 0, b"new"))
        await talk.still_alive()
        assert not consumer.over
        assert consumer.said == ["accepted"]


async def test_the_end_is_told_once_and_the_state_is_closed() -> None:
    async with scripted(echo) as server:
        keeper = Keeper()
        async with log_in(server.server, keeper) as session:
            session.close()
            await session.gone.wait()
            session.link.abort()
            await settle(2)
            assert session.state is State.CLOSED
            assert not session.at_rest
            assert keeper.said == ["over"]
            assert session.spoken.is_set(), "nobody waits for a word any more"


# ---- padding schemes


NEW = Scheme.parse(b"stop=4\n1=900-901\n2=700-701\n3=500-501")


async def test_a_pushed_scheme_is_in_force_at_once_for_all_that_share_it() -> None:
    padding = Padding(UNPADDED)
    async with conversation(padding) as talk:
        await talk.greeted()
        talk.peer.send(pack(UPDATE_PADDING_SCHEME, 0, NEW.raw))
        await talk.still_alive()
        assert padding.scheme == NEW
        assert talk.keeper.said == ["proved", f"pushed {NEW.raw.decode()}"]


async def test_of_schemes_without_end_only_the_first_few_are_told() -> None:
    """Each one told is a line in the log and a file written; a server may send thousands a second."""
    padding = Padding(UNPADDED)
    async with conversation(padding) as talk:
        await talk.greeted()
        for raw in (b"stop=2", b"no stop") * 50 + (NEW.raw,):
            talk.peer.send(pack(UPDATE_PADDING_SCHEME, 0, raw))
        await talk.still_alive()
        assert padding.scheme == NEW
        assert len(talk.keeper.said) == 1 + 8


async def test_a_pushed_scheme_shapes_the_very_next_packet() -> None:
    async with conversation(Padding(Scheme.parse(b"stop=9"))) as talk:
        await talk.greeted()
        talk.peer.send(pack(UPDATE_PADDING_SCHEME, 0, NEW.raw))
        await until(lambda: "free" in talk.keeper.said or len(talk.keeper.said) == 2)
        talk.session.streams[1].send(b"x")  # the second packet of this session
        assert len(await talk.peer.reader.readexactly(700)) == 700
        talk.session.streams[1].send(b"y")
        assert len(await talk.peer.reader.readexactly(500)) == 500


@pytest.mark.parametrize("raw", [b"no stop", b"stop=8\n1=70000-70001", b"stop=8\n2=" + b"9-9," * MAX_SCHEME])
async def test_a_scheme_beyond_the_budget_is_rejected_reported_and_harmless(raw: bytes) -> None:
    padding = Padding(UNPADDED)
    async with conversation(padding) as talk:
        consumer = await talk.greeted()
        talk.peer.send(pack(UPDATE_PADDING_SCHEME, 0, raw))
        await talk.said(consumer, 1, b"x")
        assert padding.scheme is UNPADDED
        assert len(talk.keeper.said) == 2
        assert talk.keeper.said[1].startswith("rejected ")
