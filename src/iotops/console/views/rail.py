"""The left rail: lists that many need, and those that somebody saved, each with how many incidents it holds."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from iotops.console.visit import Visit

Query = list[tuple[str, str]]

OPEN = (("state", "new"), ("state", "in_progress"), ("state", "on_hold"))


class View(NamedTuple):
    """A view as the rail shows it.

    Attributes:
        holds: how many incidents; None where nobody wants to know.
        current: the page shows just this.
        saved: the id under which somebody saved it; None: everybody has it.
    """

    name: str
    href: str
    holds: int | None
    current: bool
    saved: int | None = None


async def shown_views(visit: Visit, around: Query, query: Query) -> list[View]:
    """Return the views that everybody has, then those that the visitor saved.

    Args:
        visit: whose.
        around: the site chosen, which every view keeps.
        query: what the page shows now; the view that asks the same is the current one.
    """
    who, counts = await asyncio.gather(visit.get("/session"), visit.get("/incidents/counts", [*around, *OPEN]))
    mine = [("assignee", who["name"]), *OPEN]
    own = await visit.get("/incidents/counts", [*around, *mine]) if who["name"] else {"total": 0}
    holds = {"mine": own["total"], **_holds(counts)}
    built_in = [
        _view(name, [*around, *(mine if key == "mine" else asked)], query, holds.get(key))
        for key, name, asked in _BUILT_IN
        if key != "mine" or who["name"]
    ]
    return [*built_in, *await _saved(visit, query)]


async def _saved(visit: Visit, query: Query) -> list[View]:
    """Return the visitor's own views; each is the query that was saved, whatever site the page is about."""
    kept = (await visit.get("/views"))["items"]
    asked = [parse_qsl(each["query"]) for each in kept]
    counts = await asyncio.gather(*(visit.get("/incidents/counts", each) for each in asked))
    return [
        _view(each["name"], pairs, query, count["total"])._replace(saved=each["id"])
        for each, pairs, count in zip(kept, asked, counts, strict=True)
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
