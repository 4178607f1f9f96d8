"""The stages of a connection, each told when it has ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from app.errors import Failure

STAGES: Final = ("dns", "tcp", "tls", "authentication", "page")
"""In the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage: whether it worked, how many milliseconds it took, and what stood in the way."""

    name: str
    ok: bool
    ms: float
    error: Failure | None = None


OnStage = Callable[[StageResult], None]
"""Is told of each stage as it ends. It must not raise."""


def unheard(_stage: StageResult) -> None:
    """Nobody wants to know."""


@contextmanager
def timed(name: str, on_stage: OnStage) -> Iterator[None]:
    """Tell how the stage that the block is has ended, unless it was broken off."""
    start = time.perf_counter()
    try:
        yield
    except Failure as failure:
        on_stage(StageResult(name, False, (time.perf_counter() - start) * 1000, failure))
        raise
    on_stage(StageResult(name, True, (time.perf_counter() - start) * 1000))
