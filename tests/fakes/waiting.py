"""Waits for what comes about on its own time, within a bound that only a failing test reaches."""

import asyncio
from collections.abc import Callable

# Seconds. Long enough for the slowest machine under load, shorter than a test's own limit.
PATIENCE = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until `condition` holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


async def settle(rounds: int = 20) -> None:
    """Let everything happen that is about to: used where nothing is expected to come of it."""
    for _ in range(rounds):
        await asyncio.sleep(0.001)
