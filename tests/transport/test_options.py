"""What the kernel is asked for."""

import socket
from dataclasses import FrozenInstanceError

import pytest

from app.transport import tcp
from app.transport.options import USUAL_TCP


def test_the_usual_options_find_a_dead_peer_within_a_minute() -> None:
    with socket.socket() as sock:
        tcp.watch(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == USUAL_TCP.keepalive
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert USUAL_TCP.user_timeout is not None
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == USUAL_TCP.user_timeout * 1000


def test_profiles_that_share_them_cannot_change_them() -> None:
    with pytest.raises(FrozenInstanceError):
        USUAL_TCP.no_delay = False  # type: ignore[misc]  # that it cannot be set is what is tested
