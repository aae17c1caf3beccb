"""What every page has around it: who is signed in, how the ingest fares, the sites, and where one can go."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from iotops.clock import utc
from iotops.console.visit import Visit


class Place(NamedTuple):
    """One entry of the navigation; `by_site`: its page takes `site=` and shows only that site.

    `admins`: nobody else is led there.
    """

    path: str
    label: str
    by_site: bool = False
    admins: bool = False


PLACES: Sequence[Place] = (
    Place("/", "Board", by_site=True),
    Place("/my", "My work", by_site=True),
    Place("/devices", "Devices", by_site=True),
    Place("/services", "Services", by_site=True),
    Place("/insights", "Insights", by_site=True),
    Place("/rules", "Rules"),
    Place("/quiet", "Quiet time"),
    Place("/dead-letters", "Dead letters"),
    Place("/admin", "Admin", admins=True),
)
"""The navigation, in its order: a page that should be in it is one line here."""


async def frame(visit: Visit) -> dict[str, Any]:
    """Return what the base template needs around any page.

    Raises:
        Refused: nobody is signed in, or the API does not answer.
    """
    who, ingest, sites, news = await visit.gather(
        "/session", "/ingest", "/sites?limit=200", "/incidents/counts?state=new&priority=P1"
    )
    site = chosen_site(visit)
    return {
        **bare_frame(visit),
        "who": who,
        "ingest": ingest,
        "sites": _options(sites["items"], who["site"], site),
        "site": site,
        "new_p1": news["total"],
        "places": [
            (_here(each, site), each.label, is_current(each, visit))
            for each in PLACES
            if who["role"] == "admin" or not each.admins
        ],
        "known_places": [each.path for each in PLACES],
        "by_site": any(each.by_site and is_current(each, visit) for each in PLACES),
    }


def bare_frame(visit: Visit) -> dict[str, Any]:
    """Return what pages need that nobody has to be signed in for."""
    return {"now": utc(visit.now_ms), "zone": visit.zone, "theme": visit.theme}


def chosen_site(visit: Visit) -> str | None:
    """Return the one site that the page is about, None where it is about several or all."""
    found = [value for name, value in visit.query if name == "site"]
    return found[0] if len(found) == 1 and found[0] else None


def is_current(place: Place, visit: Visit) -> bool:
    """Say whether the visit is to that place, or to a page below it."""
    path = visit.request.url.path
    return path == place.path or (place.path != "/" and path.startswith(f"{place.path}/"))


def _here(place: Place, site: str | None) -> str:
    return f"{place.path}?{urlencode({'site': site})}" if site and place.by_site else place.path


def _options(sites: Sequence[Mapping[str, Any]], bound: str | None, chosen: str | None) -> list[tuple[str, str]]:
    """Return site -> what people call it; also one that is chosen and unknown, so that the choice is seen."""
    found = {each["id"]: each["name"] or each["id"] for each in sites if bound in (None, each["id"])}
    if chosen is not None:
        found.setdefault(chosen, chosen)
    return list(found.items())
