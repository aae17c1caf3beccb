"""How much the samples of a window change."""

from math import inf
from typing import Any

from iotops.rules.values import Interval, calculate
from iotops.rules.windows import Frame


def span(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return largest minus smallest; missing below two samples."""
    if not covered or frame.size(at_ms) < 2:
        return None
    return calculate("-", frame.read("largest", at_ms).best, frame.read("smallest", at_ms).best)


def delta(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return last minus first; missing below two samples."""
    ends = frame.ends(at_ms)
    if not covered or ends is None or frame.size(at_ms) < 2:
        return None
    (_, first), (_, last) = ends
    return calculate("-", last, first)


def increase(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the sum of positive steps, the one into the window included; a drop is a reset and adds the new value.

    Nothing is extrapolated to the ends of the window, and integers stay integers.
    """
    seen = frame.read("steps", at_ms).sum
    return seen if covered or seen is None else Interval(seen, inf)


def rate(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the increase per second, over the time between the samples whose steps are counted."""
    ends = frame.ends(at_ms)
    if not covered or ends is None or frame.size(at_ms) < 2:
        return None
    (first_ms, _), (last_ms, _) = ends
    before_ms = frame.before_ms(at_ms)
    from_ms = first_ms if before_ms is None else before_ms
    return calculate("/", calculate("*", frame.read("steps", at_ms).sum, 1000), last_ms - from_ms)
