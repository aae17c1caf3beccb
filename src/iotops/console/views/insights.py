"""Insights: the figures of a period with their definitions, and a way from every number to its incidents."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from iotops.console.bars import Bar, ages, day_bars
from iotops.console.figures import figure
from iotops.console.refusal import refusal
from iotops.console.spans import read_span
from iotops.console.visit import Visit

RANGES = ("24h", "7d", "30d", "90d", "365d")
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")

_SCOPE = ("site", "service", "device", "priority")
_TILES = (
    *("mtta", "mttr", "mttr_business", "mtbf", "volume", "backlog"),
    *("sla_respond", "sla_resolve", "sla_supplier", "reopened", "noise", "false_alarms"),
)
_LESS_IS_BETTER = frozenset({"mtta", "mttr", "mttr_business", "volume", "backlog", "reopened", "noise", "false_alarms"})
_API_LIST = "/api/v1/kpis/incidents?"


async def insights_page(visit: Visit) -> Mapping[str, Any]:
    """Show the figures of the period and the scope that the address asks for."""
    asked = dict(visit.query)
    span = read_span(asked, RANGES, visit.now_ms, "30d")
    scope = [pair for pair in visit.query if pair[0] in _SCOPE]
    around = [*span.query.items(), *scope]
    kpis, backlog, promises, suppliers, rules, devices, candidates, services, *volumes = await asyncio.gather(
        visit.get("/kpis", around),
        visit.get("/kpis", [*around, ("kpi", "backlog"), ("by", "age")]),
        visit.get("/kpis", [*around, ("kpi", "sla_respond"), ("kpi", "sla_resolve"), ("by", "service")]),
        visit.get("/kpis", [*around, ("kpi", "sla_supplier"), ("by", "supplier")]),
        visit.get("/kpis/noisy", [*around, ("by", "rule")]),
        visit.get("/kpis/noisy", [*around, ("by", "device")]),
        visit.get("/problems/candidates", {"limit": 10}),
        visit.get("/services", {"limit": 200}),
        *(visit.get("/kpis", _by_day(around, priority)) for priority in _wanted(asked)),
    )
    by_name = {each["kpi"]: each for each in kpis["items"]}
    return {
        "span": span,
        "ranges": [(word, _address([*scope, ("range", word)]), word == span.word) for word in RANGES],
        "asked": asked,
        "services": [(each["id"], each["name"] or each["id"]) for each in services["items"]],
        "tiles": [_tile(by_name[name]) for name in _TILES],
        "days": day_bars(
            {
                priority: _linked(each["items"][0]["groups"])
                for priority, each in zip(_wanted(asked), volumes, strict=True)
            },
            span,
        ),
        "ages": ages(_linked(backlog["items"][0]["groups"])),
        "promises": _promises(promises["items"]),
        "suppliers": [_share(each) for each in suppliers["items"][0]["groups"]],
        "rules": rules,
        "devices": devices,
        "candidates": candidates["items"],
        "csv": [(label, _csv(around, more)) for label, more in _TABLES],
        "scope": urlencode([*span.address.items(), *scope]),
        "around": around,
    }


_TABLES = (
    ("Figures", ()),
    ("By service", (("by", "service"),)),
    ("By day", (("by", "day"), ("limit", "200"))),
    ("By rule", (("by", "rule"),)),
)


async def behind_page(visit: Visit) -> Mapping[str, Any]:
    """Show the incidents that a figure was computed from; the address is that of the API."""
    asked = visit.query
    page = await visit.get("/kpis/incidents", asked)
    said = dict(asked)
    whole = await visit.get("/kpis", [pair for pair in asked if pair[0] in (*_SCOPE, "kpi", "from", "to")])
    (kpi,) = whole["items"]
    following = [pair for pair in asked if pair[0] != "cursor"]
    cursor = page["next_cursor"]
    return {
        "kpi": kpi,
        "period": (whole["from"], whole["to"]),
        "asked": said,
        "rows": [(each["incident"], _told(kpi, each)) for each in page["items"]],
        "following": urlencode([*following, ("cursor", cursor)]) if cursor else None,
        "back": _address([pair for pair in asked if pair[0] in (*_SCOPE, "from", "to")]),
    }


async def open_problem(visit: Visit) -> Response:
    """Open a problem from what keeps coming back."""
    form = await visit.form()
    key = {name: form.get(name, "") for name in ("rule", "instance")}
    answer = await visit.send("POST", "/problems", form, {"candidate": key})
    if not answer.ok:
        return await refusal(visit, answer)
    return RedirectResponse(f"/insights?opened={answer.body['number']}#recurring", 303)


def _wanted(asked: Mapping[str, str]) -> Sequence[str]:
    """Return the priorities of which the volume is drawn."""
    chosen = asked.get("priority")
    return (chosen,) if chosen in PRIORITIES else PRIORITIES


def _by_day(around: Sequence[tuple[str, str]], priority: str) -> list[tuple[str, str]]:
    others = [pair for pair in around if pair[0] != "priority"]
    return [*others, ("priority", priority), ("kpi", "volume"), ("by", "day"), ("limit", "200")]


def _tile(kpi: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure as its tile shows it; `change` compares with the period before, where both have a value."""
    value, before = kpi["value"], kpi["previous"]["value"]
    change = None
    if value is not None and before not in (None, 0) and kpi["unit"] != "share":
        change = f"{(value - before) / before * 100:+.0f} %"
    elif value is not None and before is not None and kpi["unit"] == "share":
        change = f"{(value - before) * 100:+.1f} points"
    worse = change is not None and value != before and (value > before) == (kpi["kpi"] in _LESS_IS_BETTER)
    return {
        **kpi,
        "shown": figure(value, kpi["unit"]),
        "before": figure(before, kpi["unit"]),
        "change": None if value == before else change,
        "tone": "" if change is None or value == before else "worse" if worse else "better",
        "href": _here(kpi["incidents"]),
    }


def _promises(kpis: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return service -> share of promises kept, respond and resolve beside each other."""
    found: dict[str | None, dict[str, Any]] = {}
    for kpi in kpis:
        for group in kpi["groups"]:
            found.setdefault(group["key"], {"key": group["key"]})[kpi["kpi"]] = _share(group)
    return list(found.values())


def _share(group: Mapping[str, Any]) -> dict[str, Any]:
    return {**group, "shown": figure(group["value"], "share"), "href": _here(group["incidents"])}


def _linked(groups: Sequence[Mapping[str, Any]]) -> list[Bar]:
    return [Bar(each["key"] or "", each["n"], _here(each["incidents"])) for each in groups]


def _told(kpi: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    if kpi["unit"] == "ms" or kpi["kpi"] == "backlog":
        return figure(row["value"], "ms")
    return f"{row['value']} of {row['n']}" if kpi["unit"] == "share" else ""


def _here(link: str) -> str:
    """Return our page of what the API lists under a link of its own."""
    return f"/insights/incidents?{link.removeprefix(_API_LIST)}"


def _csv(around: Sequence[tuple[str, str]], more: Sequence[tuple[str, str]]) -> str:
    return f"/api/v1/kpis.csv?{urlencode([*around, *more])}"


def _address(query: Sequence[tuple[str, str]]) -> str:
    return f"/insights?{urlencode(query)}" if query else "/insights"
