"""What a chart costs: a month of one device in a thousand buckets, through the API."""

import asyncio
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx

from benchmarks.figures import Result, Scale
from benchmarks.measuring import DAY_MS, START_MS
from benchmarks.processes import used
from iotops.api.app import create_app
from iotops.durations import format_instant
from iotops.settings import Settings
from iotops.store import compaction, telemetry, tokens
from iotops.store.blocks.block import proven
from iotops.store.database import Database
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

PUMP = DeviceKey("plant", "pump-1")
EVERY_MS = 10_000
HOUR_MS = 3_600_000
BUCKETS = 1_000
_FIGURE = "answer of the API (ms)"


def charts(directory: Path, scale: Scale) -> Iterator[Result]:
    """Ask for a month of 10-second readings, an hour of which is not compacted yet, as a chart does."""
    database = Database.open(f"sqlite:///{directory}/charts.db")
    database.upgrade()
    readings = min(scale.readings, 30 * DAY_MS // EVERY_MS)
    _store(database, readings)
    with database.begin() as unit:
        token = tokens.create(unit, "viewer", now_ms=START_MS, name="chart")[1]
    before = used(os.getpid())
    with asyncio.Runner() as runner:
        taken, points = runner.run(_ask(database, token, readings))
    found = sum(point[4] for point in points)
    faults = () if found == readings else (f"{found} readings in the buckets, expected {readings}",)
    workload = f"{readings} readings of 4 metrics, one each 10 s, a block an hour; {len(points)} buckets of one metric"
    processes = {"benchmark": used(os.getpid()).since(before)}
    figures = {_FIGURE: min(taken) * 1e3, "readings a second": readings / min(taken)}
    yield Result("chart", workload, "read only", figures, processes, faults, at_most={_FIGURE: 1_000})
    database.close()


async def _ask(database: Database, token: str, readings: int) -> tuple[list[float], list[list[float]]]:
    """Return how long some answers took, in seconds, and the points of the last."""
    span_ms = readings * EVERY_MS
    asked = {"metric": "temperature", "step": max(1, span_ms // BUCKETS // 1_000)}
    asked |= {"from": format_instant(START_MS), "to": format_instant(START_MS + span_ms)}
    taken = []
    transport = httpx.ASGITransport(app=create_app(database, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", trust_env=False) as client:
        for _ in range(5):
            start = time.perf_counter()
            answer = await client.get(
                f"/api/v1/devices/{PUMP}/telemetry?{urlencode(asked)}", headers={"Authorization": f"Bearer {token}"}
            )
            points = answer.raise_for_status().json()["points"]
            taken.append(time.perf_counter() - start)
    return taken, points


def _store(database: Database, readings: int) -> None:
    """Store readings hour by hour, each hour compacted when it is over."""
    registry, trails = Registry(), Trails()
    hour = HOUR_MS // EVERY_MS
    for batch_no, first in enumerate(range(0, readings, hour), 1):
        batch = [_reading(number) for number in range(first, min(first + hour, readings))]
        with database.begin() as unit:
            ids = registry.register(unit, batch, 0).ids
            telemetry.append(unit, trails, Batch(batch), ids, batch_no=batch_no)
        compaction.compact(database, now_ms=batch[-1].received_ms)


def _reading(number: int) -> Reading:
    at_ms = START_MS + number * EVERY_MS
    wave = math.sin(number / 1_000)
    values = {
        "temperature": round(20 + 5 * wave + number % 7 / 10, 2),
        "pressure": round(5 + wave / 10, 3),
        "rpm": 1_400 + number % 19,
        "open": number % 500 < 9,
    }
    identity = proven(PUMP, Kind.TELEMETRY, "b", number)
    return Reading(PUMP, at_ms, at_ms + 20, values, identity, connected_ms=at_ms - START_MS, boot="b", seq=number)
