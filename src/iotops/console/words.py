"""How the pages say things: states and priorities in words and signs, places, values. Pure."""

import json
from collections.abc import Mapping
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
STATE_SIGNS = {"new": "●", "in_progress": "◐", "on_hold": "⏸", "resolved": "✓", "closed": "■", "cancelled": "✕"}
PRIORITY_SIGNS = {"P1": "▲", "P2": "△", "P3": "◆", "P4": "◇", "P5": "○"}  # colour is never the only signal
PRIORITY_WORDS = {"P1": "critical", "P2": "high", "P3": "moderate", "P4": "low", "P5": "planning"}
# shown apart, or for programs only
_UNSAID = frozenset({"text", "alert", "rule_version", "edition", "supplier_edition", "priority_before"})


def entry_sentence(entry: Mapping[str, Any]) -> str:
    """Return what a timeline entry says beyond its type: `from: warning, to: critical`."""
    told = {name: value for name, value in entry["data"].items() if name not in _UNSAID and value not in (None, "", [])}
    return ", ".join(f"{name}: {_change(value)}" for name, value in told.items())


def _change(value: object) -> object:
    return (
        f"{value['from']} → {value['to']}" if isinstance(value, Mapping) and value.keys() == {"from", "to"} else value
    )


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


def told(value: object) -> str:
    """Return a value that a device sent as people read it: texts as they are, numbers short, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)
