"""/dead-letters: messages that could not be used, each with its reason."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from iotops.api.access import Caller, Viewer
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.shapes import Instant, Line, Shape
from iotops.errors import OutOfSight
from iotops.store import dead_letters
from iotops.store.dead_letters import KeptLetter

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])

_ORDER = "-id"


class DeadLetterShape(Shape):
    """One message that could not be used."""

    id: int
    received_at: Instant
    topic: str
    reason: str
    detail: str
    sha256: str
    size: int = Field(description="bytes of the whole payload")
    head: str = Field(description="its first bytes, escaped")
    redriven_at: Instant | None


class Wanted(BaseModel):
    """Which dead letters to list; a filter given more than once accepts each of its values."""

    reason: Annotated[list[Line], Field(max_length=100)] = []
    topic: Annotated[list[Line], Field(max_length=100)] = []
    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_dead_letters", summary="List dead letters")
def list_dead_letters(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[DeadLetterShape]:
    """Return dead letters, the newest first."""
    key: tuple[int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber])
    with context.read() as unit:
        found = dead_letters.page(
            unit,
            reasons=wanted.reason,
            topics=wanted.topic,
            below=_below(caller),
            limit=wanted.limit + 1,
            before=None if key is None else key[0],
        )
    return page_of(found, wanted.limit, _shape, lambda letter: encode_cursor(_ORDER, (letter.id,)))


@router.get("/{letter_id}", operation_id="get_dead_letter", summary="Show a dead letter")
def get_dead_letter(
    caller: Viewer, context: ContextOf, letter_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> DeadLetterShape:
    """Return one dead letter."""
    with context.read() as unit:
        letter = dead_letters.get(unit, letter_id)
    if not letter.topic.startswith(_below(caller) or ""):
        msg = f"dead letter {letter_id} does not exist, or was pruned"
        raise OutOfSight(msg)
    return _shape(letter)


def _below(caller: Caller) -> str | None:
    """Return how the topics begin that the caller may see; a message without a site is for nobody's site."""
    return None if caller.site is None else f"iot/{caller.site}/"


def _shape(letter: KeptLetter) -> DeadLetterShape:
    return DeadLetterShape(
        id=letter.id,
        received_at=letter.received_ms,
        topic=letter.topic,
        reason=letter.reason,
        detail=letter.detail,
        sha256=letter.sha256,
        size=letter.size,
        head=letter.head,
        redriven_at=letter.redriven_ms,
    )
