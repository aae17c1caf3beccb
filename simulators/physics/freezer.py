"""A supermarket freezer: compressor cycles, defrosts, and doors that customers open."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import load

SLOT_S = 360.0  # at most one opening per slot
SLOTS_FELT = 6  # after six slots (36 min) an opening has decayed below 1 %
DEFROST_S = 900.0


@dataclass(frozen=True, slots=True)
class Freezer:
    """Air temperature around a set point (°C), door, compressor and power (W).

    temp = set point + triangle of the compressor cycle + defrost bump + door bumps + noise; a door left open warms
    towards `ambient` with time constant `warming_s`, and the warmth decays with `cooling_s` once it is shut.
    """

    noise: Noise
    setpoint: float = -20.0
    cycle_s: float = 1_200.0
    swing: float = 0.6
    defrost_every_s: float = 28_800.0
    defrost_rise: float = 2.0
    door_chance: float = 0.3
    door_rise: float = 0.6
    ambient: float = 18.0
    warming_s: float = 3_600.0
    cooling_s: float = 600.0

    METRICS: ClassVar[tuple[str, ...]] = ("temp", "door", "compressor", "power")
    WORLD: ClassVar[frozenset[str]] = frozenset({"door_left_open"})

    def values(self, at_ms: int, _since_ms: int, faults: Sequence[Fault]) -> dict[str, Value]:
        """Return temp, door (`open`, `closed`), compressor (on) and power at an instant."""
        at_s = at_ms / 1000.0
        cycle, cooling = self._cycle(at_s)
        defrost, defrosting = self._defrost(at_s)
        bumps, opened = self._doors(at_s)
        warmth = sum(self._warmth(fault, at_ms) for fault in faults)
        opened = opened or any(fault.active(at_ms) for fault in faults)
        running = (cooling or warmth > 1.0) and not defrosting
        own = self.noise.between(-1, -0.4, 0.4)
        temp = self.setpoint + own + cycle + defrost + bumps + warmth + 0.05 * self.noise.bell(at_ms)
        power = (180.0 if running else 15.0) + (420.0 if defrosting else 0.0) + 2.0 * self.noise.bell(at_ms + 1)
        return {
            "temp": round(temp, 2),
            "door": "open" if opened else "closed",
            "compressor": running,
            "power": round(power, 1),
        }

    def _cycle(self, at_s: float) -> tuple[float, bool]:
        """Return the triangle of the compressor cycle and whether it cools: 55 % of the time falling, then rising."""
        phase = (at_s / self.cycle_s + self.noise.unit(-2)) % 1.0
        if phase < 0.55:
            return self.swing * (1.0 - 2.0 * phase / 0.55), True
        return self.swing * (2.0 * (phase - 0.55) / 0.45 - 1.0), False

    def _defrost(self, at_s: float) -> tuple[float, bool]:
        since_s = (at_s + self.noise.unit(-3) * self.defrost_every_s) % self.defrost_every_s
        if since_s < DEFROST_S:
            return self.defrost_rise * (1.0 - math.exp(-since_s / 300.0)), True
        peak = self.defrost_rise * (1.0 - math.exp(-DEFROST_S / 300.0))
        return peak * math.exp(-(since_s - DEFROST_S) / self.cooling_s), False

    def _doors(self, at_s: float) -> tuple[float, bool]:
        """Return the warmth that recent openings left, and whether the door is open now."""
        slot = math.floor(at_s / SLOT_S)
        warmth, opened = 0.0, False
        for k in range(slot - SLOTS_FELT + 1, slot + 1):
            if self.noise.unit(3 * k) >= self.door_chance * load(k * SLOT_S):
                continue
            lasts_s = 15.0 + 35.0 * self.noise.unit(3 * k + 1)
            since_s = at_s - k * SLOT_S - (SLOT_S - lasts_s) * self.noise.unit(3 * k + 2)
            if since_s < 0.0:
                continue
            opened = opened or since_s < lasts_s
            share = min(1.0, since_s / lasts_s) * math.exp(-max(0.0, since_s - lasts_s) / 420.0)
            warmth += self.door_rise * share * lasts_s / 50.0
        return warmth, opened

    def _warmth(self, fault: Fault, at_ms: int) -> float:
        risen = (self.ambient - self.setpoint) * (1.0 - math.exp(-fault.lasted_h(at_ms) * 3600.0 / self.warming_s))
        return risen * math.exp(-fault.over_h(at_ms) * 3600.0 / self.cooling_s)
