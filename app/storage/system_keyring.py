"""The system's keyring, and the one secret that this program keeps in it; the vault's worker speaks with it.

One call at a time: a second question to the person would only confuse.
"""

import asyncio
from typing import Any, Final

from app.errors import Failure, KeyringLocked, KeyringMissing
from app.storage.keyring_calls import KeyringState
from app.storage.vault_calls import ask, working
from app.storage.vault_worker import Delete, Get, Look, Put

LOOK_SECONDS: Final = 10.0  # for an answer without a question to the person; 0.2 s is usual
ASK_SECONDS: Final = 60.0  # for the person to find the keyring's password


class SystemKeyring:
    """All methods but `state` may ask the person. They raise KeyringLocked, KeyringMissing, KeyringDenied, or
    UnlockCancelled where the person said no; VaultFailed where the worker does not work."""

    def __init__(self, look_seconds: float = LOOK_SECONDS, ask_seconds: float = ASK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._ask_seconds = ask_seconds
        self._lock = asyncio.Lock()
        self._asks = asyncio.Event()

    async def state(self) -> KeyringState:
        """Never raises, and takes no longer than a look; a keyring that does not answer in time is missing."""
        if self._asks.is_set():
            return KeyringState.LOCKED
        try:
            async with asyncio.timeout(self._look_seconds), self._lock:
                state: KeyringState = await ask(Look(), KeyringState, self._look_seconds)
        except (TimeoutError, KeyringLocked, KeyringMissing):
            return KeyringState.LOCKED if self._asks.is_set() else KeyringState.MISSING
        except Failure:
            return KeyringState.DENIED
        return state

    async def get(self) -> bytes | None:
        """The key; None where there is none, or what stands there is not one."""
        key: bytes | None = await self._call(Get(self._ask_seconds), bytes | None)
        return key

    async def put(self, key: bytes) -> None:
        """Store the key in place of any other."""
        await self._call(Put(key, self._ask_seconds), None)

    async def delete(self) -> None:
        """Take the key away, if it is there."""
        await self._call(Delete(self._ask_seconds), None)

    async def _call(self, request: Get | Put | Delete, kind: Any) -> Any:
        """The state comes first: nobody waits a minute for a keyring that is dead, only for one that asks."""
        async with self._lock, working(request) as worker:
            try:
                state = await worker.answer(KeyringState, self._look_seconds)
            except TimeoutError:
                raise KeyringMissing from None
            if state in (KeyringState.AVAILABLE, KeyringState.LOCKED):
                self._asks.set()  # some that call themselves available ask all the same
            try:
                return await worker.answer(kind, self._ask_seconds)
            except TimeoutError:
                raise KeyringLocked from None
            finally:
                self._asks.clear()
