"""The rules: the loaded set with how each stands and fares, broken ones first."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from iotops.console.visit import Visit

SHOWN: Sequence[tuple[str, str]] = (
    ("", "All"),
    ("broken", "Broken"),
    ("active", "Active"),
    ("shadow", "Shadow"),
    ("noisy", "Noisy"),
    ("silent", "Never fired"),
)
"""What the list can be narrowed to, as the query says it, and in words."""
_NOISY_SHARE = 0.3
_ORDER = {"broken": 0, "active": 1, "shadow": 2, "removed": 3}


class RuleRow(NamedTuple):
    """One rule with its figures; `stats` None where they may not be seen, or there are none."""

    rule: Mapping[str, Any]
    standing: str
    stats: Mapping[str, Any] | None
    noisy: bool


async def rules_page(visit: Visit) -> Mapping[str, Any]:
    """Show the loaded rules; `show` narrows them, `q` looks for a text in id and title."""
    found = [each for each in await visit.all("/rules") if each["state"] != "removed"]
    stats = await figures(visit)
    rows = sorted((row_of(each, stats) for each in found), key=lambda row: (_ORDER[row.standing], row.rule["id"]))
    asked = dict(visit.query)
    show, q = asked.get("show", ""), asked.get("q", "")
    return {
        "rows": [
            row for row in rows if _is(row, show) and q.lower() in f"{row.rule['id']} {row.rule['title']}".lower()
        ],
        "counts": {name: sum(_is(row, name) for row in rows) for name, _ in SHOWN},
        "shown": SHOWN,
        "show": show,
        "sought": q,
    }


async def figures(visit: Visit) -> Mapping[str, Any]:
    """Return rule -> its figures of the last 30 days; nothing for a token that may not see them."""
    answer = await visit.ask("/rules/stats")
    return {each["rule"]: each for each in answer.body["items"]} if answer.ok else {}


def row_of(rule: Mapping[str, Any], stats: Mapping[str, Any]) -> RuleRow:
    """Return a rule as the pages show it."""
    found = stats.get(rule["id"])
    return RuleRow(rule, standing_of(rule), found, found is not None and _is_noisy(found))


def standing_of(rule: Mapping[str, Any]) -> str:
    """Return `broken`, `removed`, `shadow` or `active`."""
    if rule["state"] in ("error", "quarantined"):
        return "broken"
    if rule["state"] == "removed":
        return "removed"
    return "active" if rule["mode"] == "live" else "shadow"


def _is_noisy(stats: Mapping[str, Any]) -> bool:
    """Say whether much of what it raises is nobody's work: false alarms, or over within five minutes by itself."""
    raised = stats["incidents"]
    short = stats["auto_resolved_within_5m"] / raised if raised else 0
    return raised >= 3 and max(short, stats["false_alarm_share"] or 0) >= _NOISY_SHARE


def _is(row: RuleRow, show: str) -> bool:
    if show == "noisy":
        return row.noisy
    if show == "silent":
        return row.rule["last_fired_at"] is None
    return show in ("", row.standing)
