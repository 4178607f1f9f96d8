"""Load in bulk: one or several streams in one direction, and the proof that what arrives is what was sent.

Plain blocking sockets: they cost the least, so that the machine's time goes to what is measured.
"""

import hashlib
import selectors
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Final

from tests.benchmarks.way import TIMEOUT, LoadFailed, Way, receive
from tests.benchmarks.wire import CHUNK, COMMAND, DONE, DOWN, ECHO, UP, pattern

Measured = dict[str, float]

_PATTERN = pattern()

# What comes before anything is measured, in all and at least of each stream: enough to leave the padding of a session's
# first packets and the slow start of its buffers behind.
_BEGINNING: Final = 4 * 1024 * 1024
_BEGINNING_EACH: Final = 1024 * 1024

# What a stream has brought when its session is surely made.
_BEGUN: Final = 64 * 1024

# For how long, in seconds, the checking reader reads nothing: every buffer on the way is full then.
_STALL: Final = 0.3

_MEGA: Final = 1e6
_GIBI: Final = 2**30


def download(way: Way, size: int, streams: int = 1) -> Measured:
    """Take `size` bytes over `streams` connections at once.

    Each is asked for twice its share, so that all of them run from the first byte to the last: how soon the slowest of
    a thousand ends says more about the kernel's timers than about a client.
    """
    beginning = max(_BEGINNING, streams * _BEGINNING_EACH)
    with ExitStack() as stack:
        socks = [stack.enter_context(closing(way.connect())) for _ in range(streams)]
        selector = stack.enter_context(selectors.DefaultSelector())
        for sock in socks:
            sock.sendall(COMMAND.pack(DOWN, _BEGUN))
            receive(sock, _BEGUN)
        for sock in socks:
            sock.sendall(COMMAND.pack(DOWN, 2 * -(-(beginning + size) // streams)))
            selector.register(sock, selectors.EVENT_READ)
        _take(selector, beginning)
        cpu, start = way.cpu_seconds(), time.perf_counter()
        taken = _take(selector, size)
        return _rates(taken, time.perf_counter() - start, way.cpu_seconds() - cpu)


def upload(way: Way, size: int) -> Measured:
    """Send `size` bytes over one connection."""
    with closing(way.connect()) as sock:
        _give(sock, _BEGINNING)
        cpu, start = way.cpu_seconds(), time.perf_counter()
        _give(sock, size)
        return _rates(size, time.perf_counter() - start, way.cpu_seconds() - cpu)


def check(way: Way, size: int) -> None:
    """Compare `size` random bytes down, and as many up and down at once, with what was sent, past a reader that stalls.

    Raises `LoadFailed` where they differ.
    """
    wanted = _digest_of_pattern(size)
    with closing(way.connect()) as sock:
        sock.sendall(COMMAND.pack(DOWN, size))
        if _stalled_digest(sock, size) != wanted:
            raise LoadFailed("the download is not what was sent")
    with closing(way.connect()) as sock, ThreadPoolExecutor(1) as sender:
        sent = sender.submit(_send, sock, ECHO, size)
        if _stalled_digest(sock, size) != wanted:
            raise LoadFailed("the upload, sent back, is not what was sent")
        sent.result()


def _rates(size: int, seconds: float, cpu: float) -> Measured:
    return {"rate": size / _MEGA / seconds, "cpu": cpu / (size / _GIBI)}


def _take(selector: selectors.BaseSelector, size: int) -> int:
    """Take at least `size` bytes from whoever has some; returns how many."""
    buffer, taken = bytearray(4 * CHUNK), 0
    while taken < size:
        ready = selector.select(TIMEOUT)
        if not ready:
            raise LoadFailed("the download stands still")
        for key, _ in ready:
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            count = sock.recv_into(buffer)
            if not count:
                raise LoadFailed("the connection ended")
            taken += count
    return taken


def _give(sock: socket.socket, size: int) -> None:
    _send(sock, UP, size)
    if receive(sock, len(DONE)) != DONE:
        raise LoadFailed("the upload was not confirmed")


def _send(sock: socket.socket, command: bytes, size: int) -> None:
    view = memoryview(_PATTERN)
    sock.sendall(COMMAND.pack(command, size))
    while size:
        piece = view[:size]
        sock.sendall(piece)
        size -= len(piece)


def _stalled_digest(sock: socket.socket, size: int) -> bytes:
    time.sleep(_STALL)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    while size:
        count = sock.recv_into(buffer, min(size, CHUNK))
        if not count:
            raise LoadFailed("the connection ended")
        digest.update(buffer[:count])
        size -= count
    return digest.digest()


def _digest_of_pattern(size: int) -> bytes:
    digest = hashlib.sha256()
    whole, rest = divmod(size, len(_PATTERN))
    for _ in range(whole):
        digest.update(_PATTERN)
    digest.update(_PATTERN[:rest])
    return digest.digest()
