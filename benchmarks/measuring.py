"""What the benchmarks of telemetry share: a clock, a scale, and a probe of the disk."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from iotops.store.database import Database

BATCH = 2_000
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def fsync_ms(directory: Path) -> float:
    """Return how long one small synced write takes, the median of 21."""
    times = []
    with (directory / "probe").open("wb", buffering=0) as file:
        for _ in range(21):
            start = time.perf_counter()
            file.write(b"x" * 4_096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return sorted(times)[10] * 1_000


def best_ms(work: Callable[[], object], times: int = 5) -> float:
    """Return the shortest of some runs: what it costs where nothing else disturbs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken) * 1_000


def size_of(database: Database, *tables: str) -> int:
    """Return the bytes in use: of tables with their indexes, on SQLite of the whole file."""
    with database.read() as unit:
        if database.dialect == "sqlite":
            names = ("page_count", "freelist_count", "page_size")
            pages, free, size = (unit.connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names)
            return (pages - free) * size
        sizes = text("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(cast(:names AS text[])) AS name")
        return int(unit.connection.execute(sizes, {"names": list(tables)}).scalar_one())
