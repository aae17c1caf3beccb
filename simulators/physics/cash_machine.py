"""A cash machine: notes go out in the rhythm of the day, a refill comes every morning, cards are read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import DAY_S, load, load_until

REFILLED_S = 6 * 3_600.0  # seconds after midnight UTC
_LOAD_OF_A_DAY_S = DAY_S / 2.0  # the integral of `load` over any whole day


@dataclass(frozen=True, slots=True)
class CashMachine:
    """Notes left (%), cards that could not be read (% of those tried), withdrawals since boot (a counter)."""

    noise: Noise
    daily_share: float = 60.0  # percentage points of the notes that go out in a day
    per_hour: float = 14.0  # withdrawals at the day's peak

    METRICS: ClassVar[tuple[str, ...]] = ("cash", "card_errors", "withdrawals")
    WORLD: ClassVar[frozenset[str]] = frozenset()

    def values(self, at_ms: int, since_ms: int, _faults: Sequence[Fault]) -> dict[str, Value]:
        """Return cash, card_errors and withdrawals at an instant."""
        at_s = at_ms / 1000.0
        refilled_s = math.floor((at_s - REFILLED_S) / DAY_S) * DAY_S + REFILLED_S
        gone = (load_until(at_s) - load_until(refilled_s)) / _LOAD_OF_A_DAY_S * self.daily_share
        errors = 2.0 + load(at_s) + 1.0 * self.noise.smooth(at_s, 600.0)
        return {
            "cash": round(97.0 - gone, 1),
            "card_errors": round(max(0.0, errors + 0.3 * self.noise.bell(at_ms)), 2),
            "withdrawals": math.floor(self._made(at_s)) - math.floor(self._made(since_ms / 1000.0)),
        }

    def _made(self, at_s: float) -> float:
        return self.per_hour / 3600.0 * load_until(at_s)
