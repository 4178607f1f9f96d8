"""Datagrams through SOCKS5 UDP ASSOCIATE, in both ways that they can travel to the server."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.apps import socks_address, udp_app
from tests.end_to_end.programs import Tunnel, running_tunnel
from tests.fakes.targets import udp_echo_target


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["connect", "packet"])
async def udp_tunnel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tunnel]:
    """A tunnel with one stream for each destination, and one with one stream for all."""
    async with running_tunnel(tmp_path_factory.mktemp("udp"), "--udp-mode", request.param) as running:
        yield running


@pytest.mark.parametrize("size", [1, 512, 1200, 9000])
async def test_a_datagram_comes_back(udp_tunnel: Tunnel, size: int) -> None:
    payload = os.urandom(size)
    async with udp_echo_target() as echo, udp_app(udp_tunnel.port) as app:
        app.send(payload, *echo)
        assert await app.answer() == (socks_address(*echo), payload)


async def test_each_destination_answers_for_itself(udp_tunnel: Tunnel) -> None:
    async with udp_echo_target() as one, udp_echo_target() as other, udp_app(udp_tunnel.port) as app:
        for number, target in enumerate((one, other, one)):
            app.send(b"%d" % number, *target)
        answers = {await app.answer() for _ in range(3)}
    assert answers == {
        (socks_address(*one), b"0"),
        (socks_address(*other), b"1"),
        (socks_address(*one), b"2"),
    }


async def test_apps_do_not_hear_each_other(udp_tunnel: Tunnel) -> None:
    async with udp_echo_target() as echo, udp_app(udp_tunnel.port) as one, udp_app(udp_tunnel.port) as other:
        one.send(b"one", *echo)
        other.send(b"other", *echo)
        assert (await one.answer())[1] == b"one"
        assert (await other.answer())[1] == b"other"
        assert one.received.empty()
        assert other.received.empty()
