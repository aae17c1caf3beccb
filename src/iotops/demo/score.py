"""How well incidents agree with the faults that a fleet is known to have had."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from iotops.durations import parse_instant
from iotops.rules.source.own import DATA_GAP

_LOSES = frozenset({"dropout", "offline"})
"""Kinds in which readings are numbered and never leave: those of the device, or those behind a gateway."""

AFTERMATH_MS = 3_600_000
"""An incident up to an hour after a fault's end still is that fault's: windows and holds look back that far."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the fleet's ground truth, times in Unix milliseconds.

    Attributes:
        within_ms: rule -> how long after the begin it must have fired; empty: nobody needs to notice.
        also: rules that may fire for it, too.
        devices: "site/device" of whom it concerns; the first is the faulty one.
    """

    id: str
    kind: str
    devices: tuple[str, ...]
    from_ms: int
    to_ms: int
    within_ms: dict[str, int]
    also: tuple[str, ...] = ()

    @property
    def due_ms(self) -> int:
        """Return the instant by which every expected rule must have fired."""
        return self.from_ms + max(self.within_ms.values(), default=0)


@dataclass(frozen=True, slots=True)
class Raised:
    """An incident, as far as the score needs it."""

    number: str
    rule: str
    site: str
    device: str | None
    fired_ms: int


@dataclass(frozen=True, slots=True)
class Score:
    """Faults that were due by the end, those detected, and incidents that no fault explains."""

    injected: tuple[Fault, ...]
    detected: tuple[Fault, ...]
    missed: tuple[Fault, ...]
    false_incidents: tuple[Raised, ...]


def read_fault(line: dict[str, Any]) -> Fault:
    """Return one line of the ground truth file."""
    own = f"{line['site']}/{line['device']}"
    return Fault(
        id=str(line["id"]),
        kind=line["kind"],
        devices=(own, *(device for device in line["affects"] if device != own)),
        from_ms=parse_instant(line["from"]),
        to_ms=parse_instant(line["to"]),
        within_ms={rule: round(delay_s * 1000) for rule, delay_s in line["within"].items()},
        also=tuple(line["also"]),
    )


def score(faults: Iterable[Fault], incidents: Sequence[Raised], end_ms: int) -> Score:
    """Compare faults with incidents.

    A fault counts once its last rule was due before the end of the run. It is detected when an incident of each
    expected rule fired for one of its devices in time.
    """
    known = tuple(faults)
    injected = tuple(fault for fault in known if fault.within_ms and fault.due_ms <= end_ms)
    detected = tuple(fault for fault in injected if _is_detected(fault, incidents))
    return Score(
        injected=injected,
        detected=detected,
        missed=tuple(fault for fault in injected if fault not in detected),
        false_incidents=tuple(found for found in incidents if not any(_explains(fault, found) for fault in known)),
    )


def _is_detected(fault: Fault, incidents: Sequence[Raised]) -> bool:
    return all(
        any(
            found.rule == rule
            and _concerns(fault, found)
            and fault.from_ms <= found.fired_ms <= fault.from_ms + delay_ms
            for found in incidents
        )
        for rule, delay_ms in fault.within_ms.items()
    )


def _explains(fault: Fault, found: Raised) -> bool:
    is_loss = found.rule == DATA_GAP and fault.kind in _LOSES
    may_fire = found.rule in fault.within_ms or found.rule in fault.also or is_loss
    return may_fire and _concerns(fault, found) and fault.from_ms <= found.fired_ms <= fault.to_ms + AFTERMATH_MS


def _concerns(fault: Fault, found: Raised) -> bool:
    if found.device is None:  # a group's incident: any device of the site
        return any(device.startswith(f"{found.site}/") for device in fault.devices)
    return f"{found.site}/{found.device}" in fault.devices
