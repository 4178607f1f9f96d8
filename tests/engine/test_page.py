"""A page asked for through a tunnel: what counts as its answer, and what is said where there is none."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from app.engine.options import EngineOptions, LocalOptions, PoolOptions, Server, Timings
from app.engine.page import Page, ask
from app.engine.tunnel import Tunnel
from app.errors import BadInput, NothingListens, PageFailed
from app.protocols.address import Address
from app.protocols.frames import ALERT, FIN, PSH, SYNACK, pack
from app.tasks import Tasks
from tests.fakes import certificates
from tests.fakes.listening import closed_port, listening
from tests.fakes.loops import both_loops
from tests.fakes.peers import Peer, scripted, server_at
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import until

QUICK = Timings(give_up=0.0, answer=0.3)
PATIENT = Timings(give_up=0.0)


class Site:
    """A web server that says what it is told to say, and remembers what it was asked."""

    def __init__(self, answer: bytes, hold: bool = False) -> None:
        self.answer = answer
        self.hold = hold
        self.asked = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        if self.hold:
            await reader.read()

    def at(self, context: ssl.SSLContext | None = None) -> contextlib.AbstractAsyncContextManager[Address]:
        return listening(self.serve, context=context)


NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@contextlib.asynccontextmanager
async def tunnel_to(*servers: Server, timings: Timings = PATIENT) -> AsyncIterator[Tunnel]:
    tasks = Tasks()
    options = EngineOptions(servers, pool=PoolOptions(min_idle=0), local=LocalOptions(port=0), timings=timings)
    tunnel = Tunnel(options, tasks)
    await tunnel.prepare()
    try:
        yield tunnel
    finally:
        await tasks.close()
        await tunnel.close()


async def failure_of(page: str, tunnel: Tunnel, timings: Timings = PATIENT) -> PageFailed:
    with pytest.raises(PageFailed) as caught:
        await ask(Page.parse(page), tunnel, timings)
    assert caught.value.url == page
    return caught.value


async def answered(site: Site, *, path: str = "/") -> None:
    async with site.at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        await ask(Page.parse(f"http://{target}{path}"), tunnel, PATIENT)


# ---- addresses


def test_what_is_asked_and_where() -> None:
    page = Page.parse("http://page.example/some/where?x=%20y#part")
    assert (page.target, page.encrypted) == (Address("page.example", 80), False)
    first, *fields = page.request.decode().split("\r\n")
    assert first == "GET /some/where?x=%20y HTTP/1.1"
    assert "Host: page.example" in fields
    assert "Connection: close" in fields
    assert page.request.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("https://page.example", Address("page.example", 443), "page.example"),
        ("https://page.example:443/", Address("page.example", 443), "page.example"),
        ("http://page.example:8080/", Address("page.example", 8080), "page.example:8080"),
        ("http://[2001:db8::1]/", Address("2001:db8::1", 80), "[2001:db8::1]"),
        ("http://[2001:db8::1]:81/", Address("2001:db8::1", 81), "[2001:db8::1]:81"),
        ("http://user:secret@page.example/", Address("page.example", 80), "page.example"),
        ("http://bücher.example/", Address("xn--bcher-kva.example", 80), "xn--bcher-kva.example"),
    ],
)
def test_hosts_and_ports(url: str, target: Address, host: str) -> None:
    page = Page.parse(url)
    assert page.target == target
    assert f"\r\nHost: {host}\r\n".encode() in page.request
    assert b"secret" not in page.request


@pytest.mark.parametrize(
    "url",
    [
        "",
        "page.example",
        "ftp://page.example/",
        "http://",
        "http:///path",
        "http://page.example:99999/",
        "http://page.example:x/",
        "http://[::1/",
        f"http://{'a' * 300}.example/",
        "http://page.example/ü",
        "http://page.example/a b",
        "http://page.example/\x00",
    ],
)
def test_what_is_no_page(url: str) -> None:
    with pytest.raises(BadInput):
        Page.parse(url)


# ---- answers


@both_loops
async def test_any_answer_will_do() -> None:
    site = Site(NO_CONTENT)
    await answered(site, path="/generate_204?x")
    assert site.asked.startswith(b"GET /generate_204?x HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize("status", [200, 301, 404, 407, 499])
async def test_a_site_that_refuses_has_answered(status: int) -> None:
    await answered(Site(f"HTTP/1.1 {status} Whatever\r\n\r\n".encode()))


@pytest.mark.parametrize("line", [b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200\r\n", b"HTTP/1.1 200 OK\n"])
async def test_old_and_terse_answers_count(line: bytes) -> None:
    await answered(Site(line))


async def test_the_answer_is_not_waited_out() -> None:
    await answered(Site(b"HTTP/1.1 200 OK\r\n", hold=True))


async def test_a_name_is_resolved_by_the_server() -> None:
    async with Site(NO_CONTENT).at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        await ask(Page.parse(f"http://localhost:{target.port}/"), tunnel, PATIENT)


async def test_the_session_is_free_afterwards() -> None:
    async with Site(NO_CONTENT).at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        for _ in range(3):
            await ask(Page.parse(f"http://{target}/"), tunnel, PATIENT)
            await until(lambda: len(tunnel.upstreams[0].pool) == 1)
        assert tunnel.upstreams[0].made == 1


# ---- no answer


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_servers_own_error_is_no_answer(status: int) -> None:
    site = Site(f"HTTP/1.1 {status} Sorry\r\n\r\n".encode())
    async with site.at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        assert (await failure_of(f"http://{target}/", tunnel)).reason == f"it answered {status}"


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 2x0 OK\r\n", b"HTTP/1.1 200", b"x" * 200_000]
)
async def test_what_is_no_web_server(answer: bytes) -> None:
    async with Site(answer).at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        assert "no web server" in (await failure_of(f"http://{target}/", tunnel)).reason


async def test_a_site_that_hangs_up() -> None:
    async with Site(b"").at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        assert "without an answer" in (await failure_of(f"http://{target}/", tunnel)).reason


async def test_a_site_that_is_silent() -> None:
    async with Site(b"", hold=True).at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        assert "within 0.3 s" in (await failure_of(f"http://{target}/", tunnel, QUICK)).reason
        await until(lambda: all(not session.streams for session in tunnel.upstreams[0].sessions.values()))


async def test_a_site_that_is_not_there() -> None:
    nowhere = closed_port()
    async with anytls_server() as server, tunnel_to(server) as tunnel:
        failure = await failure_of(f"http://{nowhere}/", tunnel)
        assert failure.reason.startswith("the server could not reach it: ")


async def test_a_server_that_is_not_there_is_no_matter_of_the_page() -> None:
    async with tunnel_to(server_at(closed_port())) as tunnel:
        with pytest.raises(NothingListens):
            await ask(Page.parse("http://page.example/"), tunnel, PATIENT)


# ---- sessions that have room for one stream


def one_stream(answer: Callable[[Peer, int], Awaitable[None]]) -> Callable[[Peer], Awaitable[None]]:
    async def script(peer: Peer) -> None:
        await peer.greet()
        stream_id, _ = await peer.opened()
        peer.send(pack(SYNACK, stream_id))
        await answer(peer, stream_id)
        await peer.left()

    return script


async def test_a_session_that_ends_under_the_question_is_tried_once_more() -> None:
    async def answer(peer: Peer, stream_id: int) -> None:
        if peer.number == 1:
            peer.reset()
        else:
            peer.send(pack(PSH, stream_id, NO_CONTENT), pack(FIN, stream_id))

    async with scripted(one_stream(answer)) as server, tunnel_to(server.server) as tunnel:
        await ask(Page.parse("http://page.example/"), tunnel, PATIENT)
        assert len(server.peers) == 2


async def test_two_sessions_that_end_are_a_failure() -> None:
    async def answer(peer: Peer, _stream_id: int) -> None:
        peer.reset()

    async with scripted(one_stream(answer)) as server, tunnel_to(server.server) as tunnel:
        assert "the session ended: " in (await failure_of("http://page.example/", tunnel)).reason
        assert len(server.peers) == 2


async def test_an_alert_is_a_failure() -> None:
    async def answer(peer: Peer, _stream_id: int) -> None:
        peer.send(pack(ALERT, 0, b"no more traffic"))

    async with scripted(one_stream(answer)) as server, tunnel_to(server.server) as tunnel:
        failure = await failure_of("http://page.example/", tunnel)
        assert failure.reason == "the server ended the session: no more traffic"


# ---- TLS


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts the tests' authority."""
    path = tmp_path / "ca.pem"
    path.write_bytes(certificates.authority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


@both_loops
async def test_an_encrypted_page(trusted: None) -> None:
    site, identity = Site(NO_CONTENT), certificates.good()
    async with site.at(identity.context()) as target, anytls_server() as server, tunnel_to(server) as tunnel:
        await ask(Page.parse(f"https://localhost:{target.port}/"), tunnel, PATIENT)
        assert site.asked.startswith(b"GET / ")


async def test_an_encrypted_page_that_nobody_vouches_for() -> None:
    site, identity = Site(NO_CONTENT), certificates.good()
    async with site.at(identity.context()) as target, anytls_server() as server, tunnel_to(server) as tunnel:
        failure = await failure_of(f"https://localhost:{target.port}/", tunnel)
        assert "certificate" in failure.reason
        assert not site.asked


async def test_a_page_that_does_not_speak_tls(trusted: None) -> None:
    async with Site(NO_CONTENT).at() as target, anytls_server() as server, tunnel_to(server) as tunnel:
        await failure_of(f"https://localhost:{target.port}/", tunnel, QUICK)


async def test_an_encrypted_page_that_hangs_up_in_the_middle(trusted: None) -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    async with listening(hangs_up) as target, anytls_server() as server, tunnel_to(server) as tunnel:
        await failure_of(f"https://localhost:{target.port}/", tunnel)


async def test_an_encrypted_page_that_says_nothing_more(trusted: None) -> None:
    identity = certificates.good()
    async with Site(b"").at(identity.context()) as target, anytls_server() as server, tunnel_to(server) as tunnel:
        assert "without an answer" in (await failure_of(f"https://localhost:{target.port}/", tunnel)).reason
