"""What can go wrong: the table of fault kinds. A new kind is one line here and the place that acts on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.faults.fault import Fault

__all__ = ["KINDS", "OUTAGES", "Fault", "Kind"]

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of fault needs, and how long it lasts where nobody says.

    Attributes:
        acts_on: `sensor` (values of one metric), `world` (the physics) or `speech` (which messages leave, and how).
        amount: the unit of its amount, "" where it has none.
        metric: whether it needs a metric; None: it may have one.
    """

    acts_on: str
    for_ms: int
    amount: str = ""
    metric: bool | None = False
    default_amount: float | None = None


KINDS: Mapping[str, Kind] = {
    "spike": Kind("sensor", 5 * _MINUTE_MS, "units added", metric=True),
    "drift": Kind("sensor", 120 * _MINUTE_MS, "units added per hour", metric=True),
    "stuck": Kind("sensor", 60 * _MINUTE_MS, metric=True),
    "dropout": Kind("speech", 10 * _MINUTE_MS, metric=None),  # without a metric nothing is heard; with one it is null
    "offline": Kind("speech", 5 * _MINUTE_MS),
    "reboot": Kind("speech", 10_000),
    "clock_skew": Kind("speech", 10 * _MINUTE_MS, "seconds ahead", default_amount=90.0),
    "duplicates": Kind("speech", 10 * _MINUTE_MS, "share sent twice", default_amount=0.5),
    "reordering": Kind("speech", 10 * _MINUTE_MS, "readings shuffled at a time", default_amount=2.0),
    "door_left_open": Kind("world", 30 * _MINUTE_MS),
    "leak": Kind("world", 60 * _MINUTE_MS, "share of the contents lost per hour, in %"),
}

OUTAGES = frozenset({"offline", "reboot"})
"""Kinds during which a device is off: abruptly, so that a last will fires; afterwards it boots anew."""
