"""/audit: the timeline's hash chain, computed again."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Admin
from iotops.api.context import ContextOf
from iotops.api.problems import Problem
from iotops.api.shapes import Shape
from iotops.store import audit, timeline
from iotops.store.timeline import Head

router = APIRouter(prefix="/audit", tags=["audit"])


class FaultShape(Shape):
    """The first place where the chain does not hold."""

    seq: int
    kind: str
    detail: str


class AuditShape(Shape):
    """What the chain says. `head` and `hash`, written down elsewhere, are an anchor for a later check."""

    whole: bool
    head: int = Field(description="position of the newest entry")
    hash: str
    fault: FaultShape | None


@router.get(
    "", operation_id="verify_audit", summary="Verify the timeline", openapi_extra={"x-problems": ["bad_request"]}
)
def verify_audit(
    _: Admin,
    context: ContextOf,
    seq: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="position of an anchor taken earlier")] = None,
    hash_: Annotated[
        str | None, Query(alias="hash", pattern="^[0-9a-f]{64}$", description="hash of that anchor")
    ] = None,
) -> AuditShape:
    """Compute the whole chain again; an edited, deleted or reordered entry is named. Slow on a long history."""
    if (seq is None) != (hash_ is None):
        raise Problem("bad_request", "an anchor has both seq and hash; give both, or neither")
    anchor = None if seq is None or hash_ is None else Head(seq, hash_)
    with context.read() as unit:
        fault = audit.verify(unit, anchor)
        head = timeline.head(unit)
    shown = None if fault is None else FaultShape(seq=fault.seq, kind=fault.kind, detail=fault.detail)
    return AuditShape(whole=fault is None, head=head.seq, hash=head.hash, fault=shown)
