"""/notifications: what people were told, what they were not, and another try."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from iotops.api.access import Caller, Operator, Viewer
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body, Instant, Line, Shape
from iotops.errors import OutOfSight
from iotops.store import notices
from iotops.store.database import Unit
from iotops.store.notices import Notice

router = APIRouter(prefix="/notifications", tags=["notifications"])

State = Literal["pending", "sending", "delivered", "failed"]
NotificationId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_ORDER = "-id"


class EventShape(Shape):
    """One thing that a notification tells."""

    event: str = Field(examples=["raised"])
    at: Instant
    incident: str


class NotificationShape(Shape):
    """One message to one channel, and how its delivery went."""

    id: int
    key: str = Field(description="the same over all attempts: receivers drop duplicates by it")
    route: str
    channel: str
    state: State = Field(description="failed was given up; redeliver tries again")
    attempts: int
    error: str | None = Field(description="what the newest attempt met, where it failed")
    events: list[EventShape]
    created_at: Instant
    due_at: Instant = Field(description="of the next attempt; of a message that is not pending, of the newest one")
    delivered_at: Instant | None
    updated_at: Instant


class Wanted(BaseModel):
    """Which notifications to list; a filter given more than once accepts each of its values."""

    state: Annotated[list[State], Field(max_length=4)] = []
    channel: Annotated[list[Line], Field(max_length=100)] = []
    route: Annotated[list[Line], Field(max_length=100)] = []
    limit: Limit = 50
    cursor: Cursor = None


class Redeliver(Body):
    """Nothing to say."""


@router.get("", operation_id="list_notifications", summary="List notifications")
def list_notifications(
    caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]
) -> Page[NotificationShape]:
    """Return notifications, the newest first; to a token of one site those that speak of that site only."""
    key: tuple[int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber])
    with context.read() as unit:
        found = notices.page(
            unit,
            limit=wanted.limit + 1,
            before=None if key is None else key[0],
            site=caller.site,
            state=wanted.state,
            channel=wanted.channel,
            route=wanted.route,
        )
    return page_of(found, wanted.limit, _shape, lambda each: encode_cursor(_ORDER, (each.id,)))


@router.get("/{notification_id}", operation_id="get_notification", summary="Show a notification")
def get_notification(caller: Viewer, context: ContextOf, notification_id: NotificationId) -> NotificationShape:
    """Return one notification."""
    with context.read() as unit:
        return _shape(_visible(unit, caller, notification_id))


@router.post(
    "/{notification_id}/redeliver",
    response_model=NotificationShape,
    operation_id="redeliver_notification",
    summary="Deliver a notification again",
    openapi_extra={"x-problems": ["conflict"]},
)
def redeliver_notification(
    *,
    request: Request,
    caller: Operator,
    context: ContextOf,
    notification_id: NotificationId,
    body: Redeliver,
    key: IdempotencyKey = None,
) -> Response:
    """Send it again under the same key, whatever became of it; attempts count from the first."""

    def work(unit: Unit) -> NotificationShape:
        _visible(unit, caller, notification_id)
        return _shape(notices.redeliver(unit, notification_id, context.now_ms()))

    return post_once(context, Asked(request, caller, key, body), work)


def _visible(unit: Unit, caller: Caller, notification_id: int) -> Notice:
    found = notices.get(unit, notification_id)
    if caller.site is not None and found.site != caller.site:
        msg = f"notification {notification_id} does not exist"
        raise OutOfSight(msg)
    return found


def _shape(found: Notice) -> NotificationShape:
    names = ("id", "key", "route", "channel", "attempts", "error")
    facts: Mapping[str, Any] = {name: getattr(found, name) for name in names}
    times = {f"{name}_at": getattr(found, f"{name}_ms") for name in ("created", "due", "delivered", "updated")}
    events = [EventShape(event=each["event"], at=each["at_ms"], incident=each["incident"]) for each in found.events]
    return NotificationShape.model_validate({**facts, **times, "events": events, "state": found.state})
