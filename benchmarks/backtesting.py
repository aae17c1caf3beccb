"""A backtest, measured: the whole with the shipped rules, and reading alone from rows and from blocks."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks import fleet_shipped
from benchmarks.figures import Result, Scale
from benchmarks.measuring import BATCH, START_MS
from iotops.backtest.ask import Asked, ask
from iotops.rules.device import DeviceFacts
from iotops.store import compaction, devices, telemetry
from iotops.store.blocks.block import proven
from iotops.store.database import Database
from iotops.store.history import Wanted, stretches
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Kind

_EVER_MS = 2 * START_MS
_DEVICES: Final = 60
_HOUR: Final = 12_500  # readings of the scale for each hour of the fleet: a day, or four hours (`--quick`)
_TARGET: Final = {"readings a CPU second, one process": 200_000}


def backtest_stored(directory: Path, scale: Scale) -> Iterator[Result]:
    """Store hours of the shipped rules' devices, read them back from rows and from blocks, and judge them."""
    database = Database.open(f"sqlite:///{directory}/backtest.db")
    database.upgrade()
    hours = max(3, scale.readings // _HOUR)
    count = _fill(database, fleet_shipped.devices(_DEVICES, START_MS), hours)
    rows = _read(database)
    compaction.compact(database, now_ms=_EVER_MS)
    blocks = _read(database)
    begun = time.process_time()
    alone = _judge(database, by_event=True, processes=0)
    between = time.process_time()
    arrived = _judge(database, by_event=False, processes=0)
    ended = time.process_time()
    told = _judge(database, by_event=True, processes=None)
    database.close()
    figures = {
        "readings a second": told["readings_per_second"],
        "readings a CPU second, one process": count / (between - begun),
        "order of arrival: readings a CPU second": count / (ended - between),
        "reading alone, from rows, readings a second": count / rows,
        "reading alone, from blocks, readings a second": count / blocks,
        "alerts": len(told["alerts"]),
    }
    faults = [f"{each['readings']} readings of {count}" for each in (told, alone, arrived) if each["readings"] != count]
    faults += [] if told["alerts"] == alone["alerts"] else ["processes side by side found other alerts than one"]
    workload = f"{count} stored readings, SQLite; {_DEVICES} devices of 6 kinds, {hours} hours, the shipped rules"
    yield Result("backtest-stored", workload, "none: nothing is written", figures, {}, tuple(faults), at_least=_TARGET)


def _fill(database: Database, known: Sequence[DeviceFacts], hours: int) -> int:
    """Store what devices say, as ingest does; return how many readings that are."""
    registry, trails, count = Registry(), Trails(), 0
    for hour in fleet_shipped.hours(list(known), hours, START_MS):
        readings = list(hour)
        for start in range(0, len(readings), BATCH):
            some = [
                replace(each, boot="b", seq=seq, identity=proven(each.key, Kind.TELEMETRY, "b", seq))
                for seq, each in enumerate(readings[start : start + BATCH], count)
            ]
            count += len(some)
            with database.begin() as unit:
                ids = registry.register(unit, some, 0).ids
                telemetry.append(unit, trails, Batch(some), ids, batch_no=count)
    with database.begin() as unit:
        for facts in known:
            labels = {name: facts.labels[name] for name in ("type", "gateway")}
            devices.patch(unit, facts.key, now_ms=START_MS, labels=labels, lifecycle=None)
    return count


def _judge(database: Database, *, by_event: bool, processes: int | None) -> dict[str, Any]:
    asked = Asked(fleet_shipped.shipped_rules(), 0, _EVER_MS, by_event=by_event)
    return ask(database.secret_url, asked, processes=processes)


def _read(database: Database) -> float:
    start = time.perf_counter()
    with database.read() as unit:
        found = sum(len(stretch.position) for stretch in stretches(unit, Wanted(0, _EVER_MS)))
    assert found
    return time.perf_counter() - start
