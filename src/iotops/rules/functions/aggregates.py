"""What a window holds, taken together. A window not yet covered gives bounds where there are any, else nothing."""

from math import inf
from typing import Any

from iotops.rules.values import Interval
from iotops.rules.windows import Frame


def average(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the mean of the samples, correctly rounded."""
    found = frame.read("total", at_ms)
    return found.mean if covered and found.count else None


def total(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the sum of the samples, correctly rounded; 0 of none."""
    return frame.read("total", at_ms).sum if covered else None


def counted(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the number of samples, or of those for which the argument is true."""
    if frame.truths:
        found = frame.read("trues", at_ms)
        low, high = found.true, found.true + found.unknown
    else:
        low = high = frame.size(at_ms)
    if not covered:
        return Interval(low, inf)
    return low if low == high else Interval(low, high)


def largest(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the largest sample; at least the largest seen, while the window is not covered."""
    best = frame.read("largest", at_ms).best
    return best if covered or best is None else Interval(best, inf)


def smallest(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the smallest sample; at most the smallest seen, while the window is not covered."""
    best = frame.read("smallest", at_ms).best
    return best if covered or best is None else Interval(-inf, best)
