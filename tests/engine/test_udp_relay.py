"""SOCKS5 UDP ASSOCIATE: datagrams through streams, and how many of each there may be for how long."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from app.engine import udp_relay
from app.protocols import uot
from app.protocols.address import Address, decode_socks
from app.protocols.frames import FIN, PSH, SYNACK, pack
from app.protocols.socks import decode_udp, encode_udp
from tests.engine.apps import App, Proxy, app, serving, slow_dialling, socks5
from tests.fakes.listening import closed_port
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, scripted, server_at
from tests.fakes.servers import anytls_server
from tests.fakes.targets import udp_echo_target
from tests.fakes.waiting import PATIENCE, settle, until

ANYONE = Address("0.0.0.0", 0)

both_modes = pytest.mark.parametrize("connect", [True, False], ids=["connect", "packet"])


class Datagrams(asyncio.DatagramProtocol):
    """A socket of an app, or of someone else."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait(data)


@contextlib.asynccontextmanager
async def datagrams(host: str = "127.0.0.1") -> AsyncIterator[Datagrams]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, local_addr=(host, 0))
    try:
        yield protocol
    finally:
        transport.close()
        await asyncio.sleep(0)


@dataclass
class Association:
    """An app with a UDP association."""

    control: App
    relay: Address
    """Where it sends its datagrams."""
    datagrams: Datagrams

    def send(self, payload: bytes, target: Address) -> None:
        self.raw(encode_udp(target, payload))

    def raw(self, datagram: bytes) -> None:
        self.datagrams.transport.sendto(datagram, tuple(self.relay))

    async def received(self) -> tuple[Address, bytes]:
        """The next datagram: where it comes from, and what it says."""
        async with asyncio.timeout(PATIENCE):
            decoded = decode_udp(await self.datagrams.received.get())
        assert decoded is not None
        return decoded


@contextlib.asynccontextmanager
async def associated(proxy: Proxy) -> AsyncIterator[Association]:
    async with app(proxy) as control, datagrams(proxy.address.host) as own:
        yield Association(control, await associate(control), own)


async def associate(control: App) -> Address:
    control.send(socks5(ANYONE, command=3))
    async with asyncio.timeout(PATIENCE):
        assert await control.reader.readexactly(5) == b"\5\0\5\0\0"
        family = await control.reader.readexactly(1)
        found = decode_socks(family + await control.reader.readexactly(18 if family == b"\4" else 6))
    assert found is not None
    return found[0]


def open_targets(proxy: Proxy) -> list[str]:
    return [str(connection.target) for connection in proxy.local.connections.open.values()]


# ---- there and back


@both_loops
@both_modes
async def test_datagrams_go_there_and_back(connect: bool) -> None:
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server, udp_connect=connect) as proxy,
        associated(proxy) as one,
    ):
        for payload in (b"a", b"x" * 1400, bytes(60_000)):
            one.send(payload, target)
            assert await one.received() == (target, payload)
        (info,) = proxy.snapshot().connections
        assert (info.protocol, info.target, info.state) == ("udp", str(target), "open")
        assert info.up > 61_401
        assert info.down > 61_401


@both_loops
@both_modes
async def test_each_destination_answers_for_itself(connect: bool) -> None:
    async with (
        udp_echo_target() as first,
        udp_echo_target() as second,
        udp_echo_target() as third,
        anytls_server() as server,
        serving(server, udp_connect=connect) as proxy,
        associated(proxy) as one,
    ):
        targets = [first, second, third]
        for target in targets * 2:
            one.send(str(target).encode(), target)
        answers = [await one.received() for _ in range(6)]
        assert sorted(answers) == sorted((target, str(target).encode()) for target in targets * 2)
        assert len(open_targets(proxy)) == (3 if connect else 1)


async def test_a_named_target_answers_by_its_name() -> None:
    """An app takes an answer from the name that it asked, which only the server can turn into an address."""
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server) as proxy,
        associated(proxy) as one,
    ):
        named = Address("localhost", target.port)
        one.send(b"x", named)
        assert await one.received() == (named, b"x")


async def test_a_named_target_is_resolved_by_the_server_in_packet_mode() -> None:
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server, udp_connect=False) as proxy,
        associated(proxy) as one,
    ):
        one.send(b"x", Address("localhost", target.port))
        assert await one.received() == (target, b"x")


async def test_two_apps_do_not_hear_each_other() -> None:
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server) as proxy,
        associated(proxy) as one,
        associated(proxy) as other,
    ):
        one.send(b"one", target)
        other.send(b"other", target)
        assert await one.received() == (target, b"one")
        assert await other.received() == (target, b"other")
        await settle()
        assert one.datagrams.received.empty()
        assert other.datagrams.received.empty()


# ---- on the wire


@dataclass
class Opened:
    """A stream that a scripted server has seen opened."""

    peer: Peer
    request: uot.Request
    packets: list[tuple[Address | None, bytes]]
    frames: list[bytes]
    closed: bool = False


@contextlib.asynccontextmanager
async def recording(**options: object) -> AsyncIterator[tuple[Proxy, list[Opened]]]:
    """A proxy with a server that writes down every stream and answers with each packet itself."""
    seen: list[Opened] = []

    async def serve(peer: Peer) -> None:
        stream_id, target = await peer.opened()
        assert target == uot.TARGET_V2
        _, first = await peer.expect(PSH)
        found = uot.RequestReader().feed(first)
        assert found is not None
        reader = uot.PacketReader(found[0].connect)
        opened = Opened(peer, found[0], reader.feed(found[1]), [first])
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, found[1]))
        seen.append(opened)
        while not opened.closed:
            command, _, payload = await peer.frame()
            if command == FIN:
                opened.closed = True
            else:
                assert command == PSH
                opened.frames.append(payload)
                opened.packets += reader.feed(payload)
                peer.send(pack(PSH, stream_id, payload))

    async def script(peer: Peer) -> None:
        await peer.greet()
        while True:
            await serve(peer)

    async with scripted(script) as server, serving(server.server, **options) as proxy:  # type: ignore[arg-type]  # they are the local proxy's
        yield proxy, seen


@both_loops
async def test_in_connect_mode_the_request_shares_the_first_packets_frame() -> None:
    target = Address("known.to.the.server.test", 53)
    async with recording() as (proxy, seen), associated(proxy) as one:
        one.send(b"first", target)
        assert await one.received() == (target, b"first")
        one.send(b"second", target)
        assert await one.received() == (target, b"second")
        (stream,) = seen
        assert stream.request == uot.Request(True, target)
        assert stream.frames == [uot.request(True, target) + b"\0\5first", b"\0\6second"]


@both_modes
async def test_an_empty_datagram_is_one_too(connect: bool) -> None:
    target = Address("192.0.2.1", 53)
    async with recording(udp_connect=connect) as (proxy, seen), associated(proxy) as one:
        for _ in range(2):
            one.send(b"", target)
            assert await one.received() == (target, b"")
        assert seen[0].packets == [(None if connect else target, b"")] * 2


async def test_in_packet_mode_each_packet_names_its_target() -> None:
    targets = [Address("192.0.2.1", 53), Address("2001:db8::1", 54), Address("name.test", 55)]
    async with recording(udp_connect=False) as (proxy, seen), associated(proxy) as one:
        for target in targets:
            one.send(b"x", target)
            assert await one.received() == (target, b"x")
        (stream,) = seen
        assert not stream.request.connect
        assert stream.packets == [(target, b"x") for target in targets]


@both_loops
async def test_what_is_sent_while_a_session_is_made_arrives_up_to_a_bound() -> None:
    """The newest are kept: they are the ones that a sender still waits for."""
    target = Address("192.0.2.1", 53)
    async with recording() as (proxy, seen), associated(proxy) as one:
        with slow_dialling(proxy) as may_dial:
            sent = [b"%d" % number for number in range(40)]
            for payload in sent:
                one.send(payload, target)
            await until(lambda: open_targets(proxy))
            await settle()
            may_dial.set()
        got = [(await one.received())[1] for _ in range(32)]
        assert got == sent[-32:]
        assert [payload for _, payload in seen[0].packets] == sent[-32:]


async def test_nothing_is_opened_before_the_first_datagram() -> None:
    async with recording() as (proxy, seen), associated(proxy):
        await settle()
        assert not open_targets(proxy)
        assert proxy.snapshot().sessions_made == 0
        assert not seen


# ---- what is dropped


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\0\0",
        b"\0\0\0\1\x7f",
        b"\0\0\0\x09\1\1\1\1\0\x50data",
        b"\0\0\1\1\x7f\0\0\1\0\x50fragment",
        b"\0\0\x81\1\x7f\0\0\1\0\x50last fragment",
        b"\0\0\0\3\0\0\x50no name",
    ],
)
async def test_what_is_no_whole_socks_datagram_is_dropped(datagram: bytes) -> None:
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server) as proxy,
        associated(proxy) as one,
    ):
        one.raw(datagram)
        await settle()
        assert not open_targets(proxy)
        one.send(b"good", target)
        assert await one.received() == (target, b"good")


@both_loops
async def test_datagrams_of_others_are_ignored() -> None:
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server) as proxy,
        associated(proxy) as one,
        datagrams() as other,
        datagrams("127.0.0.2") as stranger,
    ):
        stranger.transport.sendto(encode_udp(target, b"from elsewhere"), tuple(one.relay))
        await settle()
        assert not open_targets(proxy)
        one.send(b"mine", target)
        assert await one.received() == (target, b"mine")
        other.transport.sendto(encode_udp(target, b"not mine"), tuple(one.relay))
        await settle()
        one.send(b"mine again", target)
        assert await one.received() == (target, b"mine again")
        assert other.received.empty()
        assert stranger.received.empty()


async def test_a_datagram_that_is_too_long_for_its_target_is_dropped() -> None:
    """Over IPv6 an app can send more than any IPv4 datagram holds."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server, host="::1") as proxy,
        associated(proxy) as one,
    ):
        one.send(bytes(uot.MAX_DATAGRAM + 1), target)
        one.send(b"fits", target)
        assert await one.received() == (target, b"fits")
        assert sum("a datagram was dropped" in line for line in proxy.log) == 1


@both_loops
async def test_an_answer_that_is_too_long_for_the_app_is_dropped() -> None:
    """With its SOCKS header it is longer than a datagram can be."""
    target = Address("192.0.2.1", 53)

    async def script(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        await peer.expect(PSH)
        peer.send(pack(SYNACK, stream_id))
        for payload in (bytes(uot.MAX_DATAGRAM), b"fits"):
            peer.send(pack(PSH, stream_id, uot.packet(payload)))
        await peer.left()

    async with scripted(script) as server, serving(server.server) as proxy, associated(proxy) as one:
        one.send(b"?", target)
        assert await one.received() == (target, b"fits")


async def test_a_server_that_sends_no_packets_loses_the_stream_alone() -> None:
    target = Address("192.0.2.1", 53)

    async def script(peer: Peer) -> None:
        await peer.greet()
        for answer in (b"\x09 no address starts like this", uot.packet(b"yes", target)):
            stream_id, _ = await peer.opened()
            await peer.expect(PSH)
            peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, answer))
            await peer.expect(FIN)

    async with (
        scripted(script) as server,
        serving(server.server, udp_connect=False) as proxy,
        associated(proxy) as one,
    ):
        one.send(b"?", target)
        await until(lambda: any("the server sent no datagrams" in line for line in proxy.log))
        assert not open_targets(proxy)
        one.send(b"?", target)
        assert await one.received() == (target, b"yes")
        assert len(server.peers) == 1


# ---- limits and ends


@both_loops
async def test_the_destination_unused_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_relay, "_MAX_FLOWS", 2)
    a, b, c = (Address("192.0.2.1", port) for port in (1, 2, 3))
    async with recording() as (proxy, seen), associated(proxy) as one:
        for target in (a, b, a, c):
            one.send(b"x", target)
            assert await one.received() == (target, b"x")
        assert open_targets(proxy) == [str(a), str(c)]
        assert [stream.request.destination for stream in seen] == [a, b, c]
        await until(lambda: seen[1].closed)
        one.send(b"back", b)
        assert await one.received() == (b, b"back")
        assert open_targets(proxy) == [str(c), str(b)]


@both_modes
async def test_a_silent_destination_is_given_up(connect: bool) -> None:
    target = Address("192.0.2.1", 53)
    async with recording(udp_connect=connect) as (proxy, seen), associated(proxy) as one:
        one.send(b"x", target)
        assert await one.received() == (target, b"x")
        proxy.later(110)
        assert open_targets(proxy) == [str(target)]
        proxy.later(130)
        assert not open_targets(proxy)
        await until(lambda: seen[0].closed)
        one.send(b"y", target)
        assert await one.received() == (target, b"y")
        assert len(seen) == 2


@both_loops
async def test_an_association_ends_with_its_connection() -> None:
    target = Address("192.0.2.1", 53)
    async with recording() as (proxy, seen), associated(proxy) as one:
        one.send(b"x", target)
        await one.received()
        one.control.writer.close()
        await until(lambda: not proxy.local.associations)
        assert not open_targets(proxy)
        await until(lambda: seen[0].closed)
        await settle()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(tuple(one.relay))  # nobody has it any more


async def test_what_the_app_says_on_its_connection_is_ignored() -> None:
    async with (
        udp_echo_target() as target,
        anytls_server() as server,
        serving(server) as proxy,
        associated(proxy) as one,
    ):
        one.control.send(b"hello?")
        await settle()
        one.send(b"x", target)
        assert await one.received() == (target, b"x")


async def test_too_many_associations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_relay, "_MAX_ASSOCIATIONS", 1)
    async with udp_echo_target() as target, anytls_server() as server, serving(server) as proxy:
        async with associated(proxy) as one:
            async with app(proxy) as another:
                another.send(socks5(ANYONE, command=3))
                assert await another.rest() == b"\5\0\5\1\0\1" + bytes(6)
            assert proxy.log[-1] == "UDP refused: there are too many UDP associations"
            one.send(b"x", target)
            assert await one.received() == (target, b"x")
        await until(lambda: not proxy.local.associations)
        async with associated(proxy) as one:
            one.send(b"y", target)
            assert await one.received() == (target, b"y")


@both_loops
async def test_a_target_that_is_refused_stands_with_its_reason() -> None:
    async with anytls_server() as server, serving(server) as proxy, associated(proxy) as one:
        one.send(b"x", Address("no..name", 53))
        one.send(b"x", Address("no-such-name.invalid", 53))
        await until(lambda: proxy.local.connections.recent and not open_targets(proxy))
        for info in proxy.snapshot().connections:
            assert info.state == "failed"
            assert "could not reach the target" in info.reason
        assert len(proxy.local.associations) == 1


async def test_without_a_server_the_association_lives_on() -> None:
    address = closed_port()
    async with serving(server_at(address)) as proxy, associated(proxy) as one:
        for _ in range(2):
            one.send(b"x", Address("192.0.2.1", 53))
            await until(lambda: open_targets(proxy) or proxy.local.connections.recent)
            await until(lambda: not open_targets(proxy))
        assert {info.reason for info in proxy.snapshot().connections} == {
            f"Nothing listens on 127.0.0.1 port {address.port}."
        }
        assert len(proxy.local.associations) == 1


async def test_a_session_that_dies_is_replaced_at_the_next_datagram() -> None:
    target = Address("192.0.2.1", 53)
    async with recording() as (proxy, seen), associated(proxy) as one:
        one.send(b"x", target)
        await one.received()
        seen[0].peer.reset()
        await until(lambda: not open_targets(proxy))
        one.send(b"y", target)
        assert await one.received() == (target, b"y")
        states = [(info.state, bool(info.reason)) for info in proxy.snapshot().connections]
        assert states == [("failed", True), ("open", False)]


async def test_a_finished_flow_leaves_its_session_for_others() -> None:
    async with (
        udp_echo_target() as first,
        udp_echo_target() as second,
        anytls_server() as server,
        serving(server) as proxy,
        associated(proxy) as one,
    ):
        one.send(b"x", first)
        await one.received()
        proxy.later(1000)
        await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
        one.send(b"y", second)
        assert await one.received() == (second, b"y")
        assert proxy.snapshot().sessions_made == 1
