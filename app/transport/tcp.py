"""Names and TCP connections: what the engine does to reach a server, and a server to reach a target."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final

import aiohappyeyeballs

from app.protocols.address import ip_or_none
from app.transport.lookups import Lookups

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

# Dead peers are found by the kernel: probes after 30 s of silence, three of them ten seconds apart, and as long for
# data that nobody acknowledges. NATs forget idle connections after minutes at the earliest (RFC 5382: 2 h 4 min; in
# the field 60 s and up), so the probes keep them too.
_IDLE: Final = 30
_INTERVAL: Final = 10
_PROBES: Final = 3
_UNACKNOWLEDGED_MS: Final = 60_000

_LOOKUPS: Final = Lookups()


async def resolve(host: str, port: int) -> Sequence[AddressInfo]:
    """The addresses of `host`. Raises `OSError` (`socket.gaierror`) where there are none.

    One that is an address itself does not wait behind slow names for one of the few threads that look them up.
    """
    ip = ip_or_none(host)
    if ip is not None and ip.version == 4:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(ip), port))]
    if ip is not None:
        return [(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(ip), port, 0, 0))]
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_LOOKUPS, _look_up, host, port)


def _look_up(host: str, port: int) -> Sequence[AddressInfo]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def connect(infos: Sequence[AddressInfo], delay: float) -> socket.socket:
    """Connect to the first that answers, starting the next `delay` seconds after the last (RFC 8305).

    Raises `OSError` where none answers.
    """
    try:
        sock = await aiohappyeyeballs.start_connection(infos, happy_eyeballs_delay=delay)
    except RuntimeError as error:  # uvloop's way of saying that an address cannot be used
        raise OSError(str(error)) from error
    watch(sock)
    return sock


def watch(sock: socket.socket) -> None:
    """Let the kernel notice when the other end is gone, and send small writes at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE),
        ("TCP_KEEPALIVE", _IDLE),  # macOS's name for it
        ("TCP_KEEPINTVL", _INTERVAL),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
