"""A client's parts without those that stand above them: a session alone, and an upstream alone."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator

from app.engine import tls
from app.engine.options import EngineOptions, PoolOptions, Server, Timings
from app.engine.session import ClientSession, Home
from app.engine.tls_context import make_context
from app.engine.upstream import SchemeMemory, Upstream
from app.errors import Failure
from app.protocols import anytls
from app.protocols.login import password_hash
from app.protocols.padding import Padding, Scheme
from app.tasks import Tasks
from tests.fakes.waiting import settle

UNPADDED = Scheme.parse(b"stop=0")


class Keeper(Home):
    """Keeps what a session reports: what, and of what number or what text."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def session_free(self, session: ClientSession) -> None:
        self.said.append("free")

    def session_over(self, session: ClientSession) -> None:
        self.said.append("over")

    def proved(self, session: ClientSession) -> None:
        self.said.append("proved")

    def scheme_pushed(self, raw: bytes) -> None:
        self.said.append(f"pushed {raw.decode()}")

    def scheme_rejected(self, reason: str) -> None:
        self.said.append(f"rejected {reason}")


@contextlib.asynccontextmanager
async def log_in(
    server: Server, home: Home | None = None, padding: Padding | None = None
) -> AsyncIterator[ClientSession]:
    """A session that has logged in, ended with the block."""
    context = await asyncio.to_thread(make_context, server.tls)
    dialled = await tls.dial(server, context, Timings())
    machine = anytls.Session(
        client=True, padding=padding or Padding(UNPADDED), randbelow=secrets.randbelow, client_name="test"
    )
    session = ClientSession(1, server, dialled.link, machine, home or Keeper())
    dialled.link.attach(session)
    session.login(password_hash(server.password))
    try:
        yield session
    finally:
        session.link.abort()
        await session.gone.wait()


class Memory:
    """Remembers padding schemes until the test ends."""

    def __init__(self, **schemes: bytes) -> None:
        self.schemes = schemes

    def get(self, server_key: str) -> bytes | None:
        return self.schemes.get(server_key)

    def put(self, server_key: str, raw: bytes) -> None:
        self.schemes[server_key] = raw


class Upstreams:
    """An upstream, and what it has told."""

    def __init__(self, server: Server, schemes: SchemeMemory | None, options: EngineOptions) -> None:
        self.tasks = Tasks()
        self.proved = 0
        self.deserted = 0
        self.failures: list[Failure] = []
        self.upstream = Upstream(
            server,
            options,
            self.tasks,
            itertools.count(1),
            schemes,
            self._on_proved,
            lambda _upstream, failure: self.failures.append(failure),
            self._on_deserted,
        )

    def _on_proved(self, _upstream: Upstream) -> None:
        self.proved += 1

    def _on_deserted(self, _upstream: Upstream) -> None:
        self.deserted += 1


@contextlib.asynccontextmanager
async def upstream_to(
    server: Server,
    *,
    min_idle: int = 0,
    schemes: SchemeMemory | None = None,
    client_name: str = "test",
    timings: Timings = Timings(),  # noqa: B008 (it cannot be changed)
) -> AsyncIterator[Upstreams]:
    """An upstream that warms nothing up unless told to."""
    options = EngineOptions((server,), pool=PoolOptions(min_idle=min_idle), timings=timings, client_name=client_name)
    upstreams = Upstreams(server, schemes, options)
    try:
        yield upstreams
    finally:
        await upstreams.tasks.close()
        await upstreams.upstream.close()
        await settle(1)
