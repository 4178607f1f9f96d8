"""One tunnel and its state: started, proved, watched, moved to other servers, stopped.

"On" is said only when a server has been seen to speak AnyTLS and, where one is asked for, a page has answered through
it: TCP, TLS and the password are right then. While something is wrong the proof is tried again and again, so that the
state comes back without anybody's help.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.client.memory import Memory
from app.client.state import NEXT, WITH_FAILURE, Sign, State
from app.engine.host import DirectDoor, EngineDoor, EngineEvents
from app.engine.options import EngineOptions, LocalOptions
from app.engine.snapshot import Snapshot
from app.engine.stages import STAGES, StageResult
from app.errors import EngineCrashed, Failure, PageFailed
from app.protocols.address import Address
from app.storage.schemes import PushedSchemes
from app.tasks import Tasks

# Proofs in a row that have to fail before what was on is called failed.
_PATIENCE: Final = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the tunnel is proved, in seconds."""

    first_pause: float = 1.0
    """Between two proofs while something is wrong: doubled each time, drawn from the upper half."""
    longest_pause: float = 30.0
    recheck: float = 60.0
    """While all is well, and nothing was received for as long."""


class Client:
    """See the module's text. `on_change` is called after every change of `state`, `failure`, `stages` or `address`."""

    def __init__(
        self, schemes: PushedSchemes, door: Callable[[], EngineDoor] = DirectDoor, pace: Pace = Pace()
    ) -> None:
        self.state = State.OFF
        self.failure: Failure | None = None
        """Why it is degraded or failed."""
        self.address: Address | None = None
        """Where the local proxy listens; None where none does."""
        self.stages: tuple[StageResult, ...] = ()
        """How far the last proof came; a proof over a session that is there already tells only what it tried."""
        self.since: float | None = None
        """When it became on, by `time.monotonic`; being degraded does not end it."""
        self.on_change: Callable[[], None] = lambda: None
        self._schemes = schemes
        self._make_door = door
        self._pace = pace
        self._door: EngineDoor | None = None
        self._crash: Failure | None = None
        self._page = False
        self._switching = False
        self._tasks = Tasks()
        self._watching: asyncio.Task[None] | None = None
        self._doubt = asyncio.Event()
        self._hope = asyncio.Event()
        self._received = 0
        self._changing = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether there is an engine: not while it is off, nor after it has crashed."""
        return self._door is not None and self._crash is None

    async def start(self, options: EngineOptions) -> Address:
        """Open the local port and begin to connect; what ran before is stopped.

        Raises `BadInput` or `ListenFailed`; it is off then.
        """
        async with self._changing:
            await self._stop()
            door = self._make_door()
            self._tasks = Tasks()
            memory = Memory(self._schemes, self._tasks)
            events = EngineEvents(self._proved, self._trouble, self._doubt.set, self._crashed)
            try:
                self.address = await door.start(options, memory, events)
            except BaseException:
                self._go(Sign.STOPPED)
                raise
            self._door = door
            self._page = options.page is not None
            self._go(Sign.STARTED)
            self._watching = self._tasks.start(self._watch(door), "prove the tunnel")
            return self.address

    async def switch(self, options: EngineOptions, drain: bool) -> None:
        """Go over other servers as soon as they are proved; the local port stays. Only while `running`.

        With `drain` connections over the old ones may end in their own time. Raises the `Failure` that stands in the
        way, and all stays as it is then.
        """
        door, before = self._running(), self.stages
        self._switching = True
        try:
            await door.switch(options, drain, self._add_stage)
        except BaseException:
            if self._door is door:
                self._set_stages(before)
            raise
        finally:
            self._switching = False
        if self._door is not door:
            return
        self._page = options.page is not None
        self._go(Sign.PROVED)
        self._hope.set()

    async def listen(self, local: LocalOptions) -> Address:
        """Listen elsewhere, or for others. Only while `running`.

        Raises `BadInput` or `ListenFailed`, and all stays as it is then.
        """
        self.address = await self._running().listen(local)
        self.on_change()
        return self.address

    async def stop(self) -> None:
        """Close everything; off afterwards."""
        async with self._changing:
            try:
                await self._stop()
            finally:
                self._go(Sign.STOPPED)

    async def snapshot(self) -> Snapshot | None:
        """What there is to see now; None while nothing runs."""
        if self._door is None:
            return None
        try:
            return await self._door.snapshot()
        except Failure:  # it has ended meanwhile
            return None

    async def prove_now(self) -> None:
        """Prove the tunnel soon, whenever the next proof was due."""
        self._doubt.set()
        self._hope.set()

    async def close_idle(self) -> None:
        """Close every idle session."""
        if self._door is not None:
            await self._door.close_idle()

    async def close_session(self, number: int) -> None:
        """Close a session, with the connections that it carries."""
        if self._door is not None:
            await self._door.close_session(number)

    async def close_connection(self, number: int) -> None:
        """Close one app connection."""
        if self._door is not None:
            await self._door.close_connection(number)

    async def close_connections(self) -> None:
        """Close every app connection."""
        if self._door is not None:
            await self._door.close_connections()

    # ---- what the engine reports

    def _proved(self) -> None:
        if self._page:
            self._hope.set()
        else:
            self._go(Sign.PROVED)

    def _trouble(self, failure: Failure) -> None:
        self._go(Sign.TROUBLE, failure)
        self._doubt.set()

    def _crashed(self, failure: Failure) -> None:
        if not self.running:
            return
        self._crash, self.address = failure, None
        if self._watching is not None:
            self._watching.cancel()
        self._go(Sign.CRASHED, failure)

    # ---- proofs

    async def _watch(self, door: EngineDoor) -> None:
        try:
            while True:
                await self._prove(door)
                self._doubt.clear()
                await self._rest(door)
        except EngineCrashed as failure:
            self._crashed(failure)

    async def _prove(self, door: EngineDoor) -> None:
        """Prove the tunnel, again and again until it is proved."""
        failures = 0
        while True:
            try:
                await door.prove(self._own_stage)
            except EngineCrashed:
                raise
            except Failure as failure:
                failures += 1
                self._go(self._verdict(failure, failures), failure)
                await self._pause(failures)
            else:
                self._go(Sign.PROVED)
                return

    def _verdict(self, failure: Failure, failures: int) -> Sign:
        if failures >= _PATIENCE:
            return Sign.LOST
        if self.state is State.CONNECTING:
            return Sign.DOUBTED if isinstance(failure, PageFailed) else Sign.LOST
        return Sign.LOST if self.state is State.FAILED else Sign.TROUBLE

    async def _pause(self, failures: int) -> None:
        first = self._pace.first_pause
        pause = min(self._pace.longest_pause, first * 2 ** min(failures - 1, 16))
        pause *= 0.5 + random.random() / 2  # noqa: S311 (spreads retries, no secret)
        self._hope.clear()
        await asyncio.sleep(min(pause, first))
        await _set_within(self._hope, pause - first)

    async def _rest(self, door: EngineDoor) -> None:
        """Until something is doubtful, or nothing was heard for a while."""
        self._received = (await door.snapshot()).down
        while not await _set_within(self._doubt, self._pace.recheck):
            received = (await door.snapshot()).down
            if received == self._received:
                return
            self._received = received

    def _own_stage(self, stage: StageResult) -> None:
        if not self._switching:
            self._add_stage(stage)

    def _add_stage(self, stage: StageResult) -> None:
        if self._door is None:  # it was stopped meanwhile
            return
        place = STAGES.index(stage.name)
        self._set_stages((*(known for known in self.stages if STAGES.index(known.name) < place), stage))

    # ---- inside

    def _running(self) -> EngineDoor:
        if self._crash is not None:
            raise self._crash
        if self._door is None:
            raise RuntimeError("there is no tunnel")
        return self._door

    async def _stop(self) -> None:
        door, self._door = self._door, None
        self._crash = self.address = None
        self.stages = ()
        await self._tasks.close()
        if door is not None:
            await door.stop()

    def _set_stages(self, stages: tuple[StageResult, ...]) -> None:
        self.stages = stages
        self.on_change()

    def _go(self, sign: Sign, failure: Failure | None = None) -> None:
        state = NEXT[self.state].get(sign, self.state)
        if sign is Sign.TROUBLE and state is not State.DEGRADED:
            return
        told = failure if state in WITH_FAILURE else None
        if (state, str(told)) == (self.state, str(self.failure)):
            return
        if state not in (State.ON, State.DEGRADED):
            self.since = None
        elif state is State.ON and self.since is None:
            self.since = time.monotonic()
        self.state, self.failure = state, told
        self.on_change()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
