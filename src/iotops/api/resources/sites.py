"""/sites: where devices stand; every site that a device was heard of at is listed, declared or not."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from iotops.api.access import Author, Viewer
from iotops.api.context import ContextOf
from iotops.api.entry_work import Entries, EntryId, EntryPath, EntryShape, Said, Wanted, entry_headers, shaped
from iotops.api.paging import Page
from iotops.api.preconditions import IfMatch, etag
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body
from iotops.rules.servicefile import is_timezone

router = APIRouter(prefix="/sites", tags=["sites"])


def _known(name: str) -> str:
    if not is_timezone(name):
        msg = f"no such time zone: {name!r}; write one such as Europe/Paris or UTC"
        raise ValueError(msg)
    return name


Timezone = Annotated[Said, AfterValidator(_known)]


class SiteShape(EntryShape):
    """One site."""

    name: str | None
    timezone: str | None = Field(description="of its calendar; null counts as UTC")
    calendar: str | None = Field(description="id of the calendar that its promises follow")


class SiteChange(Body):
    """What to say; null takes back what the API said, and what services.yaml says counts again."""

    name: Said | None = None
    timezone: Timezone | None = None
    calendar: Said | None = None


class NewSite(SiteChange):
    """A site that nobody has declared yet."""

    id: EntryId


@router.get("", operation_id="list_sites", summary="List sites")
def list_sites(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[SiteShape]:
    """Return sites by id."""
    return Entries("sites", context, caller).listed(wanted, SiteShape)


@router.post(
    "",
    status_code=201,
    response_model=SiteShape,
    operation_id="create_site",
    summary="Declare a site",
    openapi_extra={"x-problems": ["conflict"]},
)
def create_site(
    request: Request, caller: Author, context: ContextOf, body: NewSite, key: IdempotencyKey = None
) -> Response:
    """Declare a site; one that services.yaml declares is changed by PATCH."""
    entries = Entries("sites", context, caller)
    return post_once(
        context,
        Asked(request, caller, key, body),
        lambda unit: entries.create(unit, body, SiteShape),
        201,
        headers=lambda made: entry_headers("/sites", made),
    )


@router.get("/{site_id}", operation_id="get_site", summary="Show a site")
def get_site(response: Response, caller: Viewer, context: ContextOf, site_id: EntryPath) -> SiteShape:
    """Return one site; the ETag goes into If-Match with a change."""
    found = Entries("sites", context, caller).get(site_id)
    response.headers["ETag"] = etag(found.version)
    return shaped(found, SiteShape)


@router.patch(
    "/{site_id}",
    operation_id="change_site",
    summary="Change a site",
    openapi_extra={"x-problems": ["conflict", "precondition_required", "stale_version"]},
)
def change_site(
    *,
    response: Response,
    caller: Author,
    context: ContextOf,
    site_id: EntryPath,
    body: SiteChange,
    if_match: IfMatch = None,
) -> SiteShape:
    """Change what the API says; the ingest follows within seconds."""
    changed = Entries("sites", context, caller).change(site_id, body, if_match)
    response.headers["ETag"] = etag(changed.version)
    return shaped(changed, SiteShape)


@router.delete(
    "/{site_id}",
    status_code=204,
    operation_id="delete_site",
    summary="Remove a site",
    openapi_extra={"x-problems": ["conflict", "stale_version"]},
)
def delete_site(caller: Author, context: ContextOf, site_id: EntryPath, if_match: IfMatch = None) -> None:
    """Remove a site with its dependencies; one that services.yaml declares is removed there."""
    Entries("sites", context, caller).delete(site_id, if_match)
