"""Every row of the bench runs and gives numbers; what they are is nobody's business here."""

import math
import sys

import pytest

from tests.benchmarks.bench import DIRECT, bench
from tests.benchmarks.programs import OURS, Client
from tests.benchmarks.rows import ROWS, Effort

TINY = Effort(
    rounds=1, bulk=1 << 20, check=1 << 20, connections=100, requests=20, fresh=5, streams=20, datagrams=50
)  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="only there the system tells of another process's CPU and memory")
def test_every_row_gives_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANYTLS_PEERS", "ANYTLS_PEER_CLIENT", "ANYTLS_PEER_SERVER"):
        monkeypatch.delenv(name, raising=False)
    ours = Client(OURS)
    with bench(TINY) as running:
        assert running.sound(ours)
        running.run(ROWS, [ours])
    assert not running.troubles
    measures = [measure for row in ROWS for measure in row.measures]
    assert not [it.title for it in measures if math.isnan(running.value(it, OURS))]
    assert not [it.title for it in ROWS[0].measures[:1] if math.isnan(running.value(it, DIRECT))]
