"""How devices stand right now, as far as it matters to an incident that waits for its cause."""

from collections.abc import Collection
from dataclasses import dataclass, field

from iotops.rules.alert import Alert, AlertKey, AlertState
from iotops.rules.device import DeviceMemory
from iotops.rules.group import Group
from iotops.rules.instances import labels_of
from iotops.rules.memory import Memory
from iotops.telemetry.reading import DeviceKey

_SILENT = 3  # intervals without a word, as in the shipped rule on silence
_OVERDUE = 1.5  # half an interval late: more than what intervals vary by, and well before anybody calls it silent


@dataclass(frozen=True, slots=True)
class Outlook:
    """What memory says, at an instant of broker-connected time."""

    memory: Memory = field(default_factory=Memory)
    connected_ms: int = 0

    def clock_ms(self, key: AlertKey, device: DeviceKey | None) -> int | None:
        """Return the clock of the device, or group, that an instance is about; None where there is none such."""
        subject = self._subject(key, device)
        return None if subject is None else subject.clock_ms(self.connected_ms)

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
        """Return the alert of a device's or group's instance, None where it has none that is not resolved."""
        subject = self._subject(key, device)
        return None if subject is None else subject.open.get(key.rule)

    def members(self, key: AlertKey) -> list[DeviceKey]:
        """Return the devices of a group of which a condition is true; all of them where it is true of none."""
        found = self._subject(key, None)
        if not isinstance(found, Group):
            return []
        return sorted(found.tally.agreeing() or found.tally.answers)

    def _subject(self, key: AlertKey, device: DeviceKey | None) -> DeviceMemory | Group | None:
        if device is not None:
            return self.memory.get(device)
        labels = labels_of(key.instance)
        return self.memory.groups.find(key.rule, tuple(labels), labels)

    def _late(self, device: DeviceMemory, intervals: float) -> bool:
        """Tell whether nothing was heard for so many intervals; a device that sends no telemetry is never late."""
        if not device.series:
            return False
        return device.age_ms(device.clock_ms(self.connected_ms)) >= intervals * device.every_ms
