"""The page of one incident: why it was raised, what happened, and what can be done now."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from iotops.console.forms import FIELDS
from iotops.console.visit import Visit

_MOST_ENTRIES = 200


async def incident_page(visit: Visit) -> Mapping[str, Any] | Response:
    """Show one incident; one that was merged leads to the one that tells its story."""
    path = f"/incidents/{quote(visit.parts['number'], safe='')}"
    who, found, entries, evidence, suspects, similar = await visit.gather(
        "/session",
        path,
        f"{path}/timeline?limit={_MOST_ENTRIES}",
        f"{path}/evidence",
        f"{path}/suspects?limit=5",
        f"{path}/similar",
    )
    return {
        "incident": found,
        "timeline": entries["items"],
        "evidence": evidence["evidence"],
        "suspect": next(iter(suspects["items"]), None),
        "similar": similar,
        "fields": FIELDS if who["role"] != "viewer" else {},
    }
