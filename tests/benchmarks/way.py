"""How the load reaches the target: through a client's SOCKS5 port, or without any proxy."""

import math
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.wire import HOST

# No single step takes this long on any machine, in seconds.
TIMEOUT: Final = 20.0

GREETING: Final = b"\x05\x01\x00"
GREETED: Final = b"\x05\x00"
_CONNECT: Final = 1
_UDP_ASSOCIATE: Final = 3
_ADDRESS_SIZES: Final = {1: 4, 4: 16}


class LoadFailed(Exception):
    """A client did not do what was asked of it."""


@dataclass(frozen=True, slots=True)
class Way:
    """The target's ports, and the client's port and process where there is one."""

    tcp_target: int
    udp_target: int
    proxy: int | None = None
    pid: int | None = None

    @property
    def entry(self) -> int:
        """The port to connect to."""
        return self.tcp_target if self.proxy is None else self.proxy

    def connect(self) -> socket.socket:
        """A connection to the target. Raises `OSError` or `LoadFailed`."""
        sock = socket.create_connection((HOST, self.entry), TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.proxy is not None:
            _ask(sock, socks_connect(self.tcp_target))
        return sock

    def associate(self) -> tuple[socket.socket, socket.socket, bytes]:
        """A TCP socket to keep, a UDP socket, and what has to stand in front of each datagram."""
        control = socket.create_connection((HOST, self.entry), TIMEOUT)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if self.proxy is None:
            datagrams.connect((HOST, self.udp_target))
            return control, datagrams, b""
        reply = _ask(control, _request(_UDP_ASSOCIATE, "0.0.0.0", 0))
        datagrams.connect((HOST, int.from_bytes(reply[-2:], "big")))
        return control, datagrams, bytes(3) + _address(HOST, self.udp_target)

    def cpu_seconds(self) -> float:
        """CPU time that the client has used, all its threads; NaN where there is none or the system does not tell."""
        if self.pid is None or sys.platform != "linux":
            return math.nan
        return time.clock_gettime(~self.pid << 3 | 2)  # what clock_getcpuclockid(3) makes of a process's id

    def memory(self) -> float:
        """The client's resident memory in MB; NaN as above."""
        if self.pid is None or sys.platform != "linux":
            return math.nan
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def socks_connect(port: int) -> bytes:
    """The request for a connection to the target."""
    return _request(_CONNECT, HOST, port)


def socks_reply_size(data: bytes) -> int:
    """How long the reply is that `data` begins; more than there is while that is unknown. Raises `LoadFailed`."""
    if len(data) < 5:
        return 5
    if data[1] != 0:
        raise LoadFailed(f"SOCKS reply {data[1]}")
    return 6 + _ADDRESS_SIZES.get(data[3], data[4] + 1)


def receive(sock: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes. Raises `LoadFailed` where the connection ends before."""
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise LoadFailed("the connection ended")
        data += piece
    return data


def _ask(sock: socket.socket, request: bytes) -> bytes:
    sock.sendall(GREETING)
    if receive(sock, len(GREETED)) != GREETED:
        raise LoadFailed("this is not SOCKS5")
    sock.sendall(request)
    reply = b""
    while len(reply) < (size := socks_reply_size(reply)):
        reply += receive(sock, size - len(reply))
    return reply


def _request(command: int, host: str, port: int) -> bytes:
    return bytes((5, command, 0)) + _address(host, port)


def _address(host: str, port: int) -> bytes:
    return b"\x01" + socket.inet_aton(host) + port.to_bytes(2, "big")
