"""From the outbox to messages: each event is taken once, in the transaction that puts it into its messages."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, select, update

from iotops.incidents.incident import Incident
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row
from iotops.store.tables import incident, notice, outbox, reminder
from iotops.store.upsert import INSERT, upsert

MOST_EVENTS = 50
"""So many events make one message at the most; what comes then begins another."""
_GATHERING = 20  # messages of a route to a channel that are looked through; what waits is of few priorities


@dataclass(frozen=True, slots=True)
class Told:
    """One event to tell, with its incident as it is now. `place` names the event for ever (see `add`)."""

    place: str
    event: str
    at_ms: int
    incident_id: int
    incident: Incident


def take(unit: Unit, limit: int) -> list[Told]:
    """Take the oldest events out of the outbox; those of incidents whose notices are held stay."""
    joined = select(outbox.c.seq, outbox.c.event, outbox.c.at_ms, outbox.c.incident_id.label("of"), incident)
    joined = joined.join(incident, incident.c.id == outbox.c.incident_id).where(incident.c.muted_by.is_(None))
    rows = unit.connection.execute(joined.order_by(outbox.c.seq).limit(limit)).all()
    unit.connection.execute(delete(outbox).where(outbox.c.seq.in_([row.seq for row in rows])))
    return [Told(str(row.seq), row.event, row.at_ms, row.of, from_row(row)) for row in rows]


class Times(NamedTuple):
    """Now; when a message of its own would go out; and whether an event may go with one that goes out at a time."""

    now_ms: int
    due_ms: int
    may_join: Callable[[int], bool]


def add(unit: Unit, route: str, channel: str, told: Told, times: Times) -> None:
    """Put an event into a message of a route to a channel that is being gathered, else into a new one.

    The key of a message comes from its first event, route and channel: made again, it is the same message.
    """
    found = told.incident
    event = {"event": told.event, "at_ms": told.at_ms, "incident": found.number, "facts": _facts(found)}
    open_one = select(notice).where(
        notice.c.state == "pending",
        notice.c.route == route,
        notice.c.channel == channel,
        notice.c.content.is_(None),
        notice.c.due_ms > times.now_ms,
    )
    gathering = unit.connection.execute(open_one.order_by(notice.c.id.desc()).limit(_GATHERING))
    row = next((each for each in gathering if len(each.events) < MOST_EVENTS and times.may_join(each.due_ms)), None)
    if row is not None:
        site = row.site if row.site == (found.site or None) else None
        values = {"events": [*row.events, event], "site": site, "updated_ms": times.now_ms}
        unit.connection.execute(update(notice).where(notice.c.id == row.id).values(values))
        return
    digest = hashlib.sha256(f"{told.place}\x1f{route}\x1f{channel}".encode()).hexdigest()[:32]
    values = {"key": f"msg_{digest}", "route": route, "channel": channel, "site": found.site or None}
    instants = {"created_ms": times.now_ms, "due_ms": times.due_ms, "updated_ms": times.now_ms}
    made = {**values, **instants, "events": [event], "state": "pending", "attempts": 0}
    unit.connection.execute(INSERT[unit.dialect](notice).values(made).on_conflict_do_nothing(index_elements=["key"]))


def remind_at(unit: Unit, incident_id: int, route: str, due_ms: int) -> None:
    """Say again at an instant what nobody has acknowledged by then."""
    upsert(unit, reminder, [{"incident_id": incident_id, "route": route, "due_ms": due_ms}])


def forget_reminder(unit: Unit, incident_id: int, route: str) -> None:
    """Say nothing again."""
    unit.connection.execute(delete(reminder).where(reminder.c.incident_id == incident_id, reminder.c.route == route))


def reminders(unit: Unit, now_ms: int, limit: int) -> Sequence[tuple[str, Told]]:
    """Return (route, event) of what is due to be said again, of incidents whose notices are not held."""
    joined = select(reminder.c.route, reminder.c.due_ms.label("at"), reminder.c.incident_id.label("of"), incident)
    joined = joined.join(incident, incident.c.id == reminder.c.incident_id)
    due = joined.where(reminder.c.due_ms <= now_ms, incident.c.muted_by.is_(None)).order_by(reminder.c.due_ms)
    return [(row.route, _reminder(row, now_ms)) for row in unit.connection.execute(due.limit(limit))]


def _reminder(row: Row[Any], now_ms: int) -> Told:
    return Told(f"reminder {row.of} {row.at}", "reminder", now_ms, row.of, from_row(row))


def _facts(found: Incident) -> dict[str, Any]:
    names = ("title", "priority", "site", "service", "device", "rule", "assignee", "team", "fired_ms", "raised_ms")
    facts = {name: getattr(found, name) for name in names}
    return {**facts, "state": found.state.value, "severity": found.severity.word}
