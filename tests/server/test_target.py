"""A stream's target is reached or the client told why not, and every end on one side is the right end on the other."""

import asyncio
import errno
import gc
import socket
import struct
import tracemalloc
from collections.abc import Sequence

import pytest

from app.protocols.address import Address
from app.server.target import TcpTarget
from app.server.udp_target import UdpTarget
from app.transport import tcp
from tests.fakes.listening import closed_port, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.waiting import settle, until
from tests.server.raw import (
    END,
    FIN,
    HALF_CLOSE,
    PSH,
    SYN,
    SYNACK,
    WASTE,
    Running,
    domain,
    frame,
    ipv4,
    opening,
    running,
)
from tests.server.targets import target

MIB = 1024 * 1024
BLOCK = bytes(60_000)
RESETTING = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def the_target(served: Running) -> TcpTarget:
    (held,) = served.session.targets
    assert isinstance(held, TcpTarget)
    return held


def undelivered(served: Running) -> int:
    """Bytes that the one target has not taken."""
    transport = the_target(served)._transport
    return len(the_target(served)._waiting) + (transport.get_write_buffer_size() if transport else 0)


# ---- reached, or not


@both_loops
async def test_a_target_is_reached_and_carries_both_ways() -> None:
    async with running() as served, target(echoes=True) as echo, served.streaming(echo.address) as client:
        client.send(frame(PSH, 1, b"ping"))
        await client.expect(PSH, 1, b"ping")
        client.send(frame(PSH, 1, BLOCK) * 20)
        await client.expect_payload(1, BLOCK * 20)


async def test_names_are_resolved_by_the_server() -> None:
    async with running() as served, target(echoes=True) as echo, served.logged_in() as client:
        for stream, name in enumerate(("localhost", "127.0.0.1"), 1):  # an IP spelled as a name is one, too
            client.send(opening(stream, domain(name, echo.address.port)) + frame(PSH, stream, b"x"))
            await client.expect(SYNACK, stream)
            await client.expect(PSH, stream, b"x")


@pytest.mark.parametrize("cuts", [(1, 3), (4,), (7,)])
async def test_the_address_may_come_in_pieces(cuts: tuple[int, ...]) -> None:
    async with running() as served, target(echoes=True) as echo, served.logged_in() as client:
        data = ipv4(echo.address) + b"first"
        client.send(frame(SYN, 1))
        for start, end in zip((0, *cuts), (*cuts, None), strict=True):
            await client.ask(frame(PSH, 1, data[start:end])) if end else client.send(frame(PSH, 1, data[start:end]))
        await client.expect(SYNACK, 1)
        await client.expect(PSH, 1, b"first")


@both_loops
async def test_a_refused_target_is_said_and_the_session_goes_on() -> None:
    async with running() as served, target(echoes=True) as echo, served.logged_in() as client:
        nobody = closed_port()
        client.send(opening(1, ipv4(nobody)))
        text = await client.expect(SYNACK, 1, None)
        assert text.decode() == f"connect {nobody}: connection refused"
        await client.expect(FIN, 1)
        client.send(opening(2, ipv4(echo.address)) + frame(PSH, 2, b"ping"))
        await client.expect(SYNACK, 2)
        await client.expect(PSH, 2, b"ping")
        assert not any(isinstance(held, UdpTarget) for held in served.session.targets)


async def test_a_version_1_client_hears_of_a_refusal_by_fin_alone() -> None:
    async with running() as served, target(echoes=True) as echo, served.logged_in(version=1) as client:
        client.send(opening(1, ipv4(closed_port())))
        await client.expect(FIN, 1)
        client.send(opening(2, ipv4(echo.address)) + frame(PSH, 2, b"ping"))
        await client.expect(PSH, 2, b"ping")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (b"\x09\x01\x02", "bad address: unknown address type 9"),
        (domain("", 80), "bad address: the host name is empty or longer than 255 bytes"),
        (domain("a b", 80), "bad address: the host name has a character that no host name has"),
        (b"\x03\x02\xff\xfe\x00\x50", "bad address: the host name is not text"),
    ],
)
async def test_a_bad_address_closes_the_stream_alone(address: bytes, reason: str) -> None:
    async with running() as served, served.logged_in() as client:
        client.send(opening(1, address))
        await client.expect(SYNACK, 1, reason.encode())
        await client.expect(FIN, 1)
        assert await client.ask() == []


@pytest.mark.parametrize("name", ["nothing.invalid", f"{'a' * 64}.test", "x" * 255])
async def test_a_name_without_an_address_is_a_refusal(name: str) -> None:
    async with running() as served, served.logged_in() as client:
        client.send(opening(1, domain(name, 80)))
        text = await client.expect(SYNACK, 1, None)
        assert text.decode().startswith(f"connect {name}:80: ")
        await client.expect(FIN, 1)


async def test_port_0_is_a_refusal() -> None:
    async with running() as served, served.logged_in() as client:
        client.send(opening(1, ipv4(Address("127.0.0.1", 0))))
        assert (await client.expect(SYNACK, 1, None)).startswith(b"connect 127.0.0.1:0: ")
        await client.expect(FIN, 1)


@both_loops
async def test_a_target_that_does_not_answer_is_given_up() -> None:
    with unanswering() as nowhere:
        async with running({"connect": 0.1}) as served, served.logged_in() as client:
            client.send(opening(1, ipv4(nowhere)))
            await client.expect(SYNACK, 1, f"connect {nowhere}: connection timed out".encode())
            await client.expect(FIN, 1)
            await until(lambda: not served.session.targets)


# ---- while the target is being connected


@both_loops
async def test_early_data_is_bounded_and_other_sessions_go_on() -> None:
    with unanswering() as nowhere:
        async with running() as served, target(echoes=True) as echo, served.logged_in() as flooding:
            flooding.send(opening(1, ipv4(nowhere)), *[frame(PSH, 1, BLOCK)] * 500)
            await until(lambda: not served.reading)
            assert undelivered(served) < MIB
            flooded = served.transport
            async with served.streaming(echo.address) as other:
                other.send(frame(PSH, 1, b"ping"))
                await other.expect(PSH, 1, b"ping")
            assert not flooded.is_reading()


async def test_scattered_early_data_holds_no_more_memory_than_it_has_bytes() -> None:
    with unanswering() as nowhere:
        async with running() as served, served.logged_in() as client:
            client.send(opening(1, ipv4(nowhere)))
            assert await client.ask() == []
            tracemalloc.start()
            try:
                record = frame(PSH, 1, b"x") + frame(WASTE, 0, bytes(16_000))
                for _ in range(20):
                    await client.ask(*[record] * 50)
                used, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert undelivered(served) == 1000
            assert used < 4 * MIB


@both_loops
async def test_a_paused_session_goes_on_when_its_target_is_given_up() -> None:
    with unanswering() as nowhere:
        async with running({"connect": 0.3}) as served, served.logged_in() as client:
            client.send(opening(1, ipv4(nowhere)) + frame(PSH, 1, BLOCK) * 4)
            await until(lambda: not served.reading)
            await client.expect(SYNACK, 1, None)
            await client.expect(FIN, 1)
            assert await client.ask() == []


@both_loops
async def test_early_data_is_delivered_in_order() -> None:
    async with running() as served, target() as sink, served.logged_in() as client:
        data = b"".join(b"%07d" % number for number in range(30_000))
        frames = [frame(PSH, 1, data[at : at + 50_000]) for at in range(0, len(data), 50_000)]
        client.send(opening(1, ipv4(sink.address)) + frames[0], *frames[1:])
        connection = await sink.connection()
        await until(lambda: len(connection.received) == len(data))
        assert connection.received == data


@both_loops
@pytest.mark.parametrize("size", [4, 240_000])
async def test_what_came_before_an_early_fin_is_delivered(size: int) -> None:
    """Whoever sends a message and hangs up wants it to arrive."""
    async with running() as served, target() as sink, served.logged_in() as client:
        piece = frame(PSH, 1, bytes(size // 4))
        await client.ask(opening(1, ipv4(sink.address)) + piece * 4 + frame(FIN, 1))
        connection = await sink.connection()
        await until(lambda: connection.ended)
        assert len(connection.received) == size
        connection.transport.close()
        await until(lambda: not served.session.targets)
        assert await client.ask() == []


@both_loops
async def test_a_fin_with_nothing_to_deliver_gives_the_target_up() -> None:
    async with running() as served, target() as sink, served.logged_in() as client:
        await client.ask(opening(1, ipv4(sink.address)) + frame(FIN, 1))
        await until(lambda: not served.session.targets)
        assert not any(connection.received for connection in sink.connections)
        await until(lambda: all(connection.over for connection in sink.connections))
        assert await client.ask() == []


async def test_a_half_close_during_the_connect_reaches_the_target_behind_the_data() -> None:
    async with running() as served, target() as sink, served.logged_in(HALF_CLOSE) as client:
        client.send(opening(1, ipv4(sink.address)) + frame(PSH, 1, b"request") + frame(END, 1))
        await client.expect(SYNACK, 1)
        connection = await sink.connection()
        await until(lambda: connection.ended)
        assert connection.received == b"request"
        connection.transport.write(b"answer")
        await client.expect(PSH, 1, b"answer")
        connection.transport.close()
        await client.expect(FIN, 1)


# ---- ends


@both_loops
async def test_the_targets_end_is_a_fin_for_a_client_without_half_close() -> None:
    async with running() as served, target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        connection.transport.write(b"all there is")
        connection.transport.write_eof()
        await client.expect(PSH, 1, b"all there is")
        await client.expect(FIN, 1)
        await until(lambda: connection.ended)
        await until(lambda: not served.session.targets)


@both_loops
async def test_a_fin_closes_both_ways_without_half_close() -> None:
    async with running() as served, target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        client.send(frame(PSH, 1, b"bye") + frame(FIN, 1))
        await until(lambda: connection.ended)
        assert connection.received == b"bye"
        connection.transport.write(b"nobody hears this")
        connection.transport.close()
        await until(lambda: not served.session.targets)
        assert await client.ask() == []


@both_loops
async def test_the_client_ends_first_with_half_close() -> None:
    async with running() as served, target() as held, served.streaming(held.address, HALF_CLOSE) as client:
        connection = await held.connection()
        client.send(frame(PSH, 1, b"request") + frame(END, 1))
        await until(lambda: connection.ended)
        assert connection.received == b"request"
        connection.transport.write(b"answer")
        await client.expect(PSH, 1, b"answer")
        connection.transport.close()
        await client.expect(FIN, 1)
        await until(lambda: not served.session.targets)


@both_loops
async def test_the_target_ends_first_with_half_close() -> None:
    async with running() as served, target() as held, served.streaming(held.address, HALF_CLOSE) as client:
        connection = await held.connection()
        connection.transport.write_eof()
        await client.expect(END, 1)
        client.send(frame(PSH, 1, b"still here"))
        await until(lambda: connection.received == b"still here")
        client.send(frame(END, 1))
        await until(lambda: connection.lost or connection.ended)
        await until(lambda: not served.session.targets)
        assert await client.ask() == []


@both_loops
async def test_a_target_that_closes_under_an_upload_ends_the_stream() -> None:
    async with running() as served, target(reads=False) as held, served.streaming(held.address) as client:
        connection = await held.connection()
        client.send(*[frame(PSH, 1, BLOCK)] * 300)
        await until(lambda: not served.reading)
        connection.transport.abort()
        await client.expect(FIN, 1)
        assert await client.ask() == []
        assert not served.session.targets


async def test_a_reset_by_the_target_ends_the_stream() -> None:
    async with running() as served, target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        sock = connection.transport.get_extra_info("socket")
        sock.setsockopt(*RESETTING)
        connection.transport.abort()
        await client.expect(FIN, 1)
        assert await client.ask() == []


@both_loops
async def test_the_sessions_death_resets_its_targets() -> None:
    """A cut upload must not look like a whole one."""
    async with running() as served, target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        client.send(frame(PSH, 1, b"half of it"))
        await until(lambda: connection.received)
        await client.abort()
        await until(lambda: connection.lost)
        assert isinstance(connection.error, OSError)
        assert connection.error.errno == errno.ECONNRESET
        await until(lambda: not served.server.sessions)


@both_loops
@pytest.mark.parametrize("moment", range(6))
@pytest.mark.parametrize("whole", [False, True], ids=["session", "server"])
async def test_what_ends_as_a_target_is_reached_closes_it_once(
    whole: bool, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvloop can be made to close a number twice: the second time it may be another connection's."""
    reached = asyncio.Event()
    connect = tcp.connect

    async def watched(infos: Sequence[tcp.AddressInfo], delay: float) -> socket.socket:
        sock = await connect(infos, delay)
        reached.set()
        return sock

    monkeypatch.setattr(tcp, "connect", watched)
    async with running() as served, target() as held, served.logged_in() as client:
        client.send(opening(1, ipv4(held.address)) + frame(PSH, 1, b"x"))
        await reached.wait()
        for _ in range(moment):
            await asyncio.sleep(0)
        if whole:
            async with asyncio.timeout(5):
                await served.server.stop()
        else:
            served.session.abort()
            await until(lambda: not served.server.sessions)
        gc.collect()  # a socket that is still open then is a warning, and that a failure
        await until(lambda: all(connection.over for connection in held.connections))


async def test_a_target_that_pours_on_after_the_fin_is_cut() -> None:
    async with running() as served, target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        await client.ask(frame(FIN, 1))
        await until(lambda: connection.ended)
        connection.transport.write(bytes(32 * MIB))
        await until(lambda: not served.session.targets)
        await until(lambda: connection.lost)


# ---- pace


@both_loops
async def test_a_slow_target_slows_its_client() -> None:
    async with running() as served, target(reads=False) as held, served.streaming(held.address) as client:
        connection = await held.connection()
        client.send(*[frame(PSH, 1, BLOCK)] * 500)
        await until(lambda: not served.reading)
        assert undelivered(served) < MIB
        connection.transport.resume_reading()
        await until(lambda: len(connection.received) == 500 * len(BLOCK))


@both_loops
async def test_streams_that_are_closed_but_not_delivered_do_not_pile_up() -> None:
    with unanswering() as nowhere:
        async with running({"connect": 0.3}) as served, served.logged_in() as client:
            client.send(opening(1, ipv4(nowhere)) + frame(PSH, 1, BLOCK) * 2 + frame(FIN, 1))
            await until(lambda: served.session.targets and not served.session.streams)
            assert not served.reading
            assert await client.ask() == []  # once the target is given up
            assert not served.session.targets


@both_loops
async def test_a_slow_client_slows_the_target() -> None:
    async with running() as served, target() as held, served.streaming(held.address) as client:
        connection = await held.connection()
        connection.transport.write(bytes(64 * MIB))
        await until(lambda: served.session.held)
        assert served.unsent < MIB
        await client.expect_payload(1, bytes(64 * MIB))


@both_loops
async def test_a_target_that_is_reached_while_the_client_does_not_read_waits() -> None:
    async with running() as served, target() as held, served.streaming(held.address) as client:
        first = await held.connection()
        first.transport.write(bytes(64 * MIB))
        await until(lambda: served.session.held)
        client.send(opening(2, ipv4(held.address)))
        second = await held.connection()
        second.transport.write(bytes(64 * MIB))
        await settle()
        assert served.unsent < MIB
        assert second.transport.get_write_buffer_size() > 32 * MIB


@both_loops
async def test_scattered_payload_for_a_slow_target_holds_no_more_memory_than_it_has_bytes() -> None:
    async with running() as served, target(reads=False) as held, served.streaming(held.address) as client:
        await settle()  # the target has stopped reading
        while not undelivered(served):
            await client.ask(frame(PSH, 1, bytes(30_000)))
        tracemalloc.start()
        try:
            for _ in range(20):
                await client.ask(*[frame(PSH, 1, b"x") + frame(WASTE, 0, bytes(16_000))] * 50)
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert used < 4 * MIB
