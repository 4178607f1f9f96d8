"""`make bench-growth`: what becomes of speed, processor time and memory from one stream to a thousand, as an SVG.

Our client and the reference take turns as in the bench; a flat line says that a stream costs the same however many
there are.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

from tests.benchmarks.bench import Bench, bench
from tests.benchmarks.bulk import download
from tests.benchmarks.chart import Panel, svg
from tests.benchmarks.exchanges import connections, open_streams
from tests.benchmarks.machine import description
from tests.benchmarks.processes import ProcessFailed
from tests.benchmarks.programs import OURS, Client, clients
from tests.benchmarks.rows import Effort
from tests.benchmarks.table import median
from tests.benchmarks.way import LoadFailed, Way

COUNTS: Final = (1, 10, 100, 1000)
_PICTURE: Final = Path(__file__).with_name("growth.svg")
# Bytes over all streams together.
_SIZE: Final = 1 << 30
_CONNECTIONS: Final = 1000

_TITLES: Final = {
    "rate": ("Download, all streams together", "MB/s"),
    "cpu": ("Its processor time", "s/GiB"),
    "each": ("A new connection's processor time", "ms"),
    "memory": ("Memory of an open stream", "KB"),
}

Values = dict[tuple[str, str, int], list[float]]


def kept(way: Way, count: int) -> dict[str, float]:
    """What each of `count` open streams takes, in KB."""
    return {"memory": open_streams(way, count)["more"] * 1000 / count}


def each(way: Way, count: int, total: int) -> dict[str, float]:
    """What each of `total` connections takes, `count` at a time."""
    return {"each": connections(way, max(total, 2 * count), count)["cpu"]}


def measure(running: Bench, client: Client, count: int, size: int, total: int) -> dict[str, float]:
    """All values of a client at one count; what cannot be measured is missing, and the bench's troubles say why."""
    found: dict[str, float] = {}
    try:
        with running.through(client) as way:
            found |= running.load(download, way, size, count)
        with running.through(client) as way:  # a new one: what traffic has left behind is not a stream's
            found |= running.load(kept, way, count)
            found |= running.load(each, way, count, total)  # with as many sessions as it needs: a stream had each
    except (LoadFailed, ProcessFailed, OSError) as error:
        running.troubles[f"{client.name}, {count} streams: {error}."] = None
    return found


def panels(values: Values, names: list[str], counts: tuple[int, ...]) -> list[Panel]:
    """The charts of all that was measured."""
    return [
        Panel(title, unit, {name: [median(values[name, key, count]) for count in counts] for name in names})
        for key, (title, unit) in _TITLES.items()
    ]


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(prog="bench-growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=_PICTURE)
    asked = parser.parse_args()
    values: Values = defaultdict(list)
    with bench(Effort()) as running:
        wanted = [client for client in clients() if client.name == OURS or client.command][:2]
        names = [client.name for client in wanted]
        for _ in range(asked.rounds):
            for count in COUNTS:
                for client in wanted:
                    print(f"{client.name}: {count} streams", file=sys.stderr, flush=True)
                    for key, value in measure(running, client, count, _SIZE, _CONNECTIONS).items():
                        values[client.name, key, count].append(value)
    print(description())
    for panel in panels(values, names, COUNTS):
        for name, line in panel.lines.items():
            print(f"{panel.title}, {panel.unit}, {name}: {', '.join(f'{value:.3g}' for value in line)}")
    asked.output.write_text(svg(panels(values, names, COUNTS), COUNTS, "streams at a time"), encoding="utf-8")
    for trouble in running.troubles:
        print(trouble)
    return 0


if __name__ == "__main__":
    sys.exit(main())
