"""The door: the same engine behind it on this loop and on its own thread, and what comes out of it by itself."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.engine import host
from app.engine.host import DirectDoor, EngineDoor, EngineEvents, ThreadDoor
from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings, TlsOptions
from app.engine.stages import StageResult
from app.errors import BadInput, EngineCrashed, Failure, ListenFailed, NothingListens
from app.protocols.address import Address
from tests.engine.apps import GRANTED5, App, descriptors, socks5
from tests.fakes.listening import closed_port, deaf
from tests.fakes.peers import scripted, server_at, wrong_password
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import until

QUICK = Timings(give_up=0.0, tick=0.01)

both_doors = pytest.mark.parametrize("make", [DirectDoor, ThreadDoor])


@dataclass
class Heard:
    """What came out of a door by itself, and on which threads."""

    events: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    threads: set[threading.Thread] = field(default_factory=set)

    def note(self, event: str, failure: Failure | None = None) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread())
        if failure is not None:
            self.failures.append(failure)

    def listener(self) -> EngineEvents:
        return EngineEvents(
            lambda: self.note("proved"),
            lambda failure: self.note("trouble", failure),
            lambda: self.note("deserted"),
            lambda failure: self.note("crashed", failure),
        )


def options(*servers: Server, min_idle: int = 0, timings: Timings = QUICK, **local: Any) -> EngineOptions:
    pool = PoolOptions(check_interval=0.0, idle_timeout=1000.0, min_idle=min_idle)
    return EngineOptions(servers, pool=pool, local=LocalOptions(**{"port": 0, **local}), timings=timings)


@dataclass
class Opened:
    door: EngineDoor
    address: Address
    heard: Heard


@contextlib.asynccontextmanager
async def opened(make: Callable[[], EngineDoor], *servers: Server, **others: Any) -> AsyncIterator[Opened]:
    door, heard = make(), Heard()
    address = await door.start(options(*servers, **others), None, heard.listener())
    try:
        yield Opened(door, address, heard)
    finally:
        await door.stop()


@contextlib.asynccontextmanager
async def app(address: Address) -> AsyncIterator[App]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield App(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "engine"]


async def crash(door: ThreadDoor) -> None:
    """Break the engine's loop from inside."""

    def breaks() -> None:
        raise KeyboardInterrupt

    async def soon() -> None:
        asyncio.get_running_loop().call_soon(breaks)

    await door.run(soon)


# ---- both doors


@both_doors
async def test_all_verbs_reach_the_engine(make: Callable[[], EngineDoor]) -> None:
    async with echo_target() as target, anytls_server() as server, opened(make, server) as it:
        stages: list[StageResult] = []
        await it.door.prove(stages.append)
        assert [(stage.name, stage.ok) for stage in stages] == [
            ("dns", True),
            ("tcp", True),
            ("tls", True),
            ("authentication", True),
        ]
        await until(lambda: "proved" in it.heard.events)
        async with app(it.address) as one, app(it.address) as two:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
            two.send(socks5(target) + b"y")
            await two.expect(GRANTED5 + b"y")
            first, second = (await it.door.snapshot()).connections
            await it.door.close_connection(first.number)
            assert await one.was_reset()
            assert second.session is not None
            await it.door.close_session(second.session)
            assert await two.was_reset()
        await it.door.close_idle()
        await until_idle(it.door, 0)
        async with app(it.address) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
            await it.door.close_connections()
            assert await one.was_reset()
        assert it.heard.threads == {threading.current_thread()}


async def until_idle(door: EngineDoor, count: int) -> None:
    for _ in range(1000):
        sessions = (await door.snapshot()).sessions
        if sum(info.state in ("idle", "warm") for info in sessions) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"there are never {count} idle sessions")


@both_doors
async def test_switching_and_listening_elsewhere(make: Callable[[], EngineDoor]) -> None:
    async with echo_target() as target, anytls_server() as one, anytls_server() as two, opened(make, one) as it:
        await it.door.switch(options(two), drain=True)
        assert {info.server for info in (await it.door.snapshot()).sessions} == {str(two)}
        with pytest.raises(NothingListens):
            await it.door.switch(options(server_at(closed_port())), drain=True)
        address = await it.door.listen(LocalOptions(port=0, host="localhost"))
        assert address != it.address
        async with app(address) as someone:
            someone.send(socks5(target) + b"x")
            await someone.expect(GRANTED5 + b"x")
        with pytest.raises(BadInput):
            await it.door.listen(LocalOptions(host="0.0.0.0"))


@both_doors
async def test_trouble_and_desertion_are_told(make: Callable[[], EngineDoor]) -> None:
    async with scripted(wrong_password) as server, opened(make, server.server) as it:
        with pytest.raises(Failure):
            await it.door.prove()
        await until(lambda: it.heard.failures)
        assert it.heard.threads == {threading.current_thread()}


@both_doors
async def test_what_cannot_start_leaves_nothing(make: Callable[[], EngineDoor]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        door = make()
        before = descriptors(), len(engine_threads())
        with pytest.raises(ListenFailed):
            await door.start(options(server_at(closed_port()), port=taken.getsockname()[1]), None, EngineEvents())
        nameless = Server("127.0.0.1", 1, "x", TlsOptions(server_name=""))
        with pytest.raises(BadInput):
            await door.start(options(nameless), None, EngineEvents())
        assert (descriptors(), len(engine_threads())) == before
    with pytest.raises(RuntimeError):
        await door.snapshot()
    await door.stop()


@both_doors
async def test_stop_ends_everything_and_start_begins_anew(make: Callable[[], EngineDoor]) -> None:
    async with anytls_server() as server:
        door = make()
        for _ in range(2):
            address = await door.start(options(server), None, EngineEvents())
            await door.prove()
            await door.stop()
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection(*address)
            with pytest.raises(RuntimeError):
                await door.prove()
            assert not engine_threads()
        await door.stop()


@both_doors
async def test_starting_twice_stops_what_ran(make: Callable[[], EngineDoor]) -> None:
    async with anytls_server() as server, opened(make, server) as it:
        again = await it.door.start(options(server, port=it.address.port), None, EngineEvents())
        assert again == it.address
        assert len(engine_threads()) == (make is ThreadDoor)


@both_doors
async def test_a_proof_can_be_broken_off(make: Callable[[], EngineDoor]) -> None:
    with deaf() as address:
        async with opened(make, server_at(address)) as it:
            proof = asyncio.create_task(it.door.prove())
            while not (await it.door.snapshot()).warming:
                await asyncio.sleep(0.01)
            proof.cancel()
            with pytest.raises(asyncio.CancelledError):
                await proof
            while (await it.door.snapshot()).warming:
                await asyncio.sleep(0.01)


# ---- the thread


async def test_the_engine_runs_on_a_thread_of_its_own_and_tells_here() -> None:
    async with anytls_server() as server, opened(ThreadDoor, server) as it:
        told: set[threading.Thread] = set()
        await it.door.prove(lambda stage: told.add(threading.current_thread()))
        assert told == {threading.current_thread()}
        (thread,) = engine_threads()

        async def where() -> threading.Thread:
            return threading.current_thread()

        assert isinstance(it.door, ThreadDoor)
        assert await it.door.run(where) is thread
    assert not thread.is_alive()


async def test_something_else_may_run_on_the_thread_before_the_engine_and_outlives_its_failed_start() -> None:
    door = ThreadDoor()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)

    async def end(server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()

    server = await door.run(serve)
    address = server.sockets[0].getsockname()[:2]
    try:
        with pytest.raises(ListenFailed):
            await door.start(options(server_at(closed_port()), port=address[1]), None, EngineEvents())
        reader, writer = await asyncio.open_connection(*address)
        assert await reader.read() == b""
        writer.close()
        await door.start(options(server_at(closed_port())), None, EngineEvents())
        assert len(engine_threads()) == 1
        await door.run(lambda: end(server))
    finally:
        await door.stop()
    assert not engine_threads()


async def test_a_crash_is_told_once_and_a_start_makes_a_new_thread() -> None:
    async with echo_target() as target, anytls_server() as server, opened(ThreadDoor, server) as it:
        door = it.door
        assert isinstance(door, ThreadDoor)
        waiting = asyncio.create_task(door.run(asyncio.Event().wait))
        await door.prove()
        await crash(door)
        await until(lambda: "crashed" in it.heard.events)
        with pytest.raises(EngineCrashed):
            await waiting
        with pytest.raises(EngineCrashed):
            await door.snapshot()
        assert isinstance(it.heard.failures[-1], EngineCrashed)
        assert it.heard.events.count("crashed") == 1
        assert it.heard.threads == {threading.current_thread()}
        # The port is free again, and nobody has to stop what has crashed.
        address = await door.start(options(server, port=it.address.port), None, it.heard.listener())
        async with app(address) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
        assert len(engine_threads()) == 1


async def test_a_crash_closes_what_the_engine_had_open() -> None:
    async with echo_target() as target, anytls_server() as server:
        async with opened(ThreadDoor, server):  # whatever is made once is made
            pass
        before = descriptors()
        async with opened(ThreadDoor, server) as it, app(it.address) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
            assert isinstance(it.door, ThreadDoor)
            await crash(it.door)
            assert await one.was_reset()
        await until(lambda: descriptors() == before)


async def test_two_hundred_starts_leak_no_descriptor_and_no_thread() -> None:
    async with anytls_server() as server:
        door = ThreadDoor()
        counts = []
        for turn in range(200):
            await door.start(options(server), None, EngineEvents())
            if not turn % 20:
                await door.prove()
            await door.stop()
            counts.append((descriptors(), threading.active_count()))
        # Nobody waits for the threads that read files and look names up: they end in their own time.
        await until(lambda: (descriptors(), threading.active_count()) <= min(counts[10:20]))


async def test_the_same_on_qts_loop(qtbot: Any) -> None:
    import qasync

    async with echo_target() as target, anytls_server() as server, opened(ThreadDoor, server) as it:
        assert isinstance(asyncio.get_running_loop(), qasync.QEventLoop)
        stages: list[str] = []
        await it.door.prove(lambda stage: stages.append(stage.name))
        assert stages == ["dns", "tcp", "tls", "authentication"]
        await until(lambda: it.heard.events == ["proved"])
        async with app(it.address) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
        proof = asyncio.create_task(it.door.prove())
        await asyncio.sleep(0)
        proof.cancel()
        with pytest.raises(asyncio.CancelledError):
            await proof
        assert isinstance(it.door, ThreadDoor)
        await crash(it.door)
        await until(lambda: "crashed" in it.heard.events)
        assert it.heard.threads == {threading.current_thread()}


# ---- events on their way


class Loop:
    """Counts how often it is woken."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def call_soon_threadsafe(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def trouble(number: int) -> Failure:
    return NothingListens("example.com", number)


def test_a_burst_wakes_the_loop_once_and_the_last_of_each_kind_is_told(loop: Loop) -> None:
    heard = Heard()
    outbox = host._Outbox(heard.listener())
    for number in range(500):
        outbox.trouble(trouble(number))
        outbox.proved()
    outbox.trouble(trouble(500))
    assert len(loop.calls) == 1
    loop.turn()
    assert heard.events == ["proved", "trouble"], "the order is that of the last ones"
    assert str(heard.failures[0]) == str(trouble(500))
    outbox.deserted()
    outbox.crashed(trouble(1))
    assert len(loop.calls) == 1
    loop.turn()
    assert heard.events[2:] == ["deserted", "crashed"]
    assert not loop.calls


def test_after_the_end_nothing_is_told(loop: Loop) -> None:
    heard = Heard()
    outbox = host._Outbox(heard.listener())
    outbox.proved()
    outbox.close()
    loop.turn()
    assert heard.events == []


def test_whoever_closes_the_door_while_being_told_hears_no_more(loop: Loop) -> None:
    told: list[str] = []

    def close() -> None:
        told.append("proved")
        outbox.close()

    outbox = host._Outbox(EngineEvents(proved=close, deserted=lambda: told.append("deserted")))
    outbox.proved()
    outbox.deserted()
    loop.turn()
    assert told == ["proved"]


async def test_a_loop_that_is_gone_is_told_nothing() -> None:
    heard = Heard()

    async def make() -> host._Outbox:
        return host._Outbox(heard.listener())

    outbox = await asyncio.to_thread(asyncio.run, make())
    outbox.proved()
    assert heard.events == []


def test_events_need_not_be_heard() -> None:
    events = EngineEvents()
    events.proved()
    events.trouble(trouble(1))
    events.deserted()
    events.crashed(trouble(1))
    assert replace(events) == events
