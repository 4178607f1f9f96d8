"""One server at run time: dials it, keeps its sessions and their pool, warms some up, and watches them all."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from app.engine import tls
from app.engine.ech import EchSource
from app.engine.options import EngineOptions, Server
from app.engine.pool import Pool
from app.engine.session import ClientSession
from app.engine.stages import OnStage, StageResult, unheard
from app.engine.tls_context import ResumingContext, make_context
from app.errors import Failure
from app.protocols import anytls
from app.protocols.login import password_hash
from app.protocols.padding import DEFAULT, BadScheme, Padding, Scheme
from app.protocols.settings import VERSION
from app.tasks import Tasks

_log = logging.getLogger("anytls.pool")

# A session's streams are counted in 32 bits; long before that its traffic stands out by its age (PROTOCOL.md §6.2).
_MOST_STREAMS: Final = 10_000

# After the server cut a session that was kept ready: how long no other is made, doubled each time; in seconds.
_COOL_DOWN: Final = 5.0
_LONGEST_COOL_DOWN: Final = 600.0


class SchemeMemory(Protocol):
    """Remembers a server's pushed padding scheme, so that even the first session of the next start has its shape."""

    def get(self, server_key: str) -> bytes | None: ...

    def put(self, server_key: str, raw: bytes) -> None: ...


class Upstream:
    """See the module's text. The callbacks are told what each session shows of the server."""

    def __init__(
        self,
        server: Server,
        options: EngineOptions,
        tasks: Tasks,
        numbers: Iterator[int],
        schemes: SchemeMemory | None = None,
        on_proved: Callable[["Upstream"], None] = lambda upstream: None,
        on_failed: Callable[["Upstream", Failure], None] = lambda upstream, failure: None,
        on_deserted: Callable[["Upstream"], None] = lambda upstream: None,
    ) -> None:
        self.server = server
        self.sessions: dict[int, ClientSession] = {}
        self.made = 0
        self.reused = 0
        self.padding = Padding(_remembered(schemes, str(server)))
        self.pool: Pool[ClientSession] = Pool(options.pool)
        self.bytes_sent = 0
        """Payload of the sessions that are gone."""
        self.bytes_received = 0
        self._options = options
        self._tasks = tasks
        self._numbers = numbers
        self._schemes = schemes
        self._on_proved = on_proved
        self._on_failed = on_failed
        self._on_deserted = on_deserted
        self._hash = password_hash(server.password)
        self._context: ssl.SSLContext | None = None
        self._ech = EchSource(server)
        self.dialling = 0
        """Sessions that are being made."""
        self.idle_timeout = options.pool.idle_timeout
        self._warming = False
        self._warm_after = 0.0
        self._cut = 0
        self._proved = False
        self._retired = False
        self._version_1 = False

    @property
    def proved_before(self) -> bool:
        """Whether the server has ever spoken AnyTLS to this client."""
        return self._proved

    async def prepare(self) -> None:
        """Read what TLS needs from files. Raises `BadInput`."""
        self._context = await asyncio.to_thread(make_context, self.server.tls)

    def take(self) -> ClientSession | None:
        """An idle session, for one stream."""
        session = self.pool.take()
        while session is not None and session.failure is not None:  # it is being closed
            session = self.pool.take()
        if session is not None:
            session.waited = self._proved
            self.reused += session.machine.opened > 0
            self.warm_up()
        return session

    async def dial(self, on_stage: OnStage = unheard) -> ClientSession:
        """A new session that has logged in; each stage up to there is told. Raises `DialFailed`."""
        if self._context is None:
            await self.prepare()
        assert self._context is not None
        self.dialling += 1
        try:
            dialled = await tls.dial(self.server, self._context, self._options.timings, on_stage, self._ech)
        finally:
            self.dialling -= 1
        self.made += 1
        machine = anytls.Session(
            client=True,
            padding=self.padding,
            randbelow=secrets.randbelow,
            client_name=self._options.client_name,
        )
        session = ClientSession(next(self._numbers), self.server, dialled.link, machine, self)
        session.handshake_ms = dialled.handshake_ms
        self.sessions[session.number] = session
        dialled.link.attach(session)
        session.login(self._hash)
        if session.failure is not None:
            on_stage(StageResult("authentication", False, 0.0, session.failure))
            raise session.failure
        _log.info("%s session %d: logged in after %.0f ms", self.server, session.number, dialled.handshake_ms)
        return session

    def warm_up(self) -> None:
        """See to it that as many sessions are ready as the options ask for, one after the other."""
        now = asyncio.get_running_loop().time()
        if self._retired or self._warming or now < self._warm_after:
            return
        if self.pool.missing(self.dialling):
            self._warming = True
            self._tasks.start(self._warm(), f"warm up {self.server}")

    def tick(self, now: float) -> None:
        """Look after all sessions; called about once a second."""
        for session in tuple(self.sessions.values()):
            if self._version_1:
                session.expect_silence()
            session.check(now, self._options.timings)
        if self._retired:
            self._close_resting()
        close, keep = self.pool.sweep(now)
        for session in close:
            _log.info("%s session %d: idle for long enough, closed", self.server, session.number)
            session.close()
        for session in keep:
            session.ask_for_life()

    def close_idle(self) -> None:
        """Close every idle session."""
        for session in self.pool.clear():
            session.close()

    def keep(self, session: ClientSession) -> None:
        """The session waits for its next stream."""
        if self._retired:
            self._close_resting()
        elif not session.over:
            self.pool.put(session)

    def retire(self) -> None:
        """Keep no session any more: idle ones are closed now, the others when their streams have ended."""
        self._retired = True
        self.pool.clear()
        self._close_resting()

    def end_sessions(self) -> None:
        """Close every session, with the streams that are still open."""
        for session in tuple(self.sessions.values()):
            session.close()

    async def close(self) -> None:
        """The same, and wait until they are gone."""
        self.end_sessions()
        for session in tuple(self.sessions.values()):
            await session.gone.wait()

    def _close_resting(self) -> None:
        for session in tuple(self.sessions.values()):
            if session.at_rest and not session.streams:
                session.close()

    def _cut_off(self) -> None:
        # Some servers do not let a login wait for its first stream. Making the next one at once would be answered
        # in the same way, for ever.
        self._cut += 1
        pause = min(_LONGEST_COOL_DOWN, _COOL_DOWN * 2 ** min(self._cut, 16))
        self._warm_after = asyncio.get_running_loop().time() + pause

    async def _warm(self) -> None:
        try:
            while self.pool.missing(self.dialling) and not self._retired:
                try:
                    session = await self.dial()
                except Failure as failure:
                    self._on_failed(self, failure)
                    return
                self.keep(session)
        finally:
            self._warming = False

    # ---- what sessions report

    def session_free(self, session: ClientSession) -> None:
        if session.heard:
            self._version_1 = session.machine.version < VERSION
            self._cut = 0
        if session.machine.opened >= _MOST_STREAMS:
            session.close()
        else:
            self.keep(session)

    def session_over(self, session: ClientSession) -> None:
        self.pool.discard(session)
        self.sessions.pop(session.number, None)
        self.bytes_sent += session.bytes_sent
        self.bytes_received += session.bytes_received
        _log.info("%s session %d: over. %s", self.server, session.number, session.failure)
        if session.closed_here or session.failure is None:
            return
        if not self.sessions:
            self._on_deserted(self)
        if session.heard or session.waited:
            return
        if self._proved and session.machine.opened == 0:
            self._cut_off()
        else:
            self._on_failed(self, session.failure)

    def proved(self, session: ClientSession) -> None:
        self._proved = True
        if isinstance(self._context, ResumingContext):  # the server's tickets came before its first word
            self._context.keep(session.link.tls)
        self._on_proved(self)

    def scheme_pushed(self, raw: bytes) -> None:
        _log.info("%s: a padding scheme of %d bytes is in force", self.server, len(raw))
        if self._schemes is not None:
            self._schemes.put(str(self.server), raw)

    def scheme_rejected(self, reason: str) -> None:
        _log.warning("%s: the padding scheme it pushed is not used: %s", self.server, reason)


def _remembered(schemes: SchemeMemory | None, key: str) -> Scheme:
    raw = None if schemes is None else schemes.get(key)
    if raw is None:
        return DEFAULT
    try:
        return Scheme.parse(raw)
    except BadScheme:
        return DEFAULT
