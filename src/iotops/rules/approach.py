"""A reading that is about to enter its device's memory: until it is in, time passes there and beyond without it."""

from typing import NamedTuple, Protocol

from iotops.rules.device import DeviceMemory
from iotops.rules.group import GroupClock
from iotops.rules.verdict import Due
from iotops.telemetry.reading import Reading


class Approach(NamedTuple):
    """Where a reading will move its device's clock (`event_ms`), and those of the device's groups (`clock`)."""

    device: DeviceMemory
    event_ms: int
    clock: GroupClock


class Beyond(Protocol):
    """What looks at a device from outside, and has to see it as it is before the reading."""

    def approach(self, nearing: Approach) -> None:
        """Take note of a reading that comes next on its device."""
        ...

    def catch_up(self, until: Due) -> None:
        """Take in what the device said so far, and run what is due beyond it before an instant of its clock.

        Nothing where no reading comes next.
        """
        ...

    def arrive(self) -> None:
        """Catch up with the instant of the reading, which enters next."""
        ...


def approach_of(device: DeviceMemory, reading: Reading, at_ms: int) -> Approach:
    """Return where a reading at an instant of its device's clock, which is later than all before, will move clocks."""
    at = GroupClock(device.started, min(at_ms, reading.received_ms), -reading.connected_ms)
    return Approach(device, at_ms, at)
