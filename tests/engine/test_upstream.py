"""One server's sessions at run time: made, kept ready, reused, looked after, and counted."""

import asyncio
from pathlib import Path

import pytest

from app.engine import upstream
from app.engine.options import Timings, TlsOptions, Verification
from app.engine.session import ClientSession, State
from app.engine.stages import StageResult
from app.engine.upstream import Upstream
from app.errors import (
    BadFile,
    ClosedSilently,
    NothingListens,
    SessionLost,
    StageTimedOut,
)
from app.protocols.address import Address, encode_socks
from app.protocols.frames import FIN, HEART_REQUEST, PSH, SYNACK, UPDATE_PADDING_SCHEME, pack
from app.protocols.padding import DEFAULT, Scheme
from tests.fakes.clients import Memory, upstream_to
from tests.fakes.consumers import Recorder
from tests.fakes.listening import closed_port, listening
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, echo, echo_v1, mute, scripted, server_at, wrong_password
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import settle, until

TARGET = encode_socks(Address("192.0.2.1", 80))
SCHEME = b"stop=5\n0=200-201\n1=900-901"


async def use(session: ClientSession, target: bytes = TARGET) -> None:
    """Let a session carry one stream with two bytes each way."""
    consumer = Recorder()
    stream = session.open(target, consumer)
    stream.send(b"hi")
    await until(lambda: consumer.data == b"hi")
    stream.count_received(2)
    stream.close()


async def dialled(up: Upstream, count: int = 1) -> list[ClientSession]:
    """New sessions, each of which has carried a stream and lies in the pool."""
    sessions = [await up.dial() for _ in range(count)]
    for session in sessions:
        await use(session)
    return sessions


# ---- sessions are made, pooled and reused


@both_loops
async def test_a_session_is_made_used_kept_and_used_again() -> None:
    async with echo_target() as target, anytls_server() as server, upstream_to(server) as it:
        session = await it.upstream.dial()
        assert it.upstream.take() is None, "it is in its maker's hands"
        await use(session, encode_socks(target))
        assert it.upstream.take() is session
        await use(session, encode_socks(target))
        assert it.upstream.sessions == {1: session}
        assert (it.upstream.made, it.upstream.reused, it.proved, it.failures) == (1, 1, 1, [])


async def test_sessions_are_numbered_and_the_newest_released_is_taken_first() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        first, second = await dialled(it.upstream, 2)
        assert (first.number, second.number) == (1, 2)
        assert it.upstream.take() is second
        assert it.upstream.take() is first
        assert it.upstream.take() is None


async def test_a_session_that_was_only_warm_is_not_counted_as_reused() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        it.upstream.pool.put(await it.upstream.dial())
        assert it.upstream.take() is not None
        assert it.upstream.reused == 0


async def test_a_dead_session_is_not_handed_out() -> None:
    async def once(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, (await peer.expect(PSH))[1]))
        await peer.expect(FIN)

    async with scripted(once) as server, upstream_to(server.server) as it:
        (session,) = await dialled(it.upstream)
        await session.gone.wait()
        assert len(it.upstream.pool) == 0
        assert it.upstream.take() is None
        assert it.upstream.sessions == {}
        assert it.deserted == 1
        assert it.failures == [], "it had worked"


async def test_a_session_that_is_being_closed_is_not_handed_out() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        first, second = await dialled(it.upstream, 2)
        second.fail(SessionLost("it said so"))
        assert not second.over
        assert it.upstream.take() is first
        assert it.upstream.take() is None


async def test_a_session_that_carried_very_many_streams_is_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "_MOST_STREAMS", 2)
    async with scripted(echo) as server, upstream_to(server.server) as it:
        (session,) = await dialled(it.upstream)
        assert it.upstream.take() is session
        await use(session)
        await session.gone.wait()
        assert it.upstream.take() is None


async def test_stages_are_told() -> None:
    stages: list[StageResult] = []
    async with scripted(echo) as server, upstream_to(server.server) as it:
        session = await it.upstream.dial(stages.append)
        assert [(stage.name, stage.ok) for stage in stages] == [("dns", True), ("tcp", True), ("tls", True)]
        assert session.handshake_ms >= stages[1].ms + stages[2].ms


async def test_a_link_that_dies_under_the_login_ends_the_stage_after_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[StageResult] = []

    def dies(self: ClientSession, _hashed: bytes) -> None:
        self.fail(ClosedSilently(*self.address))

    monkeypatch.setattr(ClientSession, "login", dies)
    async with scripted(echo) as server, upstream_to(server.server) as it:
        with pytest.raises(ClosedSilently):
            await it.upstream.dial(stages.append)
    assert [(stage.name, stage.ok) for stage in stages][2:] == [("tls", True), ("authentication", False)]


async def test_what_tls_needs_is_read_before_anything_is_dialled(tmp_path: Path) -> None:
    tls_options = TlsOptions(verification=Verification.CA_FILE, ca_file=str(tmp_path / "missing.pem"))
    server = server_at(closed_port(), verification=tls_options.verification, ca_file=tls_options.ca_file)
    async with upstream_to(server) as it:
        with pytest.raises(BadFile):
            await it.upstream.prepare()
        with pytest.raises(BadFile):
            await it.upstream.dial()


# ---- failures


async def test_a_server_that_cannot_be_dialled_raises_and_counts_no_session() -> None:
    async with upstream_to(server_at(closed_port())) as it:
        with pytest.raises(NothingListens):
            await it.upstream.dial()
        assert it.upstream.made == 0
        assert it.upstream.sessions == {}


async def test_a_wrong_password_is_told() -> None:
    async with scripted(wrong_password) as server, upstream_to(server.server) as it:
        session = await it.upstream.dial()
        session.open(TARGET, Recorder())
        await session.gone.wait()
        assert [type(failure) for failure in it.failures] == [ClosedSilently]
        assert it.proved == 0
        assert not it.upstream.proved_before


async def test_silence_is_told() -> None:
    async with scripted(mute) as server, upstream_to(server.server) as it:
        session = await it.upstream.dial()
        session.open(TARGET, Recorder())
        it.upstream.tick(session.time() + 11)
        await session.gone.wait()
        assert [type(failure) for failure in it.failures] == [StageTimedOut]


async def test_silence_is_told_although_apps_have_gone_before() -> None:
    async with scripted(mute) as server, upstream_to(server.server) as it:
        session = await it.upstream.dial()
        session.open(TARGET, Recorder()).close()
        assert it.upstream.take() is session
        session.open(TARGET, Recorder())
        it.upstream.tick(session.time() + 11)
        await session.gone.wait()
        assert [type(failure) for failure in it.failures] == [StageTimedOut]


async def test_a_session_that_died_while_it_was_kept_ready_says_nothing_about_the_password() -> None:
    async def only_the_first_lives(peer: Peer) -> None:
        if peer.number == 1:
            await echo(peer)
        await peer.left()

    async with scripted(only_the_first_lives) as server, upstream_to(server.server) as it:
        await dialled(it.upstream)
        it.upstream.close_idle()
        it.upstream.pool.put(await it.upstream.dial())
        session = it.upstream.take()
        assert session is not None
        session.open(TARGET, Recorder())
        it.upstream.tick(session.time() + 11)
        await session.gone.wait()
        assert isinstance(session.failure, SessionLost)
        assert it.failures == []


async def test_what_we_close_ourselves_is_no_failure() -> None:
    async with scripted(mute) as server, upstream_to(server.server) as it:
        session = await it.upstream.dial()
        session.close()
        await session.gone.wait()
        assert it.failures == []
        assert it.deserted == 0


# ---- sessions are kept ready


@both_loops
async def test_sessions_are_warmed_up_by_login_alone() -> None:
    async with scripted(mute) as server, upstream_to(server.server, min_idle=3) as it:
        it.upstream.warm_up()
        it.upstream.warm_up()
        await until(lambda: len(it.upstream.pool) == 3)
        await settle()
        assert len(server.peers) == it.upstream.made == 3
        assert all(session.state is State.WARM for session in it.upstream.sessions.values())


async def test_taking_one_makes_another() -> None:
    async with scripted(echo) as server, upstream_to(server.server, min_idle=2) as it:
        it.upstream.warm_up()
        await until(lambda: len(it.upstream.pool) == 2)
        taken = it.upstream.take()
        await until(lambda: len(it.upstream.pool) == 2)
        assert taken is not None
        assert it.upstream.made == 3


async def test_warming_up_stops_at_a_failure_and_tells_it() -> None:
    async with upstream_to(server_at(closed_port()), min_idle=5) as it:
        it.upstream.warm_up()
        await until(lambda: it.failures)
        await settle()
        assert [type(failure) for failure in it.failures] == [NothingListens]
        it.upstream.warm_up()
        await until(lambda: len(it.failures) == 2)


async def test_a_server_that_cuts_what_is_kept_ready_is_not_asked_again_at_once() -> None:
    async def impatient(peer: Peer) -> None:
        if peer.number == 1:
            await echo(peer)
        await peer.log_in()

    async with scripted(impatient) as server, upstream_to(server.server, min_idle=1) as it:
        await dialled(it.upstream)
        assert it.upstream.proved_before
        it.upstream.take()
        await until(lambda: len(server.peers) == 2 and len(it.upstream.sessions) == 1)
        for _ in range(5):
            it.upstream.warm_up()
            await settle()
        assert len(server.peers) == 2
        assert it.failures == [], "the server works: it only wants no session kept ready"


# ---- sessions are looked after


async def test_old_idle_sessions_are_closed_and_enough_are_kept() -> None:
    async with scripted(echo) as server, upstream_to(server.server, min_idle=2) as it:
        sessions = await dialled(it.upstream, 4)
        it.upstream.tick(sessions[-1].time() + 31)
        await until(lambda: len(it.upstream.sessions) == 2)
        assert [session.over for session in sessions] == [True, True, False, False]
        assert it.failures == []


async def test_a_kept_session_that_has_died_unnoticed_is_found_out() -> None:
    async def fall_asleep(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, (await peer.expect(PSH))[1]))
        await peer.expect(FIN)
        await peer.expect(HEART_REQUEST)
        await peer.left()

    async with scripted(fall_asleep) as server, upstream_to(server.server, min_idle=1) as it:
        (session,) = await dialled(it.upstream)
        it.upstream.tick(session.time() + 31)
        assert not session.over
        it.upstream.tick(session.time() + 40)
        await session.gone.wait()
        assert isinstance(session.failure, SessionLost)
        assert it.upstream.take() is None


async def test_a_kept_session_that_lives_stays() -> None:
    async with scripted(echo) as server, upstream_to(server.server, min_idle=1) as it:
        (session,) = await dialled(it.upstream)
        it.upstream.tick(session.time() + 31)
        await until(lambda: session._heart_at is None)
        it.upstream.tick(session.time() + 40)
        assert it.upstream.take() is session


async def test_a_server_of_version_1_is_known_as_one_and_its_silence_is_borne() -> None:
    async with scripted(echo_v1) as server, upstream_to(server.server) as it:
        await dialled(it.upstream)
        session = await it.upstream.dial()
        session.open(TARGET, Recorder())
        it.upstream.tick(session.time() + 1000)
        await settle()
        assert not session.over


async def test_a_session_nobody_has_heard_says_nothing_about_the_version() -> None:
    async with scripted(mute) as server, upstream_to(server.server) as it:
        first, second = await it.upstream.dial(), await it.upstream.dial()
        it.upstream.session_free(first)
        second.open(TARGET, Recorder())
        it.upstream.tick(second.time() + 11)
        await second.gone.wait()
        assert isinstance(second.failure, StageTimedOut)


async def test_idle_sessions_can_be_closed_all_at_once() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        idle = await dialled(it.upstream, 2)
        busy = await it.upstream.dial()
        busy.open(TARGET, Recorder())
        it.upstream.close_idle()
        await until(lambda: all(session.over for session in idle))
        assert not busy.over
        assert it.upstream.take() is None


async def test_closing_waits_until_all_are_gone_and_ends_their_streams() -> None:
    async with scripted(echo) as server, upstream_to(server.server, min_idle=2) as it:
        await dialled(it.upstream)
        consumer = Recorder()
        (await it.upstream.dial()).open(TARGET, consumer)
        await it.upstream.close()
        assert it.upstream.sessions == {}
        assert consumer.over
        assert it.upstream.take() is None


async def test_payload_stays_counted_when_sessions_are_gone() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        await dialled(it.upstream, 3)
        await it.upstream.close()
        assert (it.upstream.bytes_sent, it.upstream.bytes_received) == (6, 6)


# ---- padding schemes


async def test_a_pushed_scheme_is_remembered_and_shapes_the_first_session_of_the_next_start() -> None:
    memory, logins = Memory(), []

    async def push(peer: Peer) -> None:
        hashed = await peer.reader.readexactly(32)
        logins.append(int.from_bytes(await peer.reader.readexactly(2), "big"))
        await peer.reader.readexactly(logins[-1])
        peer.send(pack(UPDATE_PADDING_SCHEME, 0, SCHEME))
        assert len(hashed) == 32
        await peer.left()

    async with scripted(push) as server:
        async with upstream_to(server.server, schemes=memory) as it:
            session = await it.upstream.dial()
            await until(lambda: it.upstream.padding.scheme.raw == SCHEME)
            assert memory.schemes == {str(server.server): SCHEME}
            assert session.heard
        async with upstream_to(server.server, schemes=memory) as it:
            assert it.upstream.padding.scheme.raw == SCHEME
            await it.upstream.dial()
            await until(lambda: len(logins) == 2)
        assert logins == [30, 200]


async def test_a_scheme_pushed_by_one_server_is_not_used_with_another() -> None:
    memory = Memory()
    async with scripted(echo) as one, scripted(echo) as other:
        memory.put(str(one.server), SCHEME)
        async with (
            upstream_to(one.server, schemes=memory) as first,
            upstream_to(other.server, schemes=memory) as second,
        ):
            assert first.upstream.padding.scheme == Scheme.parse(SCHEME)
            assert second.upstream.padding.scheme is DEFAULT


@pytest.mark.parametrize("raw", [b"", b"rubbish", b"stop=8\n1=99999-99999", b"\xff\xfe"])
async def test_a_remembered_scheme_that_is_damaged_is_not_used(raw: bytes) -> None:
    server = server_at(closed_port())
    async with upstream_to(server, schemes=Memory(**{str(server): raw})) as it:
        assert it.upstream.padding.scheme is DEFAULT


async def test_a_rejected_scheme_is_not_remembered_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def push(peer: Peer) -> None:
        await peer.greet()
        peer.send(pack(UPDATE_PADDING_SCHEME, 0, b"stop=8\n1=99999-99999"))
        await peer.left()

    memory = Memory()
    async with scripted(push) as server, upstream_to(server.server, schemes=memory) as it:
        (await it.upstream.dial()).open(TARGET, Recorder())
        await until(lambda: "larger than" in caplog.text)
        assert memory.schemes == {}
        assert it.upstream.padding.scheme is DEFAULT


@pytest.mark.parametrize("name", ["", "anytls-tray/1.0"])
async def test_the_client_says_of_itself_what_it_is_told_to(name: str) -> None:
    settings: list[dict[str, str]] = []

    async def look(peer: Peer) -> None:
        await peer.greet()
        settings.append(peer.settings)
        await peer.left()

    async with scripted(look) as server, upstream_to(server.server, client_name=name) as it:
        (await it.upstream.dial()).open(TARGET, Recorder())
        await until(lambda: settings)
        assert settings[0]["client"] == name
        assert settings[0]["padding-md5"] == DEFAULT.md5


async def test_the_stages_patience_is_the_options() -> None:
    async def be_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(be_silent) as address, upstream_to(server_at(address), timings=Timings(tls=0.02)) as it:
        with pytest.raises(StageTimedOut, match="TLS"):
            await it.upstream.dial()


# ---- no more streams for it


async def test_after_it_retired_idle_sessions_close_at_once_and_busy_ones_when_they_are_free() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        idle, busy = await dialled(it.upstream, 2)
        assert it.upstream.take() is busy
        consumer = Recorder()
        stream = busy.open(TARGET, consumer)
        it.upstream.retire()
        await idle.gone.wait()
        assert it.upstream.take() is None
        stream.send(b"hi")
        await until(lambda: consumer.data == b"hi")
        stream.count_received(2)
        stream.close()
        await busy.gone.wait()
        assert not it.upstream.sessions
        assert it.deserted == 0
        assert (it.upstream.bytes_sent, it.upstream.bytes_received) == (6, 6)


async def test_after_it_retired_an_app_that_only_listens_is_served_to_the_end() -> None:
    """Its session counts as free, for the next stream would find room beside it."""
    go = asyncio.Event()

    async def answers_later(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, b"soon: "))
        await go.wait()
        peer.send(pack(PSH, stream_id, b"there"), pack(FIN, stream_id))
        await peer.left()

    async with scripted(answers_later) as server, upstream_to(server.server) as it:
        session = await it.upstream.dial()
        consumer = Recorder()
        stream = session.open(TARGET, consumer)
        await until(lambda: consumer.data == b"soon: ")
        stream.count_received(6)
        stream.end()
        assert session.at_rest
        it.upstream.retire()
        it.upstream.tick(asyncio.get_running_loop().time())
        go.set()
        await until(lambda: consumer.over)
        assert consumer.data == b"soon: there"
        assert consumer.error is None
        it.upstream.tick(asyncio.get_running_loop().time())
        await session.gone.wait()


async def test_after_it_retired_nothing_is_warmed_up() -> None:
    async with scripted(echo) as server, upstream_to(server.server, min_idle=2) as it:
        await it.upstream.prepare()
        it.upstream.warm_up()
        await asyncio.sleep(0)
        assert it.upstream.dialling == 1
        it.upstream.retire()
        await until(lambda: not it.upstream.dialling)
        it.upstream.warm_up()
        await settle()
        await until(lambda: not it.upstream.sessions)
        assert it.upstream.made == 1


async def test_all_sessions_can_be_ended_without_waiting() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        (session,) = await dialled(it.upstream)
        it.upstream.end_sessions()
        assert session.closed_here
        await session.gone.wait()


async def test_sessions_that_are_being_made_are_counted() -> None:
    async with scripted(echo) as server, upstream_to(server.server) as it:
        await it.upstream.prepare()
        dial = asyncio.create_task(it.upstream.dial())
        await asyncio.sleep(0)
        assert it.upstream.dialling == 1
        await dial
        assert it.upstream.dialling == 0
    async with upstream_to(server_at(closed_port())) as it:
        with pytest.raises(NothingListens):
            await it.upstream.dial()
        assert it.upstream.dialling == 0
