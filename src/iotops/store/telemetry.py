"""Telemetry: appended by the ingest, read by anyone; whether it is in rows or in blocks shows in no answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from iotops.store.archive import device_blocks, newest_blocks
from iotops.store.arrivals import Arrival, recent, write
from iotops.store.buckets import Buckets, in_order, thinned
from iotops.store.curves import as_columns, number_columns
from iotops.store.database import Unit
from iotops.store.notes import Note
from iotops.store.packing import LABELS, pack, unpack
from iotops.store.rollups import rolled
from iotops.store.tables import device
from iotops.store.trail import Trail
from iotops.store.trails import Step, Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading, Value

Point = list[Any]
_NEWEST_BLOCKS = 24  # a day of hours: what `metrics` and `last_values` look through where nothing newer is there


def append(
    unit: Unit,
    trails: Trails,
    batch: Batch,
    device_ids: Mapping[DeviceKey, int],
    *,
    batch_no: int,
    notes: Sequence[Note] = (),
) -> int:
    """Store a batch in arrival order, all but its retained readings: they are no samples. Once per transaction.

    Args:
        unit: the batch's transaction.
        trails: follow once it is committed.
        batch: readings that are not stored yet (`iotops.store.duplicates.known`).
        device_ids: of all its devices (`Registry.register`).
        batch_no: number of the batch.
        notes: what happened before the batch to the connection, to labels or to rules.

    Returns:
        The position of the newest arrival.
    """
    rows = [note.arrival(position, batch_no) for position, note in enumerate(notes, trails.position + 1)]
    step = Step(trails.position + len(rows), rows[-1].received_ms if rows else 0)
    rows += [_follow(reading, step, trails, device_ids, batch_no) for reading in batch if not reading.retained]
    if rows:
        write(unit, rows)
        trails.take(unit, step)
    return step.position


def series(
    unit: Unit, key: DeviceKey, metric: str, *, from_ms: int, to_ms: int, step_ms: int | None = None
) -> list[Point]:
    """Return one metric of one device between two event times, the later one excluded.

    Of several values at one time the one that arrived last counts; nulls are left out. Where telemetry is older than
    every value is kept, averages of five minutes stand for numbers (`iotops.store.rollups`).

    Args:
        unit: a transaction.
        key: whose; of a device that is not registered there are no points.
        metric: which; the state of a device is the metric `online`, its events are `event`.
        from_ms: the first event time, Unix milliseconds.
        to_ms: the first one after.
        step_ms: length of buckets that start at multiples of it; None: every value.

    Returns:
        [t, value] by time; with a step [start of bucket, min, avg, max, n]. Text and truth values have no average:
        with a step each of them comes once for every bucket that it occurs in, when it did so first.
    """
    device_id = _id_of(unit, key)
    if device_id is None:
        return []
    if step_ms is None:
        return _points(unit, device_id, metric, from_ms, to_ms)
    columns = number_columns(unit, device_id, metric, from_ms, to_ms)
    old = rolled(unit, device_id, metric, from_ms, to_ms)
    if columns is None or old.others:
        points = _points(unit, device_id, metric, from_ms, to_ms)
        columns = as_columns(points)  # all numbers: what was none lies outside of the range, or a number took its place
        return thinned(points, step_ms) if columns is None else Buckets.of_points(*columns).of_length(step_ms).rows()
    return in_order((old.numbers, Buckets.of_points(*columns))).of_length(step_ms).rows()


def last_values(unit: Unit, key: DeviceKey) -> dict[str, tuple[int, Value]]:
    """Return metric -> (event time, value): the newest value of each metric that the device sent lately.

    Lately: in what is not compacted yet, and in the newest blocks. Nulls are left out.
    """
    newest: dict[str, tuple[int, Value]] = {}
    for metric, at_ms, value in _lately(unit, key):
        if value is not None and (metric not in newest or newest[metric][0] <= at_ms):
            newest[metric] = at_ms, value
    return dict(sorted(newest.items()))


def newest(unit: Unit, key: DeviceKey, limit: int) -> list[tuple[int, Reading]]:
    """Return position and reading of the last arrivals of a device, the newest first, as they were stored."""
    device_id = _id_of(unit, key)
    if device_id is None:
        return []
    found = list(recent(unit, device_id))
    if len(found) < limit:
        found += [each for block in newest_blocks(unit, device_id, key, limit) for each in block.arrivals()]
    return [(each.position, each.reading(key)) for each in sorted(found, reverse=True)[:limit]]


def metrics(unit: Unit, key: DeviceKey) -> list[str]:
    """Return the names of the metrics that a device sent lately (see `last_values`), sorted."""
    return sorted({metric for metric, _, _ in _lately(unit, key)})


def _points(unit: Unit, device_id: int, metric: str, from_ms: int, to_ms: int) -> list[Point]:
    old = rolled(unit, device_id, metric, from_ms, to_ms)
    found: dict[int, Value | None] = dict(zip(old.numbers.start_ms.tolist(), old.numbers.mean.tolist(), strict=True))
    found.update((at_ms, value) for at_ms, value in old.others)
    for block in device_blocks(unit, device_id, None, from_ms, to_ms):
        found.update(block.series(metric))
    for arrival in sorted(recent(unit, device_id)):  # by position: the last to arrive comes last
        values = unpack(arrival.packed)
        if metric in values:
            found[arrival.at_ms] = values[metric]
    return [[at_ms, value] for at_ms, value in sorted(found.items()) if from_ms <= at_ms < to_ms and value is not None]


def _lately(unit: Unit, key: DeviceKey) -> Iterator[tuple[str, int, Value | None]]:
    """Yield metric, event time and value, in order of arrival within each metric."""
    device_id = _id_of(unit, key)
    if device_id is None:
        return
    for block in newest_blocks(unit, device_id, key, _NEWEST_BLOCKS):
        for metric in block.metrics():
            for at_ms, value in block.series(metric):
                yield metric, at_ms, value
    for arrival in sorted(recent(unit, device_id)):
        for metric, value in unpack(arrival.packed).items():
            if metric != LABELS:
                yield metric, arrival.at_ms, value


def _id_of(unit: Unit, key: DeviceKey) -> int | None:
    known = select(device.c.id).where(device.c.site == key.site, device.c.device == key.device)
    number: int | None = unit.connection.execute(known).scalar_one_or_none()
    return number


def _follow(
    reading: Reading, step: Step, trails: Trails, device_ids: Mapping[DeviceKey, int], batch_no: int
) -> Arrival:
    """Make the row of a reading, and take the step of its device that follows from it."""
    trail = step.trails.get(reading.key)
    if trail is None:
        before = trails.get(reading.key)
        trail = step.trails[reading.key] = before.copy() if before else Trail(device_ids[reading.key])
    step.position += 1
    step.received_ms = reading.received_ms
    step.count += 1
    step.identities.setdefault(reading.key, []).append(reading.identity)
    row = Arrival(
        step.position,
        trail.device_id,
        trail.position,
        reading.kind,
        reading.at_ms,
        reading.received_ms,
        reading.connected_ms,
        batch_no,
        reading.skewed,
        reading.boot,
        reading.seq,
        reading.identity,
        pack(reading.values, reading.labels),
    )
    trail.follow(row)
    return row
