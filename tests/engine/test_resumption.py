"""Sessions of TLS that are resumed: by whom, how often, and that nothing is taken on trust because of it."""

import asyncio
import contextlib
import itertools
import os
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.engine import tls
from app.engine.options import EngineOptions, PoolOptions, Server, Timings, TlsOptions, Verification
from app.engine.probe import prove
from app.engine.tls_context import ResumingContext, make_context
from app.engine.upstream import Upstream
from app.errors import CertificateWrongName, PinMismatch
from app.protocols.address import Address
from app.server.options import ServerOptions
from app.server.server import Server as OurServer
from app.tasks import Tasks
from app.transport.link import Owner, TlsLink
from tests.fakes import certificates
from tests.fakes.ech import ech_server, needs_go
from tests.fakes.listening import free_port
from tests.fakes.loops import both_loops
from tests.fakes.nginx import listens
from tests.fakes.openssl import openssl_server
from tests.fakes.peers import PASSWORD, server_at
from tests.fakes.waiting import settle, until
from tests.interop.peers import SERVER_VARIABLE, ServerJob, named

TIMINGS = Timings()


@pytest.fixture(autouse=True)
def enough_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may have used up what there was."""
    monkeypatch.setattr(ResumingContext, "looks_left", 100)


@contextlib.asynccontextmanager
async def upstream_to(server: Server) -> AsyncIterator[Upstream]:
    tasks = Tasks()
    upstream = Upstream(server, EngineOptions((server,), pool=PoolOptions(min_idle=0)), tasks, itertools.count(1))
    try:
        yield upstream
    finally:
        await upstream.close()
        await tasks.close()
        await settle(3)


async def resumed(upstream: Upstream) -> bool:
    """Whether one more session, which is seen to work, began with a ticket."""
    session = await upstream.dial()
    await prove(session, TIMINGS)
    return bool(session.link.tls.session_reused)


@contextlib.asynccontextmanager
async def our_server() -> AsyncIterator[Server]:
    server = OurServer(ServerOptions({"tester": PASSWORD}), certificates.good().context())
    address = await server.start()
    try:
        yield server_at(address)
    finally:
        await server.stop()


# ---- servers


@both_loops
async def test_our_server_resumes() -> None:
    async with our_server() as server, upstream_to(server) as upstream:
        assert [await resumed(upstream) for _ in range(4)] == [False, True, True, True]


@pytest.mark.interop
@pytest.mark.skipif(SERVER_VARIABLE not in os.environ, reason=named().missing)
async def test_the_reference_server_resumes() -> None:
    job = ServerJob(free_port(), PASSWORD)
    serve = named().server
    assert serve is not None
    process = await asyncio.create_subprocess_exec(*serve(job), stderr=asyncio.subprocess.DEVNULL)
    server = Server("127.0.0.1", job.port, PASSWORD, TlsOptions(verification=Verification.NONE))
    try:
        await listens(job.port)
        async with upstream_to(server) as upstream:
            assert [await resumed(upstream) for _ in range(3)] == [False, True, True]
    finally:
        process.kill()
        await process.wait()


class Reader(Owner):
    """Reads, for that is how tickets come in TLS 1.3."""

    def received(self, _data: object) -> None: ...

    def batch_received(self) -> None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def lost(self, _error: Exception | None) -> None: ...


async def once(server: Server, context: ssl.SSLContext) -> bool:
    """Whether a connection with `context` was resumed; the ticket that it brings is kept."""
    assert isinstance(context, ResumingContext)
    link: TlsLink = (await tls.dial(server, context, TIMINGS)).link
    reused = bool(link.tls.session_reused)
    link.attach(Reader())
    await until(lambda: link.tls.session is not None and link.tls.session.has_ticket)
    context.keep(link.tls)
    link.close()
    await asyncio.sleep(0.01)
    return reused


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_openssl_resumes(version: str, ca_file: str) -> None:
    async with openssl_server(version) as stranger:
        server = server_at(stranger.address, verification=Verification.CA_FILE, ca_file=ca_file)
        context = make_context(server.tls)
        assert [await once(server, context) for _ in range(3)] == [False, True, True]


@needs_go
@pytest.mark.parametrize("options", [(), ("-old",)])
async def test_go_resumes(options: tuple[str, ...], ca_file: str) -> None:
    async with ech_server(*options, identity=certificates.good()) as stranger:
        server = server_at(stranger.address, verification=Verification.CA_FILE, ca_file=ca_file)
        context = make_context(server.tls)
        assert [await once(server, context) for _ in range(3)] == [False, True, True]


# ---- tickets


async def test_a_ticket_is_used_once(ca_file: str) -> None:
    async with openssl_server("-tls1_3") as stranger:
        server = server_at(stranger.address, verification=Verification.CA_FILE, ca_file=ca_file)
        context = make_context(server.tls)
        await once(server, context)
        reused = []
        for _ in range(2):
            link = (await tls.dial(server, context, TIMINGS)).link
            reused.append(bool(link.tls.session_reused))
            link.abort()
            await asyncio.sleep(0.01)
        assert reused == [True, False]


async def test_a_server_that_knows_its_tickets_no_more_still_works(ca_file: str) -> None:
    port = free_port()
    server = server_at(Address("127.0.0.1", port), verification=Verification.CA_FILE, ca_file=ca_file)
    context = make_context(server.tls)
    for _ in range(2):  # each with ticket keys of its own
        async with openssl_server("-tls1_3", port=port):
            assert await once(server, context) is False


async def test_a_server_without_tickets_works(ca_file: str) -> None:
    async with openssl_server("-tls1_3", "-num_tickets", "0") as stranger:
        server = server_at(stranger.address, verification=Verification.CA_FILE, ca_file=ca_file)
        context = make_context(server.tls)
        assert isinstance(context, ResumingContext)
        for _ in range(2):
            link = (await tls.dial(server, context, TIMINGS)).link
            context.keep(link.tls)
            assert not link.tls.session_reused
            link.abort()
            await asyncio.sleep(0.01)


class Connection:
    """One that has a ticket, and counts how often it is asked for it."""

    def __init__(self, session: ssl.SSLSession) -> None:
        self.looks = 0
        self._session = session

    @property
    def session(self) -> ssl.SSLSession:
        self.looks += 1
        return self._session


async def test_not_more_tickets_are_kept_than_are_of_use(ca_file: str) -> None:
    async with openssl_server("-tls1_3") as stranger:
        server = server_at(stranger.address, verification=Verification.CA_FILE, ca_file=ca_file)
        context = make_context(server.tls)
        assert isinstance(context, ResumingContext)
        await once(server, context)
        connection: Any = Connection(context._sessions[0])
        for _ in range(100):
            context.keep(connection)
        assert len(context._sessions) == 8
        assert connection.looks == 7


async def test_where_each_look_at_a_ticket_costs_memory_they_come_to_an_end(
    ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ResumingContext, "looks_left", 2)
    async with openssl_server("-tls1_3") as stranger:
        server = server_at(stranger.address, verification=Verification.CA_FILE, ca_file=ca_file)
        contexts = [make_context(server.tls) for _ in range(2)]  # of two connections to the same profile
        assert [await once(server, contexts[0]) for _ in range(2)] == [False, True]
        assert [await once(server, contexts[1]) for _ in range(2)] == [False, False]
        assert [await once(server, contexts[0]) for _ in range(2)] == [True, False]


# ---- what is held to all the same


async def test_a_pin_is_compared_on_a_resumed_session(ca_file: str) -> None:
    async with openssl_server("-tls1_3") as stranger:
        right = server_at(stranger.address, verification=Verification.PIN, spki_pin=certificates.good().spki_pin)
        wrong = server_at(stranger.address, verification=Verification.PIN, spki_pin=b"\0" * 32)
        context = make_context(right.tls)
        assert [await once(right, context) for _ in range(2)] == [False, True]
        with pytest.raises(PinMismatch) as caught:
            await tls.dial(wrong, context, TIMINGS)
        await stranger.says("Reused", 2)
        assert caught.value.reason == certificates.good().spki_pin.hex()
        await asyncio.sleep(0.01)


async def test_the_name_is_checked_on_a_resumed_session(ca_file: str) -> None:
    async with openssl_server("-tls1_3") as stranger:
        options: dict[str, Any] = {"verification": Verification.CA_FILE, "ca_file": ca_file}
        right = server_at(stranger.address, server_name="server.test", **options)
        wrong = server_at(stranger.address, server_name="other.test", **options)
        context = make_context(right.tls)
        assert [await once(right, context) for _ in range(2)] == [False, True]
        with pytest.raises(CertificateWrongName):
            await tls.dial(wrong, context, TIMINGS)
        await asyncio.sleep(0.01)


async def test_a_session_that_did_not_come_to_a_word_leaves_no_ticket() -> None:
    """A server that does not speak AnyTLS is not remembered."""
    async with openssl_server("-tls1_3") as stranger:
        server = Server("127.0.0.1", stranger.address.port, PASSWORD, TlsOptions(verification=Verification.NONE))
        async with upstream_to(server) as upstream:
            session = await upstream.dial()
            await until(lambda: getattr(session.link.tls.session, "has_ticket", False))
            context = upstream._context
            assert isinstance(context, ResumingContext)
            assert not context._sessions
