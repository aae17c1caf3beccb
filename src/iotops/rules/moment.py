"""What an expression sees when it is read: one device, or one group, at one instant."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iotops.rules.alert import AlertState

if TYPE_CHECKING:
    from iotops.rules.device import DeviceMemory
    from iotops.rules.group import Group
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

    def at(self, device: "DeviceMemory | Group", at_ms: int, past: bool, asof_ms: int) -> None:
        """Move to a device, or to a group, and an instant.

        What is compiled for a group reads nothing that only devices have: the check of rule files sees to it.
        """
        self.device = device  # type: ignore[assignment]
        self.at_ms = at_ms
        self.edge_ms = at_ms + past
        self.asof_ms = asof_ms
        self.completed = False

    def firing(self, rule: str, label: str | None) -> bool:
        """Tell whether a rule fires here, or on the device that a label names.

        Here is the same device, or the group of this device's, or this group's, labels.
        """
        subject: DeviceMemory | None = self.device
        if label is not None:
            subject = self.memory.linked(self.device, label)
        holder = None if subject is None else self.memory.holder(rule, subject)
        alert = None if holder is None else holder.open.get(rule)
        return alert is not None and alert.state in FIRING

    def group(self, rule: str, labels: tuple[str, ...]) -> "Group | None":
        """Return the group of a rule that the labels of the device, or group, at hand select."""
        return self.memory.groups.find(rule, labels, self.device.facts.labels)
