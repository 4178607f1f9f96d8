"""`make bench`: our client and every other one there is, in the same run, against the same server and target.

Each run has a client process of its own, and the clients take turns, so that whatever else the machine does meets all
of them. Load and target are processes too; the column "direct" is what they reach without a proxy.
"""

import argparse
import os
import platform
import signal
import ssl
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from app import __version__
from app.system.resources import raise_file_limit
from tests.benchmarks.bulk import Measured, check
from tests.benchmarks.processes import ProcessFailed
from tests.benchmarks.programs import OURS, Client, Server, clients, server, target
from tests.benchmarks.rows import ROWS, Effort, Row, measured
from tests.benchmarks.table import Measure, lines, median
from tests.benchmarks.way import LoadFailed, Way

DIRECT: Final = "direct"

_QUICK: Final = Effort(
    rounds=1, bulk=64 * 1024 * 1024, connections=1000, requests=300, fresh=50, datagrams=10_000
)  # fmt: skip


class Bench:
    """One run of everything: who is measured with what, and what came of it."""

    def __init__(self, effort: Effort, server: Server, ports: dict[str, int], load: Executor, folder: Path) -> None:
        self.troubles: list[str] = []
        self._effort = effort
        self._server = server
        self._direct = Way(ports["tcp"], ports["udp"])
        self._load = load
        self._folder = folder
        self._values: dict[tuple[Measure, str], list[float]] = defaultdict(list)

    def sound(self, client: Client) -> bool:
        """Whether the client carries data unchanged; nothing else about it matters otherwise."""
        _progress(f"{client.name}: is what arrives what was sent?")
        try:
            with self._through(client, warm=True) as way:
                self._load.submit(check, way, self._effort.check).result()
        except (LoadFailed, ProcessFailed, OSError) as error:
            self.troubles.append(f"{client.name} is not measured: {error}.")
            return False
        return True

    def run(self, rows: Sequence[Row], sound: Sequence[Client]) -> None:
        """Measure all of it."""
        for number in range(1, self._effort.rounds + 1):
            for row in rows:
                _progress(f"round {number} of {self._effort.rounds}: {row.name}")
                if row.direct:
                    self._note(row, DIRECT, self._load.submit(measured, row.name, self._direct, self._effort).result())
                for client in sound:
                    self._measure(row, client)

    def value(self, measure: Measure, column: str) -> float:
        """The median of what a client reached; NaN where nothing was measured."""
        return median(self._values[measure, column])

    def _measure(self, row: Row, client: Client) -> None:
        try:
            with self._through(client, warm=row.warm) as way:
                self._note(row, client.name, self._load.submit(measured, row.name, way, self._effort).result())
        except (LoadFailed, ProcessFailed, OSError) as error:
            self.troubles.append(f"{client.name}, {row.name}: {error}.")

    def _note(self, row: Row, column: str, values: Measured) -> None:
        for measure in row.measures:
            self._values[measure, column].append(values[measure.key])

    @contextmanager
    def _through(self, client: Client, *, warm: bool) -> Iterator[Way]:
        with client.running(self._server, self._folder, warm=warm) as running:
            yield replace(self._direct, proxy=running.port, pid=running.pid)


def main() -> int:
    """Measure and print the table; 0 unless nothing of ours could be measured."""
    parsed = _parser().parse_args()
    effort = _QUICK if parsed.quick else Effort()
    effort = replace(
        effort, rounds=parsed.rounds or effort.rounds, bulk=parsed.size * 1024 * 1024 if parsed.size else effort.bulk
    )
    rows = [row for row in ROWS if not parsed.rows or row.name in parsed.rows]
    raise_file_limit()
    with (
        tempfile.TemporaryDirectory() as name,
        target(folder := Path(name)) as ports,
        server(folder) as peer,
        ProcessPoolExecutor(1, get_context("spawn"), initializer=_leave_interrupts_to_the_parent) as load,
    ):
        bench = Bench(effort, peer, ports, load, folder)
        sound = [client for client in clients() if bench.sound(client)]
        bench.run(rows, sound)
    _report(bench, effort, rows, peer, sound)
    return 0 if any(client.name == OURS for client in sound) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--size", type=int, metavar="MIB", help="how much goes over the bulk streams, each time")
    parser.add_argument("--rounds", type=int, help="how often; the table has the medians")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], help="only these")
    return parser


def _report(bench: Bench, effort: Effort, rows: Sequence[Row], server: Server, sound: Sequence[Client]) -> None:
    measures = [measure for row in rows for measure in row.measures]
    columns = [DIRECT, *(client.name for client in sound)]
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {platform.system()} {platform.release()}")
    print(f"{_versions()}; server: {server.name}")
    print(f"Medians of {effort.rounds}; bulk: {effort.bulk >> 20} MiB; open streams: {effort.streams}.")
    print("In brackets how many times better ours is, in every line: below 1 it is worse.\n")
    for line in lines(measures, columns, OURS, bench.value):
        print(line)
    for trouble in dict.fromkeys(bench.troubles):
        print(f"\n{trouble}")


def _versions() -> str:
    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "asyncio"
    return f"anytls-tray {__version__}, Python {platform.python_version()}, {loop}, {ssl.OPENSSL_VERSION}"


def _processor() -> str:
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} × {name}"


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
