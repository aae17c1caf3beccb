"""Means and changes over windows at many readings at once, from running sums; with a bound on what floats lost."""

from bisect import bisect_right
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from iotops.rules.approximate import Amount, Approximate
from iotops.rules.before import Instants, Numbers, as_numbers
from iotops.rules.columns import Columns
from iotops.rules.language.nodes import Window
from iotops.rules.series import Series

LONG: Final = 24  # readings of a device from which on this costs less than judging each
_EPSILON: Final = 2.0**-52


def mean_over(window: Window) -> Approximate:
    """Return how to read the mean of a window's samples."""

    def mean(columns: Columns) -> Amount | None:
        return _along(columns, window, _means)

    return mean


def change_over(window: Window) -> Approximate:
    """Return how to read the last sample of a window minus the first."""

    def change(columns: Columns) -> Amount | None:
        return _along(columns, window, _changes)

    return change


def _along(columns: Columns, window: Window, read: Any) -> Amount | None:
    """Read a window device by device; None where the runs are short, or something is no number."""
    name = window.path.name
    numbers = columns.numbers(name)
    known = columns.before.series(name)
    if numbers is None or known is None or len(numbers) < LONG * len(known):
        return None
    value, error = np.empty_like(numbers), np.empty_like(numbers)
    for series, start, end in zip(known, columns.starts.tolist(), columns.ends.tolist(), strict=True):
        at_ms = columns.at_ms[start:end]
        trail = _before(series, window, int(at_ms[0]))
        if trail is None:
            return None
        earlier_ms, earlier = trail
        samples = np.concatenate((earlier, numbers[start:end]))
        last = np.arange(len(earlier), len(samples))
        if window.span_ms is None:
            first = np.maximum(last + 1 - (window.count or 0), 0)
        else:
            first = np.concatenate((earlier_ms, at_ms)).searchsorted(at_ms - window.span_ms, side="right")
        value[start:end], error[start:end] = read(samples, first, last)
    return Amount(value, error)


def _before(series: Series, window: Window, at_ms: int) -> tuple[Instants, Numbers] | None:
    """Return times and values of the samples in memory that a window which ends at an instant can see."""
    times = series.times
    begin = len(times) - (window.count or 0) if window.span_ms is None else bisect_right(times, at_ms - window.span_ms)
    begin = max(begin, 0)
    values = as_numbers(series.values[begin:])
    return None if values is None else (np.array(times[begin:], dtype=np.int64), values)


def _means(samples: Numbers, first: NDArray[Any], last: NDArray[Any]) -> tuple[Numbers, Numbers]:
    sums = np.concatenate(([0.0], samples.cumsum()))
    count = last + 1 - first
    # Each of n additions rounds, by no more than half an epsilon of all that was added up to there.
    lost = _EPSILON * len(samples) * np.abs(samples).sum()
    mean = (sums[last + 1] - sums[first]) / count
    return mean, 2 * lost / count + np.abs(mean) * (2 * _EPSILON)


def _changes(samples: Numbers, first: NDArray[Any], last: NDArray[Any]) -> tuple[Numbers, Numbers]:
    change = samples[last] - samples[first]
    return change, np.abs(change) * _EPSILON
