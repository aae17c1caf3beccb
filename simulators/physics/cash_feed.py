"""What a cash supplier tells about its rounds: whether a delivery is overdue, and how many were made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.cash_machine import REFILLED_S
from simulators.physics.rhythm import DAY_S


@dataclass(frozen=True, slots=True)
class CashFeed:
    """Hours by which the delivery due is late (0: it came), deliveries since boot (a counter).

    A delivery that does not come is a `drift` of `overdue` by one hour per hour: when it comes, it is 0 again.
    """

    noise: Noise

    METRICS: ClassVar[tuple[str, ...]] = ("overdue", "deliveries")
    WORLD: ClassVar[frozenset[str]] = frozenset()

    def values(self, at_ms: int, since_ms: int, _faults: Sequence[Fault]) -> dict[str, Value]:
        """Return overdue and deliveries at an instant."""
        return {"overdue": 0.0, "deliveries": _made(at_ms / 1000.0) - _made(since_ms / 1000.0)}


def _made(at_s: float) -> int:
    return math.floor((at_s - REFILLED_S) / DAY_S)
