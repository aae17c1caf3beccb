"""One metric of one device in columns, joined over rows and blocks: a month of it in a tenth of a second."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from iotops.store.archive import packed_blocks
from iotops.store.arrivals import recent
from iotops.store.blocks.arrays import Integers, Numbers, as_numbers, unpack_numbers
from iotops.store.database import Unit
from iotops.store.packing import unpack


def number_columns(
    unit: Unit, device_id: int, metric: str, from_ms: int, to_ms: int
) -> tuple[Integers, Numbers] | None:
    """Return event times, ascending, and values of a metric between two event times, the later one excluded.

    Of several values at one time the one that arrived last counts; nulls are left out. None where one of the values
    is text or a truth value.
    """
    parts = []
    for packed in packed_blocks(unit, device_id, from_ms, to_ms):
        part = unpack_numbers(packed, metric)
        if part is None:
            return None
        parts.append(part)
    last = _recent(unit, device_id, metric)
    return None if last is None else joined([*parts, last], from_ms, to_ms)


def _recent(unit: Unit, device_id: int, metric: str) -> tuple[Integers, Numbers] | None:
    told = sorted((arrival.position, arrival.at_ms, unpack(arrival.packed)) for arrival in recent(unit, device_id))
    return as_columns([(at_ms, values[metric]) for _, at_ms, values in told if metric in values])


def as_columns(points: Sequence[Sequence[Any]]) -> tuple[Integers, Numbers] | None:
    """Return the times and the values of points (t, value) as arrays, NaN for null; None where a value is no number."""
    values = as_numbers(["m", [value for _, value in points]], len(points))
    return None if values is None else (np.array([at_ms for at_ms, _ in points], np.int64), values)


def joined(parts: Sequence[tuple[Integers, Numbers]], from_ms: int, to_ms: int) -> tuple[Integers, Numbers]:
    """Return times and values of several parts, each in order of arrival, as `number_columns` does."""
    parts = [part for part in parts if len(part[0])]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at_ms, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(at_ms, kind="stable")  # in order of arrival within one time: the last one counts
    at_ms, values = at_ms[order], values[order]
    counts = np.append(at_ms[1:] != at_ms[:-1], True) & (at_ms >= from_ms) & (at_ms < to_ms) & ~np.isnan(values)
    return at_ms[counts], values[counts]
