"""/devices: what sends, where it stands, and what it is labelled."""

import hashlib
import json
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from iotops.api.access import Author, Caller, Viewer
from iotops.api.context import ContextOf
from iotops.api.device_shapes import (
    DeviceChange,
    DeviceCountsShape,
    DeviceShape,
    HealthWord,
    Lifecycle,
    device_shape,
)
from iotops.api.paging import Cursor, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.preconditions import IfMatch, etag, required_version
from iotops.api.shapes import DeviceName, Line, SiteName
from iotops.errors import StaleVersion
from iotops.store import devices, healths
from iotops.store.database import Unit
from iotops.store.devices import Device, DeviceFilter
from iotops.store.healths import Standing
from iotops.telemetry.reading import DeviceKey

router = APIRouter(prefix="/devices", tags=["devices"])

Names = Annotated[list[Line], Field(max_length=100)]
_ORDER = "site,device"
_Key = tuple[CursorText, CursorText]


class Filtered(BaseModel):
    """Which devices; a filter given more than once accepts each of its values."""

    site: Names = []
    device: Names = []
    lifecycle: list[Lifecycle] = []
    online: bool | None = None
    health: list[HealthWord] = []
    service: Names = Field([], description="what the label of that name says")
    q: Line | None = Field(None, description="part of the device's id or name")


class Wanted(Filtered):
    """A page of them."""

    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_devices", summary="List devices")
def list_devices(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[DeviceShape]:
    """Return devices by site and device."""
    after: _Key | None = decode_cursor(_ORDER, wanted.cursor, _Key)
    chosen = _filter_of(caller, wanted)
    if chosen is None:
        return Page(items=[], next_cursor=None)
    with context.read() as unit:
        found = _page(unit, chosen, wanted, after, context.now_ms())
        shown = healths.standings(unit, found, context.now_ms())
    return page_of(
        found,
        wanted.limit,
        lambda device: device_shape(device, shown[device.key]),
        lambda device: encode_cursor(_ORDER, tuple(device.key)),
    )


@router.get("/counts", operation_id="count_devices", summary="Count devices")
def count_devices(caller: Viewer, context: ContextOf, wanted: Annotated[Filtered, Query()]) -> DeviceCountsShape:
    """Return how many devices pass the filters of `/devices`, and how they stand."""
    chosen = _filter_of(caller, wanted)
    if chosen is None:
        return DeviceCountsShape(total=0, healths={})
    with context.read() as unit:
        counts = Counter(health for _, health in _judged(unit, chosen, wanted, None, context.now_ms()))
    return DeviceCountsShape.model_validate({"total": counts.total(), "healths": counts})


@router.get("/{site}/{device}", operation_id="get_device", summary="Show a device")
def get_device(
    response: Response, caller: Viewer, context: ContextOf, site: SiteName, device: DeviceName
) -> DeviceShape:
    """Return one device; the ETag goes into If-Match with a change."""
    with context.read() as unit:
        found = visible_device(unit, caller, DeviceKey(site, device))
        shown = _standing(unit, found, context.now_ms())
    response.headers["ETag"] = etag(_version(found))
    return device_shape(found, shown)


@router.patch(
    "/{site}/{device}",
    operation_id="change_device",
    summary="Change a device",
    openapi_extra={"x-problems": ["conflict", "precondition_required", "stale_version"]},
)
def change_device(
    *,
    response: Response,
    caller: Author,
    context: ContextOf,
    site: SiteName,
    device: DeviceName,
    body: DeviceChange,
    if_match: IfMatch = None,
) -> DeviceShape:
    """Set labels and lifecycle; rules see the change within seconds."""
    key, expected = DeviceKey(site, device), required_version(if_match)
    changes = body.model_dump(exclude_unset=True)

    def work(unit: Unit) -> tuple[Device, Standing]:
        before = visible_device(unit, caller, key, lock=True)
        if expected not in (None, _version(before)):
            msg = f"device {key} was changed since it was read: read it again and repeat"
            raise StaleVersion(msg)
        after = devices.patch(unit, key, now_ms=context.now_ms(), **changes)
        return after, _standing(unit, after, context.now_ms())

    changed, shown = context.write(work)
    response.headers["ETag"] = etag(_version(changed))
    return device_shape(changed, shown)


def visible_device(unit: Unit, caller: Caller, key: DeviceKey, *, lock: bool = False) -> Device:
    """Return a device that the caller may see.

    Raises:
        NotFound: there is none, or it is another site's.
    """
    caller.must_see(key.site, f"device {key} is not registered")
    return devices.get(unit, key, lock=lock)


def _filter_of(caller: Caller, wanted: Filtered) -> DeviceFilter | None:
    """Return which devices are asked for, as far as the caller sees them; None: not one."""
    sites = caller.sites(wanted.site)
    return None if sites is None else DeviceFilter(sites, wanted.device, wanted.lifecycle, wanted.online, wanted.q)


def _page(unit: Unit, chosen: DeviceFilter, wanted: Wanted, after: _Key | None, now_ms: int) -> list[Device]:
    if not wanted.health and not wanted.service:
        return devices.page(unit, chosen, limit=wanted.limit + 1, after=after)
    return [device for device, _ in _judged(unit, chosen, wanted, after, now_ms)[: wanted.limit + 1]]


def _judged(
    unit: Unit, chosen: DeviceFilter, wanted: Filtered, after: _Key | None, now_ms: int
) -> list[tuple[Device, str]]:
    """Return the devices that pass, by site and device, each with its health: what no index knows is asked of all."""
    found = devices.page(unit, chosen, limit=None, after=after)
    if wanted.service:
        found = [device for device in found if device.labels.get("service") in wanted.service]
    words = healths.judge(unit, found, now_ms)
    accepted = wanted.health or healths.HEALTHS
    return [(device, words[device.key]) for device in found if words[device.key] in accepted]


def _standing(unit: Unit, found: Device, now_ms: int) -> Standing:
    return healths.standings(unit, [found], now_ms)[found.key]


def _version(device: Device) -> str:
    """Return a digest of what a PATCH changes: telemetry and presence move on without making anybody stale."""
    changeable = json.dumps([dict(device.layers.api), device.lifecycle], sort_keys=True)
    return hashlib.blake2b(changeable.encode(), digest_size=8).hexdigest()
