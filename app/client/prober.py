"""Tries profiles stage by stage without touching the tunnel; several at once, but not all."""

import asyncio
from typing import Final

from app.client.options import engine_options
from app.engine.options import LocalOptions, Server, Timings
from app.engine.probe import probe
from app.engine.stages import OnStage, StageResult, unheard
from app.storage.profiles import Profile

# Each costs a TLS handshake; more would measure each other.
_AT_ONCE: Final = 8


class Prober:
    """Runs `engine.probe.probe` for whole profiles."""

    def __init__(self, timings: Timings | None = None) -> None:
        self._timings = timings or Timings()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def test(
        self, profile: Profile, passwords: tuple[str, ...], on_stage: OnStage = unheard
    ) -> tuple[StageResult, ...]:
        """The stages of the profile's first server that passes all of them, or of its first server.

        `on_stage` is told of each as it ends, those of one server after those of another. The last result is the first
        that failed, if one did. Raises `BadInput` for TLS options that cannot be used.
        """
        options = engine_options(profile, passwords, LocalOptions())
        async with self._room:
            first: tuple[StageResult, ...] = ()
            for server in options.servers:
                results = await self._try(server, options.client_name, on_stage)
                if results[-1].ok:
                    return results
                first = first or results
            return first

    async def _try(self, server: Server, client_name: str, on_stage: OnStage) -> tuple[StageResult, ...]:
        return tuple(await probe(server, self._timings, client_name, on_stage=on_stage))
