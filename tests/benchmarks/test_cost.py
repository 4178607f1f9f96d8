"""No change makes the hot paths dearer unnoticed: what they cost, counted, is compared with what it was."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from tests.benchmarks import cost

# What each is allowed to grow by before somebody has to look at it. The same parts on Python 3.11 to 3.13 differ less.
TOLERANCE: Final = 1.15

# In records of a bare TLS relay, which would need 64 for a MiB. A change that lowers one lowers it here, too.
# Down it was 222 when OpenSSL was given whole reads, and 255 with two records at a time. With one, which it is told the
# end of, no time is lost (0.34 s/GiB to decrypt instead of 0.36) and Chrome's library takes 30 % less for a download.
DOWN: Final = 398.0
UP: Final = 105.0
CONNECTION: Final = 103.0


async def test_counting_is_the_same_each_time_and_sees_a_loop_of_its_own() -> None:
    def work(times: int) -> Callable[[], object]:
        return lambda: [it + 1 for it in range(times)]

    assert cost.instructions(work(100)) == cost.instructions(work(100))
    assert cost.instructions(work(1_000)) > 5 * cost.instructions(work(100))


async def test_a_connection_leaves_no_garbage() -> None:
    assert await cost.connection(cost.garbage) == 0, "collections cost all other connections time"


@pytest.mark.skipif(sys.platform == "win32", reason="there the transport is written to, and a socket is no file")
@pytest.mark.parametrize(
    ("count", "was"),
    [
        pytest.param(lambda: asyncio.sleep(0, cost.down()), DOWN, id="a MiB down"),
        pytest.param(lambda: asyncio.sleep(0, cost.up()), UP, id="a MiB up"),
        pytest.param(cost.connection, CONNECTION, id="a connection"),
    ],
)
async def test_the_hot_path_is_no_dearer_than_it_was(count: Callable[[], Awaitable[float]], was: float) -> None:
    is_now = await count() / cost.bare_record()
    assert is_now < was * TOLERANCE, f"{is_now / was - 1:+.0%}: find out why, or say in this file that it is worth it"
    assert is_now > was / TOLERANCE, "that is better: write it down here, so that it stays so"
