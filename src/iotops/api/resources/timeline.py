"""/incidents/{number}/timeline and /evidence: what happened, and what the rule saw."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Viewer
from iotops.api.alert_shapes import AlertShape, alert_shape
from iotops.api.context import ContextOf
from iotops.api.evidence_shapes import evidence_shape
from iotops.api.incident_shapes import EntryShape, entry_shape
from iotops.api.paging import Cursor, CursorNumber, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.resources.alerts import ALERT_ORDER, alert_cursor
from iotops.api.resources.incidents import Number, visible_incident
from iotops.api.shapes import JsonObject, Shape
from iotops.store import alerts, incidents, timeline
from iotops.store.alerts import AlertFilter
from iotops.store.timeline import StoredEntry

router = APIRouter(prefix="/incidents/{number}", tags=["incidents"])

_ORDER = "seq"
_MOST_ALERTS = 200


class EvidenceShape(Shape):
    """What the rule saw when the first alert fired, frozen then."""

    incident: str
    rule: str | None
    instance: str | None
    evidence: JsonObject
    alerts: list[AlertShape] = Field(description="those that belong to the incident, the newest 200")


@router.get("/timeline", operation_id="get_incident_timeline", summary="What happened")
def get_timeline(
    *,
    caller: Viewer,
    context: ContextOf,
    number: Number,
    limit: Limit = 50,
    cursor: Cursor = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="only entries with a greater seq")] = 0,
) -> Page[EntryShape]:
    """Return the entries of one incident, oldest first; nothing in here ever changes."""
    key: tuple[int] | None = decode_cursor(_ORDER, cursor, tuple[CursorNumber])
    with context.read() as unit:
        found = visible_incident(unit, caller, number)
        entries = timeline.entries(unit, found.number, after=after if key is None else key[0], limit=limit + 1)
    return page_of(entries, limit, entry_shape, _cursor)


@router.get("/alerts", operation_id="list_incident_alerts", summary="Its alerts")
def list_incident_alerts(
    *,
    caller: Viewer,
    context: ContextOf,
    number: Number,
    suppressed: Annotated[bool | None, Query(description="true: only what it explains; false: only its own")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlertShape]:
    """Return the alerts that belong to an incident, those that began last first: its own, and those it explains."""
    after: tuple[int, str] | None = decode_cursor(ALERT_ORDER, cursor, tuple[CursorNumber, CursorText])
    with context.read() as unit:
        found = visible_incident(unit, caller, number)
        chosen = AlertFilter({"incident_id": (incidents.row_id(found.number),)}, explained=suppressed)
        kept = alerts.page(unit, chosen, limit=limit + 1, after=after)
    return page_of(kept, limit, alert_shape, alert_cursor)


@router.get("/evidence", operation_id="get_incident_evidence", summary="Why it was raised")
def get_evidence(caller: Viewer, context: ContextOf, number: Number) -> EvidenceShape:
    """Return the proof that was kept when the incident was raised; empty where a person raised it."""
    with context.read() as unit:
        found = visible_incident(unit, caller, number)
        chosen = AlertFilter({"incident_id": (incidents.row_id(found.number),)})
        attached = alerts.page(unit, chosen, limit=_MOST_ALERTS)
    return EvidenceShape(
        incident=found.number,
        rule=found.rule or None,
        instance=found.instance or None,
        evidence=evidence_shape(found.evidence),
        alerts=[alert_shape(kept) for kept in attached],
    )


def _cursor(stored: StoredEntry) -> str:
    return encode_cursor(_ORDER, (stored.seq,))
