"""Login, settings, streams: what a server's session says to clients of every kind, and what it bears from bad ones."""

import asyncio
import hashlib
import logging
import re
import socket
import tracemalloc

import pytest

from app.protocols.padding import Scheme
from tests.fakes.loops import both_loops
from tests.fakes.waiting import until
from tests.server.raw import (
    ALERT,
    END,
    FIN,
    HALF_CLOSE,
    HEART_REQUEST,
    HEART_RESPONSE,
    PSH,
    SERVER_SETTINGS,
    SETTINGS,
    SYN,
    SYNACK,
    UPDATE_PADDING,
    USERS,
    WASTE,
    domain,
    frame,
    ipv4,
    login,
    opening,
    running,
    settings,
)
from tests.server.targets import target

MIB = 1024 * 1024


def info(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged for all to see."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


# ---- login


@pytest.mark.parametrize("password", USERS.values(), ids=list(USERS))
@pytest.mark.parametrize("padding", [0, 30, 1000, 16_350, 40_000])
async def test_every_user_comes_in_however_long_the_padding(password: str, padding: int) -> None:
    async with running() as served, served.connected() as client:
        client.send(login(password, padding), settings())
        await client.expect(SERVER_SETTINGS, 0, b"v=2")
        assert served.session.logged_in


async def test_login_and_all_that_follows_may_come_in_one_record() -> None:
    async with running() as served, target(echoes=True) as echo, served.connected() as client:
        client.send(login() + settings() + opening(1, ipv4(echo.address)) + frame(PSH, 1, b"ping"))
        await client.expect(SERVER_SETTINGS, 0, b"v=2")
        await client.expect(SYNACK, 1)
        await client.expect(PSH, 1, b"ping")


async def test_the_padding_may_follow_in_records_of_its_own() -> None:
    """The reference takes such a login for a stranger's; some clients send it so (PROTOCOL.md §1.1)."""
    async with running() as served, served.connected() as client:
        whole = login(padding=300)
        client.send(whole[:34], whole[34:100], whole[100:] + settings())
        await client.expect(SERVER_SETTINGS, 0, b"v=2")


async def test_a_good_login_says_nothing() -> None:
    async with running() as served, served.connected() as client:
        client.send(login())
        await until(lambda: served.session.logged_in)
        assert await client.ask(settings()) == [(SERVER_SETTINGS, 0, b"v=2")]


# ---- settings and versions


@pytest.mark.parametrize("version", [2, 3, 99])
async def test_version_2_and_later_is_answered(version: int) -> None:
    async with running() as served, served.connected() as client:
        assert await client.ask(login(), settings(version)) == [(SERVER_SETTINGS, 0, b"v=2")]


@pytest.mark.parametrize("version", [0, 1])
async def test_version_1_hears_neither_settings_nor_outcomes(version: int) -> None:
    async with running() as served, target(echoes=True) as echo, served.logged_in(version=version) as client:
        client.send(opening(1, ipv4(echo.address)) + frame(PSH, 1, b"ping"))
        await client.expect(PSH, 1, b"ping")
        client.send(opening(2, domain("sp.udp-over-tcp.arpa", 0)) + frame(PSH, 2, b"\x09"))
        await client.expect(FIN, 2)


async def test_half_close_is_named_to_those_that_name_it() -> None:
    async with running() as served, served.connected() as client:
        assert await client.ask(login(), settings(2, HALF_CLOSE)) == [(SERVER_SETTINGS, 0, b"v=2\nend=1")]


async def test_end_from_a_client_that_never_named_it_is_drained() -> None:
    async with running() as served, target(echoes=True) as echo, served.streaming(echo.address) as client:
        assert await client.ask(frame(END, 1)) == []
        client.send(frame(PSH, 1, b"ping"))
        await client.expect(PSH, 1, b"ping")


async def test_a_client_with_another_scheme_is_told_the_servers() -> None:
    scheme = Scheme.parse(b"stop=2\n0=10-20\n1=100-200")
    async with running(scheme=scheme) as served, served.connected() as client:
        client.send(login(), settings())
        await client.expect(UPDATE_PADDING, 0, scheme.raw)
        await client.expect(SERVER_SETTINGS, 0, b"v=2")
        async with served.connected() as knowing:
            md5 = b"padding-md5=" + hashlib.md5(scheme.raw).hexdigest().encode()
            assert await knowing.ask(login(), settings(2, md5)) == [(SERVER_SETTINGS, 0, b"v=2")]


@pytest.mark.parametrize("before", [b"", frame(WASTE, 0, b"x"), frame(SETTINGS)])
async def test_a_stream_before_the_settings_is_an_alert_and_the_end(before: bytes) -> None:
    async with running() as served, served.connected() as client:
        client.send(login(), before + opening(1, domain("localhost", 9)))
        await client.expect(ALERT, 0, b"client did not send its settings")
        assert await client.expect_end() == b""
        await until(lambda: not served.server.sessions)


# ---- streams


@both_loops
async def test_many_streams_live_on_one_session() -> None:
    async with running() as served, target(echoes=True) as echo, served.logged_in() as client:
        count = 100
        client.send(b"".join(opening(stream, ipv4(echo.address)) for stream in range(1, count + 1)))
        for stream in range(1, count + 1):
            client.send(frame(PSH, stream, b"%d" % stream))
        heard = sorted([await client.frame() for _ in range(2 * count)])
        streams = range(1, count + 1)
        assert heard == [(PSH, n, b"%d" % n) for n in streams] + [(SYNACK, n, b"") for n in streams]


async def test_streams_are_limited_and_free_again_when_they_end(caplog: pytest.LogCaptureFixture) -> None:
    async with running({"streams": 2}) as served, target() as held, served.logged_in() as client:
        for stream in (1, 2):
            client.send(opening(stream, ipv4(held.address)))
            await client.expect(SYNACK, stream)
        for stream in (3, 4, 5):
            refused = [(SYNACK, stream, b"too many streams"), (FIN, stream, b"")]
            assert await client.ask(opening(stream, ipv4(held.address))) == refused
        (await held.connection()).transport.close()
        (_, stream, _) = await client.frame()
        await until(lambda: len(served.session.targets) == 1)
        client.send(opening(stream, ipv4(held.address)))
        await client.expect(SYNACK, stream)
        assert info(caplog) == ["user alice wants more than 2 streams on one session"]


async def test_targets_that_outlive_their_streams_count_too() -> None:
    async with running({"streams": 2}) as served, target() as held, served.logged_in() as client:
        for stream in (1, 2):
            client.send(opening(stream, ipv4(held.address)))
            await client.expect(SYNACK, stream)
            assert await client.ask(frame(FIN, stream)) == []
        assert not served.session.streams
        assert await client.ask(frame(SYN, 3)) == [(SYNACK, 3, b"too many streams"), (FIN, 3, b"")]
        for connection in held.connections:
            connection.transport.close()
        await until(lambda: not served.session.targets)
        assert await client.ask(frame(SYN, 3)) == []


async def test_a_stream_without_an_address_counts_too() -> None:
    async with running({"streams": 2}) as served, served.logged_in() as client:
        assert await client.ask(frame(SYN, 1), frame(SYN, 2), frame(PSH, 2, b"\x03\xff" + b"a" * 100)) == []
        assert await client.ask(frame(SYN, 3)) == [(SYNACK, 3, b"too many streams"), (FIN, 3, b"")]
        await client.ask(frame(FIN, 1))
        assert await client.ask(frame(SYN, 3)) == []


async def test_an_end_before_the_address_closes_the_stream() -> None:
    async with running() as served, served.logged_in(HALF_CLOSE) as client:
        assert await client.ask(frame(SYN, 1) + frame(PSH, 1, b"\x01") + frame(END, 1)) == [(FIN, 1, b"")]
        assert not served.session.streams


# ---- what bad clients may do


@both_loops
async def test_a_flood_of_settings_is_answered_once() -> None:
    async with running() as served, served.connected() as client:
        client.send(login())
        assert await client.ask(*[settings() * 200] * 50) == [(SERVER_SETTINGS, 0, b"v=2")]


@both_loops
async def test_huge_frames_are_drained_and_little_of_them_kept() -> None:
    async with running() as served, served.logged_in() as client:
        tracemalloc.start()
        try:
            for command in (
                WASTE,
                SETTINGS,
                SYN,
                FIN,
                HEART_RESPONSE,
                UPDATE_PADDING,
                SYNACK,
                SERVER_SETTINGS,
                77,
                255,
            ):
                assert await client.ask(*[frame(command, 7, b"=" * 65535)] * 10) == []
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert used < 2 * MIB


@both_loops
async def test_heartbeats_of_a_client_that_does_not_read_are_not_queued() -> None:
    async with running() as served, served.logged_in() as client:
        client.send(*[frame(HEART_REQUEST, 9) * 2000] * 100)
        client.send(opening(1, b"\x09"))
        answers = 0
        while (answer := await client.frame()) == (HEART_RESPONSE, 0, b""):
            answers += 1
        assert answer[:2] == (SYNACK, 1)
        assert answers < 1000


@both_loops
async def test_a_client_that_asks_without_reading_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    async with running({"streams": 100_000}) as served, served.logged_in() as client:
        for transport, option in (served.transport, socket.SO_SNDBUF), (client.writer.transport, socket.SO_RCVBUF):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, 4096)
        for _ in range(200):
            client.send(b"".join(opening(stream, b"\x09") for stream in range(1, 1000)))
            await asyncio.sleep(0)
            if not served.server.sessions:
                break
            assert served.unsent < 16 * MIB
        await until(lambda: not served.server.sessions)
        assert info(caplog) == ["the session of user alice is closed: it does not read what it has asked for"]


@both_loops
async def test_a_client_that_opens_streams_without_end_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    async with running({"streams": 10}) as served, served.logged_in() as client:
        client.send(b"".join(frame(SYN, stream) for stream in range(1, 10_000)))
        answers = await client.expect_end()
        assert answers.count(b"too many streams") <= 10
        await until(lambda: not served.server.sessions)
        assert info(caplog) == [
            "user alice wants more than 10 streams on one session",
            "the session of user alice is closed: it opens streams without end",
        ]


async def test_an_alert_ends_the_session_and_is_logged_in_one_safe_line(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as served, served.logged_in() as client:
        client.send(frame(ALERT, 0, b"over\n\x1b[31mand out"))
        assert await client.expect_end() == b""
        assert info(caplog) == ["the session of user alice is closed: it says: over  [31mand out"]


@both_loops
async def test_nothing_is_done_for_a_session_that_is_closing() -> None:
    """What comes in the same breath as the breach is not looked at any more."""
    async with running() as served, target() as held, served.connected() as client:
        bad = frame(SYN, 1)
        client.send(login() + bad, settings(), opening(2, ipv4(held.address)))
        await client.expect(ALERT, 0, None)
        assert await client.expect_end() == b""
        assert not held.connections


async def test_a_closing_session_takes_nothing_that_its_link_still_hands_over() -> None:
    async with running() as served, served.connected():
        session = served.session
        session.close()
        session.received(login())
        assert not session.logged_in


@pytest.mark.parametrize("garbage", [b"\x48TTP/1.1 400 Bad Request\r\n", bytes(range(200, 256)) * 100])
async def test_garbage_after_the_login_harms_nobody_else(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with running() as served, served.logged_in() as other, served.connected() as client:
        client.send(login(), garbage)
        await client.abort()
        await until(lambda: len(served.server.sessions) == 1)
        assert await other.ask() == []
        assert len(info(caplog)) <= 1


@both_loops
async def test_bytes_that_are_no_tls_end_an_established_session(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as served, served.logged_in() as client:
        sock = client.writer.get_extra_info("socket").dup()
        await asyncio.get_running_loop().run_in_executor(None, sock.send, b"\x17\x03\x03\x00\x20" + bytes(32))
        await until(lambda: not served.server.sessions)
        sock.close()
        assert len(info(caplog)) == 1
        assert re.fullmatch(r"user alice is gone: [a-z0-9 ]+", info(caplog)[0])
