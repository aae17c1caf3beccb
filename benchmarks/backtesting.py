"""A backtest, measured: reading alone from blocks and from rows, and the whole with the rules of the workload."""

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import fleet
from benchmarks.figures import Result, Scale
from benchmarks.measuring import BATCH, START_MS
from iotops.backtest.ask import Asked, ask
from iotops.rules.rulefile import parse_rules
from iotops.store import compaction, telemetry
from iotops.store.database import Database
from iotops.store.history import Wanted, stretches
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import decode_all
from iotops.telemetry.limits import Limits

_EVER_MS = 2 * START_MS


def backtest_stored(directory: Path, scale: Scale) -> Iterator[Result]:
    """Store readings, read them back from rows and from blocks, and judge them."""
    database = Database.open(f"sqlite:///{directory}/backtest.db")
    database.upgrade()
    _fill(database, scale.readings)
    rows = _read(database)
    compaction.compact(database, now_ms=START_MS * 2)
    blocks = _read(database)
    rules, _ = parse_rules(fleet.rules(0))
    told = ask(database.secret_url, Asked(rules, 0, _EVER_MS))
    database.close()
    figures = {
        "readings a second": told["readings_per_second"],
        "reading alone, from rows, readings a second": scale.readings / rows,
        "reading alone, from blocks, readings a second": scale.readings / blocks,
        "alerts": len(told["alerts"]),
    }
    faults = () if told["readings"] == scale.readings else (f"{told['readings']} readings of {scale.readings}",)
    workload = f"{scale.readings} stored readings, SQLite; {fleet.WORKLOAD}"
    yield Result("backtest-stored", workload, "none: nothing is written", figures, {}, faults)


def _fill(database: Database, count: int) -> None:
    registry, trails = Registry(), Trails()
    for number, messages in enumerate(fleet.batches(count, START_MS, BATCH), 1):
        batch = Batch(decode_all(messages, Limits()).readings)
        with database.begin() as unit:
            ids = registry.register(unit, list(batch), 0).ids
            telemetry.append(unit, trails, batch, ids, batch_no=number)


def _read(database: Database) -> float:
    start = time.perf_counter()
    with database.read() as unit:
        found = sum(len(stretch.position) for stretch in stretches(unit, Wanted(0, _EVER_MS)))
    assert found
    return time.perf_counter() - start
