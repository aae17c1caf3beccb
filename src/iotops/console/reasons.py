"""The one line below an incident's title on the board: the thing that somebody should know before opening it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Incident = Mapping[str, Any]


class Reason(NamedTuple):
    """One line; `tone` is warn, bad or empty."""

    text: str
    tone: str = ""


def reason_of(incident: Incident) -> Reason:
    """Return the most telling line: what is wrong with our knowledge first, how the priority came about last."""
    return next(found for each in _REASONS if (found := each(incident)) is not None)


def _unknown(incident: Incident) -> Reason | None:
    if incident["data"] == "known":
        return None
    return Reason("data stopped: nobody knows whether it is over", "warn")


def _outage(incident: Incident) -> Reason | None:
    more = incident["alert_count"] - 1
    if not incident["outage"] or more < 1:
        return None
    return Reason(f"{more} {'alert' if more == 1 else 'alerts'} behind {incident['device']} suppressed (same cause)")


def _held(incident: Incident) -> Reason | None:
    if incident["state"] != "on_hold":
        return None
    return Reason(f"waits for {incident['hold_reason'] or 'something'}")


def _ended(incident: Incident) -> Reason | None:
    if incident["state"] not in ("resolved", "closed", "cancelled"):
        return None
    told = ", ".join(each for each in (incident["resolution_code"], incident["cause"]) if each)
    by = "by itself" if incident["auto"] else ""
    return Reason(" ".join(each for each in (told, by) if each) or incident["state"])


def _problem(incident: Incident) -> Reason | None:
    found = incident["problem"]
    if found is None:
        return None
    known = f"workaround: {found['workaround']}" if found["workaround"] else found["title"]
    return Reason(f"{found['number']} {known}")


def _flapping(incident: Incident) -> Reason | None:
    return Reason("flapping: it came and went too often", "warn") if incident["flapping"] else None


def _back(incident: Incident) -> Reason | None:
    if incident["recurrence_count"] > 1:
        return Reason(f"{incident['recurrence_count']} times within 30 days, last {incident['recurrence_of']}")
    if incident["reopen_count"]:
        return Reason(f"reopened {incident['reopen_count']} times" if incident["reopen_count"] > 1 else "reopened")
    return None


def _seen(incident: Incident) -> Reason | None:
    evidence = incident["evidence"]
    if not incident["rule"] or not evidence.get("when"):
        return None
    held = f" for {evidence['held']}" if evidence.get("held") else ""
    return Reason(f"{incident['rule']}: {evidence['when']}{held}")


def _priority(incident: Incident) -> Reason:
    return Reason(incident["priority_reason"].get("text") or "raised by a person")


_REASONS: Sequence[Callable[[Incident], Reason | None]] = (
    *(_unknown, _outage, _held, _ended, _problem, _flapping, _back, _seen),
    _priority,
)
