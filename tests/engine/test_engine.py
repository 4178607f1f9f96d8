"""The engine as a whole: it starts, proves, keeps sessions ready, tells what happens, and leaves nothing behind."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.engine.engine import Engine
from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings, TlsOptions, Verification
from app.errors import BadFile, BadInput, ClosedSilently, Failure, ListenFailed, NothingListens, StageTimedOut
from app.protocols.address import Address
from app.protocols.frames import PSH, SYNACK, UPDATE_PADDING_SCHEME, pack
from tests.engine.apps import GRANTED5, App, descriptors, logged, socks5
from tests.fakes.listening import closed_port, deaf
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, echo, mute, scripted, server_at, wrong_password
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import settle, until

TARGET = Address("192.0.2.1", 443)
QUICK = Timings(give_up=0.0, tick=0.01)


@dataclass
class Heard:
    """What the engine has told its owner."""

    events: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def failed(self, failure: Failure) -> None:
        self.events.append("failed")
        self.failures.append(failure)


@dataclass
class Started:
    engine: Engine
    address: Address
    heard: Heard

    @contextlib.asynccontextmanager
    async def app(self) -> AsyncIterator[App]:
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            yield App(reader, writer)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    def idle(self) -> int:
        return sum(info.state in ("warm", "idle") for info in self.engine.snapshot().sessions)


def options(*servers: Server, timings: Timings = QUICK, min_idle: int = 0, **local: Any) -> EngineOptions:
    return EngineOptions(
        servers,
        pool=PoolOptions(check_interval=0.0, idle_timeout=1000.0, min_idle=min_idle),
        local=LocalOptions(**{"port": 0, **local}),
        timings=timings,
        client_name="test/1",
    )


@contextlib.asynccontextmanager
async def running(*servers: Server, **others: Any) -> AsyncIterator[Started]:
    """An engine until the block ends. A traceback in the log fails the test."""
    heard = Heard()
    engine = Engine(
        options(*servers, **others),
        on_proved=lambda: heard.events.append("proved"),
        on_failed=heard.failed,
        on_deserted=lambda: heard.events.append("deserted"),
    )
    with logged():
        address = await engine.start()
        try:
            yield Started(engine, address, heard)
        finally:
            await engine.stop()


def threads() -> int:
    """How many there are beside those of the loop's own executor, which comes and goes with the loop."""
    return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())


# ---- start and stop


@both_loops
async def test_it_carries_traffic() -> None:
    async with echo_target() as target, anytls_server() as server, running(server) as tunnel, tunnel.app() as one:
        one.send(socks5(target) + b"hello")
        await one.expect(GRANTED5 + b"hello")


@both_loops
async def test_stop_leaves_nothing_behind() -> None:
    async with echo_target() as target, anytls_server() as server:
        async with running(server, min_idle=2) as tunnel:  # whatever is made once is made
            await tunnel.engine.prove()
        await settle()
        before = descriptors(), len(asyncio.all_tasks()), threads()
        async with running(server, min_idle=2) as tunnel:
            async with contextlib.AsyncExitStack() as stack:
                apps = [await stack.enter_async_context(tunnel.app()) for _ in range(5)]
                busy, udp, web, asking, _silent = apps
                await tunnel.engine.prove()
                busy.send(socks5(target) + b"x")
                await busy.expect(GRANTED5 + b"x")
                udp.send(socks5(target, command=3))
                await udp.expect(b"\5\0\5\0\0\1\x7f\0\0\1")
                web.send(b"GET http://192.0.2.1/")
                asking.send(b"\5")
                await until(lambda: tunnel.idle() == 2)
                assert descriptors() > before[0]
                await tunnel.engine.stop()
                for one in apps:
                    assert await one.was_reset() or one.reader.at_eof()
            assert not tunnel.engine.snapshot().sessions
            assert all(info.state != "open" for info in tunnel.engine.snapshot().connections)
        await until(lambda: (descriptors(), len(asyncio.all_tasks()), threads()) == before)


@both_loops
async def test_stop_does_not_wait_for_a_dial_under_way() -> None:
    with deaf() as address:
        async with running(server_at(address)) as tunnel, tunnel.app() as one:
            before = descriptors()
            one.send(socks5(TARGET))
            await until(lambda: descriptors() > before)
            await tunnel.engine.stop()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await until(lambda: descriptors() < before)


async def test_stop_stops_the_clock() -> None:
    async with anytls_server() as server, running(server) as tunnel:
        ticks: list[None] = []
        tick = tunnel.engine._tunnel.tick

        def counted() -> None:
            ticks.append(None)
            tick()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tunnel.engine._tunnel, "tick", counted)
            await until(lambda: len(ticks) > 2)
            await tunnel.engine.stop()
            ticks.clear()
            await settle(50)
            assert not ticks


async def test_stop_before_start_and_twice_is_no_error() -> None:
    async with anytls_server() as server:
        await Engine(options(server)).stop()
        async with running(server) as tunnel:
            await tunnel.engine.stop()


async def test_a_port_in_use_leaves_nothing_half_started() -> None:
    async with anytls_server() as server, running(server) as tunnel:
        before = descriptors(), len(asyncio.all_tasks())
        second = Engine(options(server, port=tunnel.address.port))
        with pytest.raises(ListenFailed):
            await second.start()
        assert (descriptors(), len(asyncio.all_tasks())) == before


async def test_bad_options_are_told_before_anything_is_open() -> None:
    server = server_at(closed_port())
    with pytest.raises(BadInput):
        Engine(options(server, host="0.0.0.0"))
    tls = TlsOptions(verification=Verification.CA_FILE, ca_file="/nowhere/ca.pem")
    engine = Engine(options(dataclasses.replace(server, tls=tls)))
    before = descriptors()
    with pytest.raises(BadFile, match=r"/nowhere/ca\.pem"):
        await engine.start()
    assert descriptors() == before


# ---- proof


@both_loops
async def test_prove_sees_the_server_speak() -> None:
    async with anytls_server() as server, running(server) as tunnel:
        assert tunnel.heard.events == []
        await tunnel.engine.prove()
        assert tunnel.heard.events == ["proved"]
        (info,) = tunnel.engine.snapshot().sessions
        assert (info.state, info.open_streams) == ("idle", 0)


async def test_prove_tells_the_server_who_asks() -> None:
    async with scripted(echo) as server, running(server.server) as tunnel:
        await tunnel.engine.prove()
        assert server.peers[0].settings["client"] == "test/1"


async def test_prove_raises_what_stands_in_the_way() -> None:
    async with running(server_at(closed_port())) as tunnel:
        with pytest.raises(NothingListens):
            await tunnel.engine.prove()
        assert tunnel.heard.events == ["failed"]
    async with scripted(wrong_password) as server, running(server.server) as tunnel:
        with pytest.raises(ClosedSilently):
            await tunnel.engine.prove()
        await until(lambda: tunnel.heard.events)
        assert [type(failure) for failure in tunnel.heard.failures] == [ClosedSilently]
    timings = dataclasses.replace(QUICK, answer=0.1)
    async with scripted(mute) as server, running(server.server, timings=timings) as tunnel:
        with pytest.raises(StageTimedOut, match="authentication"):
            await tunnel.engine.prove()


async def test_prove_takes_the_next_server_where_the_first_is_gone() -> None:
    async with anytls_server() as server, running(server_at(closed_port()), server) as tunnel:
        await tunnel.engine.prove()
        assert tunnel.heard.events == ["failed", "proved"]
        (info,) = tunnel.engine.snapshot().sessions
        assert info.server == str(server)


# ---- sessions kept ready


@both_loops
async def test_sessions_get_warm_once_the_server_is_proved() -> None:
    async with scripted(echo) as server, running(server.server, min_idle=3) as tunnel:
        await settle(50)
        assert not tunnel.engine.snapshot().sessions  # nobody knows yet whether the password is right
        await tunnel.engine.prove()
        await until(lambda: tunnel.idle() == 3)
        await settle(50)
        assert [info.state for info in tunnel.engine.snapshot().sessions] == ["idle", "warm", "warm"]
        assert len(server.peers) == 3


async def test_the_proof_itself_makes_sessions_warm() -> None:
    timings = dataclasses.replace(QUICK, tick=1000.0)
    async with scripted(echo) as server, running(server.server, timings=timings, min_idle=2) as tunnel:
        await tunnel.engine.prove()
        await until(lambda: tunnel.idle() == 2)


async def test_what_is_used_is_replaced() -> None:
    async with scripted(echo) as server, running(server.server, min_idle=2) as tunnel:
        await tunnel.engine.prove()
        await until(lambda: tunnel.idle() == 2)
        async with tunnel.app() as one:
            one.send(socks5(TARGET) + b"x")
            await one.expect(GRANTED5 + b"x")
            await until(lambda: tunnel.idle() == 2)
            assert len(tunnel.engine.snapshot().sessions) == 3


async def test_the_clock_closes_what_is_idle_for_too_long() -> None:
    async with scripted(echo) as server:
        given = options(server.server)
        engine = Engine(dataclasses.replace(given, pool=PoolOptions(0.0, 0.05, 0)))
        await engine.start()
        try:
            await engine.prove()
            assert len(engine.snapshot().sessions) == 1
            await until(lambda: not engine.snapshot().sessions)
        finally:
            await engine.stop()


async def test_the_clock_gives_up_apps_that_wait_for_an_exact_reply() -> None:
    """Also a sign that the clock reaches the local proxy."""

    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.left()

    timings = dataclasses.replace(QUICK, exact_reply=0.05)
    async with (
        scripted(script) as server,
        running(server.server, timings=timings, exact_replies=True) as tunnel,
        tunnel.app() as one,
    ):
        one.send(socks5(TARGET))
        await one.expect(GRANTED5)


@both_loops
async def test_close_idle_closes_those_and_no_others() -> None:
    async with scripted(echo) as server, running(server.server) as tunnel, tunnel.app() as one:
        one.send(socks5(TARGET) + b"x")
        await one.expect(GRANTED5 + b"x")
        await tunnel.engine.prove()
        assert tunnel.idle() == 1
        tunnel.engine.close_idle()
        await until(lambda: len(tunnel.engine.snapshot().sessions) == 1)
        one.send(b"still here")
        await one.expect(b"still here")
        assert "deserted" not in tunnel.heard.events


# ---- what the owner is told


@both_loops
async def test_the_owner_hears_of_proof_and_desertion() -> None:
    go = asyncio.Event()

    async def leaves(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, b"x"))
        await go.wait()

    async with scripted(leaves) as server, running(server.server) as tunnel, tunnel.app() as one:
        one.send(socks5(TARGET))
        await one.expect(GRANTED5 + b"x")
        assert tunnel.heard.events == ["proved"]
        go.set()
        assert await one.was_reset()
        await until(lambda: tunnel.heard.events == ["proved", "deserted"])


async def test_the_owner_hears_of_each_failure() -> None:
    address = closed_port()
    async with running(server_at(address)) as tunnel:
        for _ in range(2):
            async with tunnel.app() as one:
                one.send(socks5(TARGET))
                assert await one.was_reset()
        assert isinstance(tunnel.heard.failures[0], NothingListens)
        assert set(tunnel.heard.events) == {"failed"}


async def test_a_wrong_password_is_told_and_warms_nothing() -> None:
    async with scripted(wrong_password) as server, running(server.server, min_idle=3) as tunnel:
        async with tunnel.app() as one:
            one.send(socks5(TARGET))
            assert await one.was_reset()
        await until(lambda: tunnel.heard.failures)
        await settle(50)
        assert isinstance(tunnel.heard.failures[0], ClosedSilently)
        assert "proved" not in tunnel.heard.events
        assert len(server.peers) == 1


async def test_a_pushed_scheme_is_remembered_for_the_next_start() -> None:
    class Memory:
        def __init__(self) -> None:
            self.schemes: dict[str, bytes] = {}

        def get(self, server_key: str) -> bytes | None:
            return self.schemes.get(server_key)

        def put(self, server_key: str, raw: bytes) -> None:
            self.schemes[server_key] = raw

    raw = b"stop=2\n0=30-30\n1=100-100"

    async def pushes(peer: Peer) -> None:
        await peer.greet()
        peer.send(pack(UPDATE_PADDING_SCHEME, 0, raw))
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id))
        await peer.left()

    memory = Memory()
    async with scripted(pushes) as server:
        for _ in range(2):
            engine = Engine(options(server.server), schemes=memory)
            await engine.start()
            try:
                await engine.prove()
                await until(lambda: memory.schemes)
            finally:
                await engine.stop()
        assert memory.schemes == {str(server.server): raw}
        first, second = (peer.settings["padding-md5"] for peer in server.peers)
        assert first != second
