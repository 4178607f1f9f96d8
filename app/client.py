"""SWITCHES: off → connecting → on → degraded → failed, for one active profile. Knows no Qt.

"On" is said only when a server has been seen to speak AnyTLS: TCP, TLS and the password are right then. While it is
"degraded" or "failed" the proof is tried again and again, so that the state comes back without anybody's help.
"""

import asyncio
import random
from collections.abc import Callable
from enum import Enum
from typing import Final

from app import NAME, __version__
from app.engine.engine import Engine
from app.engine.options import (
    EngineOptions,
    LocalOptions,
    PoolOptions,
    Server,
    Strategy,
    TlsOptions,
    Verification,
)
from app.engine.snapshot import Snapshot
from app.errors import Failure
from app.protocols.address import Address
from app.storage.profiles import Profile
from app.storage.schemes import PushedSchemes
from app.tasks import Tasks
from app.texts import translate

# Between two proofs while something is wrong, in seconds: doubled each time, drawn from the upper half.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

# Proofs in a row that have to fail before what was on is called failed.
_PATIENCE: Final = 3


class State(Enum):
    """What a person is told of the tunnel."""

    OFF = "off"
    CONNECTING = "connecting"
    ON = "on"
    DEGRADED = "degraded"
    """Something failed, but traffic may still pass."""
    FAILED = "failed"


class _Sign(Enum):
    STARTED = "started"
    PROVED = "proved"
    TROUBLE = "trouble"
    LOST = "lost"
    STOPPED = "stopped"


_NEXT: Final[dict[State, dict[_Sign, State]]] = {
    State.OFF: {_Sign.STARTED: State.CONNECTING},
    State.CONNECTING: {_Sign.PROVED: State.ON, _Sign.LOST: State.FAILED, _Sign.STOPPED: State.OFF},
    State.ON: {_Sign.TROUBLE: State.DEGRADED, _Sign.STOPPED: State.OFF},
    State.DEGRADED: {_Sign.PROVED: State.ON, _Sign.LOST: State.FAILED, _Sign.STOPPED: State.OFF},
    State.FAILED: {_Sign.PROVED: State.ON, _Sign.STOPPED: State.OFF},
}


class Client:
    """One tunnel and its state. `on_change` is called whenever `state` or `failure` has changed."""

    def __init__(self, schemes: PushedSchemes) -> None:
        self.state = State.OFF
        self.failure: Failure | None = None
        self.address: Address | None = None
        self._schemes = schemes
        self.on_change: Callable[[], None] = lambda: None
        self._engine: Engine | None = None
        self._tasks = Tasks()
        self._proving = False

    async def start(self, options: EngineOptions) -> Address:
        """Open the local port and begin to connect. Raises `BadInput` or `ListenFailed`, and is off then."""
        engine = Engine(options, _Memory(self._schemes, self._tasks), self._proved, self._trouble, self._check)
        self.address = await engine.start()
        self._engine = engine
        self._go(_Sign.STARTED, None)
        self._check()
        return self.address

    async def stop(self) -> None:
        """Close everything; off afterwards."""
        engine, self._engine = self._engine, None
        await self._tasks.close()
        if engine is not None:
            await engine.stop()
        self._go(_Sign.STOPPED, None)

    def snapshot(self) -> Snapshot | None:
        """What there is to see now; None while it is off."""
        return None if self._engine is None else self._engine.snapshot()

    # ---- what the engine reports

    def _proved(self) -> None:
        self._go(_Sign.PROVED, None)

    def _trouble(self, failure: Failure) -> None:
        self._go(_Sign.TROUBLE, failure)
        self._check()

    def _check(self) -> None:
        """Prove the tunnel, now and until it is proved."""
        if not self._proving and self._engine is not None:
            self._proving = True
            self._tasks.start(self._prove(self._engine), "prove the tunnel")

    # ---- inside

    async def _prove(self, engine: Engine) -> None:
        try:
            failures = 0
            while True:
                try:
                    await engine.prove()
                except Failure as failure:
                    failures += 1
                    if self.state is not State.DEGRADED or failures >= _PATIENCE:
                        self._go(_Sign.LOST, failure)
                    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (failures - 1))
                    await asyncio.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 (spreads retries, no secret)
                else:
                    self._go(_Sign.PROVED, None)
                    return
        finally:
            self._proving = False

    def _go(self, sign: _Sign, failure: Failure | None) -> None:
        state = _NEXT[self.state].get(sign, self.state)
        if sign is _Sign.TROUBLE and state is not State.DEGRADED:
            return
        told = failure if state in (State.DEGRADED, State.FAILED) else None
        if (state, str(told)) != (self.state, str(self.failure)):
            self.state, self.failure = state, told
            self.on_change()


class _Memory:
    """Remembers pushed schemes without making the loop wait for the disk."""

    def __init__(self, schemes: PushedSchemes, tasks: Tasks) -> None:
        self._schemes = schemes
        self._tasks = tasks

    def get(self, server_key: str) -> bytes | None:
        return self._schemes.get(server_key)

    def put(self, server_key: str, raw: bytes) -> None:
        if self._schemes.get(server_key) != raw:
            self._tasks.start(asyncio.to_thread(self._schemes.put, server_key, raw), "remember a padding scheme")


def engine_options(profile: Profile, passwords: tuple[str, ...], local: LocalOptions) -> EngineOptions:
    """What the engine is told for a profile; `passwords` has one for each of its servers."""
    tls = TlsOptions(
        server_name=profile.server_name,
        alpn=profile.alpn,
        verification=Verification(profile.verification),
        ca_file=profile.ca_file,
        certificate_pin=profile.certificate_pin,
        spki_pin=profile.spki_pin,
        min_version=profile.min_tls,
        max_version=profile.max_tls,
    )
    servers = zip(profile.servers, passwords, strict=True)
    return EngineOptions(
        servers=tuple(Server(server.host, server.port, password, tls) for server, password in servers),
        strategy=Strategy(profile.strategy),
        pool=PoolOptions(profile.idle_check_interval, profile.idle_timeout, profile.min_idle),
        local=local,
        client_name=f"{NAME}/{__version__}" if profile.client_name is None else profile.client_name,
    )


def unmet_wishes(profile: Profile) -> tuple[str, ...]:
    """A sentence for everything in the profile that this version cannot do."""
    if profile.fingerprint == "none":
        return ()
    text = translate("client", "The TLS fingerprint “{name}” is not available in this version; Python's own is used.")
    return (text.format(name=profile.fingerprint),)
