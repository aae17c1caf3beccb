"""/audit: both hash chains, computed again, and who was let do what."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from iotops.api.access import Admin, Caller
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.problems import Problem
from iotops.api.shapes import Instant, InstantIn, Line, Shape
from iotops.store import anchors, deeds
from iotops.store.anchors import Anchor
from iotops.store.deeds import StoredDeed
from iotops.store.timeline import Head

router = APIRouter(prefix="/audit", tags=["audit"])

_ORDER = "-seq"
_Hash = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="hash of that anchor")]
_Seq = Annotated[int | None, Query(ge=0, le=2**63 - 1, description="position of an anchor taken earlier")]


class FaultShape(Shape):
    """The first place where a chain does not hold."""

    chain: Literal["timeline", "deeds"]
    seq: int
    kind: str
    detail: str


class AuditShape(Shape):
    """What the chains say. Heads with their hashes, written down elsewhere, are an anchor for a later check."""

    whole: bool
    head: int = Field(description="position of the newest entry of the timeline")
    hash: str
    deeds_head: int = Field(description="position of the newest deed")
    deeds_hash: str
    fault: FaultShape | None


class DeedShape(Shape):
    """One thing that somebody did, or was not allowed to do."""

    seq: int
    at: Instant
    actor_kind: str = Field(description="token, shell, system or nobody")
    actor: str
    address: str | None
    action: str
    object: str
    outcome: Literal["done", "denied"]
    data: dict[str, Any]


class Wanted(BaseModel):
    """Which deeds to list."""

    action: Annotated[list[Line], Field(max_length=100)] = []
    outcome: Literal["done", "denied"] | None = None
    since: InstantIn | None = None
    limit: Limit = 50
    cursor: Cursor = None


@router.get(
    "", operation_id="verify_audit", summary="Verify both chains", openapi_extra={"x-problems": ["bad_request"]}
)
def verify_audit(
    caller: Admin,
    context: ContextOf,
    *,
    seq: _Seq = None,
    hash_: Annotated[_Hash, Query(alias="hash")] = None,
    deeds_seq: _Seq = None,
    deeds_hash: _Hash = None,
) -> AuditShape:
    """Compute both chains again; an edited, deleted or reordered row is named. Slow on a long history."""
    _must_see_all(caller)
    with context.read() as unit:
        now = anchors.current(unit)
        anchor = Anchor(_head(seq, hash_) or _NOWHERE, _head(deeds_seq, deeds_hash) or _NOWHERE)
        found = next(iter(anchors.faults(unit, anchor)), None)
    shown = None if found is None else FaultShape.model_validate({"chain": found[0], **_members(found[1])})
    return AuditShape(
        whole=found is None,
        head=now.timeline.seq,
        hash=now.timeline.hash,
        deeds_head=now.deeds.seq,
        deeds_hash=now.deeds.hash,
        fault=shown,
    )


@router.get("/deeds", operation_id="list_deeds", summary="List who was let do what")
def list_deeds(caller: Admin, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[DeedShape]:
    """Return what was granted, changed and denied, the newest first; `count` tells of equal denials."""
    _must_see_all(caller)
    before: tuple[int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber])
    with context.read() as unit:
        found = deeds.page(
            unit,
            limit=wanted.limit + 1,
            before=before and before[0],
            actions=wanted.action,
            outcome=wanted.outcome,
            since_ms=wanted.since,
        )
    return page_of(found, wanted.limit, _shape, lambda each: encode_cursor(_ORDER, (each.seq,)))


_NOWHERE = Head(0, "")  # an anchor that no row stands at


def _head(seq: int | None, digest: str | None) -> Head | None:
    if (seq is None) != (digest is None):
        raise Problem("bad_request", "an anchor has both a position and a hash; give both, or neither")
    return None if seq is None or digest is None else Head(seq, digest)


def _must_see_all(caller: Caller) -> None:
    if caller.site is not None:
        raise Problem("forbidden", f"the chains are of all sites; the token is for site {caller.site!r} only")


def _members(fault: Any) -> dict[str, Any]:
    return {"seq": fault.seq, "kind": fault.kind, "detail": fault.detail}


def _shape(found: StoredDeed) -> DeedShape:
    made = found.deed
    names = ("actor_kind", "actor", "address", "action", "object", "outcome", "data")
    return DeedShape.model_validate(
        {"seq": found.seq, "at": made.at_ms, **{each: getattr(made, each) for each in names}}
    )
