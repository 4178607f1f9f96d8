"""Client → signals, clicks → tasks, every failure → a message. All pages, the tray and the window stand on it."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from app import logs
from app.client.control import Control
from app.client.importing import Candidate, candidates, candidates_of_file
from app.client.state import State
from app.demo import Demo
from app.engine.snapshot import Snapshot
from app.errors import Failure, ListenFailed, UnlockCancelled
from app.logs import LogRing
from app.storage.settings import PRIVACY, Item
from app.tasks import Tasks
from app.traffic.pool_history import PoolHistory
from app.traffic.rates import Rates
from app.ui.messages import Message, for_failure
from app.ui.widgets.stages import breakable, masked_sentence

_log = logging.getLogger("anytls.ui")

_EVERY: Final = 1000  # ms between two looks at the tunnel

_RESTING: Final = ("idle", "warm")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the tunnel looked like at one moment. Speeds in bytes/s, `uptime` in seconds since it was last proved on."""

    snapshot: Snapshot | None
    up: float
    down: float
    rates: Rates
    pool: PoolHistory
    uptime: float | None


class Bridge(QObject):
    """`control` is what to ask for something; the signals tell what has become of it."""

    state_changed = Signal()
    profiles_changed = Signal()
    settings_changed = Signal(object)  # the Item
    sampled = Signal(object)  # a Sample, once a second while the tunnel is not off
    message = Signal(object)  # a Message
    port_taken = Signal(object)  # the ListenFailed
    import_asked = Signal(object)  # a list of Candidates, for the preview
    window_asked = Signal(str)  # show the window, at this page where one is named
    log_asked = Signal(str)  # show the log, at the last line with this text
    quit_asked = Signal()

    def __init__(self, control: Control, logs: LogRing, on_defect: Callable[[BaseException], None]) -> None:
        """`on_defect` is told what a task raised that is no `Failure`: a defect of ours."""
        super().__init__()
        self.control = control
        self.logs = logs
        self._demo = Demo()
        self._tasks = Tasks(on_defect)
        self._rates = Rates()
        self._pool = PoolHistory()
        self._looking = False
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self._look)
        self.sample = Sample(None, 0.0, 0.0, self._rates, self._pool, None)
        control.client.on_change = self._client_changed
        control.on_change = self.state_changed.emit
        control.profiles.on_change = self.profiles_changed.emit
        control.settings.on_change.append(self._setting_changed)

    def run(self, work: Coroutine[Any, Any, Any], name: str, then: Callable[[], None] | None = None) -> None:
        """Start what a click asks for. A `Failure` becomes a message; `then` is called where there was none."""
        task = self._tasks.start(self._told(work, then), name)
        task.add_done_callback(lambda _task: work.close())  # where it was cancelled before it began

    def say(self, text: str, kind: str = "info", key: str = "") -> None:
        """Show one sentence."""
        self.message.emit(Message(text, kind, key=key))

    def import_text(self, text: str) -> None:
        """Look for links in a text, and ask for the preview. Says so where there is none."""
        self.run(self._import(candidates, text), "read links")

    def import_files(self, paths: Sequence[Path]) -> None:
        """The same for files."""
        self.run(self._import(lambda files: [one for file in files for one in candidates_of_file(file)], paths), "read")

    def try_demo(self) -> None:
        """Start a server on this computer, and connect to it."""
        self.run(self.start_demo(), "start the demo")

    async def start_demo(self) -> None:
        """As `try_demo`, waiting until it is under way."""
        candidate, page = await self._demo.start()
        known = next((entry for entry in self.control.profiles.entries if entry.temporary), None)
        if known is None:
            assert candidate.profile is not None
            known = await self.control.profiles.add(candidate.profile, candidate.passwords, temporary=True)
        self.control.pages[known.id] = page
        try:
            await self.control.connect(known.id)
        except ListenFailed as failure:
            await self.control.use_free_port(known.id, keep=False)
            text = self.tr("Port {port} is taken, so the local proxy has the next free one: {address}.")
            self.say(text.format(port=failure.port, address=self.control.client.address), "info", "port")

    async def close(self) -> None:
        """Stop everything that runs here, and turn the tunnel off."""
        self._timer.stop()
        await self._tasks.close()
        await self.control.close()
        await self._demo.stop()

    # ---- inside

    async def _told(self, work: Coroutine[Any, Any, Any], then: Callable[[], None] | None) -> None:
        try:
            await work
        except UnlockCancelled:
            pass  # somebody changed their mind
        except ListenFailed as failure:
            self.port_taken.emit(failure)
        except Failure as failure:
            self._tell(failure)
        else:
            if then is not None:
                then()

    def _tell(self, failure: Failure) -> None:
        """Show the sentence; what is not the person's own input stands in the log too, one click away."""
        message, text = for_failure(failure), str(failure)
        if self.control.settings.get(PRIVACY):
            message = replace(message, text=breakable(logs.redact(masked_sentence(failure))))
        if message.kind == "bad":
            _log.error("%s", text)
            show = partial(self.log_asked.emit, logs.redact(text))
            message = replace(message, action=self.tr("Show in the log"), run=show)
        self.message.emit(message)

    async def _import(self, read: Callable[[Any], list[Candidate]], source: Any) -> None:
        found = await asyncio.to_thread(read, source)
        if not found:
            self.say(self.tr("No anytls:// link was found there."), "warn", key="import")
            return
        await self.control.profiles.unlock_unasked()  # or another password for the same server would pass for a repeat
        self.import_asked.emit(self.control.marked(found))

    def _client_changed(self) -> None:
        if not self.control.client.running:  # what a dead engine had last is no news
            self._timer.stop()
            self._rates = Rates()
            self._pool = PoolHistory()
            self.sample = Sample(None, 0.0, 0.0, self._rates, self._pool, None)
            self.sampled.emit(self.sample)
        elif not self._timer.isActive():
            self._timer.start()
        if self.control.client.state is State.ON:
            self.run(self.control.note_proof(), "note a proof")
        self.state_changed.emit()

    def _setting_changed(self, item: Item[Any]) -> None:
        self.settings_changed.emit(item)

    def _look(self) -> None:
        if not self._looking:  # the engine may be slower than the clock
            self._looking = True
            self._tasks.start(self._take(), "look at the tunnel")

    async def _take(self) -> None:
        try:
            snapshot = await self.control.client.snapshot()
        except Failure:
            return  # it has just stopped; the client tells why
        finally:
            self._looking = False
        if snapshot is None:
            return
        now = time.monotonic()
        self._rates.add(now, snapshot.up, snapshot.down)
        states = [session.state for session in snapshot.sessions]
        idle = sum(state in _RESTING for state in states)
        self._pool.add(now, len(states) - idle, idle, snapshot.warming)
        since = self.control.client.since
        uptime = None if since is None else now - since
        self.sample = Sample(snapshot, self._rates.up, self._rates.down, self._rates, self._pool, uptime)
        self.sampled.emit(self.sample)
