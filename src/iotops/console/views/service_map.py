"""The service map: what people use, what that runs on, and who supplies it, as a drawing and as a table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from iotops.console.gathering import gathered
from iotops.console.layers import BOX_HEIGHT, BOX_WIDTH, Layout, arranged
from iotops.console.visit import Visit

DRAWN_AT_MOST = 300
"""Beyond so many nodes nobody finds anything in a drawing; the table comes first then."""

_KINDS = {"service": "Service", "group": "Devices", "device": "Gateway", "supplier": "Supplier"}
_HIGHEST = {"service": 0, "group": 2, "device": 3, "supplier": 4}
_RANKS = ("alert", "degraded", "unknown", "maintenance", "ok")
_OPEN = (("state", "new"), ("state", "in_progress"), ("state", "on_hold"))


class Way(NamedTuple):
    """An edge as a curve; `near` names its ends."""

    source: str
    target: str
    path: str


async def services_page(visit: Visit) -> Mapping[str, Any]:
    """Show the map; of one node with all that it needs and that needs it, where `focus` names one."""
    asked = dict(visit.query)
    sites = [pair for pair in visit.query if pair[0] == "site"]
    found = await visit.get("/service-map", sites)
    nodes, edges = found["nodes"], [(each["from"], each["to"]) for each in found["edges"]]
    focus = asked.get("focus") if any(node["id"] == asked.get("focus") for node in nodes) else None
    if focus is not None:
        near = related(focus, edges)
        nodes = [node for node in nodes if node["id"] in near]
        edges = [edge for edge in edges if edge[0] in near and edge[1] in near]
    wanted = asked.get("view", "map" if len(nodes) <= DRAWN_AT_MOST else "table")
    if wanted == "map":
        nodes, edges = gathered(nodes, edges)
    shown = {node["id"]: _shown(node) for node in nodes}
    layout = _layout(nodes, edges) if wanted == "map" and nodes else None
    return {
        "nodes": sorted(shown.values(), key=lambda node: (_RANKS.index(node["health"]), node["rank"], node["title"])),
        "by_id": shown,
        "layout": layout,
        "ways": _ways(layout) if layout else [],
        "box": (BOX_WIDTH, BOX_HEIGHT),
        "needs": _listed((high, low) for high, low in edges),
        "needed_by": _listed((low, high) for high, low in edges),
        "focus": focus,
        "focused": shown.get(focus or ""),
        "view": wanted,
        "addresses": {view: _address(sites, {"focus": focus, "view": view}) for view in ("map", "table")},
        "whole": _address(sites, {"view": asked.get("view")}),
        "scope": urlencode(sites),
        "is_gathered": any("sites" in node for node in nodes),
        "counts": {word: sum(node["health"] == word for node in nodes) for word in _RANKS},
    }


def related(focus: str, edges: Sequence[tuple[str, str]]) -> set[str]:
    """Return a node with all that it needs and all that needs it, over whatever way."""
    return _reached(focus, _listed(edges)) | _reached(focus, _listed((low, high) for high, low in edges))


def _reached(start: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        beyond = [node for node in ways.get(waiting.pop(), ()) if node not in found]
        found.update(beyond)
        waiting += beyond
    return found


def _listed(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for source, target in pairs:
        found[source].append(target)
    return dict(found)


def _layout(nodes: Sequence[Mapping[str, Any]], edges: Sequence[tuple[str, str]]) -> Layout:
    ids = [node["id"] for node in nodes]
    needed = {low for high, low in edges if high.startswith("service:")}
    least = {node["id"]: _HIGHEST[node["kind"]] for node in nodes}
    least |= {node: 1 for node in ids if node.startswith("service:") and node in needed}
    return arranged(ids, edges, least)


def _ways(layout: Layout) -> list[Way]:
    found = []
    for (high, low), points in layout.ways.items():
        (x, y), *_ = points
        path = f"M{x:g} {y:g}"
        for (x1, y1), (x2, y2) in pairwise(points):
            bend = (y2 - y1) / 2
            path += f"V{y2:g}" if x1 == x2 else f"C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
        found.append(Way(high, low, path))
    return found


def _shown(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node with what people read of it, and where its parts are listed."""
    kind, _, rest = node["id"].partition(":")
    service, _, site = rest.partition("@")
    urgent = sum(node["open"].get(priority, 0) for priority in ("P1", "P2"))
    total = sum(node["devices"].values())
    where = site or f"{node.get('sites', 0)} sites"
    title = node["name"] or (f"{service or 'Devices'} at {where}" if kind == "group" else rest)
    return {
        **node,
        "title": title,
        "word": _KINDS[kind],
        "rank": _HIGHEST[kind],
        "urgent": urgent,
        "open_total": sum(node["open"].values()),
        "detail": _detail(node, total, urgent),
        "href": _href(kind, rest, service, site),
        "status_href": f"/services/{quote(rest, safe='')}/status" if kind == "service" else None,
        "focus_href": _many(kind, service) if "sites" in node else f"/services?{urlencode({'focus': node['id']})}",
    }


def _detail(node: Mapping[str, Any], total: int, urgent: int) -> str:
    parts = [f"criticality {node['criticality']}"] if node["criticality"] else []
    if total:
        bad = total - node["devices"].get("ok", 0)
        parts.append(f"{total:,} devices" + (f", {bad:,} not OK" if bad else "") if total > 1 else "1 device")
    if urgent:
        parts.append(f"{urgent} P1/P2")
    return " · ".join(parts) or _KINDS[node["kind"]]


def _href(kind: str, rest: str, service: str, site: str) -> str:
    """Return where the devices or incidents behind a node are listed."""
    if kind == "device":
        place, _, device = rest.partition("/")
        return f"/devices/{quote(place, safe='')}/{quote(device, safe='')}"
    if kind == "group":
        chosen = {"site": site, "service": service}
        return f"/devices?{urlencode({name: value for name, value in chosen.items() if value})}"
    if kind == "service":
        return f"/?{urlencode([('service', rest), *_OPEN])}"
    return "/insights#suppliers"


def _many(kind: str, service: str) -> str:
    """Return where the members of a node that stands for many are listed."""
    if kind == "group" and service:
        return f"/devices?{urlencode({'service': service})}"
    return "/devices" if kind == "group" else "/services?view=table"


def _address(sites: Sequence[tuple[str, str]], said: Mapping[str, str | None]) -> str:
    query = urlencode([*sites, *((name, value) for name, value in said.items() if value)])
    return f"/services?{query}" if query else "/services"
