"""/changes: what was changed on purpose, reported by people and scripts or seen in status payloads."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from iotops.api.access import Caller, Operator, Viewer
from iotops.api.change_shapes import (
    ChangeShape,
    ChangeState,
    KindWord,
    NewChange,
    PatchedChange,
    change_shape,
)
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.preconditions import IfMatch, etag, required_number
from iotops.api.problems import Problem
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import InstantIn, Line
from iotops.incidents.change import Change, Target
from iotops.store import changes
from iotops.store.changes import ChangeFilter, change_id
from iotops.store.database import Unit

router = APIRouter(prefix="/changes", tags=["changes"])

ChangeNumber = Annotated[str, Path(max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["CHG-000123"])]
_Names = Annotated[list[Line], Field(max_length=100)]
_ORDER = "-started_at"


class Wanted(BaseModel):
    """Which changes to list; a filter given more than once accepts each of its values."""

    kind: list[KindWord] = []
    state: list[ChangeState] = []
    site: _Names = []
    device: _Names = []
    service: _Names = []
    supplier: _Names = []
    q: Line | None = Field(None, description="part of the title")
    since: InstantIn | None = Field(None, description="started at or after")
    until: InstantIn | None = Field(None, description="started before")
    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_changes", summary="List changes")
def list_changes(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[ChangeShape]:
    """Return changes, those that started last first; a token of one site sees those of no site in particular, too."""
    after: tuple[int, int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber, CursorNumber])
    chosen = ChangeFilter(
        **{name: getattr(wanted, name) for name in ("kind", "state", "site", "device", "service", "supplier")},
        q=wanted.q or None,
        since_ms=wanted.since,
        until_ms=wanted.until,
        site_or_none=caller.site,
    )
    with context.read() as unit:
        found = changes.page(unit, chosen, limit=wanted.limit + 1, after=after)
    return page_of(found, wanted.limit, change_shape, _cursor)


@router.post("", status_code=201, response_model=ChangeShape, operation_id="report_change", summary="Report a change")
def report_change(
    request: Request, caller: Operator, context: ContextOf, body: NewChange, key: IdempotencyKey = None
) -> Response:
    """Report a change, before it, while it is made or afterwards; a deployment script does that with a token."""
    _must_be_own(caller, body.target.site)
    now_ms = context.now_ms()
    started_ms = now_ms if body.started_at is None else body.started_at
    _must_end_later(started_ms, body.ended_at)
    running = "planned" if started_ms > now_ms else "in_progress"
    new = Change(
        number="",
        kind=body.kind,
        title=body.title,
        target=Target(**body.target.model_dump()),
        started_ms=started_ms,
        ended_ms=body.ended_at,
        state=body.state or (running if body.ended_at is None else "done"),
        source=body.source or caller.actor.id,
    )
    asked = Asked(request, caller, key, body)
    return post_once(
        context, asked, lambda unit: change_shape(changes.create(unit, new, now_ms)), 201, headers=_headers
    )


@router.get("/{number}", operation_id="get_change", summary="Show a change")
def get_change(response: Response, caller: Viewer, context: ContextOf, number: ChangeNumber) -> ChangeShape:
    """Return one change; the ETag goes into If-Match with a change of it."""
    with context.read() as unit:
        found = visible_change(unit, caller, number)
    response.headers["ETag"] = etag(found.version)
    return change_shape(found)


@router.patch(
    "/{number}",
    operation_id="change_change",
    summary="Say what became of a change",
    openapi_extra={"x-problems": ["precondition_required", "stale_version"]},
)
def change_change(
    *,
    response: Response,
    caller: Operator,
    context: ContextOf,
    number: ChangeNumber,
    body: PatchedChange,
    if_match: IfMatch = None,
) -> ChangeShape:
    """Set title, state and times; one that ends is done where nothing else is said."""
    expected = required_number(if_match)
    said = _columns(body)

    def work(unit: Unit) -> Change:
        before = visible_change(unit, caller, number)
        _must_be_own(caller, before.target.site)
        _must_end_later(said.get("started_ms", before.started_ms), said.get("ended_ms", before.ended_ms))
        return changes.patch(unit, before.number, said, context.now_ms(), expected=expected)

    changed = context.write(work)
    response.headers["ETag"] = etag(changed.version)
    return change_shape(changed)


def visible_change(unit: Unit, caller: Caller, number: str) -> Change:
    """Return a change that the caller may see.

    Raises:
        NotFound: there is none, or it is another site's.
    """
    found = changes.get(unit, number)
    if found.target.site is not None:
        caller.must_see(found.target.site, f"change {number!r} does not exist")
    return found


def _columns(body: PatchedChange) -> dict[str, Any]:
    """Return columns -> values of what a body says; only an end can be taken back."""
    said = body.model_dump(exclude_unset=True)
    columns = {name: said[name] for name in ("title", "state") if said.get(name) is not None}
    if said.get("started_at") is not None:
        columns["started_ms"] = said["started_at"]
    if "ended_at" in said:
        columns["ended_ms"] = said["ended_at"]
        if said["ended_at"] is not None:
            columns.setdefault("state", "done")
    return columns


def _must_be_own(caller: Caller, site: str | None) -> None:
    if not caller.sees(site):
        raise Problem("forbidden", f"the token is for site {caller.site!r} only; report changes with it as their site")


def _must_end_later(started_ms: int, ended_ms: int | None) -> None:
    if ended_ms is not None and ended_ms < started_ms:
        detail = "ended_at lies before started_at; a change ends when it began or later"
        raise Problem("validation_failed", detail, errors=[{"place": "body.ended_at", "detail": detail}])


def _cursor(found: Change) -> str:
    return encode_cursor(_ORDER, (found.started_ms, change_id(found.number)))


def _headers(body: Mapping[str, Any]) -> dict[str, str]:
    return {"ETag": etag(body["version"]), "Location": f"/api/v1/changes/{body['number']}"}
