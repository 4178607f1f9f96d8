"""Datagrams travel in packets of UDP over TCP (PROTOCOL.md §1.13), both versions, both modes, one packet a frame."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator

import pytest

from app.protocols.address import Address
from app.server import udp_target
from app.server.target import TcpTarget
from app.server.udp_target import UdpTarget
from tests.fakes.loops import both_loops
from tests.fakes.waiting import PATIENCE, settle, until
from tests.server.raw import (
    END,
    FIN,
    HALF_CLOSE,
    PSH,
    SYN,
    SYNACK,
    RawClient,
    Running,
    domain,
    frame,
    ipv4,
    opening,
    running,
)
from tests.server.targets import needs_proc, open_sockets, target, udp_socket

V2 = domain("sp.v2.udp-over-tcp.arpa", 0)
V1 = domain("sp.udp-over-tcp.arpa", 0)


def at(sock: socket.socket) -> Address:
    return Address(*sock.getsockname()[:2])


def uot_address(address: Address) -> bytes:
    """Family 0, 1 or 2, host, port."""
    if ":" in address.host:
        return b"\x01" + socket.inet_pton(socket.AF_INET6, address.host) + struct.pack(">H", address.port)
    return b"\x00" + ipv4(address)[1:]


def sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def packet(address: Address, data: bytes) -> bytes:
    return uot_address(address) + sized(data)


async def received(sock: socket.socket) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.get_running_loop().sock_recv(sock, 70_000)


async def received_from(sock: socket.socket) -> tuple[bytes, tuple[str, int]]:
    while True:
        with contextlib.suppress(BlockingIOError):
            data, source = sock.recvfrom(70_000)
            return data, source[:2]
        await asyncio.sleep(0.001)


@contextlib.contextmanager
def ipv6_socket() -> Iterator[socket.socket]:
    with contextlib.ExitStack() as stack:
        try:
            sock = stack.enter_context(udp_socket(socket.AF_INET6, "::1"))
        except OSError:
            pytest.skip("this machine has no IPv6")
        yield sock


def the_udp(served: Running) -> UdpTarget:
    (held,) = served.session.targets
    assert isinstance(held, UdpTarget)
    return held


@contextlib.asynccontextmanager
async def connected(served: Running, peer: socket.socket, first: bytes = b"") -> AsyncIterator[RawClient]:
    """A client whose stream 1 is connected to `peer`."""
    async with served.logged_in() as client:
        client.send(opening(1, V2), frame(PSH, 1, b"\x01" + ipv4(at(peer)) + first))
        await client.expect(SYNACK, 1)
        yield client


@contextlib.asynccontextmanager
async def unconnected(served: Running) -> AsyncIterator[RawClient]:
    """A client whose stream 1 sends to any destination."""
    async with served.logged_in() as client:
        client.send(opening(1, V2), frame(PSH, 1, b"\x00" + ipv4(Address("0.0.0.0", 0))))
        await client.expect(SYNACK, 1)
        yield client


# ---- version 2, connected


@both_loops
@pytest.mark.parametrize("magic", [V2, domain("sp.v2.udp-over-tcp.arpa", 443), domain("SP.V2.udp-over-tcp.ARPA", 0)])
async def test_connected_packets_travel_both_ways(magic: bytes) -> None:
    with udp_socket() as peer:
        async with running() as served, served.logged_in() as client:
            client.send(opening(1, magic), frame(PSH, 1, b"\x01" + ipv4(at(peer)) + sized(b"ping")))
            await client.expect(SYNACK, 1)
            data, source = await received_from(peer)
            assert data == b"ping"
            peer.sendto(b"pong", source)
            await client.expect(PSH, 1, sized(b"pong"))


@both_loops
@pytest.mark.parametrize("size", [0, 1, 1400, 65507])
async def test_datagrams_of_every_size_travel_both_ways(size: int) -> None:
    with udp_socket() as peer:
        async with running() as served, connected(served, peer) as client:
            data = bytes(range(256)) * 256
            payload = sized(data[:size])
            client.send(frame(PSH, 1, payload[:40_000]) + (frame(PSH, 1, payload[40_000:]) if size > 40_000 else b""))
            came, source = await received_from(peer)
            assert came == data[:size]
            peer.sendto(came, source)
            await client.expect(PSH, 1, sized(came))


async def test_every_datagram_is_a_frame_of_its_own_on_the_way_back() -> None:
    with udp_socket() as peer:
        async with running() as served, connected(served, peer, sized(b"hello")) as client:
            _, source = await received_from(peer)
            for number in range(20):
                peer.sendto(b"%d" % number, source)
            for number in range(20):
                await client.expect(PSH, 1, sized(b"%d" % number))


@both_loops
async def test_a_connected_stream_hears_only_its_peer() -> None:
    with udp_socket() as peer, udp_socket() as other:
        async with running() as served, connected(served, peer, sized(b"hello")) as client:
            _, source = await received_from(peer)
            other.sendto(b"from elsewhere", source)
            peer.sendto(b"from the peer", source)
            await client.expect(PSH, 1, sized(b"from the peer"))


async def test_request_and_packets_may_be_cut_anywhere() -> None:
    with udp_socket() as peer:
        async with running() as served, served.logged_in() as client:
            stream = b"\x01" + ipv4(at(peer)) + sized(b"one") + sized(b"two")
            await client.ask(opening(1, V2))
            heard = []
            for number in stream:
                heard += await client.ask(frame(PSH, 1, bytes((number,))))
            assert heard == [(SYNACK, 1, b"")]
            assert [await received(peer), await received(peer)] == [b"one", b"two"]


async def test_names_are_resolved_and_ipv4_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says so where a datagram is lost in a network that the server is not connected to."""

    async def both(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
        assert host == "two.test"
        kind = socket.SOCK_DGRAM, socket.IPPROTO_UDP, ""
        return [(socket.AF_INET6, *kind, ("::1", port, 0, 0)), (socket.AF_INET, *kind, ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    with udp_socket() as peer:
        async with running() as served, served.logged_in() as client:
            request = b"\x01" + domain("two.test", at(peer).port)
            client.send(opening(1, V2), frame(PSH, 1, request + sized(b"ping")))
            await client.expect(SYNACK, 1)
            assert await received(peer) == b"ping"


async def test_a_name_without_an_address_is_a_refusal() -> None:
    async with running() as served, served.logged_in() as client:
        client.send(opening(1, V2), frame(PSH, 1, b"\x01" + domain("nothing.invalid", 53) + sized(b"?")))
        assert (await client.expect(SYNACK, 1, None)).startswith(b"connect udp nothing.invalid:53: ")
        await client.expect(FIN, 1)
        await until(lambda: not served.session.targets)


@both_loops
async def test_an_unreachable_port_ends_nothing() -> None:
    with udp_socket() as peer:
        address = at(peer)
        async with running() as served, connected(served, peer) as client:
            peer.close()
            for _ in range(3):  # the kernel tells a sender of what became of its last
                assert await client.ask(frame(PSH, 1, sized(b"anyone?"))) == []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
                again.setblocking(False)
                again.bind(address)
                client.send(*[frame(PSH, 1, sized(b"and now?"))] * 2)
                assert await received(again) == b"and now?"


# ---- version 2 unconnected, and version 1


@both_loops
async def test_one_unconnected_stream_reaches_many_and_hears_from_all() -> None:
    with udp_socket() as one, udp_socket() as two:
        async with running() as served, unconnected(served) as client:
            client.send(frame(PSH, 1, packet(at(one), b"to one") + packet(at(two), b"to two")))
            (first, source), (second, same) = await received_from(one), await received_from(two)
            assert (first, second) == (b"to one", b"to two")
            assert source == same
            two.sendto(b"from two", source)
            await client.expect(PSH, 1, packet(at(two), b"from two"))
            one.sendto(b"", source)
            await client.expect(PSH, 1, packet(at(one), b""))


async def test_packets_may_name_their_destination() -> None:
    with udp_socket() as peer:
        async with running() as served, unconnected(served) as client:
            named = b"\x02\x09localhost" + struct.pack(">H", at(peer).port)
            client.send(frame(PSH, 1, named + sized(b"ping")), frame(PSH, 1, named + sized(b"")))
            data, source = await received_from(peer)
            assert data == b"ping"
            assert await received(peer) == b""
            peer.sendto(b"pong", source)
            await client.expect(PSH, 1, packet(at(peer), b"pong"))


@both_loops
async def test_ipv6_has_a_socket_of_its_own() -> None:
    with udp_socket() as four, ipv6_socket() as six:
        async with running() as served, unconnected(served) as client:
            client.send(frame(PSH, 1, packet(at(six), b"6") + packet(at(four), b"4")))
            data, source = await received_from(six)
            assert (data, source[0]) == (b"6", "::1")
            assert await received(four) == b"4"
            six.sendto(b"back", source)
            await client.expect(PSH, 1, packet(at(six), b"back"))


@both_loops
async def test_version_1_is_packets_with_addresses_from_the_start() -> None:
    with udp_socket() as peer:
        async with running() as served, served.logged_in() as client:
            client.send(opening(1, V1), frame(PSH, 1, packet(at(peer), b"ping")))
            await client.expect(SYNACK, 1)
            data, source = await received_from(peer)
            assert data == b"ping"
            peer.sendto(b"pong", source)
            await client.expect(PSH, 1, packet(at(peer), b"pong"))


async def test_what_cannot_be_sent_is_dropped_and_the_rest_goes_on() -> None:
    with udp_socket() as peer:
        async with running() as served, unconnected(served) as client:
            unknown = b"\x02\x0fnothing.invalid\x00\x35" + sized(b"?")
            nowhere = packet(Address("127.0.0.1", 0), b"port 0")
            client.send(frame(PSH, 1, unknown + nowhere + packet(at(peer), b"ping")))
            assert await received(peer) == b"ping"
            assert await client.ask() == []


# ---- bad bytes, ends, limits


@pytest.mark.parametrize("request_", [b"\x02", b"\xff\xff\xff", b"\x01\x09", b"\x00\x03\x00\x00\x35"])
async def test_a_bad_request_is_a_refusal(request_: bytes) -> None:
    async with running() as served, served.logged_in() as client:
        client.send(opening(1, V2), frame(PSH, 1, request_))
        assert (await client.expect(SYNACK, 1, None)).startswith(b"bad request: ")
        await client.expect(FIN, 1)
        assert await client.ask() == []
        assert not served.session.targets


@pytest.mark.parametrize("magic", [V1, V2])
async def test_a_bad_packet_closes_the_stream_alone(magic: bytes) -> None:
    async with running() as served, served.logged_in() as client:
        client.send(opening(1, magic))
        request = b"\x00" + ipv4(Address("0.0.0.0", 0)) if magic == V2 else b""
        assert await client.ask(frame(PSH, 1, request + b"\x07")) == [(SYNACK, 1, b""), (FIN, 1, b"")]
        assert await client.ask() == []


@both_loops
@pytest.mark.parametrize("end", [FIN, END])
async def test_what_came_before_the_end_is_sent(end: int) -> None:
    with udp_socket() as peer:
        async with running() as served, served.logged_in(HALF_CLOSE) as client:
            named = b"\x02\x09localhost" + struct.pack(">H", at(peer).port)
            request = b"\x00" + ipv4(Address("0.0.0.0", 0))
            client.send(opening(1, V2) + frame(PSH, 1, request + named + sized(b"last words")) + frame(end, 1))
            assert await received(peer) == b"last words"
            await until(lambda: not served.session.targets)


@needs_proc
@both_loops
async def test_the_sockets_close_with_the_stream_and_with_the_session() -> None:
    with udp_socket() as peer:
        async with running() as served, unconnected(served) as client:
            before = open_sockets()
            client.send(frame(PSH, 1, packet(at(peer), b"x")))
            await received(peer)
            assert open_sockets() == before + 1
            await client.ask(frame(FIN, 1))
            await until(lambda: open_sockets() == before)
            client.send(opening(2, V1), frame(PSH, 2, packet(at(peer), b"x")))
            await received(peer)
            await client.abort()
            await until(lambda: not served.server.sessions)
            assert open_sockets() == before - 2  # the session's two ends


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    async with running() as served, unconnected(served) as client:
        slow = b"\x02\x09slow.test" + struct.pack(">H", 53) + sized(bytes(1000))
        for _ in range(10):
            await client.ask(*[frame(PSH, 1, slow)] * 50)
        assert len(the_udp(served)._waiting) <= udp_target._MAX_WAITING


async def test_a_lookup_does_not_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    async with running({"connect": 0.1}) as served, served.logged_in() as client:
        client.send(opening(1, V2), frame(PSH, 1, b"\x01" + domain("slow.test", 53)))
        await client.expect(SYNACK, 1, b"connect udp slow.test:53: it timed out")
        await client.expect(FIN, 1)


async def test_remembered_destinations_are_bounded() -> None:
    with udp_socket() as peer:
        async with running() as served, unconnected(served) as client:
            await client.ask(frame(PSH, 1, packet(at(peer), b"first")))
            await received(peer)
            for number in range(2 * udp_target._MAX_ROUTES):
                client.send(frame(PSH, 1, packet(Address(f"127.9.{number >> 8}.{number & 255}", 9), b"")))
            await client.ask(frame(PSH, 1, packet(at(peer), b"last")))
            assert await received(peer) == b"last"
            assert len(the_udp(served)._routes) <= udp_target._MAX_ROUTES


@both_loops
async def test_datagrams_for_a_client_that_does_not_read_are_dropped() -> None:
    with udp_socket() as peer:
        async with running() as served, connected(served, peer, sized(b"hello")) as client:
            _, source = await received_from(peer)
            for round_ in range(100_000):
                with contextlib.suppress(BlockingIOError):
                    peer.sendto(bytes(60_000), source)
                if round_ % 4 == 0:
                    await asyncio.sleep(0)
                if served.session.held:
                    break
            for _ in range(200):
                with contextlib.suppress(BlockingIOError):
                    peer.sendto(bytes(60_000), source)
                await asyncio.sleep(0)
            assert served.session.held
            assert served.unsent < 1024 * 1024
            while served.session.held:
                await client.expect(PSH, 1, sized(bytes(60_000)))
            assert all(answer == (PSH, 1, sized(bytes(60_000))) for answer in await client.ask())
            peer.sendto(b"heard again", source)
            await client.expect(PSH, 1, sized(b"heard again"))


async def test_a_stream_whose_request_never_comes_ends_with_its_session() -> None:
    async with running() as served:
        async with served.logged_in() as client:
            await client.ask(opening(1, V2), frame(SYN, 2))
            await settle()
            assert len(served.session.streams) == 2
        await until(lambda: not served.server.sessions)


async def test_udp_and_tcp_streams_live_side_by_side() -> None:
    async with running() as served, target(echoes=True) as echo, served.streaming(echo.address) as client:
        with udp_socket() as peer:
            request = b"\x01" + ipv4(Address(*peer.getsockname()))
            client.send(opening(2, domain("sp.v2.udp-over-tcp.arpa", 0)) + frame(PSH, 2, request + b"\x00\x01u"))
            await client.expect(SYNACK, 2)
            assert await asyncio.get_running_loop().sock_recv(peer, 100) == b"u"
        client.send(frame(PSH, 1, b"t"))
        await client.expect(PSH, 1, b"t")
        assert {type(held) for held in served.session.targets} == {TcpTarget, UdpTarget}
