"""Many points as few: minimum, average and maximum of equal stretches of time."""

from collections.abc import Sequence
from itertools import groupby
from math import fsum
from typing import Any


def bucketed(points: Sequence[list[Any]], step_ms: int) -> list[list[Any]]:
    """Return [start, min, avg, max, n] for each stretch of `step_ms` that has points.

    Args:
        points: [t, value] by time, t in Unix milliseconds. Where one of the values is text or a truth value, which have
            no average, the points are returned as they are.
        step_ms: > 0; buckets start at multiples of it.
    """
    if any(type(value) not in (int, float) for _, value in points):
        return list(points)
    buckets = []
    for number, members in groupby(points, key=lambda point: point[0] // step_ms):
        values = [value for _, value in members]
        average = fsum(value / len(values) for value in values)  # divided first: a sum of huge ones may overflow
        buckets.append([number * step_ms, min(values), average, max(values), len(values)])
    return buckets
