"""The board: what needs somebody now, or whatever the query in the address asks for."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from iotops.console.forms import CODES
from iotops.console.views.rail import OPEN, Query, View, shown_views
from iotops.console.views.sparklines import sparkline_url
from iotops.console.visit import Visit
from iotops.durations import format_instant, parse_instant

SORT = "-priority,-raised_at"
FILTERS = ("state", "priority", "site", "service", "device", "rule", "assignee", "problem", "q", "since", "until")
_AROUND = ("site", "limit", "cursor")  # a query of nothing else asks for what is open
_DAY_MS = 86_400_000
_SILENT_MS = 600_000  # fleets of any size say something every ten minutes


async def board(visit: Visit) -> Mapping[str, Any]:
    """Show the incidents that the address asks for; without a query those that are open."""
    asked = visit.query
    query = asked if any(name not in _AROUND for name, _ in asked) else [*asked, *OPEN]
    ordered = query if any(name == "sort" for name, _ in query) else [*query, ("sort", SORT)]
    around = [pair for pair in asked if pair[0] == "site"]
    day = [("kpi", "mtta"), ("from", format_instant(visit.now_ms - _DAY_MS)), *around]
    page, counts, here, kpis, devices, ingest, views = await asyncio.gather(
        visit.get("/incidents", ordered),
        visit.get("/incidents/counts", [*around, *OPEN]),
        visit.get("/incidents/counts", [pair for pair in query if pair[0] in FILTERS]),
        visit.get("/kpis", day),
        visit.get("/devices/counts", around),
        visit.get("/ingest"),
        shown_views(visit, around, query),
    )
    cursor = page["next_cursor"]
    following = [pair for pair in ordered if pair[0] != "cursor"]
    return {
        "incidents": [{**each, "sparkline": sparkline_url(each, visit.now_ms)} for each in page["items"]],
        "counts": counts,
        "total": here["total"],
        "mtta": kpis["items"][0],
        "devices": devices,
        "silent": is_silent(ingest["last_message_at"], visit.now_ms),
        "older": urlencode([*following, ("cursor", cursor)]) if cursor else None,
        "views": views,
        "view": _current(views),
        "query": urlencode([pair for pair in query if pair[0] in (*FILTERS, "sort")]),
        "chosen": _chosen(asked),
        "chips": _chips(asked),
        "q": dict(asked).get("q"),
        "here": visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
        "priorities": [(each, urlencode([*around, ("priority", each), *OPEN])) for each in ("P1", "P2", "P3")],
        "around": urlencode(around),
        "codes": CODES,
    }


def is_silent(last_message_at: str | None, now_ms: int) -> bool:
    """Say whether so little arrives that an empty list is no good news."""
    return last_message_at is None or now_ms - parse_instant(last_message_at) > _SILENT_MS


def _current(views: Sequence[View]) -> str | None:
    return next((each.name for each in views if each.current), None)


def _chosen(asked: Query) -> dict[str, list[str]]:
    """Return name -> values of every filter, for the form that changes them."""
    found: dict[str, list[str]] = {name: [] for name in (*FILTERS, "sort")}
    for name, value in asked:
        if name in found:
            found[name].append(value)
    return found


def _chips(asked: Query) -> list[tuple[str, str, str]]:
    """Return each filter in force, and the address without it."""
    kept = [pair for pair in asked if pair[0] != "cursor"]
    return [
        (name, value, urlencode([*kept[:place], *kept[place + 1 :]]))
        for place, (name, value) in enumerate(kept)
        if name in FILTERS and name != "site"
    ]
