"""A centrifugal pump with its motor, sensed at the bearing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import load

HOUR_MS = 3_600_000.0


@dataclass(frozen=True, slots=True)
class Pump:
    """Speed (rpm), vibration (mm/s rms), flow (l/s), motor current (A), bearing temperature (°C), hours since boot.

    Vibration in the healthy range of ISO 10816-3 for machines of this size (below 2.8 mm/s: unrestricted operation).
    """

    noise: Noise
    rated_rpm: float = 1_480.0
    rated_flow: float = 22.0
    rated_amps: float = 31.0
    vibration: float = 1.8
    bearing_temp: float = 48.0

    METRICS: ClassVar[tuple[str, ...]] = ("rpm", "vibration", "flow", "amps", "bearing_temp", "hours")
    WORLD: ClassVar[frozenset[str]] = frozenset()

    def values(self, at_ms: int, since_ms: int, _faults: Sequence[Fault]) -> dict[str, Value]:
        """Return every metric at an instant; flow follows speed, current its cube (affinity laws)."""
        at_s = at_ms / 1000.0
        speed = 1.0 + 0.04 * self.noise.smooth(at_s, 1_800.0)
        jitter = [self.noise.bell(4 * at_ms + i) for i in range(4)]
        warm = 4.0 * load(at_s) + 3.0 * self.noise.smooth(at_s + 7e5, 3_600.0)
        return {
            "rpm": round(self.rated_rpm * speed + 2.0 * jitter[0]),
            "vibration": round(self.vibration * speed**2 + 0.12 * jitter[1], 3),
            "flow": round(self.rated_flow * speed + 0.15 * jitter[2], 2),
            "amps": round(self.rated_amps * speed**3 + 0.2 * jitter[3], 2),
            "bearing_temp": round(self.bearing_temp + warm + 0.2 * jitter[0], 1),
            "hours": round((at_ms - since_ms) / HOUR_MS, 4),
        }
