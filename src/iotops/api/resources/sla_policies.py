"""/sla-policies: how soon somebody responds to an incident, and how soon it is over."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from iotops.api.access import Author, Viewer
from iotops.api.context import ContextOf
from iotops.api.entry_work import Entries, EntryId, EntryPath, EntryShape, Said, Wanted, entry_headers, shaped
from iotops.api.paging import Page
from iotops.api.preconditions import IfMatch, etag
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body
from iotops.rules.slafile import MOST_MINUTES

router = APIRouter(prefix="/sla-policies", tags=["sla"])

_PriorityWord = Literal["P1", "P2", "P3", "P4", "P5"]
_Number = Annotated[int, Field(ge=1, le=MOST_MINUTES, strict=True)]


def _some(said: dict[_PriorityWord, int]) -> dict[_PriorityWord, int]:
    if not said:
        msg = "names no priority; send null to take it out"
        raise ValueError(msg)
    return said


Minutes = Annotated[dict[_PriorityWord, _Number], AfterValidator(_some), Field(examples=[{"P1": 15, "P2": 60}])]
Reasons = Annotated[list[Said], Field(max_length=50, examples=[["parts", "awaiting supplier"]])]


class SlaPolicyShape(EntryShape):
    """One policy; the policy `default` is that of every incident whose service names none."""

    name: str | None
    calendar: str | None = Field(description="id of the calendar; null: that of the incident's site, else every hour")
    respond_minutes: Minutes | None = Field(description="priority -> minutes until somebody takes it on")
    resolve_minutes: Minutes | None = Field(description="priority -> minutes until it is resolved")
    pause_on: Reasons | None = Field(description="reasons of a hold during which clocks stand still; `any`: each")


class SlaPolicyChange(Body):
    """What to say; null takes back what the API said, and what sla.yaml says counts again."""

    name: Said | None = None
    calendar: Said | None = None
    respond_minutes: Minutes | None = None
    resolve_minutes: Minutes | None = None
    pause_on: Reasons | None = None


class NewSlaPolicy(SlaPolicyChange):
    """A policy that nobody has declared yet."""

    id: EntryId


@router.get("", operation_id="list_sla_policies", summary="List policies")
def list_sla_policies(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[SlaPolicyShape]:
    """Return policies by id."""
    return Entries("sla-policies", context, caller).listed(wanted, SlaPolicyShape)


@router.post(
    "",
    status_code=201,
    response_model=SlaPolicyShape,
    operation_id="create_sla_policy",
    summary="Declare a policy",
    openapi_extra={"x-problems": ["conflict"]},
)
def create_sla_policy(
    request: Request, caller: Author, context: ContextOf, body: NewSlaPolicy, key: IdempotencyKey = None
) -> Response:
    """Declare a policy; incidents that are open and promised nothing yet get its promise."""
    entries = Entries("sla-policies", context, caller)
    return post_once(
        context,
        Asked(request, caller, key, body),
        lambda unit: entries.create(unit, body, SlaPolicyShape),
        201,
        headers=lambda made: entry_headers("/sla-policies", made),
    )


@router.get("/{policy_id}", operation_id="get_sla_policy", summary="Show a policy")
def get_sla_policy(response: Response, caller: Viewer, context: ContextOf, policy_id: EntryPath) -> SlaPolicyShape:
    """Return one policy; the ETag goes into If-Match with a change."""
    found = Entries("sla-policies", context, caller).get(policy_id)
    response.headers["ETag"] = etag(found.version)
    return shaped(found, SlaPolicyShape)


@router.patch(
    "/{policy_id}",
    operation_id="change_sla_policy",
    summary="Change a policy",
    openapi_extra={"x-problems": ["conflict", "precondition_required", "stale_version"]},
)
def change_sla_policy(
    *,
    response: Response,
    caller: Author,
    context: ContextOf,
    policy_id: EntryPath,
    body: SlaPolicyChange,
    if_match: IfMatch = None,
) -> SlaPolicyShape:
    """Change what the API says; what was promised before stays promised."""
    changed = Entries("sla-policies", context, caller).change(policy_id, body, if_match)
    response.headers["ETag"] = etag(changed.version)
    return shaped(changed, SlaPolicyShape)


@router.delete(
    "/{policy_id}",
    status_code=204,
    operation_id="delete_sla_policy",
    summary="Remove a policy",
    openapi_extra={"x-problems": ["conflict", "stale_version"]},
)
def delete_sla_policy(caller: Author, context: ContextOf, policy_id: EntryPath, if_match: IfMatch = None) -> None:
    """Remove a policy; what was promised under it stays promised. One that sla.yaml declares is removed there."""
    Entries("sla-policies", context, caller).delete(policy_id, if_match)
