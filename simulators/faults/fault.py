"""One thing that goes wrong with one device, for a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotops.telemetry.reading import DeviceKey

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, where, from when to when (Unix milliseconds, the end excluded).

    Attributes:
        amount: how much, in the kind's own unit (see `simulators.faults.KINDS`).
        expect: rule -> the longest delay in milliseconds from the fault's start until that rule fires;
            empty: nothing may fire, and the fault does not count as one to detect.
        also: rules that may fire as a consequence, on this device or on `affects`; neither needed nor false.
        affects: the devices behind a gateway that fell silent with it.
    """

    id: str
    kind: str
    key: DeviceKey
    from_ms: int
    to_ms: int
    metric: str | None = None
    amount: float = 0.0
    expect: Mapping[str, int] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    affects: tuple[DeviceKey, ...] = ()

    def active(self, at_ms: int) -> bool:
        """Tell whether the fault is on at an instant."""
        return self.from_ms <= at_ms < self.to_ms

    def lasted_h(self, at_ms: int) -> float:
        """Return the hours that the fault has lasted so far, or lasted in all where it is over; 0 before it."""
        return max(0, min(at_ms, self.to_ms) - self.from_ms) / HOUR_MS

    def over_h(self, at_ms: int) -> float:
        """Return the hours since the fault ended, 0 while it lasts."""
        return max(0, at_ms - self.to_ms) / HOUR_MS
