"""Growth is measured at each count, and drawn whatever is missing."""

import math
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict

import pytest

from tests.benchmarks.bench import bench
from tests.benchmarks.chart import svg
from tests.benchmarks.growth import Values, measure, panels
from tests.benchmarks.programs import OURS, Client
from tests.benchmarks.rows import Effort


@pytest.mark.skipif(sys.platform != "linux", reason="only there the system tells of another process's CPU and memory")
def test_every_value_is_measured_for_one_and_for_several(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANYTLS_PEERS", "ANYTLS_PEER_CLIENT", "ANYTLS_PEER_SERVER"):
        monkeypatch.delenv(name, raising=False)
    with bench(Effort()) as running:
        for count in (1, 3):
            found = measure(running, Client(OURS), count, 1 << 20, 10)
            assert sorted(found) == ["cpu", "each", "memory", "rate"]
            assert not any(map(math.isnan, found.values()))
    assert not running.troubles


def test_what_is_missing_is_left_out_of_the_picture() -> None:
    values: Values = defaultdict(list)
    values[OURS, "rate", 1] += [3.0, 1.0, 2.0]
    drawn = panels(values, [OURS], (1, 10))
    assert next(iter(drawn[0].lines[OURS])) == 2.0
    picture = ET.fromstring(svg(drawn, (1, 10), "streams"))
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}circle"))) == 1
