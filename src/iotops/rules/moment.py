"""What an expression sees when it is read: one device at one instant."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iotops.rules.alert import AlertState

if TYPE_CHECKING:
    from iotops.rules.device import DeviceMemory
    from iotops.rules.memory import Memory

Closure = Callable[["Moment"], Any]
"""A compiled expression: a number, a truth value, a text, an `Interval`, or None for missing and unknown."""

FIRING = frozenset({AlertState.FIRING, AlertState.RECOVERING})


class Moment:
    """One device at one instant; used again for the next instead of being made anew.

    Attributes:
        at_ms: the instant.
        edge_ms: the same, or one more where it is just past: what is fresh up to and including an instant is
            stale at the instant's edge.
        asof_ms: where trailing windows end: at the newest sample that the rule reads, for windows move with samples.
        values: condition values handed over by the device stage (group stage only).
        completed: the sequence of the rule at hand completed at this instant.
        element: the value of the sample at hand, within the argument of a window function.
    """

    __slots__ = ("asof_ms", "at_ms", "completed", "device", "edge_ms", "element", "memory", "values")

    def __init__(self, memory: "Memory") -> None:
        self.memory = memory
        self.device: DeviceMemory = None  # type: ignore[assignment]  # set by `at` before anything reads it
        self.at_ms = self.edge_ms = self.asof_ms = 0
        self.completed = False
        self.values: tuple[Any, ...] = ()
        self.element: Any = None

    def at(self, device: "DeviceMemory", at_ms: int, past: bool, asof_ms: int) -> None:
        """Move to a device and an instant."""
        self.device = device
        self.at_ms = at_ms
        self.edge_ms = at_ms + past
        self.asof_ms = asof_ms
        self.completed = False

    def firing(self, rule: str, label: str | None) -> bool:
        """Tell whether a rule fires on this device, or on the one of the same site that a label names."""
        device: DeviceMemory | None = self.device
        if label is not None:
            device = self.memory.linked(self.device, label)
        alert = device.open.get(rule) if device is not None else None
        return alert is not None and alert.state in FIRING
