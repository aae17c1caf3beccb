"""Priority from impact and urgency, with the derivation that a person can read."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from iotops.rules.rule import Severity

_NO_SERVICE_IMPACT = 3
_IMPACT_BY_CRITICALITY: Mapping[str, int] = {"A": 1, "B": 2, "C": 3}
_URGENCY_BY_SEVERITY: Mapping[Severity, int] = {Severity.CRITICAL: 1, Severity.WARNING: 2, Severity.INFO: 3}

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
"""All priorities, the most pressing first. Impact 1-3 and urgency 1-3 add up: 1+1 is P1, 3+3 is P5."""


class Priority(NamedTuple):
    """A priority and how it came about (JSON-able)."""

    value: str
    reason: dict[str, Any]


def derive(severity: Severity, service: str | None = None, criticality: str | None = None) -> Priority:
    """Derive the priority from the severity and the service that suffers.

    Args:
        severity: sets the urgency: critical 1, warning 2, info 3.
        service: name of the affected service, None where none is known.
        criticality: the service's, A, B or C; None counts as the lowest impact.
    """
    impact = _IMPACT_BY_CRITICALITY.get(criticality or "", _NO_SERVICE_IMPACT)
    urgency = _URGENCY_BY_SEVERITY[severity]
    value = PRIORITIES[impact + urgency - 2]
    reason = {
        "impact": {"value": impact, "because": _impact_reason(service, criticality)},
        "urgency": {"value": urgency, "because": f"severity {severity.word}"},
        "derived": value,
        "text": f"impact {impact} x urgency {urgency} = {value}",
    }
    return Priority(value, reason)


def rederive(reason: Mapping[str, Any], severity: Severity) -> Priority:
    """Derive again after the severity changed; impact stays as it was.

    What a person chose is never lowered silently: the more pressing of the choice and the derivation counts.
    """
    urgency = _URGENCY_BY_SEVERITY[severity]
    impact = reason.get("impact", {"value": _NO_SERVICE_IMPACT, "because": _impact_reason(None, None)})
    derived = PRIORITIES[impact["value"] + urgency - 2]
    fresh = {
        **reason,
        "impact": impact,
        "urgency": {"value": urgency, "because": f"severity {severity.word}"},
        "derived": derived,
        "text": f"impact {impact['value']} x urgency {urgency} = {derived}",
    }
    if "set_by" not in reason:
        return Priority(derived, fresh)
    fresh["text"] += f"; {reason['set_by']} set {reason['set_to']}, the more pressing counts"
    return Priority(min(reason["set_to"], derived), fresh)


def choose(value: str, reason: Mapping[str, Any], by: str) -> Priority:
    """Take the priority that a person chose, beside the derivation it replaces."""
    return Priority(value, {**reason, "set_by": by, "set_to": value, "text": f"{by} set {value}"})


def _impact_reason(service: str | None, criticality: str | None) -> str:
    if service is None:
        return "no service is known to depend on it"
    if criticality is None:
        return f"criticality of service {service} is not declared"
    return f"criticality of service {service} is {criticality}"
