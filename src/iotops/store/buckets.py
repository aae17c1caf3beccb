"""Many points as few: minimum, average and maximum of equal stretches of time."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from iotops.store.blocks.arrays import Integers, Numbers


class Buckets(NamedTuple):
    """Stretches of time that have values, by their start: columns of equal length; `counts`: of the values in each."""

    start_ms: Integers
    low: Numbers
    mean: Numbers
    high: Numbers
    counts: Integers

    @classmethod
    def of_points(cls, at_ms: Integers, values: Numbers) -> "Buckets":
        """Return points, ascending by time and finite, as stretches of one value each."""
        return cls(at_ms, values, values, values, np.ones(len(at_ms), np.int64))

    def of_length(self, step_ms: int) -> "Buckets":
        """Return them joined to stretches of `step_ms` > 0 that start at multiples of it; each goes where it starts."""
        if not len(self.start_ms):
            return self
        numbers = self.start_ms // step_ms
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        total = np.add.reduceat(self.counts, starts)
        members = np.diff(starts, append=len(numbers))
        low, high = np.minimum.reduceat(self.low, starts), np.maximum.reduceat(self.high, starts)
        # Divided first: the sum of huge ones may overflow. Clipped: rounding.
        mean = np.add.reduceat(self.mean * (self.counts / np.repeat(total, members)), starts)
        return Buckets(numbers[starts] * step_ms, low, np.clip(mean, low, high), high, total)

    def within(self, from_ms: int, to_ms: int) -> "Buckets":
        """Return those that start from one time up to another, the later one excluded."""
        inside = (self.start_ms >= from_ms) & (self.start_ms < to_ms)
        return Buckets._make(column[inside] for column in self)

    def rows(self) -> list[list[Any]]:
        """Return [start, min, avg, max, n] for each."""
        return [list(row) for row in zip(*(column.tolist() for column in self), strict=True)]


def in_order(parts: Iterable[Buckets]) -> Buckets:
    """Return all stretches of several by their start; several may start at once."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Buckets(*(column[order] for column in columns))


def thinned(points: Sequence[list[Any]], step_ms: int) -> list[list[Any]]:
    """Return the first of the points that say the same within each stretch of `step_ms`.

    Args:
        points: [t, value] by time, of values that have no average: text and truth values.
        step_ms: as of `Buckets.of_length`.
    """
    shown: list[list[Any]] = []
    for _, members in groupby(points, key=lambda point: point[0] // step_ms):
        firsts: dict[tuple[type, Any], list[Any]] = {}
        for point in members:
            firsts.setdefault((type(point[1]), point[1]), point)
        shown += firsts.values()
    return shown
