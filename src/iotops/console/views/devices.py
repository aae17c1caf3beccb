"""The devices: how they stand, to be searched and walked page by page."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from iotops.console.figures import HEALTH_WORDS
from iotops.console.visit import Visit

_SCOPE = ("site", "service", "q", "lifecycle", "online", "device")


class Chip(NamedTuple):
    """One health as a filter: how many there are, and where they are listed."""

    health: str | None
    n: int
    href: str
    current: bool


async def devices_page(visit: Visit) -> Mapping[str, Any]:
    """Show the devices that the address asks for, with how many of them stand how."""
    asked = visit.query
    scope = [pair for pair in asked if pair[0] in _SCOPE]
    page, counts, services = await asyncio.gather(
        visit.get("/devices", asked),
        visit.get("/devices/counts", scope),
        visit.get("/services", {"limit": 200}),
    )
    cursor = page["next_cursor"]
    following = [pair for pair in asked if pair[0] != "cursor"]
    return {
        "devices": page["items"],
        "counts": counts,
        "chips": _chips(scope, counts["healths"], [value for name, value in asked if name == "health"]),
        "following": urlencode([*following, ("cursor", cursor)]) if cursor else None,
        "first": urlencode(following) if any(name == "cursor" for name, _ in asked) else None,
        "asked": dict(asked),
        "services": [(each["id"], each["name"] or each["id"]) for each in services["items"]],
        "filtered": bool(scope or following),
    }


def _chips(scope: Sequence[tuple[str, str]], counts: Mapping[str, int], chosen: Sequence[str]) -> list[Chip]:
    whole = Chip(None, sum(counts.values()), _address(scope), not chosen)
    of_each = (
        Chip(health, counts[health], _address([*scope, ("health", health)]), list(chosen) == [health])
        for health in HEALTH_WORDS
        if counts.get(health)
    )
    return [whole, *of_each]


def _address(query: Sequence[tuple[str, str]]) -> str:
    return f"/devices?{urlencode(query)}" if query else "/devices"
