"""A screw compressor that keeps a compressed-air net between two pressures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import load


@dataclass(frozen=True, slots=True)
class Compressor:
    """Net pressure (bar), motor power (kW), oil temperature (°C), and duty: the share of time under load (%).

    A leak adds to the duty; what the machine cannot give beyond 100 % is missing from the pressure.
    """

    noise: Noise
    pressure: float = 7.2
    band: float = 0.25
    cycle_s: float = 300.0
    loaded_kw: float = 37.0
    idle_kw: float = 11.0
    oil_temp: float = 74.0

    METRICS: ClassVar[tuple[str, ...]] = ("pressure", "motor_power", "oil_temp", "duty")
    WORLD: ClassVar[frozenset[str]] = frozenset({"leak"})

    def values(self, at_ms: int, _since_ms: int, faults: Sequence[Fault]) -> dict[str, Value]:
        """Return every metric at an instant; the leak's amount is the duty that it costs, in points."""
        at_s = at_ms / 1000.0
        leaking = sum(fault.amount for fault in faults if fault.active(at_ms))
        wanted = 48.0 + 14.0 * load(at_s) + 5.0 * self.noise.smooth(at_s, 1_800.0) + leaking
        duty = min(100.0, wanted)
        phase = (at_s / self.cycle_s + self.noise.unit(-1)) % 1.0
        loaded = phase < duty / 100.0
        short = 0.04 * max(0.0, wanted - 100.0)
        jitter = self.noise.bell(at_ms)
        pressure = self.pressure + self.band * math.sin(2.0 * math.pi * phase) - short + 0.02 * jitter
        return {
            "pressure": round(pressure, 2),
            "motor_power": round((self.loaded_kw if loaded else self.idle_kw) + 0.4 * jitter, 1),
            "oil_temp": round(self.oil_temp + 0.12 * (duty - 50.0) + 2.0 * self.noise.smooth(at_s, 2_400.0), 1),
            "duty": round(duty + 0.5 * jitter if duty < 98.0 else duty, 1),
        }
