"""/incidents/{number}/similar: what fixed it last time."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Viewer
from iotops.api.context import ContextOf
from iotops.api.resources.incidents import Number, visible_incident
from iotops.api.shapes import Instant, Shape
from iotops.incidents.incident import Incident
from iotops.store import incidents

router = APIRouter(prefix="/incidents/{number}", tags=["incidents"])

_Most = Annotated[int, Query(ge=1, le=50, description="how many incidents and fixes at most")]


class EndedShape(Shape):
    """An incident like this one, and how people ended it."""

    number: str
    title: str
    site: str | None
    device: str | None
    resolved_at: Instant | None
    code: str | None
    cause: str | None
    note: str | None
    verdict: str | None
    problem: str | None


class FixShape(Shape):
    """An ending, and how often it was given."""

    code: str | None
    cause: str | None
    count: int


class SimilarShape(Shape):
    """What fixed it last time."""

    like: Literal["instance", "model", "type"] | None = Field(
        description="what they share with it beside the rule: the instance itself, or its device's `model` or `type`"
    )
    items: list[EndedShape] = Field(description="what people ended, the last first")
    fixes: list[FixShape] = Field(description="the most frequent first, among the newest 200")
    by_itself: int = Field(description="how many more of these ended without anybody saying how")


@router.get("/similar", operation_id="get_similar_incidents", summary="What fixed it last time")
def get_similar(caller: Viewer, context: ContextOf, number: Number, limit: _Most = 5) -> SimilarShape:
    """Return how incidents of the same rule and device ended, else of devices of the same model, else type."""
    with context.read() as unit:
        found = incidents.similar(unit, visible_incident(unit, caller, number), site=caller.site, limit=limit)
    return SimilarShape.model_validate(
        {
            "like": found.like,
            "items": [_shape(each, note) for each, note in found.items],
            "fixes": [FixShape(code=each.code, cause=each.cause, count=each.times) for each in found.fixes],
            "by_itself": found.by_itself,
        }
    )


def _shape(found: Incident, note: str | None) -> EndedShape:
    return EndedShape(
        number=found.number,
        title=found.title,
        site=found.site or None,
        device=found.device,
        resolved_at=found.resolved_ms,
        code=found.resolution_code,
        cause=found.cause,
        note=note,
        verdict=found.verdict,
        problem=found.problem,
    )
