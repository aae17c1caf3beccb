"""How devices stand right now, as far as it matters to an incident that waits for its cause."""

from collections.abc import Collection
from dataclasses import dataclass, field

from iotops.rules.alert import Alert, AlertKey, AlertState
from iotops.rules.device import DeviceMemory
from iotops.rules.memory import Memory
from iotops.telemetry.reading import DeviceKey

_SILENT = 3  # intervals without a word, as in the shipped rule on silence
_OVERDUE = 1.5  # half an interval late: more than what intervals vary by, and well before anybody calls it silent


@dataclass(frozen=True, slots=True)
class Outlook:
    """What memory says, at an instant of broker-connected time."""

    memory: Memory = field(default_factory=Memory)
    connected_ms: int = 0

    def clock_ms(self, key: DeviceKey | None) -> int | None:
        """Return a device's clock, None for a device that nobody registered."""
        device = None if key is None else self.memory.get(key)
        return None if device is None else device.clock_ms(self.connected_ms)

    def is_down(self, key: DeviceKey) -> bool:
        """Tell whether a device is offline, or silent for three of its intervals."""
        device = self.memory.get(key)
        return device is not None and (device.online is False or self._late(device, _SILENT))

    def is_suspect(self, key: DeviceKey, rules: Collection[str]) -> bool:
        """Tell whether a device may turn out to be down: offline, overdue, or with an alert of `rules` pending."""
        device = self.memory.get(key)
        if device is None:
            return False
        pending = any(alert.state is AlertState.PENDING for name, alert in device.open.items() if name in rules)
        return device.online is False or self._late(device, _OVERDUE) or pending

    def alert(self, key: AlertKey, device: DeviceKey | None) -> Alert | None:
        """Return the alert of a device's instance, None where it has none that is not resolved."""
        found = None if device is None else self.memory.get(device)
        return None if found is None else found.open.get(key.rule)

    def _late(self, device: DeviceMemory, intervals: float) -> bool:
        """Tell whether nothing was heard for so many intervals; a device that sends no telemetry is never late."""
        if not device.series:
            return False
        return device.age_ms(device.clock_ms(self.connected_ms)) >= intervals * device.every_ms
