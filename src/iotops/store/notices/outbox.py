"""The outbox: each event is taken once, in the transaction that puts it into its messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Exists, Row, delete, exists, select

from iotops.incidents.incident import Incident
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row
from iotops.store.tables import incident, outbox, reminder
from iotops.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Told:
    """One event to tell, with its incident as it is now. `place` names the event for ever (see `Gathering.add`)."""

    place: str
    event: str
    at_ms: int
    incident_id: int
    incident: Incident


def take(unit: Unit, limit: int) -> list[Told]:
    """Take the oldest events out of the outbox; those of incidents whose notices are held stay."""
    joined = select(outbox.c.seq, outbox.c.event, outbox.c.at_ms, outbox.c.incident_id.label("of"), incident)
    joined = joined.join(incident, incident.c.id == outbox.c.incident_id).where(~_is_held(outbox.c.incident_id))
    rows = unit.connection.execute(joined.order_by(outbox.c.seq).limit(limit)).all()
    unit.connection.execute(delete(outbox).where(outbox.c.seq.in_([row.seq for row in rows])))
    return [Told(str(row.seq), row.event, row.at_ms, row.of, from_row(row)) for row in rows]


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
    due = joined.where(reminder.c.due_ms <= now_ms, ~_is_held(reminder.c.incident_id)).order_by(reminder.c.due_ms)
    return [(row.route, _reminder(row, now_ms)) for row in unit.connection.execute(due.limit(limit))]


def _is_held(incident_id: ColumnElement[int]) -> Exists:
    """Return whether an incident's notices are held.

    Asked apart: asked of the joined incidents, SQLite reads all there ever were, to filter what it joins.
    """
    held = incident.alias("held")
    return exists().where(held.c.id == incident_id, held.c.muted_by.is_not(None))


def _reminder(row: Row[Any], now_ms: int) -> Told:
    return Told(f"reminder {row.of} {row.at}", "reminder", now_ms, row.of, from_row(row))
