import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

import app
from app.client import _NEXT, Client, State, engine_options, unmet_wishes
from app.engine.options import (
    EngineOptions,
    LocalOptions,
    PoolOptions,
    Server,
    Strategy,
    TlsOptions,
    Verification,
)
from app.errors import BadInput, ClosedSilently, ListenFailed, NothingListens
from app.protocols.address import Address
from app.protocols.padding import Scheme
from app.server.options import ServerOptions
from app.server.server import Server as AnyTlsServer
from app.storage.profiles import Profile, ProfileServer
from app.storage.schemes import PushedSchemes
from tests.fakes import certificates
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server

PATIENCE = 30.0
LOCAL = LocalOptions(port=0)


class Watched(Client):
    """A client that remembers the states it has been in."""

    def __init__(self, schemes: PushedSchemes | None = None) -> None:
        super().__init__(schemes or PushedSchemes(None))
        self.seen: list[State] = []
        self.on_change = self._remember

    def _remember(self) -> None:
        self.seen.append(self.state)

    async def until(self, state: State) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.state is not state:
                await asyncio.sleep(0.01)


@pytest.fixture
async def client() -> AsyncIterator[Watched]:
    client = Watched()
    yield client
    await client.stop()


def options(server: Server) -> EngineOptions:
    return EngineOptions((server,), pool=PoolOptions(min_idle=1), local=LOCAL)


async def test_on_is_said_when_a_server_has_spoken(client: Watched) -> None:
    async with anytls_server() as server:
        address = await client.start(options(server))
        assert client.address == address
        assert client.state is State.CONNECTING
        assert client.snapshot() is not None
        await client.until(State.ON)
        assert client.failure is None
        await client.stop()
    assert client.seen == [State.CONNECTING, State.ON, State.OFF]
    assert client.snapshot() is None


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


def test_every_state_can_be_left_for_off_and_off_only_by_starting() -> None:
    names = {state: {sign.value: after for sign, after in signs.items()} for state, signs in _NEXT.items()}
    assert names.pop(State.OFF) == {"started": State.CONNECTING}
    assert all(signs["stopped"] is State.OFF for signs in names.values())
    assert all("started" not in signs for signs in names.values())
    assert {after for signs in names.values() for after in signs.values()} >= {State.ON, State.DEGRADED, State.FAILED}


PROFILE = Profile(
    name="Berlin",
    servers=(ProfileServer("a.example", 443), ProfileServer("b.example", 8443)),
    strategy="failover",
    server_name="front.example",
    alpn=("h2",),
    verification="pin",
    certificate_pin=b"1" * 32,
    spki_pin=b"2" * 32,
    min_tls="1.3",
    idle_check_interval=15.0,
    idle_timeout=45.0,
    min_idle=10,
)


def test_what_the_engine_is_told_for_a_profile() -> None:
    told = engine_options(PROFILE, ("one", "two"), LOCAL)
    tls = TlsOptions("front.example", ("h2",), Verification.PIN, None, b"1" * 32, b"2" * 32, "1.3", None)
    assert told.servers == (Server("a.example", 443, "one", tls), Server("b.example", 8443, "two", tls))
    assert told.strategy is Strategy.FAILOVER
    assert told.pool == PoolOptions(15.0, 45.0, 10)
    assert told.local is LOCAL
    assert told.client_name == f"anytls-tray/{app.__version__}"


@pytest.mark.parametrize("name", ["", "another/1.0"])
def test_the_client_name_is_the_profiles_where_it_has_one(name: str) -> None:
    assert engine_options(replace(PROFILE, client_name=name), ("one", "two"), LOCAL).client_name == name


def test_every_server_needs_its_password() -> None:
    with pytest.raises(ValueError, match="zip"):
        engine_options(PROFILE, ("one",), LOCAL)


def test_what_cannot_be_done_is_said() -> None:
    assert unmet_wishes(PROFILE) == ()
    (sentence,) = unmet_wishes(replace(PROFILE, fingerprint="chrome"))
    assert "chrome" in sentence


async def test_the_address_is_where_the_proxy_listens(client: Watched) -> None:
    async with anytls_server() as server:
        address = await client.start(options(server))
        assert isinstance(address, Address)
        _, writer = await asyncio.open_connection(*address)
        writer.close()
        await writer.wait_closed()
        await client.stop()
