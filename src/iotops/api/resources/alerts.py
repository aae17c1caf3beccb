"""/alerts: the machine's facts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from iotops.api.access import Viewer
from iotops.api.alert_shapes import AlertShape, alert_shape
from iotops.api.context import ContextOf
from iotops.api.incident_shapes import DataWord, SeverityWord
from iotops.api.paging import Cursor, CursorNumber, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.shapes import Line
from iotops.store import alerts, incidents
from iotops.store.alerts import AlertFilter, KeptAlert

router = APIRouter(prefix="/alerts", tags=["alerts"])

AlertStateWord = Literal["pending", "firing", "recovering", "resolved"]
Names = Annotated[list[Line], Field(max_length=100)]
ALERT_ORDER = "-began_at"
_Key = tuple[CursorNumber, CursorText]


class Wanted(BaseModel):
    """Which alerts to list; a filter given more than once accepts each of its values."""

    state: list[AlertStateWord] = []
    data: list[DataWord] = []
    severity: list[SeverityWord] = []
    site: Names = []
    device: Names = []
    rule: Names = []
    suppressed: bool | None = Field(None, description="true: only what an incident of another device explains")
    incident: Annotated[list[str], Field(max_length=100)] = Field([], description="numbers of incidents")
    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_alerts", summary="List alerts", openapi_extra={"x-problems": ["not_found"]})
def list_alerts(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[AlertShape]:
    """Return alerts in all states, those that began last first."""
    after: _Key | None = decode_cursor(ALERT_ORDER, wanted.cursor, _Key)
    sites = caller.sites(wanted.site)
    if sites is None:
        return Page(items=[], next_cursor=None)
    with context.read() as unit:
        found = alerts.page(unit, _filter(wanted, sites), limit=wanted.limit + 1, after=after)
    return page_of(found, wanted.limit, alert_shape, alert_cursor)


@router.get("/{alert_id}", operation_id="get_alert", summary="Show an alert")
def get_alert(
    caller: Viewer, context: ContextOf, alert_id: Annotated[str, Path(max_length=64, pattern="^[0-9A-Za-z]+$")]
) -> AlertShape:
    """Return one alert with the proof that was frozen when it fired."""
    with context.read() as unit:
        found = alerts.get(unit, alert_id)
    caller.must_see(found.alert.site, f"alert {alert_id!r} does not exist; ids are those of /api/v1/alerts")
    return alert_shape(found)


def _filter(wanted: Wanted, sites: tuple[str, ...]) -> AlertFilter:
    chosen: dict[str, tuple[str | int, ...]] = {
        "state": tuple(wanted.state),
        "data": tuple(wanted.data),
        "severity": tuple(wanted.severity),
        "site": sites,
        "device": tuple(wanted.device),
        "rule": tuple(wanted.rule),
        "incident_id": tuple(incidents.row_id(number) for number in wanted.incident),
    }
    return AlertFilter({name: found for name, found in chosen.items() if found}, explained=wanted.suppressed)


def alert_cursor(kept: KeptAlert) -> str:
    """Return the cursor that continues after an alert."""
    return encode_cursor(ALERT_ORDER, (kept.alert.began_ms, kept.alert.id))
