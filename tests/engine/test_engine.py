"""The engine as a whole: it starts, proves, keeps sessions ready, tells what happens, and leaves nothing behind."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.engine.engine import Engine
from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings, TlsOptions, Verification
from app.engine.stages import StageResult
from app.errors import (
    BadFile,
    BadInput,
    ClosedSilently,
    Failure,
    ListenFailed,
    NothingListens,
    PageFailed,
    SessionLost,
    StageTimedOut,
)
from app.protocols.address import Address
from app.protocols.frames import PSH, SYN, SYNACK, UPDATE_PADDING_SCHEME, pack
from app.protocols.socks import encode_udp
from tests.engine.apps import GRANTED5, App, descriptors, logged, socks5
from tests.fakes.listening import closed_port, deaf, free_port, listening
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, Script, echo, mute, scripted, server_at, wrong_password
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target, udp_echo_target
from tests.fakes.waiting import PATIENCE, settle, until

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


def options(
    *servers: Server, timings: Timings = QUICK, min_idle: int = 0, page: str | None = None, **local: Any
) -> EngineOptions:
    return EngineOptions(
        servers,
        pool=PoolOptions(check_interval=0.0, idle_timeout=1000.0, min_idle=min_idle),
        local=LocalOptions(**{"port": 0, **local}),
        timings=timings,
        client_name="test/1",
        page=page,
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


@contextlib.asynccontextmanager
async def gated(server: Server, go: asyncio.Event) -> AsyncIterator[Server]:
    """Another way to `server`, which is open only when `go` is set."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(64 * 1024):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        behind_reader, behind_writer = await asyncio.open_connection(server.host, server.port)
        try:
            await asyncio.gather(pump(reader, behind_writer), pump(behind_reader, writer))
        finally:
            behind_writer.close()

    async with listening(forward) as address:
        yield dataclasses.replace(server, host=address.host, port=address.port)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait(data)


@contextlib.asynccontextmanager
async def datagrams(address: Address) -> AsyncIterator[Callable[[bytes], Awaitable[bool]]]:
    """Sends a datagram and says whether the same comes back."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Datagrams, local_addr=("127.0.0.1", 0)
    )

    async def echoed(datagram: bytes) -> bool:
        transport.sendto(datagram, tuple(address))
        return await asyncio.wait_for(protocol.received.get(), PATIENCE) == datagram

    try:
        yield echoed
    finally:
        transport.close()
        await asyncio.sleep(0)


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
        with pytest.raises(StageTimedOut, match="password"):
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


# ---- proof, stage by stage


def told(stages: list[StageResult]) -> list[tuple[str, bool]]:
    return [(stage.name, stage.ok) for stage in stages]


DIALLED = [("dns", True), ("tcp", True), ("tls", True)]


@both_loops
async def test_the_first_proof_tells_every_stage_and_the_next_ones_what_they_tried() -> None:
    async with anytls_server() as server, running(server) as tunnel:
        stages: list[StageResult] = []
        await tunnel.engine.prove(stages.append)
        assert told(stages) == [*DIALLED, ("authentication", True)]
        stages.clear()
        await tunnel.engine.prove(stages.append)
        assert told(stages) == [("authentication", True)]
        assert len(tunnel.engine.snapshot().sessions) == 1


async def test_the_stage_that_fails_is_told_with_its_failure() -> None:
    async with running(server_at(closed_port())) as tunnel:
        stages: list[StageResult] = []
        with pytest.raises(NothingListens) as caught:
            await tunnel.engine.prove(stages.append)
        assert told(stages) == [("dns", True), ("tcp", False)]
        assert stages[-1].error is caught.value
    async with scripted(wrong_password) as server, running(server.server) as tunnel:
        stages = []
        with pytest.raises(ClosedSilently):
            await tunnel.engine.prove(stages.append)
        assert told(stages) == [*DIALLED, ("authentication", False)]


async def test_each_proof_tries_anew_what_failed_however_soon() -> None:
    async with running(server_at(closed_port())) as tunnel:
        for _ in range(3):
            stages: list[StageResult] = []
            with pytest.raises(NothingListens):
                await tunnel.engine.prove(stages.append)
            assert told(stages) == [("dns", True), ("tcp", False)]


async def test_after_a_failure_every_stage_is_seen_anew() -> None:
    page = f"http://{closed_port()}/"
    async with anytls_server() as server, running(server, page=page) as tunnel:
        for _ in range(2):
            stages: list[StageResult] = []
            with pytest.raises(PageFailed):
                await tunnel.engine.prove(stages.append)
            assert told(stages) == [*DIALLED, ("authentication", True), ("page", False)]


async def test_every_server_that_is_tried_tells_its_stages() -> None:
    async with anytls_server() as server, running(server_at(closed_port()), server) as tunnel:
        stages: list[StageResult] = []
        await tunnel.engine.prove(stages.append)
        assert told(stages) == [("dns", True), ("tcp", False), *DIALLED, ("authentication", True)]


async def test_a_session_that_died_while_idle_disproves_nothing() -> None:
    async def dies_when_idle(peer: Peer) -> None:
        if peer.number > 1:
            await echo(peer)
        await peer.greet()
        await peer.opened()
        while (await peer.frame())[0] != SYN:
            pass
        peer.reset()

    async with scripted(dies_when_idle) as server, running(server.server) as tunnel:
        await tunnel.engine.prove()
        stages: list[StageResult] = []
        await tunnel.engine.prove(stages.append)
        assert told(stages) == [*DIALLED, ("authentication", True)]
        assert len(server.peers) == 2
        assert "failed" not in tunnel.heard.events


# ---- proof by a page


@contextlib.asynccontextmanager
async def site(answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n") -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with listening(serve) as address:
        yield f"http://{address}/"


async def test_the_page_has_to_answer_and_is_no_connection_of_an_app() -> None:
    async with site() as page, anytls_server() as server, running(server, page=page) as tunnel:
        stages: list[StageResult] = []
        await tunnel.engine.prove(stages.append)
        assert told(stages) == [*DIALLED, ("authentication", True), ("page", True)]
        assert not tunnel.engine.snapshot().connections
        assert tunnel.engine.snapshot().down > 0


async def test_a_page_that_does_not_answer_is_a_failure_behind_the_server() -> None:
    async with (
        site(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as page,
        anytls_server() as server,
        running(server, page=page, min_idle=2) as tunnel,
    ):
        stages: list[StageResult] = []
        with pytest.raises(PageFailed) as caught:
            await tunnel.engine.prove(stages.append)
        assert told(stages) == [*DIALLED, ("authentication", True), ("page", False)]
        assert stages[-1].error is caught.value
        assert tunnel.heard.events == ["proved"]
        await until(lambda: tunnel.idle() == 2)  # apps may have more luck


async def test_a_page_that_is_none_is_told_before_anything_is_open() -> None:
    with pytest.raises(BadInput):
        Engine(options(server_at(closed_port()), page="gopher://page.example/"))


# ---- over to other servers


def servers_of(tunnel: Started) -> set[str]:
    return {info.server for info in tunnel.engine.snapshot().sessions}


@both_loops
async def test_new_connections_go_over_the_new_servers_and_old_ones_may_end_in_their_own_time() -> None:
    async with echo_target() as target, anytls_server() as old, anytls_server() as new, running(old) as tunnel:
        async with tunnel.app() as before, tunnel.app() as after:
            await tunnel.engine.prove()
            await tunnel.engine.prove()
            before.send(socks5(target) + b"x")
            await before.expect(GRANTED5 + b"x")
            await tunnel.engine.prove()
            assert tunnel.idle() == 1
            stages: list[StageResult] = []
            await tunnel.engine.switch(options(new), True, stages.append)
            assert told(stages) == [*DIALLED, ("authentication", True)]
            after.send(socks5(target) + b"y")
            await after.expect(GRANTED5 + b"y")
            before.send(b"still here")
            await before.expect(b"still here")
            await until(lambda: len(tunnel.engine.snapshot().sessions) == 2)  # the old one's idle session is gone
            first, second = tunnel.engine.snapshot().sessions
            assert (first.server, second.server) == (str(old), str(new))
            assert len({info.number for info in tunnel.engine.snapshot().sessions}) == 2
        await until(lambda: servers_of(tunnel) == {str(new)})
        await until(lambda: not tunnel.engine._leaving)
        snapshot = tunnel.engine.snapshot()
        assert snapshot.down == 12
        assert snapshot.sessions_made == 3


@both_loops
async def test_old_connections_can_be_closed_at_once() -> None:
    async with echo_target() as target, anytls_server() as old, anytls_server() as new, running(old) as tunnel:
        async with tunnel.app() as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
            await tunnel.engine.switch(options(new), drain=False)
            assert await one.was_reset()
        await until(lambda: servers_of(tunnel) == {str(new)})
        assert tunnel.engine.snapshot().down == 1


@pytest.mark.parametrize("script", [wrong_password, None], ids=["wrong password", "nobody"])
async def test_the_old_servers_stay_where_the_new_ones_fail(script: Script | None) -> None:
    async with contextlib.AsyncExitStack() as stack:
        target = await stack.enter_async_context(echo_target())
        old = await stack.enter_async_context(anytls_server())
        peers = None if script is None else await stack.enter_async_context(scripted(script))
        new = server_at(closed_port()) if peers is None else peers.server
        tunnel = await stack.enter_async_context(running(old))
        one = await stack.enter_async_context(tunnel.app())
        one.send(socks5(target) + b"x")
        await one.expect(GRANTED5 + b"x")
        tunnel.heard.events.clear()
        with pytest.raises(Failure):
            await tunnel.engine.switch(options(new), drain=False)
        assert servers_of(tunnel) == {str(old)}
        one.send(b"still here")
        await one.expect(b"still here")
        await until(lambda: not tunnel.engine._leaving)
        assert tunnel.heard.events == [], "the new servers' troubles are the caller's"


async def test_the_page_decides_about_the_new_servers_too() -> None:
    async with (
        site() as page,
        site(b"HTTP/1.1 503 No\r\n\r\n") as broken,
        anytls_server() as old,
        anytls_server() as new,
        running(old) as tunnel,
    ):
        await tunnel.engine.prove()
        with pytest.raises(PageFailed):
            await tunnel.engine.switch(options(new, page=broken), drain=True)
        await until(lambda: servers_of(tunnel) == {str(old)})
        stages: list[StageResult] = []
        await tunnel.engine.switch(options(new, page=page), True, stages.append)
        assert told(stages)[-1] == ("page", True)
        await until(lambda: servers_of(tunnel) == {str(new)})
        stages.clear()
        await tunnel.engine.prove(stages.append)
        assert told(stages) == [("authentication", True), ("page", True)]


async def test_what_the_new_servers_need_is_read_before_they_are_dialled() -> None:
    tls = TlsOptions(verification=Verification.CA_FILE, ca_file="/nowhere/ca.pem")
    async with anytls_server() as old, running(old) as tunnel:
        with pytest.raises(BadFile):
            await tunnel.engine.switch(options(dataclasses.replace(old, tls=tls)), drain=True)
        with pytest.raises(BadInput):
            await tunnel.engine.switch(options(old, page="nonsense"), drain=True)
        await tunnel.engine.prove()


async def test_after_the_switch_the_new_servers_are_heard_and_the_old_ones_are_not() -> None:
    async with scripted(echo) as old, anytls_server() as new, running(old.server) as tunnel, tunnel.app() as one:
        one.send(socks5(TARGET) + b"x")
        await one.expect(GRANTED5 + b"x")
        await tunnel.engine.switch(options(new), drain=True)
        tunnel.heard.events.clear()
        old.peers[0].reset()
        assert await one.was_reset()
        assert tunnel.heard.events == []
        tunnel.engine.close_idle()
        await tunnel.engine.prove()
        assert tunnel.heard.events == ["proved"]


async def test_sessions_get_warm_with_the_new_servers_alone() -> None:
    async with scripted(echo) as old, scripted(echo) as new, running(old.server, min_idle=2) as tunnel:
        await tunnel.engine.prove()
        await until(lambda: tunnel.idle() == 2)
        await tunnel.engine.switch(options(new.server, min_idle=3), drain=True)
        await until(lambda: tunnel.idle() == 3 and servers_of(tunnel) == {str(new.server)})
        await settle(50)
        assert len(old.peers) == 2


async def test_a_connection_that_waits_for_the_old_server_is_carried_by_it() -> None:
    go = asyncio.Event()
    timings = dataclasses.replace(QUICK, tls=20.0, give_up=20.0, half_close=0.05)
    async with (
        scripted(echo) as behind,
        gated(behind.server, go) as old,
        anytls_server() as new,
        running(old, timings=timings) as tunnel,
    ):
        async with tunnel.app() as one:
            one.send(socks5(TARGET) + b"x")
            await until(lambda: tunnel.engine.snapshot().warming == 1)
            await tunnel.engine.switch(options(new), drain=True)
            assert tunnel.engine._leaving
            go.set()
            await one.expect(GRANTED5 + b"x")
            assert servers_of(tunnel) == {str(old), str(new)}
        await until(lambda: servers_of(tunnel) == {str(new)})


async def test_datagrams_to_new_destinations_go_over_the_new_servers() -> None:
    async with (
        udp_echo_target() as first,
        udp_echo_target() as second,
        anytls_server() as old,
        anytls_server() as new,
        running(old) as tunnel,
        tunnel.app() as one,
    ):
        one.send(socks5(first, command=3))
        await one.expect(b"\5\0\5\0\0\1\x7f\0\0\1")
        port = int.from_bytes(await one.reader.readexactly(2), "big")
        async with datagrams(Address("127.0.0.1", port)) as echoed:
            assert await echoed(encode_udp(first, b"a"))
            await tunnel.engine.switch(options(new), drain=True)
            assert await echoed(encode_udp(first, b"b"))
            assert await echoed(encode_udp(second, b"c"))
        sessions = {info.number: info.server for info in tunnel.engine.snapshot().sessions}
        ways = [sessions[info.session] for info in tunnel.engine.snapshot().connections if info.session]
        assert ways == [str(old), str(new)]


async def test_a_switch_that_is_broken_off_leaves_nothing() -> None:
    with deaf() as nowhere:
        async with anytls_server() as old, running(old) as tunnel:
            await tunnel.engine.prove()
            before = descriptors()
            switch = asyncio.create_task(tunnel.engine.switch(options(server_at(nowhere)), drain=True))
            await until(lambda: descriptors() > before)
            switch.cancel()
            with pytest.raises(asyncio.CancelledError):
                await switch
            await until(lambda: descriptors() == before and not tunnel.engine._leaving)
            await tunnel.engine.prove()


async def test_stop_ends_a_switch_under_way() -> None:
    go = asyncio.Event()
    async with anytls_server() as old, gated(old, go) as new, running(old) as tunnel:
        await tunnel.engine.prove()
        timings = dataclasses.replace(QUICK, tls=20.0)
        switch = asyncio.create_task(tunnel.engine.switch(options(new, timings=timings), drain=True))
        await until(lambda: tunnel.engine.snapshot().warming == 1)
        await tunnel.engine.stop()
        go.set()
        with pytest.raises(SessionLost):
            await switch
        assert not tunnel.engine.snapshot().sessions


async def test_one_switch_after_the_other() -> None:
    async with (
        scripted(echo) as first,
        scripted(echo) as second,
        scripted(echo) as third,
        running(first.server) as tunnel,
    ):
        await asyncio.gather(
            tunnel.engine.switch(options(second.server), drain=True),
            tunnel.engine.switch(options(third.server), drain=True),
        )
        await until(lambda: servers_of(tunnel) == {str(third.server)})


async def test_a_proof_of_servers_that_were_left_meanwhile_is_no_failure() -> None:
    with deaf() as nowhere:
        timings = dataclasses.replace(QUICK, tls=0.2)
        async with anytls_server() as new, running(server_at(nowhere), timings=timings) as tunnel:
            proof = asyncio.create_task(tunnel.engine.prove())
            await until(lambda: tunnel.engine.snapshot().warming == 1)
            await tunnel.engine.switch(options(new), drain=True)
            await proof


# ---- another local port


async def answers(address: Address, target: Address) -> bool:
    """Whether apps are served there."""
    try:
        reader, writer = await asyncio.open_connection(*address)
    except OSError:
        return False
    writer.write(socks5(target) + b"x")
    try:
        return await reader.readexactly(len(GRANTED5) + 1) == GRANTED5 + b"x"
    except asyncio.IncompleteReadError:
        return False
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@both_loops
async def test_listening_elsewhere_keeps_the_connections() -> None:
    async with echo_target() as target, anytls_server() as server, running(server) as tunnel, tunnel.app() as one:
        one.send(socks5(target) + b"x")
        await one.expect(GRANTED5 + b"x")
        port = free_port()
        address = await tunnel.engine.listen(LocalOptions(port=port))
        assert address == Address("127.0.0.1", port)
        assert await answers(address, target)
        assert not await answers(tunnel.address, target)
        one.send(b"still here")
        await one.expect(b"still here")
        await tunnel.engine.stop()
        assert not await answers(address, target)


async def test_other_credentials_are_asked_for_at_the_same_port() -> None:
    async with echo_target() as target, anytls_server() as server, running(server) as tunnel:
        for port in (0, tunnel.address.port):
            closed = LocalOptions(port=port, credentials=("someone", "secret"))
            assert await tunnel.engine.listen(closed) == tunnel.address
            assert not await answers(tunnel.address, target)
            assert await tunnel.engine.listen(LocalOptions(port=port)) == tunnel.address
            assert await answers(tunnel.address, target)


async def test_a_port_that_is_taken_leaves_all_as_it_is() -> None:
    async with echo_target() as target, anytls_server() as server, running(server) as tunnel:
        with pytest.raises(ListenFailed):
            await tunnel.engine.listen(LocalOptions(port=target.port))
        assert await answers(tunnel.address, target)
        with pytest.raises(BadInput):
            await tunnel.engine.listen(LocalOptions(host="0.0.0.0", port=tunnel.address.port))
        assert await answers(tunnel.address, target)


@both_loops
async def test_letting_others_in_and_out_keeps_the_port() -> None:
    async with echo_target() as target, anytls_server() as server, running(server) as tunnel:
        everywhere = LocalOptions("0.0.0.0", tunnel.address.port, ("someone", "secret"))
        assert await tunnel.engine.listen(everywhere) == Address("0.0.0.0", tunnel.address.port)
        reader, writer = await asyncio.open_connection(*tunnel.address)
        writer.write(b"\5\1\2\1\7someone\6secret" + socks5(target)[3:] + b"x")
        granted = b"\5\2\1\0\5\0\0\1" + bytes(6) + b"x"
        assert await reader.readexactly(len(granted)) == granted
        writer.close()
        alone = LocalOptions(port=tunnel.address.port)
        assert await tunnel.engine.listen(alone) == tunnel.address
        assert await answers(tunnel.address, target)


async def test_an_address_that_is_not_ours_leaves_the_old_one_at_the_same_port() -> None:
    async with echo_target() as target, anytls_server() as server, running(server) as tunnel:
        elsewhere = LocalOptions("192.0.2.1", tunnel.address.port, ("someone", "secret"))
        with pytest.raises(ListenFailed, match=r"192\.0\.2\.1"):
            await tunnel.engine.listen(elsewhere)
        assert await answers(tunnel.address, target)


# ---- closing what is seen


@both_loops
async def test_a_connection_or_a_session_can_be_closed_by_its_number() -> None:
    async with (
        echo_target() as target,
        anytls_server() as server,
        running(server) as tunnel,
        tunnel.app() as one,
        tunnel.app() as two,
        tunnel.app() as three,
    ):
        for app in (one, two, three):
            app.send(socks5(target) + b"x")
            await app.expect(GRANTED5 + b"x")
        infos = tunnel.engine.snapshot().connections
        tunnel.engine.close_connection(infos[0].number)
        assert await one.was_reset()
        session = infos[1].session
        assert session is not None
        tunnel.engine.close_session(session)
        assert await two.was_reset()
        three.send(b"still here")
        await three.expect(b"still here")
        for number in (infos[0].number, 1_000_000):
            tunnel.engine.close_connection(number)
            tunnel.engine.close_session(number + 1_000_000)
        tunnel.engine.close_connections()
        assert await three.was_reset()
        assert "deserted" not in tunnel.heard.events


async def test_an_idle_session_that_is_closed_by_its_number_is_not_used_again() -> None:
    async with anytls_server() as server, running(server) as tunnel:
        await tunnel.engine.prove()
        (info,) = tunnel.engine.snapshot().sessions
        tunnel.engine.close_session(info.number)
        await tunnel.engine.prove()
        await until(lambda: [one.number for one in tunnel.engine.snapshot().sessions] == [info.number + 1])


# ---- the clock


async def test_the_clock_goes_on_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with anytls_server() as server, running(server) as tunnel:
        ticks: list[None] = []

        def breaks() -> None:
            ticks.append(None)
            raise LookupError("why")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tunnel.engine._tunnel, "tick", breaks)
            asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
            await until(lambda: len(ticks) > 2)
            asyncio.get_running_loop().set_exception_handler(None)
