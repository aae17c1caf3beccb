"""Many points as few: minimum, average and maximum of equal stretches of time."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from iotops.store.blocks.arrays import Integers, Numbers


def bucketed(at_ms: Integers, values: Numbers, step_ms: int) -> list[list[Any]]:
    """Return [start, min, avg, max, n] for each stretch of `step_ms` that has values.

    Args:
        at_ms: event times, ascending, Unix milliseconds.
        values: as many, finite.
        step_ms: > 0; buckets start at multiples of it.
    """
    if not len(at_ms):
        return []
    numbers = at_ms // step_ms
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    counts = np.diff(starts, append=len(numbers))
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    average = np.add.reduceat(values / np.repeat(counts, counts), starts)  # divided first: huge ones may overflow
    columns = (numbers[starts] * step_ms, low, np.clip(average, low, high), high, counts)  # clipped: rounding
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def thinned(points: Sequence[list[Any]], step_ms: int) -> list[list[Any]]:
    """Return the first of the points that say the same within each stretch of `step_ms`.

    Args:
        points: [t, value] by time, of values that have no average: text and truth values.
        step_ms: as of `bucketed`.
    """
    shown: list[list[Any]] = []
    for _, members in groupby(points, key=lambda point: point[0] // step_ms):
        firsts: dict[tuple[type, Any], list[Any]] = {}
        for point in members:
            firsts.setdefault((type(point[1]), point[1]), point)
        shown += firsts.values()
    return shown
