"""How the pages say things: times relative, durations short, states in words. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iotops.rules.instances import FLEET, labels_of

STATE_WORDS = {
    "new": "New",
    "in_progress": "In progress",
    "on_hold": "On hold",
    "resolved": "Resolved",
    "closed": "Closed",
    "cancelled": "Cancelled",
}
PRIORITY_SIGNS = {"P1": "!!", "P2": "!", "P3": "•", "P4": "·", "P5": "·"}  # colour is never the only signal
_UNSAID = frozenset({"text", "alert", "rule_version"})  # shown apart, or for programs only
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def ago(instant: str | None, now: datetime) -> str:
    """Return how long ago an RFC 3339 instant was, in its largest unit: `4m`; `—` where there is none."""
    if instant is None:
        return "—"
    return short_duration((now - datetime.fromisoformat(instant)).total_seconds())


def short_duration(duration_s: float) -> str:
    """Return a duration in its largest unit, rounded down: 130 -> `2m`; less than a second, or negative: `now`."""
    for size, unit in _STEPS:
        if duration_s >= size:
            return f"{int(duration_s // size)}{unit}"
    return "now"


def entry_sentence(entry: Mapping[str, Any]) -> str:
    """Return what a timeline entry says beyond its type: `from: warning, to: critical`."""
    told = {name: value for name, value in entry["data"].items() if name not in _UNSAID and value not in (None, "", [])}
    return ", ".join(f"{name}: {value}" for name, value in told.items())


def place(incident: Mapping[str, Any]) -> str:
    """Return what an incident is about: `paris / fz-1`; of a group `paris`, `paris / room=lab` or `fleet`."""
    site, device, instance = incident["site"], incident["device"], incident["instance"] or ""
    parts = [site] if site else []
    if device:
        parts.append(device)
    elif instance == FLEET:
        parts.append(FLEET)
    else:
        parts += [
            f"{label}={value}" for label, value in labels_of(instance).items() if (label, value) != ("site", site)
        ]
    return " / ".join(parts) or "—"
