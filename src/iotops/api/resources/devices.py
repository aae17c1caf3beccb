"""/devices: what sends, where it stands, and what it is labelled."""

import hashlib
import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, Field

from iotops.api.access import Author, Caller, Viewer
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.preconditions import IfMatch, etag, required_version
from iotops.api.shapes import Body, DeviceName, Instant, Line, Shape, SiteName
from iotops.errors import StaleVersion
from iotops.store import devices
from iotops.store.database import Unit
from iotops.store.devices import Device, DeviceFilter
from iotops.telemetry.reading import DeviceKey

router = APIRouter(prefix="/devices", tags=["devices"])

Lifecycle = Literal["active", "retired"]


def _no_identity(name: str) -> str:
    if name in ("site", "device"):
        msg = f"{name} is part of the identity and no label that can be set"
        raise ValueError(msg)
    return name


LabelName = Annotated[str, Field(max_length=64, pattern="^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_no_identity)]
Names = Annotated[list[Line], Field(max_length=100)]
_ORDER = "site,device"
_Key = tuple[CursorText, CursorText]


class LabelSources(Shape):
    """Who said which label: the API beats the file, the file beats the status payload."""

    status: dict[str, str]
    file: dict[str, str]
    api: dict[str, str]


class DeviceShape(Shape):
    """One device; site and device together are its identity."""

    site: str
    device: str
    name: str | None
    labels: dict[str, str] = Field(description="what counts of `label_sources`")
    label_sources: LabelSources
    lifecycle: Lifecycle
    online: bool | None = Field(description="what its newest status said; null: it never said")
    online_at: Instant | None = Field(description="event time of that status")
    first_seen_at: Instant
    last_seen_at: Instant | None
    last_event_at: Instant | None = Field(description="newest event time of a stored reading")
    updated_at: Instant


class DeviceChange(Body):
    """Labels are merged into those that the API set before, null takes one out; retired devices raise nothing."""

    labels: Annotated[dict[LabelName, Line | None], Field(max_length=64, default_factory=dict)]
    lifecycle: Lifecycle = "active"


class Wanted(BaseModel):
    """Which devices to list; a filter given more than once accepts each of its values."""

    site: Names = []
    device: Names = []
    lifecycle: list[Lifecycle] = []
    online: bool | None = None
    q: Line | None = Field(None, description="part of the device's id or name")
    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_devices", summary="List devices")
def list_devices(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[DeviceShape]:
    """Return devices by site and device."""
    after: _Key | None = decode_cursor(_ORDER, wanted.cursor, _Key)
    sites = caller.sites(wanted.site)
    if sites is None:
        return Page(items=[], next_cursor=None)
    chosen = DeviceFilter(sites, wanted.device, wanted.lifecycle, wanted.online, wanted.q)
    with context.read() as unit:
        found = devices.page(unit, chosen, limit=wanted.limit + 1, after=after)
    return page_of(found, wanted.limit, _shape, lambda device: encode_cursor(_ORDER, tuple(device.key)))


@router.get("/{site}/{device}", operation_id="get_device", summary="Show a device")
def get_device(
    response: Response, caller: Viewer, context: ContextOf, site: SiteName, device: DeviceName
) -> DeviceShape:
    """Return one device; the ETag goes into If-Match with a change."""
    with context.read() as unit:
        found = visible_device(unit, caller, DeviceKey(site, device))
    response.headers["ETag"] = etag(_version(found))
    return _shape(found)


@router.patch(
    "/{site}/{device}",
    operation_id="change_device",
    summary="Change a device",
    openapi_extra={"x-problems": ["precondition_required", "stale_version"]},
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

    def work(unit: Unit) -> Device:
        before = visible_device(unit, caller, key, lock=True)
        if expected not in (None, _version(before)):
            msg = f"device {key} was changed since it was read: read it again and repeat"
            raise StaleVersion(msg)
        return devices.patch(unit, key, now_ms=context.now_ms(), **changes)

    changed = context.write(work)
    response.headers["ETag"] = etag(_version(changed))
    return _shape(changed)


def visible_device(unit: Unit, caller: Caller, key: DeviceKey, *, lock: bool = False) -> Device:
    """Return a device that the caller may see.

    Raises:
        NotFound: there is none, or it is another site's.
    """
    caller.must_see(key.site, f"device {key} is not registered")
    return devices.get(unit, key, lock=lock)


def _version(device: Device) -> str:
    """Return a digest of what a PATCH changes: telemetry and presence move on without making anybody stale."""
    changeable = json.dumps([dict(device.layers.api), device.lifecycle], sort_keys=True)
    return hashlib.blake2b(changeable.encode(), digest_size=8).hexdigest()


def _shape(device: Device) -> DeviceShape:
    return DeviceShape.model_validate(
        {
            "site": device.key.site,
            "device": device.key.device,
            "name": device.name,
            "labels": dict(device.labels),
            "label_sources": {
                "status": dict(device.layers.status),
                "file": dict(device.layers.file),
                "api": dict(device.layers.api),
            },
            "lifecycle": device.lifecycle,
            "online": device.online,
            "online_at": device.online_ms,
            "first_seen_at": device.first_seen_ms,
            "last_seen_at": device.last_seen_ms,
            "last_event_at": device.last_event_ms,
            "updated_at": device.updated_ms,
        }
    )
