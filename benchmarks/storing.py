"""The store, measured as a line of the table: see `benchmarks.telemetry_store` for what it does."""

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Result, Scale
from benchmarks.postgresql import cluster, find_initdb
from benchmarks.processes import used
from benchmarks.telemetry_store import store
from iotops.store.database import Database

_DURABILITY = {
    "sqlite": "SQLite WAL synchronous=FULL, a commit for each batch",
    "postgresql": "PostgreSQL fsync and synchronous_commit on, a commit for each batch",
}
_MILLION = "file without free pages, of a million messages compacted (MB)"
_AT_MOST = {_MILLION: 40.0}


def storing(directory: Path, scale: Scale) -> Iterator[Result]:
    """Append, compact, downsample, read a day of many devices: on SQLite, and on PostgreSQL where it is installed."""
    yield _measure(f"sqlite:///{directory}/store.db", "sqlite", scale.fleet)
    initdb = find_initdb()
    if initdb is None:
        print("store on PostgreSQL: skipped, initdb is not installed (apt-get install postgresql)")
        return
    with cluster(directory, initdb) as url:
        yield _measure(url, "postgresql", scale.fleet)


def _measure(url: str, dialect: str, devices: int) -> Result:
    before = used(os.getpid())
    day = store(Database.open(url), devices)
    figures = {
        "check + append, messages a second": 1e6 / day.append_us,
        "check + append, CPU a message (µs)": day.append_cpu_us,
        "rows (B a message)": day.row_bytes,
        "one device's day as rows (ms)": day.read_rows_ms,
        "compaction (µs a message)": day.compact_us,
        "blocks (B a message)": day.block_bytes,
        **({_MILLION: day.block_bytes} if dialect == "sqlite" else {}),
        "one device's day as blocks (ms)": day.read_blocks_ms,
        "downsampling (µs a message)": day.downsample_us,
        "rollups (B a message)": day.rollup_bytes,
        "one device's day as rollups (ms)": day.read_rollup_ms,
    }
    workload = f"a day of {devices} devices, 3 metrics each ten minutes, {day.messages} messages in batches of 2 000"
    processes = {"benchmark": used(os.getpid()).since(before)}
    at_most = _AT_MOST if dialect == "sqlite" else {}
    return Result(f"store, {dialect}", workload, _DURABILITY[dialect], figures, processes, at_most=at_most)
