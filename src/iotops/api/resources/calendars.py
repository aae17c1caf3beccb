"""/calendars: which time counts for promises."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from iotops.api.access import Author, Viewer
from iotops.api.context import ContextOf
from iotops.api.entry_work import Entries, EntryId, EntryPath, EntryShape, Said, Wanted, entry_headers, shaped
from iotops.api.paging import Page
from iotops.api.preconditions import IfMatch, etag
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body
from iotops.rules.calendar import read_closed, read_holidays, read_timezone, read_week

router = APIRouter(prefix="/calendars", tags=["sla"])


def _by(read: Callable[[Any], Any]) -> AfterValidator:
    """Let what a client says be read as a file's is, and keep it as it was said."""

    def check(said: Any) -> Any:
        read(said)
        return said

    return AfterValidator(check)


Hours = Annotated[dict[str, Said], _by(read_week), Field(examples=[{"mon-fri": "08:00-12:00, 13:00-17:30"}])]
Days = Annotated[list[Said], Field(max_length=1_000, examples=[["2026-12-24"]]), _by(read_closed)]


class CalendarShape(EntryShape):
    """One calendar: when the time of promises counts."""

    name: str | None
    timezone: str | None = Field(description="null: that of the incident's site, else UTC")
    hours: dict[str, str] | None = Field(
        description="days -> hours; a day not named is closed; null: every hour counts"
    )
    holidays: str | None = Field(description="country or part of one whose public holidays are closed: FR, US-CA")
    closed: list[str] | None = Field(description="other closed days")


class CalendarChange(Body):
    """What to say; null takes back what the API said, and what sla.yaml says counts again."""

    name: Said | None = None
    timezone: Annotated[Said, _by(read_timezone)] | None = None
    hours: Hours | None = None
    holidays: Annotated[Said, _by(read_holidays)] | None = None
    closed: Days | None = None


class NewCalendar(CalendarChange):
    """A calendar that nobody has declared yet."""

    id: EntryId


@router.get("", operation_id="list_calendars", summary="List calendars")
def list_calendars(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[CalendarShape]:
    """Return calendars by id."""
    return Entries("calendars", context, caller).listed(wanted, CalendarShape)


@router.post(
    "",
    status_code=201,
    response_model=CalendarShape,
    operation_id="create_calendar",
    summary="Declare a calendar",
    openapi_extra={"x-problems": ["conflict"]},
)
def create_calendar(
    request: Request, caller: Author, context: ContextOf, body: NewCalendar, key: IdempotencyKey = None
) -> Response:
    """Declare a calendar; one that sla.yaml declares is changed by PATCH."""
    entries = Entries("calendars", context, caller)
    return post_once(
        context,
        Asked(request, caller, key, body),
        lambda unit: entries.create(unit, body, CalendarShape),
        201,
        headers=lambda made: entry_headers("/calendars", made),
    )


@router.get("/{calendar_id}", operation_id="get_calendar", summary="Show a calendar")
def get_calendar(response: Response, caller: Viewer, context: ContextOf, calendar_id: EntryPath) -> CalendarShape:
    """Return one calendar; the ETag goes into If-Match with a change."""
    found = Entries("calendars", context, caller).get(calendar_id)
    response.headers["ETag"] = etag(found.version)
    return shaped(found, CalendarShape)


@router.patch(
    "/{calendar_id}",
    operation_id="change_calendar",
    summary="Change a calendar",
    openapi_extra={"x-problems": ["conflict", "precondition_required", "stale_version"]},
)
def change_calendar(
    *,
    response: Response,
    caller: Author,
    context: ContextOf,
    calendar_id: EntryPath,
    body: CalendarChange,
    if_match: IfMatch = None,
) -> CalendarShape:
    """Change what the API says; promises that were given keep the calendar as it was then."""
    changed = Entries("calendars", context, caller).change(calendar_id, body, if_match)
    response.headers["ETag"] = etag(changed.version)
    return shaped(changed, CalendarShape)


@router.delete(
    "/{calendar_id}",
    status_code=204,
    operation_id="delete_calendar",
    summary="Remove a calendar",
    openapi_extra={"x-problems": ["conflict", "stale_version"]},
)
def delete_calendar(caller: Author, context: ContextOf, calendar_id: EntryPath, if_match: IfMatch = None) -> None:
    """Remove a calendar; one that sla.yaml declares is removed there."""
    Entries("calendars", context, caller).delete(calendar_id, if_match)
