"""What is tried with every pair: each row says in a few words what came of it, `WORKS` where nothing is to be said."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.system.resources import raise_file_limit
from tests.end_to_end.apps import Refused, curl, file_digest, socks_address, socks_connection, status, udp_app
from tests.end_to_end.website import blob, digest, website
from tests.fakes.listening import closed_port, listening
from tests.fakes.targets import echo_target, udp_echo_target
from tests.interop.pairs import Direction, Pair, joined

WORKS = "works"
CUT_SHORT = "cut short"
ANSWER_LOST = "answer lost"
NOTHING = "nothing comes"
ON_NEW_SESSIONS = "works, on new sessions"
NOT_TRIED = "–"
NO_END = "whole, but no end is heard"

LARGE = 20_000_000
CONCURRENT = 50
ANSWER = os.urandom(300_000)
SCHEME = b"stop=4\n0=40-80\n1=300-400\n2=200-250,c,300-350\n3=500-600"

# How long an app waits for what does not come, in seconds. What works is there in a fraction of it.
QUIET = 4.0

Row = Callable[[Pair, Path], Awaitable[str]]


async def get(pair: Pair, _folder: Path) -> str:
    async with website() as site:
        by_socks = await curl("--proxy", f"socks5h://127.0.0.1:{pair.socks}", site.url("/a"))
        by_http = await curl("--proxy", f"http://127.0.0.1:{pair.http}", "--proxytunnel", site.url("/b"))
    return _told(by_socks.body == b"this is /a" and by_http.body == b"this is /b", by_socks.complaint)


async def three_in_sequence(pair: Pair, _folder: Path) -> str:
    async with website() as site:
        proxy = f"socks5h://127.0.0.1:{pair.socks}"
        assert await status(proxy, site.url("/warm")) == "200"
        before = await pair.enough_sessions()
        codes = [await status(proxy, site.url(f"/{number}")) for number in range(3)]
    assert codes == ["200"] * 3
    new = await pair.sessions() - before
    return _told(new == 0, ON_NEW_SESSIONS)


async def download_large(pair: Pair, folder: Path) -> str:
    async with website() as site:
        proxy = f"socks5h://127.0.0.1:{pair.socks}"
        fetched = await curl("--proxy", proxy, "--output", str(folder / "got"), site.url(f"/blob/{LARGE}"))
    if fetched.code != 0:
        return CUT_SHORT
    return _told(file_digest(folder / "got") == digest(LARGE), "other bytes")


async def upload_large(pair: Pair, folder: Path) -> str:
    (folder / "sent").write_bytes(memoryview(blob())[:LARGE])
    async with website() as site:
        proxy = f"socks5h://127.0.0.1:{pair.socks}"
        fetched = await curl("--proxy", proxy, "--upload-file", str(folder / "sent"), site.url("/up"))
    if fetched.code != 0:
        return CUT_SHORT
    return _told(fetched.body.decode() == digest(LARGE), "other bytes")


async def concurrent(pair: Pair, _folder: Path) -> str:
    raise_file_limit()
    everyone = asyncio.Barrier(CONCURRENT)

    async with echo_target() as echo:

        async def one() -> bool:
            async with socks_connection(pair.socks, *echo) as (reader, writer):
                sent = os.urandom(20_000)
                writer.write(sent)
                same = await reader.readexactly(len(sent)) == sent
                await everyone.wait()
                return same

        results = await asyncio.gather(*(one() for _ in range(CONCURRENT)))
    return _told(all(results), "mixed up")


async def refused(pair: Pair, _folder: Path) -> str:
    """What apps are told is the client's business: ours resets those that it has already answered."""
    nowhere = closed_port()
    code = await status(f"http://127.0.0.1:{pair.http}", f"http://{nowhere}/", "--max-time", str(QUIET))
    told = f"SOCKS {await _refused_by_socks(pair, *nowhere)}, HTTP {code}"
    return WORKS if pair.direction.we_dial and told == "SOCKS reset, HTTP 502" else told


async def _refused_by_socks(pair: Pair, host: str, port: int) -> str:
    try:
        async with asyncio.timeout(QUIET), socks_connection(pair.socks, host, port) as (reader, _):
            assert not await reader.read()
            return "closed"
    except Refused as answer:
        return f"code {answer}"
    except ConnectionResetError:
        return "reset"
    except asyncio.IncompleteReadError:
        return "closed, no answer"
    except TimeoutError:
        return NOTHING


async def by_name(pair: Pair, _folder: Path) -> str:
    """The name that every system has; the site is where it leads first."""
    host = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0]
    async with website(host=str(host)) as site:
        fetched = await curl(
            "--proxy", f"socks5h://127.0.0.1:{pair.socks}", f"http://localhost:{site.address.port}/named"
        )
    return _told(fetched.body == b"this is /named", fetched.complaint)


async def ipv6(pair: Pair, _folder: Path) -> str:
    if not has_ipv6():
        pytest.skip("there is no IPv6 here")
    async with website(host="::1") as site:
        fetched = await curl("--proxy", f"socks5h://127.0.0.1:{pair.socks}", site.url("/six"))
    return _told(fetched.body == b"this is /six", fetched.complaint)


async def udp_connect(pair: Pair, _folder: Path) -> str:
    """One stream for each destination, as no other client here does it."""
    return NOT_TRIED if pair.direction is Direction.OUR_SERVER else await _echoed(pair.socks)


async def udp_packet(pair: Pair, folder: Path) -> str:
    """One stream for all destinations."""
    if pair.direction is Direction.OUR_SERVER:
        return await _echoed(pair.socks)
    async with pair.home.connect(pair.link, "--udp-mode", "packet") as client:
        return await _echoed(client.port)


async def _echoed(port: int) -> str:
    try:
        async with asyncio.timeout(QUIET), udp_echo_target() as one, udp_echo_target() as other, udp_app(port) as app:
            for target in (one, other, one):
                payload = os.urandom(1200)
                app.send(payload, *target)
                if await app.answer() != (socks_address(*target), payload):
                    return "other datagrams"
    except Refused as answer:
        return f"code {answer}"
    except (TimeoutError, OSError):
        return NOTHING
    return WORKS


async def app_ends_first(pair: Pair, _folder: Path) -> str:
    """The app has said all, and its target, which does not care, answers a little later."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.5)
        writer.write(ANSWER)
        await writer.drain()

    return await _half_closed(pair, answer)


async def target_waits_for_the_end(pair: Pair, _folder: Path) -> str:
    """The app has said all, and its target answers when it has heard so."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(ANSWER)
        await writer.drain()

    return await _half_closed(pair, answer)


async def _half_closed(pair: Pair, answer: Callable[..., Awaitable[None]]) -> str:
    got = b""
    try:
        async with (
            listening(answer) as target,
            asyncio.timeout(QUIET),
            socks_connection(pair.socks, *target) as (reader, writer),
        ):
            writer.write(b"that")
            writer.write_eof()
            while piece := await reader.read(65536):
                got += piece
    except TimeoutError:
        return NO_END if got == ANSWER else NOTHING
    except ConnectionError:
        return ANSWER_LOST
    return _told(got == ANSWER, ANSWER_LOST)


async def target_closes_first(pair: Pair, _folder: Path) -> str:
    async def say_and_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(ANSWER)
        await writer.drain()

    got = b""
    try:
        async with (
            listening(say_and_go) as target,
            asyncio.timeout(QUIET),
            socks_connection(pair.socks, *target) as (reader, writer),
        ):
            writer.write(b"give")
            while piece := await reader.read(65536):
                got += piece
    except TimeoutError:
        return NO_END if got == ANSWER else NOTHING
    except ConnectionError:
        return CUT_SHORT
    return _told(got == ANSWER, CUT_SHORT)


async def pushed_scheme(pair: Pair, folder: Path) -> str:
    """A pair of its own, whose server has a scheme that no client starts with."""
    scheme = folder / "scheme"
    scheme.write_bytes(SCHEME)
    async with joined(pair.peer, pair.direction, folder / "pushed", scheme=scheme) as own, website() as site:
        proxy = f"socks5h://127.0.0.1:{own.socks}"
        codes = [await status(proxy, site.url()) for _ in range(4)]
        if own.direction.we_dial:
            await own.client.until(
                lambda: f"a padding scheme of {len(SCHEME)} bytes is in force" in own.client.complained()
            )
    return _told(codes == ["200"] * 4, str(codes))


async def probe(pair: Pair, _folder: Path) -> str:
    """Our `probe`, with a target that works and with one that does not."""
    if pair.direction is Direction.OUR_SERVER:
        return NOT_TRIED
    async with echo_target() as echo:
        good = await pair.home.finish("probe", "-", "--json", stdin=pair.link)
        target = await pair.home.finish("probe", "-", "--json", "--target", str(echo), stdin=pair.link)
    bad = await pair.home.finish("probe", "-", "--json", "--target", str(closed_port()), stdin=pair.link)
    codes = good.code, target.code, bad.code
    return _told(codes == (0, 0, 1) and "could not reach the target" in bad.out, f"{good.out}{target.out}{bad.out}")


async def wrong_password(pair: Pair, folder: Path) -> str:
    async with joined(pair.peer, pair.direction, folder / "wrong", client_password="wrong") as own, website() as site:
        proxy = f"socks5h://127.0.0.1:{own.socks}"
        if own.direction.we_dial:
            await own.client.until(lambda: own.client.state == "failed")
            return _told("wrong password" in own.client.events("state")[-1]["error"], own.client.said())
        fetched = await curl("--proxy", proxy, "--max-time", str(QUIET), site.url())
        await own.server.until(lambda: "a stranger" in own.server.complained())
        return _told(fetched.code != 0 and not site.connections, "it was let in")


async def killed_and_back(pair: Pair, folder: Path) -> str:
    async with joined(pair.peer, pair.direction, folder / "killed") as own, website() as site:
        proxy = f"socks5h://127.0.0.1:{own.socks}"
        assert await status(proxy, site.url()) == "200"
        await own.kill_server()
        if own.direction.we_dial:
            await own.client.until(lambda: own.client.state in ("degraded", "failed"))
        await own.revive_server()
        if own.direction.we_dial:
            await own.client.until(lambda: own.client.state == "on")
        tries = 1
        while await status(proxy, site.url(), "--max-time", str(QUIET)) != "200":
            tries += 1
            assert tries < 10, own.client.complained()
    return _told(tries == 1, f"at try {tries}")


def has_ipv6() -> bool:
    """Whether this machine has a loopback address of version 6."""
    with socket.socket(socket.AF_INET6) as sock, contextlib.suppress(OSError):
        sock.bind(("::1", 0))
        return True
    return False


def _told(good: bool, otherwise: str) -> str:
    return WORKS if good else otherwise.strip()


ROWS: dict[str, Row] = {
    "small GET": get,
    "three in sequence": three_in_sequence,
    "20 MB down": download_large,
    "20 MB up": upload_large,
    "50 at once": concurrent,
    "refused target": refused,
    "target by name": by_name,
    "IPv6 target": ipv6,
    "UDP, connect mode": udp_connect,
    "UDP, packet mode": udp_packet,
    "app ends first": app_ends_first,
    "target waits for the end": target_waits_for_the_end,
    "target closes first": target_closes_first,
    "pushed scheme": pushed_scheme,
    "probe": probe,
    "wrong password": wrong_password,
    "killed and back": killed_and_back,
}
