"""/incidents/counts: how many there are, for boards and for whoever only wants to know whether to look."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Viewer
from iotops.api.context import ContextOf
from iotops.api.incident_shapes import PriorityWord, StateWord
from iotops.api.resources.incidents import Filtered, filters_of
from iotops.api.shapes import Shape
from iotops.store import incidents
from iotops.store.incidents import Counts

router = APIRouter(prefix="/incidents", tags=["incidents"])

SOON_MS = 30 * 60_000  # a promise due within half an hour is what somebody should look at first


class IncidentCountsShape(Shape):
    """How many incidents pass the filters."""

    total: int
    states: dict[StateWord, int] = Field(description="state -> number; states that none has are left out")
    priorities: dict[PriorityWord, int] = Field(description="priority -> number; of the incidents counted")
    unacknowledged: int = Field(description="open, and nobody has acknowledged them")
    due_soon: int = Field(description="open, with a promise that is due within 30 minutes")
    late: int = Field(description="open, with a promise that was due already")


@router.get("/counts", operation_id="count_incidents", summary="Count incidents")
def count_incidents(caller: Viewer, context: ContextOf, wanted: Annotated[Filtered, Query()]) -> IncidentCountsShape:
    """Return how many incidents pass the filters of `/incidents`; `sort` may be given and says nothing."""
    sites = caller.sites(wanted.site)
    if sites is None:
        return _shape(Counts({}, 0, 0, 0))
    now_ms = context.now_ms()
    with context.read() as unit:
        return _shape(incidents.count(unit, filters_of(wanted, sites), now_ms, now_ms + SOON_MS))


def _shape(counts: Counts) -> IncidentCountsShape:
    states, priorities = Counter[str](), Counter[str]()
    for (state, priority), n in counts.by_state.items():
        states[state] += n
        priorities[priority] += n
    return IncidentCountsShape.model_validate(
        {
            "total": states.total(),
            "states": dict(states),
            "priorities": dict(sorted(priorities.items())),
            "unacknowledged": counts.unacknowledged,
            "due_soon": counts.breaching - counts.late,
            "late": counts.late,
        }
    )
