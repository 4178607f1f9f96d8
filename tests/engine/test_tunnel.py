"""Streams go over whichever server works: the right one first, others after failures, all again after a pause."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.options import EngineOptions, PoolOptions, Server, Strategy, Timings, Verification
from app.engine.session import ClientSession, State
from app.engine.stages import StageResult
from app.engine.tunnel import Tunnel
from app.errors import BadFile, ClosedSilently, DialFailed, Failure, NothingListens, StageTimedOut
from app.protocols.address import Address
from app.tasks import Tasks
from tests.fakes.clients import Memory
from tests.fakes.consumers import Recorder
from tests.fakes.listening import closed_port, deaf, listening
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, echo, scripted, server_at, wrong_password
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import settle, until

TARGET = Address("192.0.2.1", 80)
HASTE = Timings(give_up=0.0)


class Told:
    """What a tunnel has told."""

    def __init__(self) -> None:
        self.proved = 0
        self.deserted = 0
        self.failures: list[Failure] = []

    def on_proved(self) -> None:
        self.proved += 1

    def on_deserted(self) -> None:
        self.deserted += 1


@contextlib.asynccontextmanager
async def tunnel(
    *servers: Server,
    strategy: Strategy = Strategy.FAILOVER,
    min_idle: int = 0,
    timings: Timings = HASTE,
    schemes: Memory | None = None,
) -> AsyncIterator[tuple[Tunnel, Told]]:
    tasks, told = Tasks(), Told()
    options = EngineOptions(servers, strategy, PoolOptions(min_idle=min_idle), timings=timings)
    it = Tunnel(options, tasks, schemes, told.on_proved, told.failures.append, told.on_deserted)
    await it.prepare()
    try:
        yield it, told
    finally:
        await tasks.close()
        await it.close()
        await settle(1)


async def stream_over(it: Tunnel) -> ClientSession:
    """Carry one stream as an app would, and say which session carried it."""
    route, consumer = it.route(), Recorder()
    stream = it.open_now(route, TARGET, consumer)
    if stream is None:
        stream = it.open_on(await it.session(route), TARGET, consumer)
    stream.send(b"hi")
    await until(lambda: consumer.data == b"hi" or consumer.over)
    assert not consumer.over, consumer.error
    stream.count_received(2)
    session = stream.session
    assert isinstance(session, ClientSession)
    stream.close()
    return session


@both_loops
async def test_a_stream_waits_for_a_session_once_and_the_next_finds_it_ready() -> None:
    async with echo_target() as target, anytls_server() as server, tunnel(server) as (it, told):
        assert it.open_now(it.route(), target, Recorder()) is None
        consumer = Recorder()
        stream = it.open_on(await it.session(it.route()), target, consumer)
        stream.send(b"hello")
        await until(lambda: consumer.data == b"hello")
        stream.close()
        again = Recorder()
        second = it.open_now(it.route(), target, again)
        assert second is not None
        assert second.session is stream.session
        assert told.proved == 1


async def test_a_session_that_is_not_needed_is_kept() -> None:
    async with scripted(echo) as server, tunnel(server.server) as (it, _):
        session = await it.session(it.route())
        it.put_back(session)
        assert it.take(it.route()) is session
        session.link.abort()
        await session.gone.wait()
        it.put_back(session)
        assert it.take(it.route()) is None


async def test_a_new_session_can_be_asked_for_although_one_is_idle() -> None:
    async with scripted(echo) as server, tunnel(server.server) as (it, _):
        idle = await stream_over(it)
        fresh = await it.session(it.route(), fresh=True)
        assert fresh is not idle
        assert it.take(it.route()) is idle


# ---- several servers


async def test_failover_goes_on_to_the_next_server_and_remembers_why() -> None:
    async with (
        scripted(echo) as second,
        tunnel(server_at(closed_port()), second.server) as (it, told),
    ):
        session = await stream_over(it)
        assert session.address == tuple(second.address)
        assert [type(failure) for failure in told.failures] == [NothingListens]
        assert it.route() == [1, 0], "the one that failed rests"


async def test_a_wrong_password_moves_the_next_stream_to_another_server() -> None:
    async with (
        scripted(wrong_password) as first,
        scripted(echo) as second,
        tunnel(first.server, second.server) as (it, told),
    ):
        consumer = Recorder()
        it.open_on(await it.session(it.route()), TARGET, consumer)
        await until(lambda: consumer.over)
        assert isinstance(consumer.error, ClosedSilently)
        assert [type(failure) for failure in told.failures] == [ClosedSilently]
        assert (await stream_over(it)).address == tuple(second.address)


async def test_round_robin_uses_all_in_turn() -> None:
    async with scripted(echo) as one, scripted(echo) as two, scripted(echo) as three:
        servers = [server.server for server in (one, two, three)]
        async with tunnel(*servers, strategy=Strategy.ROUND_ROBIN) as (it, _):
            used = Counter([(await stream_over(it)).address[1] for _ in range(9)])
            assert sorted(used.values()) == [3, 3, 3]
            assert [upstream.made for upstream in it.upstreams] == [1, 1, 1]


async def test_lowest_latency_measures_all_and_uses_the_nearest() -> None:
    async def slow_to_accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_end = await asyncio.open_connection(*far.address)
        await asyncio.sleep(0.1)

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                sink.write(data)

        try:
            await asyncio.gather(copy(reader, far_end[1]), copy(far_end[0], writer))
        finally:
            far_end[1].transport.abort()

    async with scripted(echo) as near, scripted(echo) as far, listening(slow_to_accept) as detour:
        servers = server_at(detour), near.server
        async with tunnel(*servers, strategy=Strategy.LOWEST_LATENCY) as (it, _):
            it.tick()
            await until(lambda: None not in (it.latency_ms(0), it.latency_ms(1)))
            latencies = it.latency_ms(0), it.latency_ms(1)
            assert latencies[0] is not None
            assert latencies[1] is not None
            assert latencies[0] > latencies[1]
            assert it.route() == [1, 0]
            assert (await stream_over(it)).address == tuple(near.address)
            it.tick()
            await settle()
            assert len(near.peers) == 1, "measured again only after minutes, and the session is used meanwhile"


# ---- failures and pauses


async def test_the_last_failure_is_raised_when_the_time_is_up() -> None:
    async with tunnel(server_at(closed_port()), server_at(closed_port())) as (it, told):
        with pytest.raises(NothingListens) as caught:
            await it.session(it.route())
        assert len(told.failures) == 2
        assert caught.value is told.failures[-1]


async def test_a_server_that_comes_back_is_found_by_who_still_waits() -> None:
    address = closed_port()
    async with tunnel(server_at(address), timings=Timings(give_up=30)) as (it, told):
        waiting = asyncio.create_task(it.session(it.route()))
        await until(lambda: told.failures)
        async with scripted(echo, port=address.port):
            session = await waiting
            assert session.address == tuple(address)
            session.link.abort()


async def test_who_is_not_patient_tries_once() -> None:
    async with tunnel(server_at(closed_port()), timings=Timings(give_up=1000)) as (it, told):
        with pytest.raises(NothingListens):
            await it.session(it.route(), patient=False)
        assert len(told.failures) == 1


async def test_many_who_wait_for_a_dead_server_do_not_try_it_all_at_once() -> None:
    with deaf() as address:
        async with tunnel(server_at(address), timings=Timings(tls=0.02, give_up=0)) as (it, told):
            with pytest.raises(StageTimedOut):
                await it.session(it.route())
            results: list[Any] = await asyncio.gather(
                *(it.session(it.route()) for _ in range(20)), return_exceptions=True
            )
            assert all(isinstance(result, DialFailed) for result in results)
            assert len(told.failures) == 1, "it rests, and all are told what is known"


async def test_a_failure_is_forgotten_once_the_server_has_spoken() -> None:
    address = closed_port()
    async with tunnel(server_at(address), timings=Timings(give_up=30)) as (it, told):
        with pytest.raises(NothingListens):
            await it.session(it.route(), patient=False)
        async with scripted(echo, port=address.port):
            session = await stream_over(it)
            assert told.proved == 1
            assert it._order.failures(0) == 0
            session.link.abort()


async def test_a_file_that_is_missing_is_told_before_anything_starts(tmp_path: Path) -> None:
    server = server_at(closed_port(), verification=Verification.CA_FILE, ca_file=str(tmp_path / "missing.pem"))
    with pytest.raises(BadFile):
        async with tunnel(server):
            pass


async def test_the_end_of_the_last_session_is_told() -> None:
    async def leave(peer: Peer) -> None:
        await peer.greet()
        await peer.opened()
        peer.reset()

    async with scripted(leave) as server, tunnel(server.server) as (it, told):
        consumer = Recorder()
        it.open_on(await it.session(it.route()), TARGET, consumer)
        await until(lambda: consumer.over)
        assert told.deserted == 1


# ---- sessions kept ready


async def test_only_servers_that_have_worked_are_warmed_up() -> None:
    async with scripted(echo) as server, tunnel(server.server, min_idle=2) as (it, _):
        it.tick()
        await settle()
        assert server.peers == []
        await stream_over(it)
        it.tick()
        await until(lambda: len(it.upstreams[0].pool) == 2)
        states = sorted(session.state.value for session in it.upstreams[0].sessions.values())
        assert states == [State.IDLE.value, State.WARM.value]


async def test_of_several_servers_the_one_in_use_is_warmed_up() -> None:
    async with (
        scripted(echo) as one,
        scripted(echo) as two,
        tunnel(one.server, two.server, min_idle=2) as (it, _),
    ):
        it.open_on(await it.session([1, 0]), TARGET, Recorder())
        await until(lambda: it.upstreams[1].proved_before)
        await stream_over(it)
        it.tick()
        await until(lambda: len(it.upstreams[0].pool) == 2)
        await settle()
        assert len(two.peers) == 1


async def test_with_round_robin_all_are_warmed_up() -> None:
    async with (
        scripted(echo) as one,
        scripted(echo) as two,
        tunnel(one.server, two.server, min_idle=2, strategy=Strategy.ROUND_ROBIN) as (it, _),
    ):
        await stream_over(it)
        await stream_over(it)
        it.tick()
        await until(lambda: [len(upstream.pool) for upstream in it.upstreams] == [2, 2])


async def test_session_numbers_are_unique_over_all_servers() -> None:
    async with (
        scripted(echo) as one,
        scripted(echo) as two,
        tunnel(one.server, two.server, strategy=Strategy.ROUND_ROBIN) as (it, _),
    ):
        assert [(await stream_over(it)).number for _ in range(4)] == [1, 2, 1, 2]


async def test_session_numbers_go_on_where_another_tunnel_has_begun() -> None:
    numbers = itertools.count(7)
    async with scripted(echo) as server:
        tasks = Tasks()
        it = Tunnel(EngineOptions((server.server,), pool=PoolOptions(min_idle=0)), tasks, numbers=numbers)
        try:
            assert (await it.session(it.route())).number == 7
        finally:
            await tasks.close()
            await it.close()


# ---- stages


async def test_the_stages_of_every_try_are_told() -> None:
    async with scripted(echo) as server, tunnel(server_at(closed_port()), server.server) as (it, _):
        stages: list[StageResult] = []
        await it.session(it.route(), on_stage=stages.append)
        assert [(stage.name, stage.ok) for stage in stages] == [
            ("dns", True),
            ("tcp", False),
            ("dns", True),
            ("tcp", True),
            ("tls", True),
        ]


async def test_it_knows_whether_a_server_has_ever_spoken() -> None:
    async with scripted(echo) as server, tunnel(server_at(closed_port()), server.server) as (it, _):
        assert not it.proved_before
        await stream_over(it)
        assert it.proved_before


# ---- no more streams for it


async def test_it_is_spent_when_its_last_stream_has_ended() -> None:
    async with scripted(echo) as server, tunnel(server.server, min_idle=1) as (it, told):
        session = await it.session(it.route())
        consumer = Recorder()
        stream = it.open_on(session, TARGET, consumer)
        stream.send(b"hi")
        await until(lambda: consumer.data == b"hi")
        stream.count_received(2)
        it.retire()
        it.tick()
        assert not it.spent
        stream.close()
        await until(lambda: it.spent)
        it.tick()
        await settle()
        assert it.spent
        assert told.deserted == 0


async def test_it_is_not_spent_while_somebody_waits_for_a_session() -> None:
    with deaf() as nowhere:
        async with tunnel(server_at(nowhere)) as (it, _):
            waiting = asyncio.create_task(it.session(it.route()))
            await settle(3)
            it.retire()
            assert not it.spent
            waiting.cancel()
            await until(lambda: it.spent)


async def test_its_sessions_can_be_ended_at_once() -> None:
    async with scripted(echo) as server, tunnel(server.server) as (it, _):
        consumer = Recorder()
        it.open_on(await it.session(it.route()), TARGET, consumer)
        it.retire()
        it.end_sessions()
        await until(lambda: it.spent)
        assert consumer.over


async def test_what_has_retired_measures_nobody() -> None:
    async with scripted(echo) as server, tunnel(server.server, strategy=Strategy.LOWEST_LATENCY) as (it, _):
        it.retire()
        it.tick()
        await settle()
        assert it.upstreams[0].made == 0
