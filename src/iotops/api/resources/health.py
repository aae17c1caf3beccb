"""/health and /api/v1/ingest: whether we live, whether we are ready, and how far the ingest is."""

from fastapi import APIRouter
from pydantic import Field

from iotops.api.access import PUBLIC, Viewer
from iotops.api.context import Context, ContextOf
from iotops.api.ingest_view import IngestView, view_ingest
from iotops.api.problems import Problem
from iotops.api.shapes import Instant, Shape
from iotops.errors import StoreError

router = APIRouter(tags=["health"])


class HealthShape(Shape):
    """All is well; where it is not, a problem says so."""

    status: str = Field(examples=["ok"])
    warnings: list[str] = Field(default=[], description="what somebody should look at although all works")


class IngestShape(Shape):
    """How far the ingest is."""

    ready: bool
    reasons: list[str] = Field(description="what keeps it from being ready")
    warnings: list[str] = Field(description="what somebody should look at although it works")
    at: Instant | None = Field(description="its newest sign of life")
    last_message_at: Instant | None
    lag_ms: int | None = Field(description="from receipt to commit, for the newest message")
    receiver: str | None = Field(description="what reads from the broker, as `broker.receiver` says")
    buffered: int | None
    rules_loaded: int | None
    devices: int | None
    messages: int | None
    stored: int | None
    duplicates: int | None
    dead_lettered: int | None


@router.get("/health/live", operation_id="health_live", summary="Does the process live", dependencies=[PUBLIC])
async def get_live() -> HealthShape:
    """Answer as long as the process answers at all; asks nobody else."""
    return HealthShape(status="ok")


@router.get(
    "/health/ready",
    operation_id="health_ready",
    summary="Is everything in place",
    dependencies=[PUBLIC],
    openapi_extra={"x-problems": ["not_ready"]},
)
def get_ready(context: ContextOf) -> HealthShape:
    """Answer 200 where the schema is current, the rules are loaded and the broker delivers; else 503 with `reasons`."""
    reasons, warnings = _look(context)
    if reasons:
        raise Problem("not_ready", "; ".join(reasons), headers={"Retry-After": "1"}, reasons=reasons)
    return HealthShape(status="ok", warnings=warnings)


@router.get("/api/v1/ingest", operation_id="get_ingest", summary="How far the ingest is")
def get_ingest(_: Viewer, context: ContextOf) -> IngestShape:
    """Return lag, newest message and totals of the ingest, as its newest sign of life says."""
    with context.read() as unit:
        seen = view_ingest(unit)
    return _shape(seen, context.now_ms())


def _look(context: Context) -> tuple[list[str], list[str]]:
    """Return what keeps the whole from being ready, and what somebody should look at all the same."""
    try:
        if not context.database.at_head():
            return ["the database schema is not the one this version needs; run `iotops db upgrade`"], []
        with context.read() as unit:
            seen = view_ingest(unit)
    except StoreError as error:
        return [str(error)], []
    return seen.missing(context.now_ms()), seen.warnings()


def _shape(seen: IngestView, now_ms: int) -> IngestShape:
    reasons = seen.missing(now_ms)
    return IngestShape(
        ready=not reasons,
        reasons=reasons,
        warnings=seen.warnings(),
        at=seen.at_ms,
        last_message_at=seen.number("last_message_ms"),
        lag_ms=seen.number("lag_ms"),
        receiver=seen.data.get("receiver"),
        buffered=seen.number("buffered"),
        rules_loaded=seen.number("rules_loaded"),
        devices=seen.number("devices"),
        messages=seen.number("messages"),
        stored=seen.number("stored"),
        duplicates=seen.number("duplicates"),
        dead_lettered=seen.number("dead_lettered"),
    )
