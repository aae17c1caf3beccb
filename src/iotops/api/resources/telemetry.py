"""/devices/{site}/{device}/telemetry and /values: what a device measured."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from iotops.api.access import Viewer
from iotops.api.context import Context, ContextOf
from iotops.api.problems import Problem
from iotops.api.resources.devices import visible_device
from iotops.api.shapes import DeviceName, Instant, InstantIn, Line, Shape, SiteName
from iotops.durations import format_instant, parse_duration
from iotops.store import telemetry
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.telemetry.reading import DeviceKey

router = APIRouter(prefix="/devices/{site}/{device}", tags=["devices"])

DAY_MS = 86_400_000
MOST_POINTS = 100_000  # a day of one value a second; whoever draws more wants buckets


def _step(found: object) -> object:
    if isinstance(found, str):
        return int(found) * 1000 if found.isascii() and found.isdigit() and len(found) < 12 else parse_duration(found)
    return found


Step = Annotated[
    int,
    BeforeValidator(_step),
    Field(ge=1, le=400 * DAY_MS),
    WithJsonSchema({"type": "string", "examples": ["5m", "300"]}),
]


class Wanted(BaseModel):
    """Which points."""

    metric: Line | None = Field(None, description="which one; needed, the refusal names those that there are")
    from_: InstantIn | None = Field(None, alias="from", description="a day before `to` where it is left out")
    to: InstantIn | None = Field(None, description="excluded; just after the newest reading where it is left out")
    step: Step | None = Field(None, description="length of buckets: 5m, 1h, or seconds")


class SeriesShape(Shape):
    """Points by time; text and truth values have no average: with `step` each comes once for every bucket."""

    metric: str
    unit: str | None
    points: list[list[Any]] = Field(description="[t, value], or with `step` [t, min, avg, max, n]; t in RFC 3339")


class ValueShape(Shape):
    """The newest value of a metric."""

    metric: str
    unit: str | None
    at: Instant
    value: float | int | bool | str


class ValuesShape(Shape):
    """The newest value of each metric that the device sent lately."""

    items: list[ValueShape]


@router.get(
    "/telemetry",
    operation_id="get_telemetry",
    summary="One metric over time",
    openapi_extra={"x-problems": ["missing_parameter"]},
)
def get_telemetry(
    *, caller: Viewer, context: ContextOf, site: SiteName, device: DeviceName, wanted: Annotated[Wanted, Query()]
) -> SeriesShape:
    """Return one metric between two event times; with `step`, minimum, average, maximum and number per bucket."""
    key = DeviceKey(site, device)
    with context.read() as unit:
        found = visible_device(unit, caller, key)
        metric = _named(unit, key, wanted.metric)
        from_ms, to_ms = _range(context, found, wanted)
        points = telemetry.series(unit, key, metric, from_ms=from_ms, to_ms=to_ms, step_ms=wanted.step)
    if len(points) > MOST_POINTS:
        detail = (
            f"{len(points)} points between from and to, at most {MOST_POINTS} are given; ask with step, or for less"
        )
        raise Problem("validation_failed", detail, errors=[{"place": "query.step", "detail": detail}])
    spelled = [[format_instant(at_ms), *rest] for at_ms, *rest in points]
    return SeriesShape(metric=metric, unit=context.units.unit_of(metric), points=spelled)


@router.get("/values", operation_id="get_values", summary="Newest values")
def get_values(caller: Viewer, context: ContextOf, site: SiteName, device: DeviceName) -> ValuesShape:
    """Return the newest value of each metric that the device sent lately."""
    key = DeviceKey(site, device)
    with context.read() as unit:
        visible_device(unit, caller, key)
        newest = telemetry.last_values(unit, key)
    units = context.units
    return ValuesShape(
        items=[
            ValueShape(metric=metric, unit=units.unit_of(metric), at=at_ms, value=value)
            for metric, (at_ms, value) in newest.items()
        ]
    )


def _named(unit: Unit, key: DeviceKey, metric: str | None) -> str:
    if metric:
        return metric
    known = telemetry.metrics(unit, key)
    listed = ", ".join(known) or "none lately"
    raise Problem("missing_parameter", f"name a metric: ?metric=...; this device sent {listed}", known=known)


def _range(context: Context, device: Device, wanted: Wanted) -> tuple[int, int]:
    """Return the range asked for; recorded data of years ago is found as well as today's."""
    newest = context.now_ms() if device.last_event_ms is None else device.last_event_ms + 1
    to_ms = newest if wanted.to is None else wanted.to
    from_ms = to_ms - DAY_MS if wanted.from_ is None else wanted.from_
    if from_ms > to_ms:
        detail = "from is later than to"
        raise Problem("validation_failed", detail, errors=[{"place": "query.from", "detail": detail}])
    return from_ms, to_ms
