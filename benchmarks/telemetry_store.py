"""The store that ships, measured: a day of many devices appended, read, compacted, read, downsampled, read."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from benchmarks.measuring import BATCH, DAY_MS, START_MS, best_ms, size_of
from iotops.store import compaction, downsampling, telemetry
from iotops.store.blocks.block import proven
from iotops.store.database import Database
from iotops.store.duplicates import Recent
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

TABLES = ("arrival", "block", "presence")


@dataclass(frozen=True)
class Day:
    """What a day of messages took: microseconds a message, milliseconds, bytes a message."""

    dialect: str
    messages: int
    append_us: float
    append_cpu_us: float
    row_bytes: float
    read_rows_ms: float
    read_blocks_ms: float
    compact_us: float
    blocks: int
    block_bytes: float
    downsample_us: float
    rollup_bytes: float
    read_rollup_ms: float

    def __str__(self) -> str:
        return (
            f"{self.dialect}: {self.messages} messages; check + append {self.append_us:.2f} µs "
            f"(CPU {self.append_cpu_us:.2f}), {self.row_bytes:.1f} B a message; "
            f"one device's day {self.read_rows_ms:.2f} ms as rows, {self.read_blocks_ms:.2f} ms as blocks; "
            f"compaction {self.compact_us:.2f} µs a message into {self.blocks} blocks, "
            f"{self.block_bytes:.1f} B a message; downsampling {self.downsample_us:.2f} µs a message, "
            f"{self.rollup_bytes:.1f} B a message, one device's day {self.read_rollup_ms:.2f} ms"
        )


def store(database: Database, devices: int = 10_000) -> Day:
    """Return what a day costs the shipped store: append, compaction, downsampling, reads between."""
    database.upgrade()
    keys = [DeviceKey("site", f"device-{number}") for number in range(devices)]
    messages, spent, cpu = _append(database, keys)

    def read() -> None:
        with database.read() as unit:
            found = telemetry.series(unit, keys[7], "temperature", from_ms=START_MS - 300_000, to_ms=START_MS + DAY_MS)
        assert len(found) == messages // devices

    hot_ms, before = best_ms(read), size_of(database, *TABLES)
    start = time.perf_counter()
    moved = compaction.compact(database, now_ms=START_MS + 2 * DAY_MS)
    compacting = time.perf_counter() - start
    if database.dialect == "postgresql":
        with database.dedicated() as connection:
            connection.execute(text("VACUUM arrival"))  # what autovacuum does a minute later
    blocks_ms, block_bytes = best_ms(read), size_of(database, *TABLES)
    start = time.perf_counter()
    downsampling.downsample(database, before_ms=START_MS + 2 * DAY_MS)
    downsampling_s = time.perf_counter() - start
    day = Day(
        dialect=database.dialect,
        messages=messages,
        append_us=spent / messages * 1e6,
        append_cpu_us=cpu / messages * 1e6,
        row_bytes=before / messages,
        read_rows_ms=hot_ms,
        read_blocks_ms=blocks_ms,
        compact_us=compacting / messages * 1e6,
        blocks=moved.blocks,
        block_bytes=block_bytes / messages,
        downsample_us=downsampling_s / messages * 1e6,
        rollup_bytes=size_of(database, "rollup") / messages,
        read_rollup_ms=best_ms(read),
    )
    database.close()
    return day


def _append(database: Database, keys: list[DeviceKey]) -> tuple[int, float, float]:
    """Store the day; return messages, seconds, and CPU seconds."""
    registry, trails = Registry(), Trails()
    recent = Recent(trails)
    spent = cpu = 0.0
    messages = 0
    for batch_no, readings in enumerate(_day(keys), 1):
        start, started = time.perf_counter(), time.process_time()
        with database.read() as unit:
            assert not recent.known(unit, readings)
        with database.begin() as unit:
            ids = registry.register(unit, readings, 0).ids
            telemetry.append(unit, trails, Batch(readings), ids, batch_no=batch_no)
        spent += time.perf_counter() - start
        cpu += time.process_time() - started
        messages += len(readings)
    return messages, spent, cpu


def _day(keys: list[DeviceKey]) -> Iterator[list[Reading]]:
    chance = random.Random(2)
    readings = []
    for step in range(144):
        for number, key in enumerate(keys):
            at_ms = START_MS + step * 600_000 + number * 59
            values = {"temperature": round(chance.gauss(4, 1), 2), "pressure": round(chance.gauss(5, 1), 3), "n": step}
            identity = proven(key, Kind.TELEMETRY, "b1", step)
            readings.append(
                Reading(key, at_ms, at_ms + 20, values, identity, connected_ms=at_ms - START_MS, boot="b1", seq=step)
            )
            if len(readings) == BATCH:
                yield readings
                readings = []
