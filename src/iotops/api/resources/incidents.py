"""/incidents: the people's work items."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from iotops.api.access import Caller, Operator, Viewer
from iotops.api.clock_shapes import clocked
from iotops.api.context import ContextOf
from iotops.api.incident_shapes import Change, IncidentShape, PriorityWord, Raise, StateWord
from iotops.api.paging import Cursor, CursorNumber, CursorText, Limit, Page, decode_cursor, encode_cursor
from iotops.api.preconditions import IfMatch, etag, required_number
from iotops.api.problems import Problem
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import InstantIn, Line
from iotops.incidents.incident import Incident
from iotops.rules.rule import Severity
from iotops.store import incidents, problems
from iotops.store.database import Unit

router = APIRouter(prefix="/incidents", tags=["incidents"])

Number = Annotated[str, Path(max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["INC-000123"])]
Redirect = Annotated[bool, Query(description="false: show a merged incident itself, not the one it was merged into")]
Names = Annotated[list[Line], Field(max_length=100)]
_AfterKey = list[CursorNumber | CursorText | None]


class Filtered(BaseModel):
    """Which incidents to list, and in which order; a filter given more than once accepts each of its values."""

    state: list[StateWord] = []
    priority: list[PriorityWord] = []
    site: Names = []
    service: Names = []
    device: Names = []
    rule: Names = []
    assignee: Names = []
    problem: Names = []
    q: Line | None = Field(None, description="part of title, site, device, rule or service, or a number")
    since: InstantIn | None = Field(None, description="raised at or after")
    until: InstantIn | None = Field(None, description="raised before")
    sort: Line = Field("-raised_at", description="raised_at, number, priority, severity, state; each may have a -")


class Wanted(Filtered):
    """A page of them."""

    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_incidents", summary="List incidents")
def list_incidents(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[IncidentShape]:
    """Return incidents in all states, the newest first where no other order is asked for."""
    after = decode_cursor(wanted.sort, wanted.cursor, _AfterKey)
    sites = caller.sites(wanted.site)
    if sites is None:
        return Page(items=[], next_cursor=None)
    try:
        with context.read() as unit:
            page = incidents.page(unit, filters_of(wanted, sites), sort=wanted.sort, after=after, limit=wanted.limit)
            items = clocked(unit, context, page.items)
    except ValueError as error:  # an order that does not exist, or a cursor of another one
        raise Problem("validation_failed", str(error), errors=[{"place": "query", "detail": str(error)}]) from error
    following = None if page.next_key is None else encode_cursor(wanted.sort, page.next_key)
    return Page(items=items, next_cursor=following)


@router.post(
    "", status_code=201, response_model=IncidentShape, operation_id="raise_incident", summary="Raise an incident"
)
def raise_incident(
    request: Request, caller: Operator, context: ContextOf, body: Raise, key: IdempotencyKey = None
) -> Response:
    """Raise an incident by hand, for what no rule sees."""
    if not caller.sees(body.site or caller.site):
        raise Problem("forbidden", f"the token is for site {caller.site!r} only; raise the incident there")

    def work(unit: Unit) -> IncidentShape:
        raised = incidents.create(
            unit,
            caller.actor,
            context.now_ms(),
            title=body.title,
            policy=context.policy,
            severity=Severity[body.severity.upper()],
            site=body.site or caller.site,
            device=body.device,
            note=body.note,
        )
        return clocked(unit, context, [raised])[0]

    return post_once(context, Asked(request, caller, key, body), work, 201, headers=_created_headers)


@router.get(
    "/{number}", operation_id="get_incident", summary="Show an incident", openapi_extra={"x-problems": ["merged"]}
)
def get_incident(
    *, response: Response, caller: Viewer, context: ContextOf, number: Number, redirect: Redirect = True
) -> IncidentShape:
    """Return one incident; the ETag goes into If-Match with a change. One that was merged leads to the other."""
    with context.read() as unit:
        found = visible_incident(unit, caller, number)
        (shape,) = clocked(unit, context, [found])
    if redirect and found.merged_into is not None:
        place = f"/api/v1/incidents/{found.merged_into}"
        said = f"{found.number} was merged into {found.merged_into}; ?redirect=false shows it as it was left"
        raise Problem("merged", said, headers={"Location": place}, merged_into=found.merged_into)
    response.headers["ETag"] = etag(found.version)
    return shape


@router.patch(
    "/{number}",
    operation_id="change_incident",
    summary="Change an incident",
    openapi_extra={"x-problems": ["precondition_required", "stale_version", "illegal_transition"]},
)
def change_incident(
    *, response: Response, caller: Operator, context: ContextOf, number: Number, body: Change, if_match: IfMatch = None
) -> IncidentShape:
    """Change title, priority or verdict; what people set here no rule overwrites."""
    version = required_number(if_match)
    changes = body.model_dump(exclude_unset=True)

    def work(unit: Unit) -> IncidentShape:
        before = visible_incident(unit, caller, number)
        expected = before.version if version is None else version
        after = incidents.act(
            unit,
            before.number,
            "edit",
            caller.actor,
            context.now_ms(),
            policy=context.policy,
            expected_version=expected,
            **changes,
        )
        return clocked(unit, context, [after])[0]

    changed = context.write(work)
    response.headers["ETag"] = etag(changed.version)
    return changed


def visible_incident(unit: Unit, caller: Caller, number: str) -> Incident:
    """Return an incident that the caller may see.

    Raises:
        NotFound: there is none, or it is another site's.
    """
    found = incidents.get(unit, number)
    caller.must_see(found.site, f"incident {number!r} does not exist")
    return found


def incident_headers(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what goes with an incident: its ETag, and where it is."""
    return {"ETag": etag(body["version"]), "Content-Location": f"/api/v1/incidents/{body['number']}"}


def _created_headers(body: Mapping[str, Any]) -> dict[str, str]:
    found = incident_headers(body)
    return {**found, "Location": found["Content-Location"]}


def filters_of(wanted: Filtered, sites: tuple[str, ...]) -> incidents.Filters:
    """Return the filters asked for, of the sites that the caller sees."""
    return incidents.Filters(
        state=tuple(wanted.state),
        priority=tuple(wanted.priority),
        site=sites,
        service=tuple(wanted.service),
        device=tuple(wanted.device),
        rule=tuple(wanted.rule),
        assignee=tuple(wanted.assignee),
        problem=tuple(problems.known_number(each) or each for each in wanted.problem),
        q=wanted.q or None,
        since_ms=wanted.since,
        until_ms=wanted.until,
    )
