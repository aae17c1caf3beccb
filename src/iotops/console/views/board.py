"""The board: what needs somebody now, or whatever the query in the address asks for."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from iotops.console.visit import Visit

Query = list[tuple[str, str]]

OPEN = (("state", "new"), ("state", "in_progress"), ("state", "on_hold"))
SORT = "-priority,-raised_at"


class View(NamedTuple):
    """A list that many need: its name, and its query in the API's own names, so that it is a bookmark."""

    name: str
    query: Sequence[tuple[str, str]]


VIEWS: Sequence[View] = (
    View("Open", OPEN),
    View("Unacknowledged", (("state", "new"),)),
    View("P1 and P2", (("priority", "P1"), ("priority", "P2"), *OPEN)),
    View("On hold", (("state", "on_hold"),)),
    View("Resolved", (("state", "resolved"),)),
    View("All", (("sort", "-raised_at"),)),
)


class Rail(NamedTuple):
    """A view as the left rail shows it; `incidents` None where nobody wants to know."""

    name: str
    href: str
    incidents: int | None
    current: bool


async def board(visit: Visit) -> Mapping[str, Any]:
    """Show the incidents that the address asks for; without a query those that are open."""
    asked = visit.query
    query = asked if any(name not in ("site", "limit") for name, _ in asked) else [*asked, *OPEN]
    ordered = query if any(name == "sort" for name, _ in query) else [*query, ("sort", SORT)]
    around = [pair for pair in asked if pair[0] == "site"]
    page, counts = await asyncio.gather(
        visit.get("/incidents", ordered),
        visit.get("/incidents/counts", [*around, *OPEN]),
    )
    cursor = page["next_cursor"]
    following = [pair for pair in ordered if pair[0] != "cursor"]
    rails = [_rail(view, around, query, counts) for view in VIEWS]
    return {
        "incidents": page["items"],
        "counts": counts,
        "older": urlencode([*following, ("cursor", cursor)]) if cursor else None,
        "rails": rails,
        "view": next((each.name for each in rails if each.current), None),
    }


def _rail(view: View, around: Query, query: Query, counts: Mapping[str, Any]) -> Rail:
    mine = [*around, *view.query]
    href = "/" if mine == list(OPEN) else f"/?{urlencode(mine)}"
    return Rail(view.name, href, _count(view, counts), sorted(mine) == sorted(query))


def _count(view: View, counts: Mapping[str, Mapping[str, int]]) -> int | None:
    """Return how many a view lists, as far as the counts of what is open tell."""
    states = [value for name, value in view.query if name == "state"]
    priorities = [value for name, value in view.query if name == "priority"]
    if not states or "resolved" in states:
        return None
    if priorities:
        return sum(counts["priorities"].get(each, 0) for each in priorities)
    return sum(counts["states"].get(each, 0) for each in states)


def query_of(text: str) -> Query:
    """Return the pairs of a query as the address bar shows it."""
    return parse_qsl(text, keep_blank_values=True)
