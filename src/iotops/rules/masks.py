"""At which readings something may be true, tested over columns at once; too often rather than too seldom."""

from collections.abc import Callable
from typing import Any

import numpy as np

from iotops.rules.approximate import Approximate
from iotops.rules.columns import Columns, Flags
from iotops.rules.values import COMPARISONS, compare

Mask = Callable[[Columns], Flags]
"""Tells at which readings something may be true, or may have been since the reading before.

Floats may overflow on the way: what is no number then is in doubt.
"""


def everywhere(columns: Columns) -> Flags:
    """Doubt all readings."""
    return np.ones(len(columns), dtype=np.bool_)


def apart(op: str, left: Approximate, right: Approximate) -> Mask:
    """Compare two quantities, each of which may be off by its error."""

    def mask(columns: Columns) -> Flags:
        one, other = left(columns), right(columns)
        if one is None or other is None:
            return everywhere(columns)
        gap = one.value - other.value
        error = one.error + other.error
        if not np.isfinite(gap).all() or not np.isfinite(error).all():
            return everywhere(columns)
        if op in (">", ">="):
            found = COMPARISONS[op](gap, -error)
        elif op in ("<", "<="):
            found = COMPARISONS[op](gap, error)
        else:
            found = np.abs(gap) <= error if op == "==" else (gap != 0) | (error > 0)
        return np.broadcast_to(found, (len(columns),))

    return mask


def said(op: str, name: str, value: Any) -> Mask:
    """Compare a metric's text or truth value."""

    def mask(columns: Columns) -> Flags:
        if name not in columns.values:
            return everywhere(columns)
        values = columns.values[name]
        keys = list(zip(map(type, values), values, strict=True))  # 1 is not the same as true
        answers = {key: compare(op, key[1], value) is True for key in set(keys)}
        return np.array([answers[key] for key in keys], dtype=np.bool_)

    return mask


def still(name: str, span_ms: int | None) -> Mask:
    """Tell where all samples of a window may be the same; of a count of samples the last two are looked at."""

    def mask(columns: Columns) -> Flags:
        numbers = columns.numbers(name)
        if numbers is None:
            return everywhere(columns)
        before, earlier_ms = columns.numbers_before(name), columns.before.different_ms(name)
        if before is None or earlier_ms is None:
            return everywhere(columns)
        changed: Flags = numbers != before
        if span_ms is None:
            return ~changed
        # Until when the value was another one: the time of the sample ahead of the last change.
        last = np.maximum.accumulate(np.where(changed, np.arange(len(numbers)), -1))
        until_ms = columns.samples_before_ms(name)[last]
        until_ms = np.where(last >= columns.spread(columns.starts), until_ms, columns.spread(earlier_ms))
        found: Flags = np.greater_equal(columns.at_ms - until_ms, span_ms)
        return found

    return mask


def silent(op: str, metric: str | None, limit_ms: float, intervals: float) -> Mask:
    """Tell where an age may have reached a limit, plus so many expected intervals of the device.

    Ages are no more than the time since the reading before, and begin anew with each.
    """

    def mask(columns: Columns) -> Flags:
        if metric is not None and metric not in columns.values:
            return everywhere(columns)
        heard_ms = columns.before.heard_ms if metric is None else columns.before.good_ms(metric)
        gap_ms = columns.at_ms - columns.shifted(columns.at_ms, heard_ms)
        limit: Any = limit_ms
        if intervals:
            limit = limit_ms + intervals * columns.shortest_ms()
        reached = np.asarray(COMPARISONS[op](gap_ms, limit)) | (np.asarray(limit) <= 0)
        return np.broadcast_to(reached, (len(columns),))

    return mask
