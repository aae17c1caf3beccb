"""Where time stands: the caller's now, and the instants at which conditions about `age()` turn."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from iotops.rules.values import NUMBERS, compare


@dataclass(frozen=True, slots=True)
class Now:
    """The present.

    Attributes:
        wall_ms: the wall clock, Unix milliseconds.
        connected_ms: the running count of broker-connected time; device clocks run on it.
        drained: all input that was sent before has been seen; while it has not, timers wait.
    """

    wall_ms: int
    connected_ms: int
    drained: bool = True


@dataclass(frozen=True, slots=True)
class Crossing:
    """A comparison that time alone can turn. Both sides are read at an instant."""

    op: str
    left: Callable[[Any], Any]
    right: Callable[[Any], Any]

    def next_ms(self, moment: Any) -> int | None:
        """Return the first instant after the moment's at which the comparison answers differently.

        Ages grow one millisecond in a millisecond, so both sides are straight lines as long as nothing arrives.
        Where an author bends them, as in `abs(age() - 5m)`, the bend is a crossing of its own, to look again from.
        """
        here, at_ms, edge_ms = self._gap(moment), moment.at_ms, moment.edge_ms
        moment.at_ms, moment.edge_ms = at_ms + 1, edge_ms + 1
        slope = self._gap(moment)
        moment.at_ms, moment.edge_ms = at_ms, edge_ms
        if here is None or slope is None or slope == here:
            return None
        root = -here / (slope - here)
        before = compare(self.op, here, 0)
        for step in sorted({ceil(root), floor(root) + 1}):
            if step > 0 and compare(self.op, here + (slope - here) * step, 0) != before:
                return int(at_ms + step)
        return None

    def _gap(self, moment: Any) -> Any:
        left, right = self.left(moment), self.right(moment)
        if left.__class__ in NUMBERS and right.__class__ in NUMBERS:
            return left - right
        return None
