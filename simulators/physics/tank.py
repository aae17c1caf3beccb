"""A buffer tank between a filling valve and a consumer that follows the day."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import load


@dataclass(frozen=True, slots=True)
class Tank:
    """Level (%), inflow and outflow (l/s). Mass is conserved: capacity · dlevel/dt = inflow - outflow, but for a leak.

    The level breathes slowly around its middle; outflow is demand; the valve lets in demand plus what the level needs.
    """

    noise: Noise
    capacity_l: float = 20_000.0
    middle: float = 62.0
    breath: float = 9.0
    breath_s: float = 7_200.0
    demand: float = 3.0
    refill: float = 40.0  # % per hour, once a leak is mended

    METRICS: ClassVar[tuple[str, ...]] = ("level", "inflow", "outflow")
    WORLD: ClassVar[frozenset[str]] = frozenset({"leak"})

    def values(self, at_ms: int, _since_ms: int, faults: Sequence[Fault]) -> dict[str, Value]:
        """Return level, inflow and outflow at an instant; what leaks out passes no meter."""
        at_s = at_ms / 1000.0
        phase = 2.0 * math.pi * (at_s / self.breath_s + self.noise.unit(-1))
        level = self.middle + self.breath * math.sin(phase)
        rising = self.breath * math.cos(phase) * 2.0 * math.pi / self.breath_s  # % per second
        outflow = self.demand * (0.8 + 0.4 * load(at_s)) + 0.2 * self.noise.smooth(at_s, 1_200.0)
        inflow = (
            outflow + rising * self.capacity_l / 100.0 + self._refilling(at_ms, faults) * self.capacity_l / 360_000.0
        )
        level -= sum(self._lost(fault, at_ms) for fault in faults)
        return {
            "level": round(min(100.0, max(0.0, level + 0.05 * self.noise.bell(at_ms))), 2),
            "inflow": round(max(0.0, inflow + 0.02 * self.noise.bell(at_ms + 1)), 3),
            "outflow": round(max(0.0, outflow + 0.02 * self.noise.bell(at_ms + 2)), 3),
        }

    def _lost(self, fault: Fault, at_ms: int) -> float:
        """Return the % of level that a leak has cost so far and refilling has not yet brought back."""
        return max(0.0, fault.amount * fault.lasted_h(at_ms) - self.refill * fault.over_h(at_ms))

    def _refilling(self, at_ms: int, faults: Sequence[Fault]) -> float:
        return self.refill if any(fault.over_h(at_ms) > 0 and self._lost(fault, at_ms) > 0 for fault in faults) else 0.0
