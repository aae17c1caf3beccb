"""/incidents/bulk: one action on many incidents, answered for each."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from iotops.api.access import Caller, Operator
from iotops.api.bulk_shapes import MOST, AnyAction, BulkShape, DoneShape, Many
from iotops.api.clock_shapes import clocked
from iotops.api.context import Context, ContextOf
from iotops.api.problems import Problem, translated
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.resources.incidents import filters_of, visible_incident
from iotops.errors import IllegalTransition, NotFound
from iotops.incidents.incident import Incident
from iotops.store import incidents
from iotops.store.database import Unit

router = APIRouter(prefix="/incidents", tags=["incidents"])


@router.post(
    "/bulk",
    operation_id="act_on_incidents",
    summary="Do one action on many incidents",
    response_model=BulkShape,
    openapi_extra={"x-problems": ["conflict"]},
)
def act_on_incidents(
    request: Request, caller: Operator, context: ContextOf, body: AnyAction, key: IdempotencyKey = None
) -> Response:
    """Do it on each that allows it, in one transaction; those that do not are listed with the reason.

    Where the incidents are not as many as `expected_count`, 409, and nothing is done.
    """

    def work(unit: Unit) -> BulkShape:
        numbers = _meant(unit, caller, body)
        if len(numbers) != body.expected_count:
            there = f"{len(numbers)} incidents" if len(numbers) <= MOST else f"more than {MOST} incidents"
            detail = f"{body.expected_count} incidents were meant, and there are {there}: look again and repeat"
            raise Problem("conflict", detail, expected_count=body.expected_count)
        return _act(unit, context, caller, body, numbers)

    return post_once(context, Asked(request, caller, key, body), work)


def _meant(unit: Unit, caller: Caller, body: Many) -> Sequence[str]:
    """Return the numbers of what is meant, one more than may be acted on at the most."""
    if body.filter is None:
        return list(dict.fromkeys(body.numbers))
    sites = caller.sites(body.filter.site)
    if sites is None:
        return []
    try:
        found = incidents.page(unit, filters_of(body.filter, sites), sort=body.filter.sort, limit=MOST + 1)
    except ValueError as error:  # an order that does not exist
        raise Problem("validation_failed", str(error), errors=[{"place": "body", "detail": str(error)}]) from error
    return [each.number for each in found.items]


def _act(unit: Unit, context: Context, caller: Caller, body: Any, numbers: Sequence[str]) -> BulkShape:
    incidents.lock(unit, numbers)
    after: dict[str, Incident] = {}
    refused: dict[str, Problem] = {}
    for number in numbers:
        try:
            before = visible_incident(unit, caller, number)
            now_ms, policy = context.now_ms(), context.policy
            after[number] = incidents.act(
                unit, before.number, body.action, caller.actor, now_ms, policy=policy, **body.details
            )
        except (IllegalTransition, NotFound) as error:  # raised before anything of it is written
            refused[number] = translated(error)
    shapes = dict(zip(after, clocked(unit, context, list(after.values())), strict=True))
    items = [_done(number, shapes, refused) for number in numbers]
    return BulkShape(done=len(after), refused=len(refused), items=items)


def _done(number: str, shapes: dict[str, Any], refused: dict[str, Problem]) -> DoneShape:
    if number in shapes:
        return DoneShape(number=shapes[number].number, status=200, incident=shapes[number], problem=None)
    problem = refused[number].body(f"/api/v1/incidents/{number}")
    return DoneShape(number=number, status=problem["status"], incident=None, problem=problem)
