"""/incidents/{number}/suspects and /cause: which changes may have done it, and which one did."""

from fastapi import APIRouter
from fastapi.responses import Response

from iotops.api.access import Viewer
from iotops.api.change_shapes import MarkCause, SuspectShape, suspect_shape
from iotops.api.context import ContextOf
from iotops.api.incident_shapes import IncidentShape
from iotops.api.paging import Limit, Page
from iotops.api.resources.actions import ActionOf
from iotops.api.resources.changes import visible_change
from iotops.api.resources.incidents import Number, visible_incident
from iotops.incidents.incident import Incident
from iotops.store import changes, incidents
from iotops.store.database import Unit

router = APIRouter(prefix="/incidents/{number}", tags=["incidents"])


@router.get("/suspects", operation_id="list_incident_suspects", summary="Which changes may have caused it")
def list_incident_suspects(caller: Viewer, context: ContextOf, number: Number, limit: Limit = 50) -> Page[SuspectShape]:
    """Return the changes before an incident that hang together with its place, the likeliest first, each with why."""
    with context.read() as unit:
        found = changes.suspects(unit, visible_incident(unit, caller, number))
    seen = [each for each in found if each.change.target.site is None or caller.sees(each.change.target.site)]
    return Page(items=[suspect_shape(each) for each in seen[:limit]], next_cursor=None)


@router.post(
    "/cause",
    operation_id="mark_incident_cause",
    summary="Mark a change as the cause",
    response_model=IncidentShape,
    openapi_extra={"x-problems": ["illegal_transition", "stale_version"]},
)
def mark_incident_cause(action: ActionOf, body: MarkCause) -> Response:
    """Say which change did it; possible in every state."""

    def work(unit: Unit, number: str) -> Incident:
        change = visible_change(unit, action.caller, body.change)
        return incidents.act(
            unit,
            number,
            "mark_cause",
            action.caller.actor,
            action.context.now_ms(),
            policy=action.context.policy,
            expected_version=action.expected_version,
            note=body.note,
            change=change.number,
            title=change.title,
        )

    return action.once(body, work)
