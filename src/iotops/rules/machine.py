"""What of a rule the state machine of its alerts needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from iotops.rules.active import ActiveTimes
from iotops.rules.alert import Alert
from iotops.rules.rule import Rule, Severity

HOLDS: Final = "hold_ms"  # member of an alert's evidence: the holds it began with; a reload does not change them


@dataclass(frozen=True, slots=True)
class Machine:
    """What of a rule the state machine needs. `severities` ascend; `hold_ms` is aligned with them.

    `holds`: the same by the word for the severity, as an alert keeps them.
    """

    severities: tuple[Severity, ...]
    hold_ms: tuple[int, ...]
    keep_ms: int
    until_by_tier: bool
    has_until: bool
    unless: str | None
    active: ActiveTimes | None = None
    holds: Mapping[str, int] = field(default_factory=dict)


def machine_of(rule: Rule) -> Machine:
    """Return the state machine of a rule."""
    severities = tuple(sorted(rule.when))
    holds = {severity.word: rule.for_ms.get(severity, 0) for severity in severities}
    return Machine(
        severities,
        tuple(holds.values()),
        rule.keep_firing_for_ms,
        bool(rule.until) and None not in rule.until,
        bool(rule.until),
        rule.unless.text if rule.unless else None,
        rule.active,
        holds,
    )


def hold_of(machine: Machine, alert: Alert, severity: Severity) -> int:
    """Return the hold of a tier in milliseconds: the one that the episode began with."""
    holds: Mapping[str, Any] = alert.evidence.get(HOLDS, {})
    found = holds.get(severity.word)
    return machine.hold_ms[machine.severities.index(severity)] if found is None else int(found)
