"""Names are resolved, the first address that answers is taken, and the kernel is asked to watch."""

import asyncio
import socket

import pytest

from app.protocols.address import Address
from app.transport import tcp
from tests.fakes.listening import closed_port, deaf, unanswering
from tests.fakes.loops import both_loops

Info = tcp.AddressInfo


def info(address: Address) -> Info:
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", tuple(address)


@both_loops
async def test_an_address_resolves_to_itself() -> None:
    infos = await tcp.resolve("127.0.0.1", 80)
    assert [found[4] for found in infos] == [("127.0.0.1", 80)]


@both_loops
async def test_a_name_without_an_address_raises_oserror() -> None:
    with pytest.raises(OSError, match=r"."):
        await tcp.resolve("nothing.invalid", 80)


@both_loops
async def test_connects_and_watches() -> None:
    with deaf() as address:
        sock = await tcp.connect([info(address)], 0.25)
        with sock:
            assert sock.getpeername() == tuple(address)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getblocking() is False


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux names these options so")
async def test_a_dead_peer_is_found_within_a_minute() -> None:
    with deaf() as address, await tcp.connect([info(address)], 0.25) as sock:
        idle, interval, probes = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * probes <= 60
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 60_000


@both_loops
async def test_the_next_address_is_tried_where_the_first_refuses() -> None:
    with deaf() as address, await tcp.connect([info(closed_port()), info(address)], 10.0) as sock:
        assert sock.getpeername() == tuple(address)


async def test_the_next_address_is_tried_beside_one_that_does_not_answer() -> None:
    with unanswering() as silent, deaf() as address, await tcp.connect([info(silent), info(address)], 0.01) as sock:
        assert sock.getpeername() == tuple(address)


@both_loops
async def test_all_refusing_is_a_refusal() -> None:
    with pytest.raises(ConnectionRefusedError):
        await tcp.connect([info(closed_port()), info(closed_port())], 0.25)


@both_loops
async def test_an_address_that_cannot_be_used_is_an_oserror() -> None:
    strange = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("255.255.255.255", 1))
    with pytest.raises(OSError, match=r"."):
        await tcp.connect([strange], 0.25)


@both_loops
async def test_giving_up_leaves_no_socket() -> None:
    with unanswering() as silent, pytest.raises(TimeoutError):  # a socket left open would be warned of
        async with asyncio.timeout(0.05):
            await tcp.connect([info(silent)], 0.01)
