"""Rows of a stretch as readings: in columns for each device where that is how they are stored, else one by one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from iotops.store.blocks.arrays import Integers
from iotops.store.history import Stretch
from iotops.store.packing import LABELS
from iotops.telemetry.batch import Batch, Rows
from iotops.telemetry.reading import DeviceKey, Kind, Reading
from iotops.telemetry.track import Instants, Track

_KINDS: Final = {kind.value: kind for kind in Kind}


class Lists(NamedTuple):
    """The columns of a stretch as lists: batches are short, and of short arrays only the overhead shows."""

    position: list[int]
    device_id: list[int]
    kind: list[int]
    at_ms: list[int]
    received_ms: list[int]
    connected_ms: list[int]
    batch_no: list[int]
    skewed: list[int]
    values: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, stretch: Stretch) -> "Lists":
        """Return all rows of a stretch."""
        return cls._make([*(column.tolist() for column in stretch[:-1]), stretch.cells.maps()])

    def slice(self, start: int, end: int) -> "Lists":
        """Return consecutive rows."""
        return Lists._make(column[start:end] for column in self)


def batch_of(stretch: Stretch, key_of: Mapping[int, DeviceKey]) -> Batch:
    """Return the readings of a stretch in the order in which they stand; devices that `key_of` lacks are left out."""
    if not len(stretch.position):
        return Batch()
    order = np.argsort(stretch.device_id, kind="stable")
    edges = np.flatnonzero(np.diff(stretch.device_id[order])) + 1
    each = sorted(np.split(order, edges), key=lambda rows: int(rows[0]))
    found = {}
    for rows in each:
        key = key_of.get(int(stretch.device_id[rows[0]]))
        if key is not None:
            found[key] = Rows(rows.tolist(), _track(stretch, rows, key))
    return Batch.of_devices(found)


def _track(stretch: Stretch, rows: Integers, key: DeviceKey) -> Sequence[Reading]:
    values = stretch.cells.columns(rows) if bool((stretch.kind[rows] == Kind.TELEMETRY.value).all()) else None
    if values is None:
        some = stretch.take(rows)
        return readings_of(Lists.of(some), {int(some.device_id[0]): key})
    columns = (stretch.at_ms, stretch.received_ms, stretch.connected_ms, stretch.skewed)
    return Track(key, Instants._make(column[rows] for column in columns), values)


def readings_of(rows: Lists, key_of: Mapping[int, DeviceKey]) -> list[Reading]:
    """Return stored readings in order; devices that `key_of` lacks, as they were forgotten since, are left out."""
    found = []
    for _, device_id, kind, at_ms, received_ms, connected_ms, _, skewed, values in zip(*rows, strict=True):
        key = key_of.get(device_id)
        if key is None:
            continue
        labels = values.pop(LABELS, {})
        found.append(
            Reading(
                key,
                at_ms,
                received_ms,
                values,
                connected_ms=connected_ms,
                kind=_KINDS[kind],
                skewed=bool(skewed),
                labels=labels,
            )
        )
    return found
