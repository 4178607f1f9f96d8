"""Names and TCP connections: what the engine does to reach a server, and a server to reach a target."""

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

import aiohappyeyeballs

from app.protocols.address import ip_or_none
from app.texts import translate
from app.transport.lookups import Lookups
from app.transport.options import USUAL_TCP, Family, TcpOptions

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

# Ten seconds between probes, and three of them; see TcpOptions.
_INTERVAL: Final = 10
_PROBES: Final = 3

# Linux's names, for the Pythons and systems that do not have them.
_MPTCP: Final = getattr(socket, "IPPROTO_MPTCP", 262)
_IP_BOUND_IF: Final = 25  # macOS, netinet/in.h
_IPV6_BOUND_IF: Final = 125
_IP_UNICAST_IF: Final = 31  # Windows, ws2ipdef.h; for IPv6 too

_FAMILIES: Final[dict[Family, tuple[int, ...]]] = {
    "any": (),
    "prefer-4": (socket.AF_INET, socket.AF_INET6),
    "prefer-6": (socket.AF_INET6, socket.AF_INET),
    "only-4": (socket.AF_INET,),
    "only-6": (socket.AF_INET6,),
}

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


async def connect(infos: Sequence[AddressInfo], delay: float, options: TcpOptions = USUAL_TCP) -> socket.socket:
    """Connect to the first that answers, starting the next `delay` seconds after the last (RFC 8305).

    Raises `OSError` where none answers, or where the source that the options name cannot be had.
    """
    wanted = in_order(infos, options.family)
    if not wanted:
        kind = "IPv4" if options.family == "only-4" else "IPv6"
        raise OSError(translate("connection", "it has no {kind} address").format(kind=kind))
    interleave = None if options.family == "any" else len(wanted)  # the order is kept
    task = asyncio.current_task()
    asked = task.cancelling() if task is not None else 0
    try:
        sock = await aiohappyeyeballs.start_connection(
            wanted,
            happy_eyeballs_delay=delay,
            interleave=interleave,
            socket_factory=lambda info: _socket(info, options),
        )
    except RuntimeError as error:  # uvloop's way of saying that an address cannot be used
        raise OSError(str(error)) from error
    try:
        if task is not None and task.cancelling() > asked:  # it swallows this while it waits for slower addresses
            raise asyncio.CancelledError
        watch(sock, options)
    except BaseException:
        sock.close()
        raise
    return sock


def in_order(infos: Sequence[AddressInfo], family: Family) -> list[AddressInfo]:
    """The addresses that may be tried, the preferred ones first."""
    order = _FAMILIES[family]
    if not order:
        return list(infos)
    return sorted((info for info in infos if info[0] in order), key=lambda info: order.index(info[0]))


def watch(sock: socket.socket, options: TcpOptions = USUAL_TCP) -> None:
    """Let the kernel notice when the other end is gone, and send small writes at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, options.no_delay)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, options.keepalive is not None)
    idle = None if options.keepalive is None else max(1, round(options.keepalive))
    for name, value in (
        ("TCP_KEEPIDLE", idle),
        ("TCP_KEEPALIVE", idle),  # macOS's name for it
        ("TCP_KEEPINTVL", idle and _INTERVAL),
        ("TCP_KEEPCNT", idle and _PROBES),
        ("TCP_USER_TIMEOUT", None if options.user_timeout is None else round(options.user_timeout * 1000)),
    ):
        option = getattr(socket, name, None)
        if option is not None and value is not None:
            with contextlib.suppress(OSError):  # one that a multipath connection does not know
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _socket(info: AddressInfo, options: TcpOptions) -> socket.socket:
    """A socket to connect to `info` with. Raises `OSError` where it cannot leave from where it has to."""
    family, kind, protocol = info[:3]
    sock = _multipath(family, kind) if options.multipath else None
    sock = sock or socket.socket(family, kind, protocol)
    try:
        if options.source is not None:
            _bind(sock, family, options.source)
    except BaseException:
        sock.close()
        raise
    return sock


def _multipath(family: int, kind: int) -> socket.socket | None:
    try:
        sock = socket.socket(family, kind, _MPTCP)
    except OSError:  # a kernel without it, or one where it is switched off
        return None
    # It calls itself TCP from here on: asyncio looks addresses up by the protocol, and does not know this one.
    return socket.socket(family, kind, socket.IPPROTO_TCP, fileno=sock.detach())


def _bind(sock: socket.socket, family: int, source: str) -> None:
    ip = ip_or_none(source)
    if ip is None:
        _bind_to_interface(sock, family, source)
    elif (ip.version == 4) == (family == socket.AF_INET):
        sock.bind((source, 0))
    else:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))


def _bind_to_interface(sock: socket.socket, family: int, name: str) -> None:
    if sys.platform == "linux":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
        return
    index = socket.if_nametoindex(name)
    level = socket.IPPROTO_IP if family == socket.AF_INET else socket.IPPROTO_IPV6
    if sys.platform == "win32":
        order = "big" if family == socket.AF_INET else "little"  # as Windows asks for it
        sock.setsockopt(level, _IP_UNICAST_IF, index.to_bytes(4, order))
    else:
        sock.setsockopt(level, _IP_BOUND_IF if family == socket.AF_INET else _IPV6_BOUND_IF, index)
