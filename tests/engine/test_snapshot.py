"""What there is to see of a tunnel: every value is true, frozen, and nothing gets lost when something ends."""

import asyncio
import dataclasses
import pickle

import pytest

from app.engine.options import PoolOptions, Strategy
from app.engine.snapshot import ConnectionInfo, SessionInfo, Snapshot, Totals, take_snapshot
from app.protocols.address import Address
from app.protocols.frames import PSH, SYNACK, UPDATE_PADDING_SCHEME, pack
from app.protocols.padding import DEFAULT, Scheme
from tests.engine.apps import GRANTED5, Proxy, app, serving, socks5
from tests.fakes.listening import closed_port, deaf
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, echo, scripted, server_at
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target, late_target
from tests.fakes.waiting import until

TARGET = Address("192.0.2.1", 443)


def only_session(proxy: Proxy) -> SessionInfo:
    (info,) = proxy.snapshot().sessions
    return info


def only_connection(proxy: Proxy) -> ConnectionInfo:
    (info,) = proxy.snapshot().connections
    return info


async def free(proxy: Proxy, count: int = 1) -> None:
    """Wait until no app is left and so many sessions lie idle."""
    await until(lambda: not proxy.local.connections.open)
    await until(lambda: sum(len(upstream.pool) for upstream in proxy.tunnel.upstreams) == count)


async def test_at_first_there_is_nothing() -> None:
    async with serving(server_at(closed_port())) as proxy:
        assert proxy.snapshot() == Snapshot(0, 0, 0, 0, (), ())


@both_loops
async def test_bytes_are_those_of_the_payload() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(socks5(target) + b"x" * 100)
        await one.expect(GRANTED5 + b"x" * 100)
        one.send(b"y" * 50_000)
        await one.expect(b"y" * 50_000)
        snapshot = proxy.snapshot()
        assert (snapshot.up, snapshot.down) == (50_100, 50_100)
        assert [(info.up, info.down) for info in snapshot.sessions] == [(50_100, 50_100)]
        assert [(info.up, info.down) for info in snapshot.connections] == [(50_100, 50_100)]


async def test_up_and_down_are_not_the_same() -> None:
    async with late_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(socks5(target) + b"12345")
        one.writer.write_eof()
        assert await one.rest() == GRANTED5 + b"got 12345"
        assert (proxy.snapshot().up, proxy.snapshot().down) == (5, 9)


@both_loops
async def test_totals_survive_what_has_ended() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy:
        for _ in range(2):
            async with app(proxy) as one:
                one.send(socks5(target) + b"abc")
                await one.expect(GRANTED5 + b"abc")
            await free(proxy)
            proxy.tunnel.upstreams[0].close_idle()
            await until(lambda: not proxy.snapshot().sessions)
        snapshot = proxy.snapshot()
        assert (snapshot.up, snapshot.down) == (6, 6)
        assert (snapshot.sessions_made, snapshot.sessions_reused) == (2, 0)
        assert [(info.state, info.up, info.down) for info in snapshot.connections] == [("closed", 3, 3)] * 2


async def test_a_session_tells_what_it_has_served_and_what_it_does() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy:
        for served in (1, 2, 3):
            async with app(proxy) as one:
                one.send(socks5(target) + b"x")
                await one.expect(GRANTED5 + b"x")
                info = only_session(proxy)
                assert (info.number, info.served, info.open_streams) == (1, served, 1)
                assert (info.state, info.idle) == ("active", 0.0)
            await free(proxy)
            info = only_session(proxy)
            assert (info.state, info.served, info.up, info.down) == ("idle", served, served, served)
        assert proxy.snapshot().sessions_reused == 2


async def test_a_warm_session_has_served_nobody() -> None:
    async with scripted(echo) as server, serving(server.server, pool=PoolOptions(min_idle=2)) as proxy:
        proxy.tunnel.upstreams[0].warm_up()
        await free(proxy, 2)
        snapshot = proxy.snapshot()
        assert [(info.number, info.state, info.served) for info in snapshot.sessions] == [
            (1, "warm", 0),
            (2, "warm", 0),
        ]
        assert (snapshot.sessions_made, snapshot.sessions_reused) == (2, 0)
        async with app(proxy) as one:
            one.send(socks5(TARGET) + b"x")
            await one.expect(GRANTED5 + b"x")
            assert proxy.snapshot().sessions_reused == 0  # it had carried nothing before


async def test_ages_are_seconds_since() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy:
        async with app(proxy) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
        await free(proxy)
        (session,) = proxy.tunnel.upstreams[0].sessions.values()
        session.created_at -= 100.0
        session.idle_since -= 10.0
        (connection,) = proxy.local.connections
        connection.opened_at -= 50.0
        info = only_session(proxy)
        assert 100 <= info.age < 130
        assert 10 <= info.idle < 40
        assert 50 <= only_connection(proxy).seconds < 80
        ended_after = only_connection(proxy).seconds
        await asyncio.sleep(0.01)
        assert only_connection(proxy).seconds == ended_after  # it has ended and grows no older


async def test_a_session_tells_what_its_tls_is() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(socks5(target) + b"x")
        await one.expect(GRANTED5 + b"x")
        info = only_session(proxy)
        assert info.server == str(server)
        assert info.tls_version == "TLSv1.3"
        assert info.cipher.startswith("TLS_")
        assert info.handshake_ms > 0
        assert info.padding == DEFAULT.md5


async def test_the_padding_scheme_is_the_one_in_force() -> None:
    pushed = Scheme.parse(b"stop=2\n0=30-30\n1=100-100")

    async def script(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(UPDATE_PADDING_SCHEME, 0, pushed.raw), pack(SYNACK, stream_id), pack(PSH, stream_id, b"x"))
        await peer.left()

    async with scripted(script) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(socks5(TARGET))
        await one.expect(GRANTED5 + b"x")
        assert only_session(proxy).padding == pushed.md5


async def test_a_connection_waits_for_its_session() -> None:
    with deaf() as address:
        async with serving(server_at(address)) as proxy, app(proxy) as one:
            one.send(socks5(TARGET))
            await until(lambda: proxy.snapshot().connections)
            info = only_connection(proxy)
            assert info == ConnectionInfo(1, "socks5", str(TARGET), None, "waiting", 0, 0, info.seconds, "")


async def test_a_connection_tells_its_way_from_open_to_failed() -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, b"x"))
        await go_on.wait()
        peer.reset()

    async with scripted(script) as server, serving(server.server) as proxy, app(proxy) as one:
        one.send(socks5(TARGET))
        await one.expect(GRANTED5 + b"x")
        info = only_connection(proxy)
        assert (info.state, info.session, info.reason) == ("open", 1, "")
        one.writer.write_eof()
        await until(lambda: only_connection(proxy).state == "ending")
        go_on.set()
        await until(lambda: only_connection(proxy).state == "failed")
        info = only_connection(proxy)
        assert (info.down, info.session) == (1, None)
        assert info.reason.startswith("The session with the server ended")


async def test_connections_are_counted_and_the_last_ones_are_remembered() -> None:
    async with serving(server_at(closed_port())) as proxy:
        for number in range(120):
            proxy.local.connections.remove(proxy.local.add("socks5", Address("192.0.2.1", number)))
        proxy.local.add("connect", TARGET)
        infos = proxy.snapshot().connections
        assert [info.number for info in infos] == list(range(21, 122))
        assert (infos[-1].protocol, infos[-1].target) == ("connect", str(TARGET))


async def test_sessions_of_all_servers_are_there() -> None:
    async with (
        echo_target() as target,
        anytls_server() as first,
        anytls_server() as second,
        serving(first, second) as proxy,
    ):
        proxy.tunnel._order._strategy = Strategy.ROUND_ROBIN
        for _ in range(2):
            async with app(proxy) as one:
                one.send(socks5(target) + b"x")
                await one.expect(GRANTED5 + b"x")
        await free(proxy, 2)
        snapshot = proxy.snapshot()
        assert [(info.server, info.number) for info in snapshot.sessions] == [(str(first), 1), (str(second), 2)]
        assert (snapshot.sessions_made, snapshot.up) == (2, 2)


async def test_a_snapshot_may_go_to_another_thread() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as proxy, app(proxy) as one:
        one.send(socks5(target) + b"x")
        await one.expect(GRANTED5 + b"x")
        snapshot = proxy.snapshot()
        assert pickle.loads(pickle.dumps(snapshot)) == snapshot  # plain values, all the way down
        for part in (snapshot, snapshot.sessions[0], snapshot.connections[0]):
            assert hash(part)
            with pytest.raises(dataclasses.FrozenInstanceError):
                part.up = 0  # type: ignore[misc]  # that is what must not work


async def test_a_session_tells_where_it_leads_and_how_long_it_may_rest() -> None:
    pool = PoolOptions(idle_timeout=45.0, min_idle=0)
    async with echo_target() as target, anytls_server() as server, serving(server, pool=pool) as proxy:
        async with app(proxy) as one:
            one.send(socks5(target) + b"x")
            await one.expect(GRANTED5 + b"x")
            assert (only_session(proxy).target, only_session(proxy).idle_timeout) == (str(target), 45.0)
        await free(proxy)
        assert only_session(proxy).target == ""


async def test_of_the_streams_that_share_a_session_the_newest_is_told() -> None:
    """A stream whose app has ended its side may stay beside the next one."""

    async def parks(peer: Peer) -> None:
        await peer.greet()
        for _ in range(2):
            stream_id, _ = await peer.opened()
            peer.send(pack(SYNACK, stream_id), pack(PSH, stream_id, b"x"))
        await peer.left()

    other = Address("192.0.2.2", 443)
    async with scripted(parks) as server, serving(server.server) as proxy, app(proxy) as one, app(proxy) as two:
        one.send(socks5(TARGET))
        await one.expect(GRANTED5 + b"x")
        one.writer.write_eof()
        await until(lambda: len(proxy.tunnel.upstreams[0].pool) == 1)
        two.send(socks5(other))
        await two.expect(GRANTED5 + b"x")
        assert only_session(proxy).open_streams == 2
        assert only_session(proxy).target == str(other)


async def test_sessions_that_are_being_dialled_are_counted() -> None:
    with deaf() as address:
        async with serving(server_at(address)) as proxy, app(proxy) as one:
            assert proxy.snapshot().warming == 0
            one.send(socks5(TARGET))
            await until(lambda: proxy.snapshot().warming == 1)


async def test_totals_add_up_over_tunnels_and_those_that_are_gone() -> None:
    async with echo_target() as target, anytls_server() as server, serving(server) as first, serving(server) as second:
        for proxy in (first, second):
            async with app(proxy) as one:
                one.send(socks5(target) + b"abc")
                await one.expect(GRANTED5 + b"abc")
        gone = Totals(up=10, down=20, made=30, reused=40)
        both = take_snapshot([first.tunnel, second.tunnel], first.local.connections, gone)
        assert (both.up, both.down, both.sessions_made, both.sessions_reused) == (16, 26, 32, 40)
        assert Totals.of(first.tunnel) == Totals(up=3, down=3, made=1, reused=0)
