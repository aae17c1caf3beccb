"""Messages and how their delivery went."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from iotops.errors import Conflict, NotFound
from iotops.store.database import Unit
from iotops.store.tables import notice as table

STATES = ("pending", "sending", "delivered", "failed")


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one channel.

    Attributes:
        key: stable over all attempts.
        site: of all its incidents, None where they are of several.
        events: what it tells: `event`, `at_ms`, `incident`, and the incident's `facts` then.
        state: one of `STATES`; failed was given up.
        error: of the newest attempt that failed.
        due_ms: of the next attempt.
    """

    id: int
    key: str
    route: str
    channel: str
    site: str | None
    events: Sequence[Mapping[str, Any]]
    state: str
    attempts: int
    error: str | None
    created_ms: int
    due_ms: int
    delivered_ms: int | None
    updated_ms: int


def take_back(unit: Unit, now_ms: int) -> int:
    """Make what was being sent when a process ended due again, with the same key; returns how many."""
    sending = update(table).where(table.c.state == "sending")
    return unit.connection.execute(sending.values(state="pending", due_ms=now_ms, updated_ms=now_ms)).rowcount


def claim(unit: Unit, now_ms: int, busy: Collection[str]) -> list[Notice]:
    """Take the oldest message that is due of each channel that is not busy; it is closed to more events."""
    due = select(table.c.id, table.c.channel).where(table.c.state == "pending", table.c.due_ms <= now_ms)
    due = due.where(table.c.channel.not_in(list(busy))).order_by(table.c.due_ms, table.c.id).limit(500)
    first: dict[str, int] = {}
    for row in unit.connection.execute(due):
        first.setdefault(row.channel, row.id)
    claimed = [get(unit, each) for each in first.values()]
    for each in claimed:
        closed = {"state": "sending", "attempts": each.attempts + 1, "updated_ms": now_ms, "content": {"closed": True}}
        unit.connection.execute(update(table).where(table.c.id == each.id).values(closed))
    return claimed


def settle(unit: Unit, notice_id: int, now_ms: int, *, error: str | None = None, retry_ms: int | None = None) -> None:
    """Write how an attempt went: delivered, to be tried again at `retry_ms`, or given up."""
    values: dict[str, Any] = {"updated_ms": now_ms, "error": error}
    if error is None:
        values |= {"state": "delivered", "delivered_ms": now_ms}
    elif retry_ms is None:
        values |= {"state": "failed"}
    else:
        values |= {"state": "pending", "due_ms": retry_ms}
    unit.connection.execute(update(table).where(table.c.id == notice_id).values(values))


def redeliver(unit: Unit, notice_id: int, now_ms: int) -> Notice:
    """Deliver a message again, under the same key, from the first attempt on.

    Raises:
        NotFound: there is none with that id.
        Conflict: it is being sent at this moment.
    """
    found = get(unit, notice_id, lock=True)
    if found.state == "sending":
        msg = f"notification {notice_id} is being sent right now; look again in a moment"
        raise Conflict(msg)
    again = {"state": "pending", "attempts": 0, "due_ms": now_ms, "updated_ms": now_ms, "content": {"closed": True}}
    unit.connection.execute(update(table).where(table.c.id == notice_id).values(again))
    return get(unit, notice_id)


def get(unit: Unit, notice_id: int, *, lock: bool = False) -> Notice:
    """Return one message.

    Raises:
        NotFound: there is none with that id.
    """
    statement = select(table).where(table.c.id == notice_id)
    row = unit.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        msg = f"notification {notice_id} does not exist; `iotops notifications list` shows those that do"
        raise NotFound(msg)
    return _notice(row)


def page(
    unit: Unit, *, limit: int, before: int | None = None, site: str | None = None, **chosen: Sequence[str]
) -> list[Notice]:
    """Return at most `limit` messages, the newest first; `chosen`: accepted values of state, channel and route."""
    statement = select(table).order_by(table.c.id.desc()).limit(limit)
    for name, accepted in chosen.items():
        statement = statement.where(table.c[name].in_(list(accepted))) if accepted else statement
    if site is not None:
        statement = statement.where(table.c.site == site)
    if before is not None:
        statement = statement.where(table.c.id < before)
    return [_notice(row) for row in unit.connection.execute(statement)]


def _notice(row: Row[Any]) -> Notice:
    return Notice(**{name: getattr(row, name) for name in Notice.__dataclass_fields__})
