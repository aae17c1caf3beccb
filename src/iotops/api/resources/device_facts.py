"""/devices/{site}/{device}/...: what it sent last, what stands around it, and what is planned for it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Caller, Viewer
from iotops.api.context import ContextOf
from iotops.api.device_shapes import HealthWord, Lifecycle
from iotops.api.paging import Page
from iotops.api.resources.devices import visible_device
from iotops.api.shapes import DeviceName, Instant, Shape, SiteName
from iotops.api.suppression_shapes import SuppressionShape
from iotops.api.suppression_work import sees, shaper
from iotops.incidents.suppression import Subject, subject_of
from iotops.store import healths, relations, suppressions, telemetry
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.telemetry.reading import DeviceKey, Kind, Reading

router = APIRouter(prefix="/devices/{site}/{device}", tags=["devices"])

_KINDS: dict[Kind, Literal["telemetry", "event", "status"]] = {
    Kind.TELEMETRY: "telemetry",
    Kind.EVENT: "event",
    Kind.STATUS: "status",
}


class ReadingShape(Shape):
    """One reading as it was stored; the bytes that it came in are not kept."""

    position: int = Field(description="in the order of arrival of everything")
    kind: Literal["telemetry", "event", "status"]
    at: Instant
    received_at: Instant
    skewed: bool = Field(description="its own time was too far off, and the receive time counts")
    boot: str | None
    seq: int | None
    values: dict[str, float | int | bool | str | None]
    labels: dict[str, str] = Field(description="what a status said beside its state")


class NeighbourShape(Shape):
    """A device next to this one."""

    site: str
    device: str
    name: str | None
    lifecycle: Lifecycle
    health: HealthWord


class RelationsShape(Shape):
    """What stands around a device, by its labels and by dependencies."""

    parents: list[NeighbourShape] = Field(description="what it reaches the broker through")
    children: list[NeighbourShape] = Field(description="what reaches the broker through it; at most 200")
    children_total: int
    services: list[str]
    suppliers: list[str]


@router.get("/readings", operation_id="list_readings", summary="Last readings")
def list_readings(
    caller: Viewer,
    context: ContextOf,
    site: SiteName,
    device: DeviceName,
    limit: Annotated[int, Query(ge=1, le=200, description="how many at most")] = 10,
) -> Page[ReadingShape]:
    """Return what arrived last of a device, the newest first."""
    key = DeviceKey(site, device)
    with context.read() as unit:
        visible_device(unit, caller, key)
        found = telemetry.newest(unit, key, limit)
    return Page(items=[_reading_shape(position, each) for position, each in found], next_cursor=None)


@router.get("/relations", operation_id="get_relations", summary="What stands around it")
def get_relations(caller: Viewer, context: ContextOf, site: SiteName, device: DeviceName) -> RelationsShape:
    """Return the devices next to a device, and the services and suppliers that it is linked to."""
    with context.read() as unit:
        around = relations.relations(unit, visible_device(unit, caller, DeviceKey(site, device)))
        parents = [each for each in around.parents if caller.sees(each.key.site)]
        children = [each for each in around.children if caller.sees(each.key.site)]
        now_ms = context.now_ms()
        return RelationsShape(
            parents=_neighbours(unit, parents, now_ms),
            children=_neighbours(unit, children[:200], now_ms),
            children_total=len(children),
            services=around.services,
            suppliers=around.suppliers,
        )


@router.get("/suppressions", operation_id="list_device_suppressions", summary="Maintenance and silences about it")
def list_device_suppressions(
    caller: Viewer, context: ContextOf, site: SiteName, device: DeviceName
) -> Page[SuppressionShape]:
    """Return what keeps its alerts from raising incidents: what runs or is planned, whichever rules it names."""
    key = DeviceKey(site, device)
    with context.read() as unit:
        found = visible_device(unit, caller, key)
        service = next(iter(relations.relations(unit, found).services), None)
        about = subject_of(key, found.labels, None, service)
        kept = suppressions.page(unit, limit=1_000, ended=False)
        meant = [each for each in kept if _concerns(each, caller, context.now_ms()) and _fits(each, about)]
        shape = shaper(unit, context, caller, meant[:200])
        return Page(items=[shape(each) for each in meant[:200]], next_cursor=None)


def _concerns(each: suppressions.Kept, caller: Caller, now_ms: int) -> bool:
    return sees(caller, each) and each.suppression.windows.current_or_next(now_ms) is not None


def _fits(each: suppressions.Kept, about: Subject) -> bool:
    return each.suppression.matcher.fits_device(about)


def _neighbours(unit: Unit, found: Sequence[Device], now_ms: int) -> list[NeighbourShape]:
    words = healths.judge(unit, found, now_ms, few=True)
    return [
        NeighbourShape.model_validate(
            {**each.key._asdict(), "name": each.name, "lifecycle": each.lifecycle, "health": words[each.key]}
        )
        for each in found
    ]


def _reading_shape(position: int, found: Reading) -> ReadingShape:
    return ReadingShape(
        position=position,
        kind=_KINDS[found.kind],
        at=found.at_ms,
        received_at=found.received_ms,
        skewed=found.skewed,
        boot=found.boot,
        seq=found.seq,
        values=dict(found.values),
        labels=dict(found.labels),
    )
