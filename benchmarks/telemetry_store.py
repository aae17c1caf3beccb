"""The store that ships, measured: a day of many devices appended, checked for duplicates, read, compacted, read."""

import random
import time
from collections.abc import Iterator

from sqlalchemy import text

from benchmarks.measuring import BATCH, DAY_MS, START_MS, best_ms, size_of
from iotops.store import compaction, telemetry
from iotops.store.blocks.block import proven
from iotops.store.database import Database
from iotops.store.duplicates import Recent
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

TABLES = ("arrival", "block", "presence")


def store(database: Database, devices: int = 10_000) -> None:
    """Print what the shipped store needs for a day: append with duplicate check, read hot and compacted, compaction."""
    database.upgrade()
    keys = [DeviceKey("site", f"device-{number}") for number in range(devices)]
    registry, trails = Registry(), Trails()
    recent = Recent(trails)
    spent = cpu = messages = 0
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

    def read() -> None:
        with database.read() as unit:
            found = telemetry.series(unit, keys[7], "temperature", from_ms=START_MS, to_ms=START_MS + DAY_MS)
        assert len(found) == messages // devices

    hot_ms, before = best_ms(read), size_of(database, *TABLES)
    start = time.perf_counter()
    moved = compaction.compact(database, now_ms=START_MS + 2 * DAY_MS)
    compacting = time.perf_counter() - start
    if database.dialect == "postgresql":
        with database.dedicated() as connection:
            connection.execute(text("VACUUM arrival"))  # what autovacuum does a minute later
    print(
        f"{database.dialect}: {messages} messages; check + append {spent / messages * 1e6:.2f} µs "
        f"(CPU {cpu / messages * 1e6:.2f}), {before / messages:.1f} B a message; "
        f"one device's day {hot_ms:.2f} ms as rows, "
        f"{best_ms(read):.2f} ms as blocks; compaction {compacting / messages * 1e6:.2f} µs "
        f"a message into {moved.blocks} blocks, {size_of(database, *TABLES) / messages:.1f} B a message",
        flush=True,
    )
    database.close()


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
