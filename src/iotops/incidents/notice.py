"""Which timeline entries somebody is told of."""

from iotops.incidents.timeline import Entry

EVENTS = ("raised", "escalated", "reassigned", "reopened", "resolved", "sla_near", "sla_breached", "reminder")
"""What a notice may be about; `reminder` says again what was raised and nobody has acknowledged."""

_SAME = frozenset({"raised", "escalated", "reopened", "resolved", "sla_near", "sla_breached"})


def event_of(entry: Entry) -> str | None:
    """Return the event that an entry is, None where nobody is told of it.

    A change of priority, by whatever cause, is an escalation where it became more pressing (P1 is the most).
    """
    if entry.type in _SAME:
        return entry.type
    if entry.type == "assigned":
        return "reassigned"
    if entry.type == "priority_changed":
        return _escalation(entry.data.get("from"), entry.data.get("to"))
    if entry.type == "severity_changed":
        return _escalation(entry.data.get("priority_before"), entry.data.get("priority"))
    if entry.type == "edited":
        changed = entry.data.get("priority", {})
        return _escalation(changed.get("from"), changed.get("to"))
    return None


def _escalation(before: str | None, after: str | None) -> str | None:
    return "escalated" if before and after and after < before else None
