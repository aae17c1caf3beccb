"""/dead-letters: messages that could not be used, each with its reason."""

import threading
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from iotops.api.access import Author, Caller, Viewer
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.problems import Problem, documented
from iotops.api.shapes import Body, Instant, Line, Shape
from iotops.errors import BrokerError, OutOfSight
from iotops.redrive import redrive
from iotops.store import dead_letters
from iotops.store.dead_letters import KeptLetter

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])

_ORDER = "-id"
_MOST_BATCHES = 10  # of fifty letters each: some seconds
_one_at_a_time = threading.Lock()  # two at once would send the same letters


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


class ReasonShape(Shape):
    """The dead letters of one reason."""

    reason: str
    kept: int
    waiting: int = Field(description="of them, never redriven")
    newest_at: Instant


class CountsShape(Shape):
    """How many dead letters are kept, the most frequent reason first."""

    items: list[ReasonShape]


class Redrive(Body):
    """Which to send again; no reason: all."""

    reasons: Annotated[list[Line], Field(max_length=100)] = Field([])
    dry_run: bool = Field(False, description="only say how many would be sent")


class RedrivenShape(Shape):
    """What was sent, or would be."""

    sent: int
    skipped: int = Field(description="too long to have been kept, or retained: the broker still has those")
    dry_run: bool


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


@router.get("/counts", operation_id="count_dead_letters", summary="Count dead letters by reason")
def count_dead_letters(caller: Viewer, context: ContextOf) -> CountsShape:
    """Return how many letters of each reason are kept, and how many of them wait for another try."""
    with context.read() as unit:
        found = dead_letters.counts(unit, below=_below(caller))
    return CountsShape(
        items=[
            ReasonShape(reason=each.reason, kept=each.kept, waiting=each.waiting, newest_at=each.newest_ms)
            for each in found
        ]
    )


@router.post(
    "/redrive",
    operation_id="redrive_dead_letters",
    summary="Publish dead letters again",
    responses=documented("broker_unavailable", "conflict"),
)
def redrive_dead_letters(caller: Author, context: ContextOf, body: Redrive) -> RedrivenShape:
    """Publish those that were never redriven on their topics, the oldest 500 at most; ask again for more.

    A repetition sends nothing twice: a letter is marked once the broker has taken it. What still cannot be used comes
    back as a new dead letter.
    """
    if caller.site is not None:
        raise Problem("forbidden", f"letters of all sites are sent; the token is for site {caller.site!r} only")
    if not _one_at_a_time.acquire(blocking=False):
        raise Problem("conflict", "another redrive is running; ask again when it is done")
    try:
        done = redrive(
            context.database, context.settings.broker, body.reasons, dry_run=body.dry_run, batches=_MOST_BATCHES
        )
        context.tell(reasons=body.reasons, **done)
    except BrokerError as error:
        context.tell(reasons=body.reasons, failed=str(error)[:300])
        raise Problem("broker_unavailable", str(error)) from error
    finally:
        _one_at_a_time.release()
        if not body.dry_run:
            context.write(lambda _: None)  # the chain of deeds tells it, also where the broker left in the middle
    return RedrivenShape(**done)


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
