"""What is still to be told, and whether anybody is at it."""

from dataclasses import dataclass

from sqlalchemy import func, select

from iotops.store.database import Unit
from iotops.store.tables import notice, outbox


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was not delivered.

    Attributes:
        routed: entries of the timeline that wait to be made into messages.
        pending, sending, failed: messages in these states; failed ones were given up.
        retrying: those of the pending ones that a channel did not take before.
        overdue_ms: for how long the message that should have gone out first has been due, 0 where none is.
    """

    routed: int
    pending: int
    sending: int
    failed: int
    retrying: int
    overdue_ms: int


def backlog(unit: Unit, now_ms: int) -> Backlog:
    """Count what is to be told."""
    undelivered = notice.c.state != "delivered"
    counted = select(
        notice.c.state,
        func.count().label("n"),
        func.count(notice.c.error).label("refused"),
        func.min(notice.c.due_ms).label("due_ms"),
    )
    rows = {row.state: row for row in unit.connection.execute(counted.where(undelivered).group_by(notice.c.state))}
    counts = {state: int(rows[state].n) if state in rows else 0 for state in ("pending", "sending", "failed")}
    waiting = rows.get("pending")
    return Backlog(
        routed=unit.connection.execute(select(func.count()).select_from(outbox)).scalar_one(),
        **counts,
        retrying=int(waiting.refused) if waiting else 0,
        overdue_ms=max(0, now_ms - int(waiting.due_ms)) if waiting else 0,
    )
