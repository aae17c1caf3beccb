"""/services: what people use, and how much it matters."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from iotops.api.access import Author, Viewer
from iotops.api.context import ContextOf
from iotops.api.entry_work import Entries, EntryId, EntryPath, EntryShape, Said, Wanted, entry_headers, shaped
from iotops.api.paging import Page
from iotops.api.preconditions import IfMatch, etag
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body

router = APIRouter(prefix="/services", tags=["services"])

CriticalityWord = Literal["A", "B", "C"]


class ServiceShape(EntryShape):
    """One service."""

    name: str | None
    criticality: CriticalityWord | None = Field(description="A is the highest; null counts as C")
    team: str | None = Field(description="owns its incidents where no rule says otherwise")
    sla_policy: str | None
    runbook: str | None
    public: bool | None = Field(description="its status is for everybody, without a token")


class ServiceChange(Body):
    """What to say; null takes back what the API said, and what services.yaml says counts again."""

    name: Said | None = None
    criticality: CriticalityWord | None = None
    team: Said | None = None
    sla_policy: Said | None = None
    runbook: Said | None = None
    public: bool | None = None


class NewService(ServiceChange):
    """A service that nobody has declared yet."""

    id: EntryId


@router.get("", operation_id="list_services", summary="List services")
def list_services(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[ServiceShape]:
    """Return services by id."""
    return Entries("services", context, caller).listed(wanted, ServiceShape)


@router.post(
    "",
    status_code=201,
    response_model=ServiceShape,
    operation_id="create_service",
    summary="Declare a service",
    openapi_extra={"x-problems": ["conflict"]},
)
def create_service(
    request: Request, caller: Author, context: ContextOf, body: NewService, key: IdempotencyKey = None
) -> Response:
    """Declare a service; one that services.yaml declares is changed by PATCH."""
    entries = Entries("services", context, caller)
    return post_once(
        context,
        Asked(request, caller, key, body),
        lambda unit: entries.create(unit, body, ServiceShape),
        201,
        headers=lambda made: entry_headers("/services", made),
    )


@router.get("/{service_id}", operation_id="get_service", summary="Show a service")
def get_service(response: Response, caller: Viewer, context: ContextOf, service_id: EntryPath) -> ServiceShape:
    """Return one service; the ETag goes into If-Match with a change."""
    found = Entries("services", context, caller).get(service_id)
    response.headers["ETag"] = etag(found.version)
    return shaped(found, ServiceShape)


@router.patch(
    "/{service_id}",
    operation_id="change_service",
    summary="Change a service",
    openapi_extra={"x-problems": ["conflict", "precondition_required", "stale_version"]},
)
def change_service(
    *,
    response: Response,
    caller: Author,
    context: ContextOf,
    service_id: EntryPath,
    body: ServiceChange,
    if_match: IfMatch = None,
) -> ServiceShape:
    """Change what the API says; the ingest follows within seconds."""
    changed = Entries("services", context, caller).change(service_id, body, if_match)
    response.headers["ETag"] = etag(changed.version)
    return shaped(changed, ServiceShape)


@router.delete(
    "/{service_id}",
    status_code=204,
    operation_id="delete_service",
    summary="Remove a service",
    openapi_extra={"x-problems": ["conflict", "stale_version"]},
)
def delete_service(caller: Author, context: ContextOf, service_id: EntryPath, if_match: IfMatch = None) -> None:
    """Remove a service with its dependencies; one that services.yaml declares is removed there."""
    Entries("services", context, caller).delete(service_id, if_match)
