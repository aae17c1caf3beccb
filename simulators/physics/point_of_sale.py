"""A till: it counts sales in the rhythm of the day, asks a payment service, and uses up paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import load, load_until

SLOT_S = 600.0


@dataclass(frozen=True, slots=True)
class PointOfSale:
    """Sales since boot (a counter), response time of a payment (ms), paper left (%), people in the queue."""

    noise: Noise
    sales_per_hour: float = 45.0  # at the day's peak
    response_ms: float = 140.0
    roll: float = 400.0  # receipts on a roll of paper

    METRICS: ClassVar[tuple[str, ...]] = ("transactions", "response", "paper", "queue")
    WORLD: ClassVar[frozenset[str]] = frozenset()

    def values(self, at_ms: int, since_ms: int, _faults: Sequence[Fault]) -> dict[str, Value]:
        """Return transactions, response, paper and queue at an instant."""
        at_s = at_ms / 1000.0
        busy = load(at_s)
        sold = self._sold(at_s)
        response = self.response_ms * (1.0 + 0.5 * busy + 0.25 * self.noise.smooth(at_s, 900.0))
        used = (sold / self.roll + self.noise.unit(-1)) % 1.0
        crowd = 4.0 * busy * (1.0 + self.noise.smooth(at_s, 240.0))
        return {
            "transactions": math.floor(sold) - math.floor(self._sold(since_ms / 1000.0)),
            "response": round(response * math.exp(0.12 * self.noise.bell(at_ms)), 1),
            "paper": round(100.0 - 88.0 * used, 1),
            "queue": math.floor(crowd),
        }

    def _sold(self, at_s: float) -> float:
        """Return the sales from 1970 to an instant: even over slots, uneven within each, never falling."""
        slot = math.floor(at_s / SLOT_S)
        before = load_until(slot * SLOT_S)
        within = load_until((slot + 1) * SLOT_S) - before
        share: float = (at_s / SLOT_S - slot) ** self.noise.between(slot, 0.6, 1.6)
        return self.sales_per_hour / 3600.0 * (before + within * share)
