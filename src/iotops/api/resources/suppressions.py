"""/suppressions: maintenance and silences."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from iotops.api.access import Operator, Viewer
from iotops.api.context import ContextOf
from iotops.api.paging import (
    Cursor,
    CursorNumber,
    CursorText,
    Limit,
    Page,
    decode_cursor,
    encode_cursor,
    page_of,
)
from iotops.api.preconditions import IfMatch, etag, given_number, required_number
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body
from iotops.api.suppression_shapes import (
    MatchedDevice,
    NewSuppression,
    SuppressionChange,
    SuppressionShape,
    said_of,
)
from iotops.api.suppression_work import (
    change,
    change_in,
    ended,
    must_be_allowed,
    sees,
    shaper,
    sites_of,
    suppression_headers,
    tried,
    visible,
)
from iotops.store import suppressions
from iotops.store.database import Unit
from iotops.store.suppressions import Kept

router = APIRouter(prefix="/suppressions", tags=["suppressions"])

SuppressionId = Annotated[str, Path(max_length=32, pattern=r"^[A-Za-z0-9-]+$")]
_ORDER = "-id"


class Wanted(BaseModel):
    """Which suppressions to list."""

    kind: Annotated[list[Literal["maintenance", "silence"]], Field(max_length=2)] = []
    ended: bool | None = Field(None, description="only those that were ended, or only the others")
    limit: Limit = 50
    cursor: Cursor = None


class WantedDevices(BaseModel):
    """A page of devices."""

    limit: Limit = 50
    cursor: Cursor = None


class End(Body):
    """Nothing to say."""


@router.get("", operation_id="list_suppressions", summary="List suppressions")
def list_suppressions(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[SuppressionShape]:
    """Return suppressions, the newest first; to a token of one site those that may touch it."""
    key: tuple[int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber])
    before, found, more = None if key is None else key[0], list[Kept](), True
    with context.read() as unit:
        while more and len(found) <= wanted.limit:
            some = suppressions.page(unit, limit=wanted.limit + 1, before=before, kinds=wanted.kind, ended=wanted.ended)
            found += [each for each in some if sees(caller, each)]
            more, before = len(some) > wanted.limit, some[-1].row if some else None
        shape = shaper(unit, context, caller, found[: wanted.limit])
    return page_of(found, wanted.limit, shape, lambda each: encode_cursor(_ORDER, (each.row,)))


@router.post(
    "",
    status_code=201,
    response_model=SuppressionShape,
    operation_id="create_suppression",
    summary="Plan maintenance, or silence",
)
def create_suppression(
    request: Request, caller: Operator, context: ContextOf, body: NewSuppression, key: IdempotencyKey = None
) -> Response:
    """Keep alerts from raising incidents; the ingest knows of it within seconds."""

    def work(unit: Unit) -> SuppressionShape:
        now_ms = context.now_ms()
        said = said_of(body, now_ms)
        must_be_allowed(caller, said)
        kept = tried(lambda: suppressions.create(unit, said, caller.actor.id, now_ms))
        return shaper(unit, context, caller, [kept])(kept)

    return post_once(context, Asked(request, caller, key, body), work, 201, headers=suppression_headers)


@router.get("/{suppression_id}", operation_id="get_suppression", summary="Show a suppression")
def get_suppression(
    response: Response, caller: Viewer, context: ContextOf, suppression_id: SuppressionId
) -> SuppressionShape:
    """Return one suppression; the ETag goes into If-Match with a change."""
    with context.read() as unit:
        kept = visible(unit, caller, suppression_id)
        shown = shaper(unit, context, caller, [kept])(kept)
    response.headers["ETag"] = etag(shown.version)
    return shown


@router.get("/{suppression_id}/devices", operation_id="list_suppressed_devices", summary="List the devices it is about")
def list_suppressed_devices(
    caller: Viewer, context: ContextOf, suppression_id: SuppressionId, wanted: Annotated[WantedDevices, Query()]
) -> Page[MatchedDevice]:
    """Return the devices that it is about now, whichever rules it names; by site and device."""
    after: tuple[str, str] | None = decode_cursor("device", wanted.cursor, tuple[CursorText, CursorText])
    with context.read() as unit:
        kept = visible(unit, caller, suppression_id)
        found = suppressions.matched(unit, [kept.suppression], sites_of(caller))[kept.suppression.id]
    rows = [key for key in found if after is None or tuple(key) > after][: wanted.limit + 1]
    return page_of(
        rows,
        wanted.limit,
        lambda key: MatchedDevice(site=key.site, device=key.device),
        lambda key: encode_cursor("device", tuple(key)),
    )


@router.patch(
    "/{suppression_id}",
    operation_id="change_suppression",
    summary="Change a suppression",
    openapi_extra={"x-problems": ["precondition_required", "stale_version"]},
)
def change_suppression(
    *,
    response: Response,
    caller: Operator,
    context: ContextOf,
    suppression_id: SuppressionId,
    body: SuppressionChange,
    if_match: IfMatch = None,
) -> SuppressionShape:
    """Change members; what was kept back under it before is judged by what it says then."""
    expected = required_number(if_match)
    shown = change(context, caller, suppression_id, lambda _: said_of(body), expected)
    response.headers["ETag"] = etag(shown.version)
    return shown


@router.post(
    "/{suppression_id}/end",
    response_model=SuppressionShape,
    operation_id="end_suppression",
    summary="End a suppression now",
    openapi_extra={"x-problems": ["stale_version"]},
)
def end_suppression(
    *,
    request: Request,
    caller: Operator,
    context: ContextOf,
    suppression_id: SuppressionId,
    body: End,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
) -> Response:
    """End it for good; what still fires raises its incident. One that is ended stays as it is."""
    expected = given_number(if_match)

    def work(unit: Unit) -> SuppressionShape:
        def end_now(kept: Kept) -> Mapping[str, Any]:
            return ended(kept, context.now_ms())

        return change_in(unit, context, caller, suppression_id, end_now, expected=expected)

    return post_once(context, Asked(request, caller, key, body), work, headers=suppression_headers)


@router.delete(
    "/{suppression_id}",
    status_code=204,
    operation_id="delete_suppression",
    summary="Remove a suppression",
    openapi_extra={"x-problems": ["stale_version"]},
)
def delete_suppression(
    caller: Operator, context: ContextOf, suppression_id: SuppressionId, if_match: IfMatch = None
) -> None:
    """End it, and list it no more."""
    expected, now_ms = given_number(if_match), context.now_ms()
    gone = {"removed_ms": now_ms}
    change(context, caller, suppression_id, lambda kept: {**ended(kept, now_ms), **gone}, expected)
