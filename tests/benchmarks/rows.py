"""What is measured: each row is one run of the load, and gives one or more lines of the table."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.bulk import Measured, download, upload
from tests.benchmarks.datagrams import SIZE, datagrams
from tests.benchmarks.delay import ROUND_TRIP
from tests.benchmarks.exchanges import connections, one_by_one, open_streams, very_first
from tests.benchmarks.table import Measure
from tests.benchmarks.way import Way


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done in each run, and how often."""

    rounds: int = 5
    bulk: int = 1 << 30
    """Bytes."""
    check: int = 64 << 20
    """Bytes."""
    connections: int = 4000
    requests: int = 1000
    fresh: int = 200
    streams: int = 500
    datagrams: int = 50_000


@dataclass(frozen=True, slots=True)
class Row:
    """One run. `direct` says that it means something without a client, `warm` that ours may keep sessions ready, `far`
    that the server stands at the end of a long way."""

    name: str
    run: Callable[[Way, Effort], Measured]
    measures: tuple[Measure, ...]
    direct: bool = True
    warm: bool = True
    far: bool = False


def _small(title: str) -> tuple[Measure, ...]:
    return (
        Measure(f"{title}: p50", "p50", "ms", more_is_better=False, digits=2),
        Measure(f"{title}: CPU each", "cpu", "ms", more_is_better=False, digits=2),
    )


def _bulk(title: str) -> tuple[Measure, ...]:
    return (
        Measure(title, "rate", "MB/s", more_is_better=True),
        Measure(f"{title}: CPU", "cpu", "s/GiB", more_is_better=False, digits=2),
    )


def _many(concurrent: int) -> Row:
    title = f"New connections, {concurrent} at a time"
    measures = (
        Measure(title, "rate", "/s", more_is_better=True),
        Measure(f"{title}: p50", "p50", "ms", more_is_better=False, digits=1),
        Measure(f"{title}: p99", "p99", "ms", more_is_better=False, digits=1),
        Measure(f"{title}: CPU each", "cpu", "ms", more_is_better=False, digits=2),
    )
    return Row(
        f"connections{concurrent}", lambda way, effort: connections(way, effort.connections, concurrent), measures
    )


ROWS = (
    Row("download", lambda way, effort: download(way, effort.bulk), _bulk("Download, one stream")),
    Row("upload", lambda way, effort: upload(way, effort.bulk), _bulk("Upload, one stream")),
    Row("parallel", lambda way, effort: download(way, effort.bulk, 4), _bulk("Four downloads, total")),
    _many(50),
    _many(200),
    Row(
        "reused",
        lambda way, effort: one_by_one(way, effort.requests, hold=False),
        _small("First byte, reused session"),
    ),
    Row(
        "fresh",
        lambda way, effort: one_by_one(way, effort.fresh, hold=True),
        _small("First byte, fresh session"),
        warm=False,
    ),
    Row(
        "first",
        lambda way, _effort: very_first(way),
        (
            Measure(
                f"First byte of the very first request, {ROUND_TRIP * 1000:.0f} ms away",
                "trips",
                "round trips",
                more_is_better=False,
                digits=1,
            ),
        ),
        direct=False,
        far=True,
    ),
    Row(
        "memory",
        lambda way, effort: open_streams(way, effort.streams),
        (
            Measure("Memory, idle", "idle", "MB", more_is_better=False, digits=1),
            Measure("Memory, open streams add", "more", "MB", more_is_better=False, digits=1),
        ),
        direct=False,
    ),
    Row(
        "udp",
        lambda way, effort: datagrams(way, effort.datagrams),
        (Measure(f"Datagrams of {SIZE} bytes, there and back", "rate", "/s", more_is_better=True),),
    ),
)


def measured(name: str, way: Way, effort: Effort) -> Measured:
    """Run the row of this name: what the load's process is asked for."""
    (row,) = (row for row in ROWS if row.name == name)
    return row.run(way, effort)
