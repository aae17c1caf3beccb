"""/my: one's own work on a phone, by site and by when it is due, with what helps to do it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from iotops.console.forms import CODES
from iotops.console.promises import SlaView, sla_view
from iotops.console.views.incident import incident_path, runbooks
from iotops.console.visit import Visit

_OPEN = (("state", "new"), ("state", "in_progress"), ("state", "on_hold"))
_TOLD = 25  # with asset, runbook and last fix; whoever has more than that sees the rest in short
_LATEST = "9999"
_PRESSING_FIRST = "-priority,-raised_at"


class Job(NamedTuple):
    """One incident of mine; `device`, `runbooks` and `similar` are empty where there is nothing, or too much to do.

    `due` is the clock that ends first, None where none runs.
    """

    incident: Mapping[str, Any]
    due: SlaView | None
    device: Mapping[str, Any] | None
    runbooks: Sequence[tuple[str, str]]
    similar: Mapping[str, Any] | None


async def my_page(visit: Visit) -> Mapping[str, Any]:
    """Show what is assigned to whoever is signed in; `who` shows another one's."""
    who = await visit.get("/session")
    asked = dict(visit.query)
    name = asked.get("who") or who["name"]
    here = [("site", asked["site"])] if asked.get("site") else []
    mine = [("assignee", name), *_OPEN, *here, ("sort", _PRESSING_FIRST), ("limit", 100)]
    free = [("state", "new"), *here, ("sort", _PRESSING_FIRST), ("limit", 100)]
    page, news = await asyncio.gather(
        visit.get("/incidents", mine) if name else _nothing(), visit.get("/incidents", free)
    )
    ordered = sorted(page["items"], key=_due_at)
    jobs = list(await asyncio.gather(*(_job(visit, each) for each in ordered[:_TOLD])))
    jobs += [Job(each, _due(each), None, (), None) for each in ordered[_TOLD:]]
    sites: dict[str, list[Job]] = {}
    for job in jobs:
        sites.setdefault(job.incident["site"] or "", []).append(job)
    return {
        "name": name,
        "count": len(jobs),
        "by_site": sites,
        "free": [each for each in news["items"] if not each["assignee"]][:10],
        "codes": CODES,
        "here": "/my" + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
    }


async def _nothing() -> Mapping[str, Any]:
    return {"items": []}


async def _job(visit: Visit, incident: Mapping[str, Any]) -> Job:
    """Return an incident with what helps to end it."""
    device, rule, service, similar = await asyncio.gather(
        _named(visit, "devices", incident["site"], incident["device"]),
        _named(visit, "rules", incident["rule"]),
        _named(visit, "services", incident["service"]),
        visit.get(f"{incident_path(incident['number'])}/similar", {"limit": 1}),
    )
    return Job(incident, _due(incident), device, runbooks(rule, service), similar if similar["items"] else None)


async def _named(visit: Visit, kind: str, *names: str | None) -> Any:
    if not all(names):
        return None
    return await visit.get_or_none("/".join(["", kind, *(quote(each or "", safe="") for each in names)]))


def _due(incident: Mapping[str, Any]) -> SlaView | None:
    """Return the clock that ends first."""
    running = [each for each in sla_view(incident["sla"]) if each.due_at is not None]
    return min(running, key=lambda each: each.due_at or _LATEST, default=None)


def _due_at(incident: Mapping[str, Any]) -> str:
    due = _due(incident)
    return (due and due.due_at) or _LATEST
