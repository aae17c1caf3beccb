"""The left rail: lists that many need, and those that somebody saved, each with how many incidents it holds."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from iotops.console.visit import Visit

Query = list[tuple[str, str]]

OPEN = (("state", "new"), ("state", "in_progress"), ("state", "on_hold"))


class View(NamedTuple):
    """A view as the rail shows it; `holds` None where nobody wants to know how many it holds."""

    name: str
    href: str
    holds: int | None
    current: bool


async def shown_views(visit: Visit, around: Query, query: Query) -> list[View]:
    """Return the views that everybody has.

    Args:
        visit: whose.
        around: the site chosen, which every view keeps.
        query: what the page shows now; the view that asks the same is the current one.
    """
    who, counts = await asyncio.gather(visit.get("/session"), visit.get("/incidents/counts", [*around, *OPEN]))
    mine = [("assignee", who["name"]), *OPEN]
    own = await visit.get("/incidents/counts", [*around, *mine]) if who["name"] else {"total": 0}
    holds = {"mine": own["total"], **_holds(counts)}
    return [
        _view(name, [*around, *(mine if key == "mine" else asked)], query, holds.get(key))
        for key, name, asked in _BUILT_IN
        if key != "mine" or who["name"]
    ]


_BUILT_IN: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = (
    ("open", "Open", OPEN),
    ("unacknowledged", "Unacknowledged", (("state", "new"),)),
    ("mine", "Mine", ()),
    ("pressing", "P1 and P2", (("priority", "P1"), ("priority", "P2"), *OPEN)),
    ("held", "On hold", (("state", "on_hold"),)),
    ("resolved", "Resolved", (("state", "resolved"),)),
    ("all", "All", (("sort", "-raised_at"),)),
)
"""Key, name, and the query in the API's own names: a view is a bookmark."""


def _holds(counts: Mapping[str, Any]) -> dict[str, int]:
    states, priorities = counts["states"], counts["priorities"]
    return {
        "open": counts["total"],
        "unacknowledged": states.get("new", 0),
        "pressing": priorities.get("P1", 0) + priorities.get("P2", 0),
        "held": states.get("on_hold", 0),
    }


def _view(name: str, asked: Query, query: Query, holds: int | None) -> View:
    plain = [pair for pair in asked if pair[0] != "site"]
    short = [pair for pair in asked if pair[0] == "site"] if plain == list(OPEN) else asked
    href = f"/?{urlencode(short)}" if short else "/"
    return View(
        name, href, holds, sorted(asked) == sorted(pair for pair in query if pair[0] not in ("cursor", "limit"))
    )
