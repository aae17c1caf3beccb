"""Priority from impact and urgency, with the derivation that a person can read."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from iotops.incidents.impact import Impact, of_service
from iotops.rules.rule import Severity

_URGENCY_BY_SEVERITY: Mapping[Severity, int] = {Severity.CRITICAL: 1, Severity.WARNING: 2, Severity.INFO: 3}

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
"""All priorities, the most pressing first. Impact 1-3 and urgency 1-3 add up: 1+1 is P1, 3+3 is P5."""


class Priority(NamedTuple):
    """A priority and how it came about (JSON-able)."""

    value: str
    reason: dict[str, Any]


def derive(
    severity: Severity, service: str | None = None, criticality: str | None = None, *, impact: Impact | None = None
) -> Priority:
    """Derive the priority from the severity and what suffers.

    Args:
        severity: sets the urgency: critical 1, warning 2, info 3.
        service: name of the affected service, None where none is known.
        criticality: the service's, A, B or C; None counts as the lowest impact.
        impact: of all that suffers, where more is known than one service.
    """
    found = impact or of_service(service, criticality)
    return _derived({}, found.reason, severity)


def rederive(reason: Mapping[str, Any], severity: Severity, impact: Impact | None = None) -> Priority:
    """Derive again after the severity changed, or the scope grew; the impact never falls with a smaller scope.

    What a person chose is never lowered silently: the more pressing of the choice and the derivation counts.
    """
    before = reason.get("impact", of_service(None, None).reason)
    grown = impact is not None and impact.value <= before["value"]
    found = _derived(reason, impact.reason if impact is not None and grown else before, severity)
    if "set_by" not in reason:
        return found
    found.reason["text"] += f"; {reason['set_by']} set {reason['set_to']}, the more pressing counts"
    return Priority(min(reason["set_to"], found.value), found.reason)


def choose(value: str, reason: Mapping[str, Any], by: str) -> Priority:
    """Take the priority that a person chose, beside the derivation it replaces."""
    return Priority(value, {**reason, "set_by": by, "set_to": value, "text": f"{by} set {value}"})


def _derived(reason: Mapping[str, Any], impact: Mapping[str, Any], severity: Severity) -> Priority:
    urgency = _URGENCY_BY_SEVERITY[severity]
    value = PRIORITIES[impact["value"] + urgency - 2]
    fresh = {
        **reason,
        "impact": dict(impact),
        "urgency": {"value": urgency, "because": f"severity {severity.word}"},
        "derived": value,
        "text": f"impact {impact['value']} x urgency {urgency} = {value}",
    }
    return Priority(value, fresh)
