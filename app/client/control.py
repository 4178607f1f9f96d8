"""The verbs that tray, window and command line have in common: on, off, switch, import, test, and every setting.

One verb runs at a time. A new one takes the place of one that is under way, so that "off" is obeyed while a keyring
still asks for its password or a server does not answer.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from app import logs
from app.client.adding import marked
from app.client.client import Client
from app.client.importing import Candidate
from app.client.local import LocalAccess
from app.client.options import engine_options
from app.client.profiles import Entry, Profiles
from app.client.state import State
from app.client.status import status_fields
from app.client.trust import trusting
from app.engine.options import EngineOptions, LocalOptions
from app.engine.stages import OnStage, StageResult, unheard
from app.errors import CertificateRejected, ListenFailed, NoProfile, PasswordMissing, UnlockCancelled
from app.storage.passwords import Prompter, Vault
from app.storage.profiles import Profile
from app.storage.settings import (
    ACTIVE_PROFILE,
    ALLOW_LAN,
    AUTOSTART,
    CHECK_PAGE,
    LISTEN_HOST,
    LISTEN_PORT,
    LOCAL_AUTH,
    LOCAL_USER,
    ON_SWITCH,
    PAGE_URL,
    Item,
    Settings,
)
from app.system.autostart import set_autostart
from app.tasks import Tasks

if TYPE_CHECKING:
    from app.client.prober import Prober

T = TypeVar("T")

_LISTENING: Final = (LISTEN_HOST, LISTEN_PORT, ALLOW_LAN, LOCAL_AUTH, LOCAL_USER)

# Ports above a taken one that are tried before any that is free.
_NEARBY: Final = 20


class Questions(Prompter, Protocol):
    """What only a person can answer. None is always "never mind"."""

    async def old_connections(self, count: int) -> Literal["drain", "close"] | None:
        """What becomes of the connections that are open on the profile that is left."""


class Control:
    """See the module's text. `on_change` is called when `active` or `busy` has changed; state is the client's."""

    def __init__(
        self,
        settings: Settings,
        profiles: Profiles,
        vault: Vault,
        client: Client,
        questions: Questions,
    ) -> None:
        self.settings = settings
        self.profiles = profiles
        self.vault = vault
        self.client = client
        self._carried: Profile | None = None
        self.questions = questions
        self.local = LocalAccess(settings, vault)
        self.on_change: Callable[[], None] = lambda: None
        self.pages: dict[str, str] = {}
        """Profiles that are proved by a page of their own instead of the one in the settings."""
        self._instead: dict[int, int] = {}  # ports that are taken, and what is listened on instead until the end
        self._tasks = Tasks()
        self._listening = asyncio.Lock()
        self._verb: asyncio.Task[Any] | None = None

    @cached_property
    def prober(self) -> "Prober":
        """Tries profiles. It brings most of the engine with it, so it is made when the first one is tried."""
        from app.client.prober import Prober

        return Prober()

    @property
    def active(self) -> Entry | None:
        """The profile that is on, or that "on" would take."""
        by_id = {entry.id: entry for entry in self.profiles.entries}
        wanted = by_id.get(self.settings.get(ACTIVE_PROFILE))
        return wanted or next(iter(self.profiles.recent(1)), None)

    @property
    def busy(self) -> bool:
        """Whether a verb is under way."""
        return self._verb is not None and not self._verb.done()

    @property
    def is_on(self) -> bool:
        """Whether the tunnel is meant to be on, whatever it has come to."""
        return self.client.state is not State.OFF

    # ---- the verbs

    async def connect(self, entry_id: str | None = None) -> None:
        """Turn on, with this profile or the active one. Raises `Failure`: no profile, no password, no port."""
        await self._do(self._connect(entry_id), "connect")

    async def disconnect(self) -> None:
        """Turn off. Never fails."""
        await self._do(self.client.stop(), "disconnect")

    async def toggle(self) -> None:
        """On where it was off, and off where it was anything else."""
        await (self.disconnect() if self.is_on or self.busy else self.connect())

    async def activate(self, entry_id: str) -> None:
        """Make a profile the active one; where the tunnel is on, it moves there once that profile has proved itself.

        Raises the `Failure` of the new profile; the old one goes on then.
        """
        entry = self._entry(entry_id)
        if self.client.state is State.ON and entry == self.active and entry.profile == self._carried:
            return
        if not self.is_on:
            self.settings.set(ACTIVE_PROFILE, entry.id)
            self.on_change()
            return
        await self._do(self._connect(entry.id), "switch")

    def marked(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """What was read, with the name of the profile that each would repeat."""
        return marked(candidates, self.profiles)

    async def add(self, candidates: Sequence[Candidate], group: str = "") -> list[Entry]:
        """Keep what was imported. Raises `Failure`; nothing is kept then."""
        items = [(one.profile, one.passwords) for one in candidates if one.profile is not None]
        return await self.profiles.add_many(items, group)

    async def test(self, entry_id: str, on_stage: OnStage = unheard) -> tuple[StageResult, ...]:
        """Try a profile stage by stage and note how long it took. Raises `Failure` where there is no password."""
        entry = self._entry(entry_id)
        results = await self.prober.test(entry.profile, await self._passwords(entry), on_stage)
        failed = next((result for result in results if not result.ok), None)
        if failed is None:
            await self.profiles.note_latency(entry.id, sum(result.ms for result in results), "")
        else:
            await self.profiles.note_latency(entry.id, None, str(failed.error))
        return results

    def trusting(self, entry_id: str, failure: CertificateRejected) -> Profile:
        """What `trust` would make of a profile. Raises `Failure` where the certificate was not shown to it."""
        return trusting(self._entry(entry_id).profile, failure)

    async def trust(self, entry_id: str, failure: CertificateRejected) -> Entry:
        """Pin the certificate that was rejected in a profile. Raises `Failure`; nothing has changed then."""
        entry = self._entry(entry_id)
        return await self.profiles.edit(entry.id, trusting(entry.profile, failure), None, entry.group)

    async def note_proof(self) -> None:
        """Put what the tunnel has just proved in place of a test that failed before. For after a change to ON."""
        if self.active is not None and self.client.state is State.ON and not self.busy:
            await self._note_proof(self.active)

    async def use_free_port(self, entry_id: str | None = None, *, keep: bool = True) -> None:
        """Take the next port that is free instead of the one in the settings, and turn on.

        Without `keep` the settings stay, and that port is taken until the program ends. Raises as `connect`.
        """
        await self._do(self._connect_nearby(entry_id, keep), "connect on another port")

    async def change(self, item: Item[T], value: T) -> None:
        """Change a setting. Raises `BadInput`, `ListenFailed` or `BadFile`; nothing has changed then."""
        if item in _LISTENING:
            # One after the other, or the port of the second one would be open without the login of the first.
            async with self._listening:
                if self.is_on:
                    await self._listen(self.settings.changed(item, value))
                self.settings.set(item, value)
            return
        if item is AUTOSTART:
            await asyncio.to_thread(set_autostart, bool(value))
        self.settings.set(item, value)

    async def set_local_password(self, password: str) -> None:
        """The password that apps have to give. Raises `Failure`."""
        async with self._listening:
            await self.local.set_password(password)
            if self.is_on:
                await self._listen(self.settings)

    async def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        return await status_fields(self.client, self.active)

    async def close(self) -> None:
        """Turn off for good."""
        await self._tasks.close()
        await self.client.stop()

    # ---- inside

    async def _do(self, verb: Coroutine[Any, Any, None], name: str) -> None:
        """Carry out a verb in place of the one under way. Returns early where another one takes its place."""
        before = self._verb
        self._verb = task = self._tasks.start(_after(before, verb), name)
        task.add_done_callback(lambda _task: verb.close())  # where it was cancelled before it began
        self.on_change()
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self.on_change()
        if not task.cancelled():
            task.result()

    async def _connect(self, entry_id: str | None, local: LocalOptions | None = None) -> None:
        entry = self._entry(entry_id) if entry_id is not None else self.active
        if entry is None:
            raise NoProfile
        options = await self._options(entry, local)
        if self.client.state in (State.ON, State.DEGRADED):
            drain = await self._drains()
            if drain is None:
                return
            await self.client.switch(options, drain)
            await self._note_proof(entry)
        else:
            self.settings.set(ACTIVE_PROFILE, entry.id)  # chosen, whatever becomes of the port
            async with self._listening:
                await self.client.start(options)
        self._carried = entry.profile
        self.settings.set(ACTIVE_PROFILE, entry.id)
        await self.profiles.note_used(entry.id)

    async def _note_proof(self, entry: Entry) -> None:
        stages = [stage for stage in self.client.stages if stage.name != "page"]
        if entry.problem and all(stage.ok for stage in stages):
            await self.profiles.note_latency(entry.id, sum(stage.ms for stage in stages), "")

    async def _connect_nearby(self, entry_id: str | None, keep: bool) -> None:
        taken = self.settings.get(LISTEN_PORT)
        local = await self.local.options(self.settings)
        for port in (*range(taken + 1, min(taken + 1 + _NEARBY, 65536)), 0):
            try:
                await self._connect(entry_id, replace(local, port=port))
            except ListenFailed:
                if port == 0:
                    raise
            else:
                break
        if self.client.address is None:
            return
        if keep:
            self.settings.set(LISTEN_PORT, self.client.address.port)
        else:
            self._instead[taken] = self.client.address.port

    async def _drains(self) -> bool | None:
        choice = self.settings.get(ON_SWITCH)
        if choice == "ask":
            snapshot = await self.client.snapshot()
            count = sum(one.state in ("open", "ending", "waiting") for one in snapshot.connections) if snapshot else 0
            answer = await self.questions.old_connections(count) if count else "drain"
            return None if answer is None else answer == "drain"
        return choice == "drain"

    async def _options(self, entry: Entry, local: LocalOptions | None) -> EngineOptions:
        passwords = await self._passwords(entry)
        for password in passwords:
            logs.secret(password)
        if local is None:
            local = await self.local.options(self.settings)
            local = replace(local, port=self._instead.get(local.port, local.port))
        local = replace(local, udp_connect=entry.profile.udp_mode == "connect")
        page = self.pages.get(entry.id) or self.settings.get(PAGE_URL)
        return engine_options(entry.profile, passwords, local, page if self.settings.get(CHECK_PAGE) else None)

    async def _passwords(self, entry: Entry) -> tuple[str, ...]:
        try:
            return await self.profiles.passwords(entry.id)
        except PasswordMissing:
            password = await self.questions.profile_password(entry.profile.name)
            if not password:
                raise UnlockCancelled from None
            passwords = (password,) * len(entry.profile.servers)
            await self.profiles.edit(entry.id, entry.profile, passwords, entry.group)
            return passwords

    async def _listen(self, settings: Settings) -> None:
        local = await self.local.options(settings)
        if self.active is not None:
            local = replace(local, udp_connect=self.active.profile.udp_mode == "connect")
        await self.client.listen(local)

    def _entry(self, entry_id: str) -> Entry:
        try:
            return self.profiles.get(entry_id)
        except KeyError:
            raise NoProfile from None


async def _after(before: asyncio.Task[Any] | None, verb: Coroutine[Any, Any, None]) -> None:
    """Break off the verb before, then run this one."""
    if before is not None and not before.done():
        before.cancel()
        await asyncio.wait({before})
    await verb
