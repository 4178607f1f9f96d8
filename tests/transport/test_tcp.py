"""Names are resolved, the first address that answers is taken, and the kernel is asked to watch."""

import asyncio
import errno
import socket
import sys
from pathlib import Path

import pytest

from app.protocols.address import Address
from app.transport import tcp
from app.transport.options import Family, TcpOptions
from tests.fakes.listening import closed_port, deaf, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.steps import cancel_everywhere
from tests.server.targets import needs_proc, open_sockets

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


@needs_proc
@both_loops
async def test_giving_up_anywhere_leaves_no_socket() -> None:
    with unanswering() as silent, deaf() as address:
        before = open_sockets()

        async def connect() -> None:
            (await tcp.connect([info(silent), info(address)], 0.01)).close()

        assert await cancel_everywhere(connect) > 2  # the slow address, the next one, and the end of the slow one
        assert open_sockets() == before


@needs_proc
async def test_a_socket_that_cannot_be_watched_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(
        _sock: socket.socket, _options: TcpOptions
    ) -> None:  # what macOS says of a connection that was reset meanwhile
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(tcp, "watch", gone)
    with deaf() as address:
        before = open_sockets()
        with pytest.raises(OSError, match="Invalid") as caught:
            await tcp.connect([info(address)], 0.25)
        assert open_sockets() == before
        assert caught.value.__traceback__ is not None, "which holds all that there was to close"


# ---- what a profile may ask for


async def test_the_kernel_is_asked_for_what_the_options_say() -> None:
    options = TcpOptions(keepalive=120.0, user_timeout=5.0, no_delay=False)
    with deaf() as address, await tcp.connect([info(address)], 0.25, options) as sock:
        assert not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 120
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000


async def test_nothing_is_probed_where_nobody_wants_it() -> None:
    options = TcpOptions(keepalive=None, user_timeout=None)
    with deaf() as address, await tcp.connect([info(address)], 0.25, options) as sock:
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0


@both_loops
async def test_a_connection_leaves_from_the_address_that_is_named() -> None:
    with deaf() as address, await tcp.connect([info(address)], 0.25, TcpOptions(source="127.0.0.3")) as sock:
        assert sock.getsockname()[0] == "127.0.0.3"


@pytest.mark.parametrize("source", ["192.0.2.7", "::1", "no-such-interface0"])
@both_loops
async def test_it_leaves_from_nowhere_else(source: str) -> None:
    with deaf() as address, pytest.raises(OSError, match=r"."):
        await tcp.connect([info(address)], 0.25, TcpOptions(source=source))


@pytest.mark.skipif(sys.platform != "linux", reason="the interface is named as Linux names it")
async def test_a_connection_leaves_through_the_interface_that_is_named() -> None:
    with deaf() as address, await tcp.connect([info(address)], 0.25, TcpOptions(source="lo")) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


@both_loops
async def test_multipath_is_asked_for_and_its_lack_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as address:
        with await tcp.connect([info(address)], 0.25, TcpOptions(multipath=True)) as sock:
            assert sock.getpeername() == tuple(address)
            if sys.platform == "linux":
                multipath = Path("/proc/sys/net/mptcp/enabled")
                spoken = socket.socket(fileno=socket.dup(sock.fileno())) if multipath.exists() else sock
                with spoken:
                    assert (spoken.proto == 262) == (multipath.exists() and multipath.read_text().strip() == "1")
        monkeypatch.setattr(tcp, "_MPTCP", 9999)  # as on a kernel without it
        with await tcp.connect([info(address)], 0.25, TcpOptions(multipath=True)) as sock:
            assert sock.proto == socket.IPPROTO_TCP


V4, V6 = (
    (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, 1))
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
)


@pytest.mark.parametrize(
    ("family", "order"),
    [
        ("any", [V6, V4, V6]),
        ("prefer-4", [V4, V6, V6]),
        ("prefer-6", [V6, V6, V4]),
        ("only-4", [V4]),
        ("only-6", [V6, V6]),
    ],
)
def test_addresses_are_tried_in_the_order_that_is_asked_for(family: Family, order: list[Info]) -> None:
    assert tcp.in_order([V6, V4, V6], family) == order


@pytest.mark.parametrize(("there", "family", "kind"), [(V4, "only-6", "IPv6"), (V6, "only-4", "IPv4")])
async def test_no_address_of_the_family_is_no_address(there: Info, family: Family, kind: str) -> None:
    with pytest.raises(OSError, match=f"^it has no {kind} address$"):
        await tcp.connect([there], 0.25, TcpOptions(family=family))


async def test_the_preferred_family_is_tried_first() -> None:
    with deaf() as address:
        refuses: Info = (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("::1", address.port, 0, 0))
        async with asyncio.timeout(5):
            with await tcp.connect([refuses, info(address)], 60.0, TcpOptions(family="prefer-4")) as sock:
                assert sock.getpeername() == tuple(address)
