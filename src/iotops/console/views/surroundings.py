"""What stands around an incident: its device, the services that need it, who supplies them, what was there before."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from iotops.console.visit import Visit

_BEFORE = 4


class Part(NamedTuple):
    """One node of the affected part of the service map.

    `kind` is service, device or supplier; `role` what it has to do with it: root, affected, via or supplier.
    """

    kind: str
    id: str
    name: str
    role: str
    said: str


async def surroundings(visit: Visit, incident: Mapping[str, Any]) -> dict[str, Any]:
    """Return `device`, `service`, `before` (the incidents of the device before) and `affected` (parts of the map)."""
    device, service, before = await asyncio.gather(
        _device(visit, incident), _service(visit, incident["service"]), _before(visit, incident)
    )
    return {
        "device": device,
        "service": service,
        "before": before,
        "affected": await _affected(visit, incident, device, service),
    }


async def _device(visit: Visit, incident: Mapping[str, Any]) -> Any:
    if not (incident["site"] and incident["device"]):
        return None
    site, device = (quote(incident[name], safe="") for name in ("site", "device"))
    return await visit.get_or_none(f"/devices/{site}/{device}")


async def _service(visit: Visit, service: str | None) -> Any:
    return None if service is None else await visit.get_or_none(f"/services/{quote(service, safe='')}")


async def _before(visit: Visit, incident: Mapping[str, Any]) -> list[Any]:
    if not incident["device"]:
        return []
    asked = {"site": incident["site"], "device": incident["device"], "limit": _BEFORE}
    page = await visit.get("/incidents", asked)
    return [each for each in page["items"] if each["number"] != incident["number"]][: _BEFORE - 1]


async def _affected(
    visit: Visit, incident: Mapping[str, Any], device: Mapping[str, Any] | None, service: Mapping[str, Any] | None
) -> list[Part]:
    """Return the services that are affected, the farthest first, then the device, its gateway, and the suppliers."""
    impact = incident["priority_reason"].get("impact") or {}
    services: Sequence[Mapping[str, Any]] = impact.get("services") or ()
    parts = [_affected_service(each, root=incident["service"]) for each in reversed(services)]
    if not parts and service is not None:
        parts.append(Part("service", service["id"], service["name"] or service["id"], "affected", ""))
    if incident["device"]:
        name = (device or {}).get("name") or incident["device"]
        parts.append(Part("device", f"{incident['site']}/{incident['device']}", name, "root", incident["site"] or ""))
    gateway = ((device or {}).get("labels") or {}).get("gateway")
    if gateway:
        parts.append(Part("device", f"{incident['site']}/{gateway}", gateway, "via", "connects through it"))
    return [*parts, *await _suppliers(visit, incident["service"])]


def _affected_service(each: Mapping[str, Any], *, root: str | None) -> Part:
    share = f"{each['affected']} of {each['of']} devices" if each.get("of") else ""
    said = ", ".join(text for text in (f"criticality {each.get('criticality') or 'C'}", share) if text)
    return Part("service", each["service"], each["service"], "affected" if each["service"] == root else "needs", said)


async def _suppliers(visit: Visit, service: str | None) -> list[Part]:
    if service is None:
        return []
    page = await visit.get("/dependencies", {"node": f"service:{service}", "limit": 50})
    ids = [each["to"].partition(":")[2] for each in page["items"] if each["kind"] == "supplied_by"]
    found = await asyncio.gather(*(visit.get_or_none(f"/suppliers/{quote(each, safe='')}") for each in ids))
    return [
        Part("supplier", each["id"], each["name"] or each["id"], "supplier", each["contact"] or "")
        for each in found
        if each is not None
    ]
