"""What the device stage leaves to the group stage."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.surveys import Answer
from iotops.rules.values import Truth
from iotops.rules.verdict import Due


class Order(NamedTuple):
    """Where something stands in the sequence that the group stage follows: by arrival, timers by connected time."""

    row: int
    connected_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Emission:
    """What the group stage needs to judge a rule's instance on a device from one instant on.

    Attributes:
        values: of the rule's slots. `prints`: of its summary's placeholders.
        may_be: whether a tier can be true, whatever other devices do.
        lapsed, wake_ms: see `Verdict`.
        counts: a stored reading brought it.
    """

    order: Order
    device: DeviceMemory
    rule: CompiledRule
    at: Due
    values: tuple[Any, ...]
    prints: tuple[Any, ...]
    may_be: Truth
    lapsed: bool
    wake_ms: int | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What a device says to the surveys of a rule from one instant on; `answers` are aligned with them.

    Attributes:
        counts: a stored reading brought it.
        judged: the device's own instance is judged next.
    """

    order: Order
    device: DeviceMemory
    rule: CompiledRule
    at: Due
    answers: tuple[Answer, ...]
    counts: bool
    judged: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A rule began or ceased to fire on a device, or (`rule` empty) the device's clock reached an instant."""

    order: Order
    device: DeviceMemory
    rule: str
    at: Due
