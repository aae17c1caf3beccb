"""The page of one incident: why it was raised, what happened, and what can be done now."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import yaml
from starlette.responses import RedirectResponse, Response

from iotops.console.forms import CODES, FIELDS
from iotops.console.proof import observed
from iotops.console.story import FILTERS, passes
from iotops.console.views.course import course
from iotops.console.views.surroundings import surroundings
from iotops.console.visit import Visit

_PAGE = 200
_MOST_PAGES = 10  # 2 000 entries; what came before stands in the API


async def incident_page(visit: Visit) -> Mapping[str, Any] | Response:
    """Show one incident; one that was merged leads to the one that tells its story."""
    path = incident_path(visit.parts["number"])
    incident = await visit.get(path)
    if visit.parts["number"] != incident["number"]:
        return RedirectResponse(f"/incidents/{incident['number']}", 307)
    who, entries, evidence, suspects, similar = await asyncio.gather(
        visit.get("/session"),
        whole_timeline(visit, path),
        visit.get(f"{path}/evidence"),
        visit.get(f"{path}/suspects", {"limit": 5}),
        visit.get(f"{path}/similar"),
    )
    changes = [each["change"] for each in suspects["items"]]
    shown, around, rule = await asyncio.gather(
        course(visit, incident, evidence["alerts"], changes),
        surroundings(visit, incident),
        visit.get_or_none(f"/rules/{quote(incident['rule'], safe='')}") if incident["rule"] else asyncio.sleep(0),
    )
    show = dict(visit.query).get("show", "")
    return {
        "incident": incident,
        "timeline": [each for each in reversed(entries) if passes(each, show)],
        "seen": entries[-1]["seq"] if entries else 0,
        "show": show,
        "filters": FILTERS,
        "evidence": evidence["evidence"],
        "observed": observed(evidence["evidence"]),
        "course": shown,
        "rule": rule,
        "runbooks": runbooks(rule, around["service"]),
        "suspects": suspects["items"],
        "cause": next((each["data"]["change"] for each in reversed(entries) if each["type"] == "cause_marked"), None),
        "similar": similar,
        "fields": FIELDS if who["role"] != "viewer" else {},
        "codes": CODES,
        **around,
    }


def incident_path(number: str) -> str:
    """Return the path of an incident in the API."""
    return f"/incidents/{quote(number, safe='')}"


async def whole_timeline(visit: Visit, path: str, *, after: int = 0) -> list[Mapping[str, Any]]:
    """Return the entries of an incident, the oldest first."""
    entries: list[Mapping[str, Any]] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        asked = {"limit": _PAGE, "after": after or None, "cursor": cursor}
        page = await visit.get(f"{path}/timeline", {name: value for name, value in asked.items() if value})
        entries += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return entries


def runbooks(rule: Mapping[str, Any] | None, service: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return (of what, text or address) of the instructions there are, the rule's first."""
    found = []
    if rule is not None and (text := _runbook_of(rule["source"])):
        found.append((f"rule {rule['id']}", text))
    if service is not None and service["runbook"]:
        found.append((f"service {service['name'] or service['id']}", service["runbook"]))
    return found


def _runbook_of(source: str) -> str | None:
    """Return the runbook that a rule's own lines of YAML name."""
    try:
        found = yaml.safe_load(source)
    except yaml.YAMLError:
        return None
    rule = found[0] if isinstance(found, list) and found else found
    text = rule.get("runbook") if isinstance(rule, dict) else None
    return text if isinstance(text, str) else None
