"""Telemetry as the API answers it, as the buckets that a chart draws. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from iotops.console.chart import Bucket
from iotops.durations import parse_instant

_FARTHEST = 1e300  # beyond, a chart could not even count from one end to the other


def buckets_of(points: Sequence[Sequence[Any]]) -> list[Bucket]:
    """Return the buckets of points [t, min, avg, max, n] or truth values [t, value]; none where there is any text."""
    found = [_bucket(point) for point in points]
    told = [each for each in found if each is not None]
    return told if len(told) == len(found) else []


def usual_gap_ms(buckets: Sequence[Bucket]) -> int:
    """Return the longest time without a bucket that is still drawn through: three times as long as usual."""
    gaps = sorted(after.at_ms - before.at_ms for before, after in pairwise(buckets))
    return 3 * gaps[len(gaps) // 2] if gaps else 0


def _bucket(point: Sequence[Any]) -> Bucket | None:
    values = point[1:4] if len(point) == 5 else [point[1]] * 3
    if not all(isinstance(value, bool | int | float) for value in values):
        return None
    return Bucket(parse_instant(point[0]), *(max(-_FARTHEST, min(_FARTHEST, float(value))) for value in values))
