"""/stream: what happens, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from iotops.api.access import Caller, Viewer, still_lets_in
from iotops.api.context import Context, ContextOf
from iotops.api.incident_shapes import entry_shape
from iotops.api.problems import Problem
from iotops.store.timeline import StoredEntry

router = APIRouter(prefix="/stream", tags=["stream"])

IDLE_S = 5.0  # between two signs of life; also how long a revoked token can go on listening
RETRY_MS = 1_000

Position = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**63 - 1, description="resume after this id")]


@router.get(
    "",
    operation_id="stream_timeline",
    summary="Follow the timeline",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "one `entry` event per timeline entry"}},
)
async def stream_timeline(
    caller: Viewer,
    context: ContextOf,
    last_event_id: Position = None,
    after: Annotated[
        int | None, Query(ge=0, le=2**63 - 1, description="as Last-Event-ID, for clients that cannot send headers")
    ] = None,
) -> StreamingResponse:
    """Send every entry from now on, or after Last-Event-ID; `id` is the entry's position on the timeline.

    A client that falls too far behind is disconnected and resumes by itself: nothing is skipped.
    """
    if context.streams.is_full(caller.pass_key):
        detail = f"{context.settings.api.max_streams} streams are open for this token (api.max_streams); close one"
        raise Problem("too_many_requests", detail, headers={"Retry-After": str(int(IDLE_S))})
    position = after if last_event_id is None else last_event_id
    if position is None:  # read before the answer begins: whatever happens once the client sees it is told
        position = await context.broadcast.head()
    return StreamingResponse(
        _events(context, caller, position), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(context: Context, caller: Caller, after: int) -> AsyncIterator[str]:
    with context.streams.one(caller.pass_key):
        async for text in _told(context, caller, after):
            yield text


async def _told(context: Context, caller: Caller, after: int) -> AsyncIterator[str]:
    # The id makes a client that loses the connection before its first entry resume from where it began.
    yield f"retry: {RETRY_MS}\nid: {after}\n\n"
    judged_ms = context.now_ms()
    async for stored in context.broadcast.entries(after, IDLE_S):
        if context.now_ms() - judged_ms >= IDLE_S * 1000:
            judged_ms = context.now_ms()
            if not await run_in_threadpool(still_lets_in, context, caller):
                return
        if stored is None:
            yield ": still here\n\n"
        elif caller.sees(stored.site):
            yield _event(stored)


def _event(stored: StoredEntry) -> str:
    return f"id: {stored.seq}\nevent: entry\ndata: {entry_shape(stored).model_dump_json()}\n\n"
