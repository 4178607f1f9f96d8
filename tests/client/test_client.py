import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from app.client.client import Client, Pace
from app.client.state import State
from app.engine.host import DirectDoor, EngineDoor, EngineEvents, ThreadDoor
from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings, TlsOptions, Verification
from app.engine.snapshot import Snapshot
from app.engine.stages import OnStage, StageResult, unheard
from app.engine.upstream import SchemeMemory
from app.errors import (
    BadInput,
    ClosedSilently,
    EngineCrashed,
    Failure,
    ListenFailed,
    NothingListens,
    PageFailed,
)
from app.protocols.address import Address
from app.protocols.padding import Scheme
from app.server.options import ServerOptions
from app.server.server import Server as AnyTlsServer
from app.storage.schemes import PushedSchemes
from tests.fakes import certificates
from tests.fakes.listening import closed_port, deaf, free_port
from tests.fakes.peers import PASSWORD, server_at
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import PATIENCE, until

LOCAL = LocalOptions(port=0)
QUICK = Pace(first_pause=0.02, longest_pause=0.1)

USUAL = Pace()

Door = Callable[[], EngineDoor]


class Watched(Client):
    """A client that remembers the states it has been in."""

    def __init__(self, schemes: PushedSchemes | None = None, door: Door = DirectDoor, pace: Pace = USUAL) -> None:
        super().__init__(schemes or PushedSchemes(None), door, pace)
        self.seen: list[State] = []
        self.on_change = self._remember

    def _remember(self) -> None:
        if self.seen[-1:] != [self.state]:
            self.seen.append(self.state)

    async def until(self, state: State) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.state is not state:
                await asyncio.sleep(0.01)


@pytest.fixture(params=[DirectDoor, ThreadDoor])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Watched]:
    client = Watched(door=request.param, pace=QUICK)
    yield client
    await client.stop()


def options(server: Server) -> EngineOptions:
    return EngineOptions((server,), pool=PoolOptions(min_idle=1), local=LOCAL)


async def test_on_is_said_when_a_server_has_spoken(client: Watched) -> None:
    async with anytls_server() as server:
        address = await client.start(options(server))
        assert client.address == address
        assert client.state is State.CONNECTING
        assert await client.snapshot() is not None
        await client.until(State.ON)
        assert client.failure is None
        await client.stop()
    assert client.seen == [State.CONNECTING, State.ON, State.OFF]
    assert await client.snapshot() is None


async def test_a_wrong_password_is_never_on(client: Watched) -> None:
    async with anytls_server() as server:
        await client.start(options(replace(server, password="wrong")))
        await client.until(State.FAILED)
        assert isinstance(client.failure, ClosedSilently)
        await client.stop()
    assert client.seen == [State.CONNECTING, State.FAILED, State.OFF]
    assert client.failure is None


async def test_the_state_comes_back_with_the_server(client: Watched) -> None:
    context = certificates.good().context()
    users = {"tester": PASSWORD}
    first = AnyTlsServer(ServerOptions(users), context)
    address = await first.start()
    pinned = TlsOptions(verification=Verification.PIN, certificate_pin=certificates.good().pin)
    try:
        await client.start(options(Server(address.host, address.port, PASSWORD, pinned)))
        await client.until(State.ON)
    finally:
        await first.stop()
    await client.until(State.FAILED)
    assert isinstance(client.failure, NothingListens)
    again = AnyTlsServer(ServerOptions(users, port=address.port), context)
    await again.start()
    try:
        await client.until(State.ON)
        assert client.failure is None
        await client.stop()
    finally:
        await again.stop()
    assert client.seen == [State.CONNECTING, State.ON, State.DEGRADED, State.FAILED, State.ON, State.OFF]


async def test_a_port_that_is_taken_leaves_it_off(client: Watched) -> None:
    async with anytls_server() as server:
        taken = LocalOptions(server.host, server.port)
        with pytest.raises(ListenFailed):
            await client.start(replace(options(server), local=taken))
    assert client.state is State.OFF
    assert client.seen == []


async def test_options_that_contradict_each_other_leave_it_off(client: Watched) -> None:
    nameless = Server("127.0.0.1", 1, "x", TlsOptions(server_name=""))
    with pytest.raises(BadInput):
        await client.start(options(nameless))
    assert client.state is State.OFF


async def test_a_pushed_scheme_is_remembered(tmp_path) -> None:
    scheme = Scheme.parse(b"stop=3\n0=11-12\n1=100-200")
    path = tmp_path / "schemes.json"
    client = Watched(PushedSchemes(path))
    async with anytls_server(scheme=scheme) as server:
        await client.start(options(server))
        await client.until(State.ON)
        async with asyncio.timeout(PATIENCE):
            while not path.exists():
                await asyncio.sleep(0.01)
        await client.stop()
    assert PushedSchemes(path).get(str(server)) == scheme.raw


async def test_stopping_twice_is_stopping_once(client: Watched) -> None:
    await client.stop()
    await client.stop()
    assert client.seen == []


async def test_the_address_is_where_the_proxy_listens(client: Watched) -> None:
    async with anytls_server() as server:
        address = await client.start(options(server))
        assert isinstance(address, Address)
        _, writer = await asyncio.open_connection(*address)
        writer.close()
        await writer.wait_closed()
        await client.stop()


# ---- a door that does what the test says


class FakeDoor:
    """Proves what it is told to prove, and tells what it is told to tell."""

    def __init__(self) -> None:
        self.events = EngineEvents()
        self.verdicts: list[Failure | None] = []
        """What the next proofs come to; the last one stays."""
        self.proofs = 0
        self.received = 0
        self.running = False
        self.gone: Failure | None = None
        self.calls: list[str] = []

    async def start(self, options: EngineOptions, schemes: SchemeMemory | None, events: EngineEvents) -> Address:
        self.events, self.running = events, True
        return Address("127.0.0.1", 1080)

    async def prove(self, on_stage: OnStage = unheard) -> None:
        await asyncio.sleep(0)
        self._check()
        self.proofs += 1
        failure = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        on_stage(StageResult("authentication", failure is None, 1.0, failure))
        if failure is not None:
            raise failure

    async def switch(self, options: EngineOptions, drain: bool, on_stage: OnStage = unheard) -> None:
        self._check()
        self.calls.append("drain" if drain else "close")

    async def listen(self, local: LocalOptions) -> Address:
        self._check()
        return Address(local.host, local.port)

    async def snapshot(self) -> Snapshot:
        self._check()
        return Snapshot(0, self.received, 0, 0, (), ())

    async def close_idle(self) -> None:
        self.calls.append("idle")

    async def close_session(self, number: int) -> None:
        self.calls.append(f"session {number}")

    async def close_connection(self, number: int) -> None:
        self.calls.append(f"connection {number}")

    async def close_connections(self) -> None:
        self.calls.append("connections")

    async def stop(self) -> None:
        self.running = False

    def crash(self) -> None:
        self.gone = EngineCrashed("a test")
        self.events.crashed(self.gone)

    def _check(self) -> None:
        if self.gone is not None:
            raise self.gone


@dataclass
class Faked:
    client: Watched
    door: FakeDoor


NOWHERE = Server("example.com", 443, "x")
REFUSED = NothingListens("example.com", 443)
NO_PAGE = PageFailed("http://page.example/", "why")
FAST = Pace(first_pause=0.002, longest_pause=0.004, recheck=0.01)
ONCE = Pace(first_pause=1000.0, longest_pause=1000.0, recheck=1000.0)


@contextlib.asynccontextmanager
async def faked(*verdicts: Failure | None, pace: Pace = FAST, page: str | None = None) -> AsyncIterator[Faked]:
    door = FakeDoor()
    door.verdicts = list(verdicts)
    client = Watched(door=lambda: door, pace=pace)
    await client.start(replace(options(NOWHERE), page=page))
    try:
        yield Faked(client, door)
    finally:
        await client.stop()


# ---- proofs


async def test_nothing_received_for_a_while_is_reason_to_prove_again() -> None:
    async with faked(None) as it:
        await until(lambda: it.door.proofs > 3)
        assert it.client.seen == [State.CONNECTING, State.ON]


async def test_what_is_received_is_proof_enough() -> None:
    async with faked(None, pace=replace(FAST, recheck=0.1)) as it:
        await it.client.until(State.ON)

        async def receive() -> None:
            while True:
                it.door.received += 1
                await asyncio.sleep(0.001)

        receiving = asyncio.create_task(receive())
        await asyncio.sleep(0.5)
        assert it.door.proofs == 1
        receiving.cancel()
        await until(lambda: it.door.proofs > 1)


async def test_a_proof_that_fails_while_on_is_degraded_and_three_are_failed() -> None:
    async with faked(None, REFUSED, REFUSED, REFUSED) as it:
        await it.client.until(State.FAILED)
        assert it.client.seen == [State.CONNECTING, State.ON, State.DEGRADED, State.FAILED]
        assert it.client.failure is REFUSED
        assert it.door.proofs >= 4


async def test_a_proof_that_fails_once_while_on_is_made_good_by_the_next() -> None:
    async with faked(None, REFUSED, None) as it:
        await until(lambda: it.client.seen[-2:] == [State.DEGRADED, State.ON])
        assert it.client.seen == [State.CONNECTING, State.ON, State.DEGRADED, State.ON]


async def test_a_server_that_works_and_a_page_that_does_not_is_degraded_at_first() -> None:
    async with faked(NO_PAGE, NO_PAGE, NO_PAGE, None, page=NO_PAGE.url) as it:
        await it.client.until(State.ON)
        assert it.client.seen == [State.CONNECTING, State.DEGRADED, State.FAILED, State.ON]


async def test_the_first_failure_to_connect_is_failed() -> None:
    async with faked(REFUSED, NO_PAGE, None) as it:
        await it.client.until(State.ON)
        assert it.client.seen == [State.CONNECTING, State.FAILED, State.ON]


async def test_a_server_that_speaks_is_not_yet_on_where_a_page_has_to_answer() -> None:
    async with faked(NO_PAGE, page=NO_PAGE.url, pace=ONCE) as it:
        await it.client.until(State.DEGRADED)
        it.door.events.proved()
        assert it.client.state is State.DEGRADED


async def test_a_server_that_speaks_is_on_where_no_page_is_asked_for() -> None:
    async with faked(REFUSED, pace=ONCE) as it:
        await it.client.until(State.FAILED)
        it.door.events.proved()
        assert it.client.state is State.ON
        assert it.client.failure is None


async def test_a_server_that_speaks_again_is_proved_soon() -> None:
    pace = Pace(first_pause=0.01, longest_pause=1000.0)
    async with faked(*[NO_PAGE] * 20, None, page=NO_PAGE.url, pace=pace) as it:
        await it.client.until(State.DEGRADED)

        async def speak() -> None:
            while it.client.state is not State.ON:
                it.door.events.proved()
                await asyncio.sleep(0.005)

        await asyncio.wait_for(speak(), PATIENCE)


async def test_a_proof_can_be_asked_for() -> None:
    async with faked(None, pace=ONCE) as it:
        await it.client.until(State.ON)
        await it.client.prove_now()
        await until(lambda: it.door.proofs == 2)
    pace = Pace(first_pause=0.01, longest_pause=1000.0)
    async with faked(*[REFUSED] * 12, pace=pace) as it:
        for proofs in range(12):
            while it.door.proofs <= proofs:
                await asyncio.sleep(0.001)
            await it.client.prove_now()


async def test_desertion_is_reason_to_look() -> None:
    async with faked(None, pace=ONCE) as it:
        await it.client.until(State.ON)
        it.door.events.deserted()
        await until(lambda: it.door.proofs == 2)


async def test_trouble_while_something_is_wrong_does_not_hurry_the_proof() -> None:
    async with faked(REFUSED, pace=ONCE) as it:
        await it.client.until(State.FAILED)
        for _ in range(10):
            it.door.events.trouble(REFUSED)
            await asyncio.sleep(0.001)
        assert it.door.proofs == 1


# ---- the crash


async def test_a_crash_has_failed_with_its_reason_and_one_start_brings_it_back() -> None:
    async with faked(None) as it:
        await it.client.until(State.ON)
        it.door.crash()
        assert it.client.state is State.FAILED
        assert isinstance(it.client.failure, EngineCrashed)
        assert not it.client.running
        assert it.client.address is None
        assert it.client.since is None
        assert await it.client.snapshot() is None
        with pytest.raises(EngineCrashed):
            await it.client.switch(options(NOWHERE), drain=True)
        with pytest.raises(EngineCrashed):
            await it.client.listen(LOCAL)
        await it.client.prove_now()
        it.door.gone = None
        await it.client.start(options(NOWHERE))
        assert it.client.running
        await it.client.until(State.ON)
        await it.client.stop()
        assert it.client.seen[:4] == [State.CONNECTING, State.ON, State.FAILED, State.CONNECTING]


async def test_a_crash_that_only_a_call_tells_counts_too() -> None:
    async with faked(None) as it:
        await it.client.until(State.ON)
        it.door.gone = EngineCrashed("a test")
        await it.client.until(State.FAILED)
        it.door.crash()
        assert it.client.seen == [State.CONNECTING, State.ON, State.FAILED]


async def test_the_thread_itself_may_crash() -> None:
    doors: list[ThreadDoor] = []

    def make() -> ThreadDoor:
        doors.append(ThreadDoor())
        return doors[-1]

    def breaks() -> None:
        raise KeyboardInterrupt

    async def soon() -> None:
        asyncio.get_running_loop().call_soon(breaks)

    client = Watched(door=make, pace=QUICK)
    async with anytls_server() as server:
        try:
            address = await client.start(options(server))
            await client.until(State.ON)
            await doors[0].run(soon)
            await client.until(State.FAILED)
            assert str(client.failure) == "The engine has stopped working: KeyboardInterrupt."
            again = replace(options(server), local=LocalOptions(port=address.port))
            assert await client.start(again) == address
            await client.until(State.ON)
        finally:
            await client.stop()
    assert len(doors) == 2


# ---- moving


async def test_over_to_another_server(client: Watched) -> None:
    async with anytls_server() as first, anytls_server() as second:
        with pytest.raises(RuntimeError):
            await client.switch(options(second), drain=True)
        address = await client.start(options(first))
        await client.until(State.ON)
        since = client.since
        await client.switch(options(second), drain=True)
        snapshot = await client.snapshot()
        assert snapshot is not None
        assert str(second) in {session.server for session in snapshot.sessions}
        assert (client.state, client.address, client.since) == (State.ON, address, since)
        assert client.seen == [State.CONNECTING, State.ON]


async def test_a_server_that_fails_does_not_become_the_one(client: Watched) -> None:
    async with anytls_server() as server:
        await client.start(options(server))
        await client.until(State.ON)
        await until(lambda: len(client.stages) == 4)
        stages = client.stages
        with pytest.raises(NothingListens):
            await client.switch(options(Server("127.0.0.1", closed_port().port, "x")), drain=False)
        assert client.state is State.ON
        assert client.failure is None
        assert client.stages == stages
        assert client.seen == [State.CONNECTING, State.ON]


async def test_what_has_failed_can_move_to_a_server_that_works(client: Watched) -> None:
    async with anytls_server() as server:
        await client.start(options(Server("127.0.0.1", closed_port().port, "x")))
        await client.until(State.FAILED)
        await client.switch(options(server), drain=True)
        assert client.state is State.ON
        assert client.failure is None
        assert client.since is not None


async def test_the_choice_about_old_connections_is_handed_on() -> None:
    async with faked(None) as it:
        await it.client.switch(options(NOWHERE), drain=True)
        await it.client.switch(options(NOWHERE), drain=False)
        assert it.door.calls == ["drain", "close"]


async def test_a_page_of_the_new_profile_is_asked_for_from_then_on() -> None:
    async with faked(None, NO_PAGE, pace=ONCE) as it:
        await it.client.until(State.ON)
        await it.client.switch(replace(options(NOWHERE), page=NO_PAGE.url), drain=True)
        await it.client.prove_now()
        await it.client.until(State.DEGRADED)
        it.door.events.proved()
        assert it.client.state is State.DEGRADED


async def test_listening_elsewhere_is_told(client: Watched) -> None:
    async with anytls_server() as server:
        with pytest.raises(RuntimeError):
            await client.listen(LOCAL)
        await client.start(options(server))
        await client.until(State.ON)
        port = free_port()
        told: list[Address | None] = []
        client.on_change = lambda: told.append(client.address)
        assert await client.listen(LocalOptions(port=port)) == Address("127.0.0.1", port)
        assert Address("127.0.0.1", port) in told
        with pytest.raises(ListenFailed):
            await client.listen(LocalOptions(port=server.port))
        assert client.address == Address("127.0.0.1", port)


# ---- what is there to see, and to close


async def test_stages_are_told_one_after_the_other(client: Watched) -> None:
    seen: list[tuple[str, ...]] = []
    async with anytls_server() as server:
        remember = client.on_change

        def changed() -> None:
            remember()
            seen.append(tuple(stage.name for stage in client.stages))

        client.on_change = changed
        await client.start(options(server))
        await until(lambda: len(client.stages) == 4)
        assert all(stage.ok for stage in client.stages)
        for names in [("dns",), ("dns", "tcp"), ("dns", "tcp", "tls"), ("dns", "tcp", "tls", "authentication")]:
            assert names in seen
        await client.stop()
        assert client.stages == ()


async def test_a_later_proof_replaces_what_it_tried_again() -> None:
    async with faked(None, REFUSED, pace=replace(FAST, recheck=1000.0)) as it:
        await until(lambda: it.client.stages)
        it.client._add_stage(StageResult("page", True, 1.0))
        it.client._add_stage(StageResult("tcp", True, 1.0))
        assert [stage.name for stage in it.client.stages] == ["tcp"]
        await it.client.prove_now()
        await until(lambda: len(it.client.stages) == 2)
        assert [(stage.name, stage.ok) for stage in it.client.stages] == [("tcp", True), ("authentication", False)]


async def test_since_is_when_it_became_on_and_not_when_it_was_degraded() -> None:
    async with faked(None, REFUSED, None, pace=FAST) as it:
        assert it.client.since is None
        await it.client.until(State.ON)
        since = it.client.since
        assert since is not None
        await until(lambda: it.client.seen[-2:] == [State.DEGRADED, State.ON])
        assert it.client.since == since
        await it.client.stop()
        assert it.client.since is None


async def test_closing_is_handed_on() -> None:
    async with faked(None) as it:
        await it.client.close_idle()
        await it.client.close_session(1)
        await it.client.close_connection(2)
        await it.client.close_connections()
        assert it.door.calls == ["idle", "session 1", "connection 2", "connections"]
        await it.client.stop()
        it.door.calls.clear()
        await it.client.close_idle()
        await it.client.close_session(1)
        await it.client.close_connection(2)
        await it.client.close_connections()
        await it.client.prove_now()
        assert it.door.calls == []


# ---- starting and stopping


async def test_starting_again_stops_what_ran(client: Watched) -> None:
    async with anytls_server() as server:
        address = await client.start(options(server))
        await client.until(State.ON)
        again = replace(options(server), local=LocalOptions(port=address.port))
        assert await client.start(again) == address
        await client.until(State.ON)
        assert client.seen == [State.CONNECTING, State.ON] * 2


async def test_a_start_that_fails_while_it_runs_leaves_it_off(client: Watched) -> None:
    async with anytls_server() as server:
        await client.start(options(server))
        await client.until(State.ON)
        with pytest.raises(ListenFailed):
            await client.start(replace(options(server), local=LocalOptions(server.host, server.port)))
        assert client.state is State.OFF
        assert not client.running
        assert client.since is None


async def test_a_start_that_is_broken_off_leaves_it_off(client: Watched) -> None:
    async with anytls_server() as server:
        start = asyncio.create_task(client.start(options(server)))
        await asyncio.sleep(0)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert client.state is State.OFF
        assert not client.running
        await client.start(options(server))
        await client.until(State.ON)


async def test_stop_ends_a_switch_under_way(client: Watched) -> None:
    with deaf() as nowhere:
        async with anytls_server() as server:
            await client.start(options(server))
            await client.until(State.ON)
            timings = Timings(tls=0.3)
            switch = asyncio.create_task(
                client.switch(replace(options(server_at(nowhere)), timings=timings), drain=True)
            )
            await until(lambda: "tcp" in [stage.name for stage in client.stages][-1:])
            await client.stop()
            with pytest.raises(Failure):
                await switch
            assert client.state is State.OFF
            assert client.stages == ()


async def test_it_can_be_started_after_it_was_stopped(client: Watched) -> None:
    async with anytls_server() as server:
        for _ in range(3):
            await client.start(options(server))
            await client.until(State.ON)
            await client.stop()
        assert client.seen == [State.CONNECTING, State.ON, State.OFF] * 3


async def test_events_of_what_was_stopped_are_not_heard() -> None:
    async with faked(None) as it:
        await it.client.until(State.ON)
        await it.client.stop()
        it.door.events.proved()
        it.door.events.trouble(REFUSED)
        it.door.crash()
        assert it.client.state is State.OFF


async def test_stop_waits_for_a_start_under_way(client: Watched) -> None:
    async with anytls_server() as server:
        start = asyncio.create_task(client.start(options(server)))
        await asyncio.sleep(0)
        await client.stop()
        await start
        assert client.state is State.OFF
        assert not client.running
