"""`make bench`: our client and every other one there is, in the same run, against the same server and target.

Each run has a client process of its own, and the clients take turns, so that whatever else the machine does meets all
of them. Load and target are processes too; the column "direct" is what they reach without a proxy.
"""

import argparse
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from app.system.resources import raise_file_limit
from tests.benchmarks.bulk import Measured, check
from tests.benchmarks.machine import description
from tests.benchmarks.processes import ProcessFailed
from tests.benchmarks.programs import OURS, Client, Server, clients, far, server, target
from tests.benchmarks.rows import ROWS, Effort, Row, measured
from tests.benchmarks.table import Measure, lines, median
from tests.benchmarks.way import LoadFailed, Way

DIRECT: Final = "direct"

_QUICK: Final = Effort(rounds=1, bulk=64 << 20, connections=1000, requests=300, fresh=50, datagrams=10_000)


class Bench:
    """Measures clients with one server and one target, and keeps what came of it."""

    def __init__(
        self, effort: Effort, server: Server, far_server: Server, ports: dict[str, int], load: Executor, folder: Path
    ) -> None:
        self.server = server.name
        self.troubles: dict[str, None] = {}
        """What could not be measured and why, each once."""
        self._effort = effort
        self._server = server
        self._far_server = far_server
        self._direct = Way(ports["tcp"], ports["udp"])
        self._load = load
        self._folder = folder
        self._values: dict[tuple[Measure, str], list[float]] = defaultdict(list)

    def sound(self, client: Client) -> bool:
        """Whether the client carries data unchanged; nothing else about it matters otherwise."""
        _progress(f"{client.name}: is what arrives what was sent?")
        try:
            with self.through(client, warm=True) as way:
                self._load.submit(check, way, self._effort.check).result()
        except (LoadFailed, ProcessFailed, OSError) as error:
            self.troubles[f"{client.name} is not measured: {error}."] = None
            return False
        return True

    def run(self, rows: Sequence[Row], sound: Sequence[Client]) -> None:
        """Measure all of it, in turns."""
        for number in range(1, self._effort.rounds + 1):
            for row in rows:
                _progress(f"round {number} of {self._effort.rounds}: {row.name}")
                if row.direct:
                    self._note(row, DIRECT, self.load(measured, row.name, self._direct, self._effort))
                for client in sound:
                    self._measure(row, client)

    def value(self, measure: Measure, column: str) -> float:
        """The median of what a client reached; NaN where nothing was measured."""
        return median(self._values[measure, column])

    def _measure(self, row: Row, client: Client) -> None:
        try:
            with self.through(client, warm=row.warm, far=row.far) as way:
                self._note(row, client.name, self.load(measured, row.name, way, self._effort))
        except (LoadFailed, ProcessFailed, OSError) as error:
            self.troubles[f"{client.name}, {row.name}: {error}."] = None

    def _note(self, row: Row, column: str, values: Measured) -> None:
        for measure in row.measures:
            self._values[measure, column].append(values[measure.key])

    def load(self, work: Callable[..., Measured], *arguments: object) -> Measured:
        """Run this in the load's process. Raises what it raises."""
        return self._load.submit(work, *arguments).result()

    @contextmanager
    def through(self, client: Client, *, warm: bool = True, far: bool = False) -> Iterator[Way]:
        """The way through a client of its own, running until the block ends."""
        server = self._far_server if far else self._server
        with client.running(server, self._folder, warm=warm) as running:
            yield replace(self._direct, proxy=running.port, pid=running.pid)


@contextmanager
def bench(effort: Effort) -> Iterator[Bench]:
    """Server, target and load, running until the block ends."""
    raise_file_limit()
    with (
        tempfile.TemporaryDirectory() as name,
        target(Path(name)) as ports,
        server(Path(name)) as peer,
        far(peer, Path(name)) as far_peer,
        ProcessPoolExecutor(1, get_context("spawn"), initializer=_leave_interrupts_to_the_parent) as load,
    ):
        yield Bench(effort, peer, far_peer, ports, load, Path(name))


def main() -> int:
    """Measure and print the table; 1 where ours does not carry data as it should, for then there is none."""
    effort, rows = _asked()
    with bench(effort) as running:
        sound = [client for client in clients() if running.sound(client)]
        names = [client.name for client in sound]
        if OURS in names:
            running.run(rows, sound)
    if OURS in names:
        print(f"{description()}; server: {running.server}")
        print(f"Medians of {effort.rounds}; bulk: {effort.bulk >> 20} MiB; open streams: {effort.streams}.")
        print("In brackets how many times better ours is, in every line: below 1 it is worse.\n")
        measures = [measure for row in rows for measure in row.measures]
        print("\n".join(lines(measures, [DIRECT, *names], OURS, running.value)))
    for trouble in running.troubles:
        print(f"\n{trouble}")
    return 0 if OURS in names else 1


def _asked() -> tuple[Effort, list[Row]]:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, help="how often; the table has the medians")
    parser.add_argument("--size", type=int, metavar="MIB", help="how much goes over the bulk streams, each time")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], help="only these")
    asked = parser.parse_args()
    effort = _QUICK if asked.quick else Effort()
    if asked.rounds:
        effort = replace(effort, rounds=asked.rounds)
    if asked.size:
        effort = replace(effort, bulk=asked.size << 20)
    return effort, [row for row in ROWS if not asked.rows or row.name in asked.rows]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
