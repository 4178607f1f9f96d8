"""Load of datagrams: so many under way at a time, each one that comes back sends the next."""

import socket
import time
from contextlib import closing
from typing import Final

from tests.benchmarks.bulk import Measured
from tests.benchmarks.way import LoadFailed, Way

SIZE: Final = 1200  # what QUIC sends before it knows better

# Few enough that no socket buffer on the way overflows.
_WINDOW: Final = 32

_PATIENCE: Final = 0.5  # seconds until what is still under way is taken for lost
_TRIES: Final = 6


def datagrams(way: Way, total: int) -> Measured:
    """Packets a second, each there and back."""
    control, sock, head = way.associate()
    with closing(control), closing(sock):
        packet = head + bytes(SIZE)
        sock.settimeout(_PATIENCE)
        _send_until_answered(sock, packet)
        start = time.perf_counter()
        _go_round(sock, packet, total)
        return {"rate": total / (time.perf_counter() - start)}


def _send_until_answered(sock: socket.socket, packet: bytes) -> None:
    for _ in range(_TRIES):
        sock.send(packet)
        try:
            sock.recv(2 * SIZE)
        except TimeoutError:
            continue
        return
    raise LoadFailed("no datagram came back")


def _go_round(sock: socket.socket, packet: bytes, total: int) -> None:
    back = under_way = stalls = 0
    while back < total:
        while under_way < _WINDOW:
            sock.send(packet)
            under_way += 1
        try:
            sock.recv(2 * SIZE)
        except TimeoutError:
            under_way, stalls = 0, stalls + 1
            if stalls == _TRIES:
                raise LoadFailed("datagrams are lost all the time") from None
        else:
            back += 1
            under_way -= 1
