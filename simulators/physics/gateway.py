"""A site's gateway: the small computer through which the other devices speak."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.noise import Noise
from simulators.physics.rhythm import load


@dataclass(frozen=True, slots=True)
class Gateway:
    """Processor load (%), signal of the uplink (dBm), and how many devices it hears."""

    noise: Noise
    cpu: float = 22.0
    rssi: float = -67.0
    clients: int = 10

    METRICS: ClassVar[tuple[str, ...]] = ("cpu", "rssi", "clients")
    WORLD: ClassVar[frozenset[str]] = frozenset()

    def values(self, at_ms: int, _since_ms: int, _faults: Sequence[Fault]) -> dict[str, Value]:
        """Return cpu, rssi and clients at an instant."""
        at_s = at_ms / 1000.0
        cpu = self.cpu + 12.0 * load(at_s) + 8.0 * self.noise.smooth(at_s, 300.0) + 2.0 * self.noise.bell(at_ms)
        rssi = self.rssi + 5.0 * self.noise.smooth(at_s, 1_800.0) + self.noise.bell(at_ms + 1)
        return {"cpu": round(max(1.0, cpu), 1), "rssi": round(rssi, 1), "clients": self.clients}
