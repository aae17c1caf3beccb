"""The one incident that no rule raises: nothing is received, because the broker is away or the ingest was not there.

Device clocks stand still meanwhile, so that no device is judged for it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from iotops.durations import format_duration
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import OPEN, SYSTEM, Incident
from iotops.incidents.priority import derive
from iotops.incidents.transitions import transition
from iotops.rules.alert import episode_id
from iotops.rules.rule import Severity
from iotops.store import timeline
from iotops.store.database import Unit
from iotops.store.incidents.recurrence import recognise
from iotops.store.incidents.rows import changed_columns, from_row, insert, number_of, row_id, write
from iotops.store.tables import incident

INGEST_DOWN = "ingest_down"
_INSTANCE = "ingest"


def raise_ingest_down(unit: Unit, since_ms: int, now_ms: int, reason: str, *, policy: Policy) -> str | None:
    """Raise the incident of an outage that began at `since_ms`; returns its number, None where there is one already."""
    if _open(unit):
        return None
    priority, derivation = derive(Severity.CRITICAL)
    draft = Incident(
        f"nothing was received for {format_duration(now_ms - since_ms)}: {reason}",
        Severity.CRITICAL,
        priority=priority,
        priority_reason=derivation,
        rule=INGEST_DOWN,
        instance=_INSTANCE,
        alert_id=episode_id(INGEST_DOWN, "", _INSTANCE, since_ms),
        fired_ms=since_ms,
        recurrence_of=_previous(unit),
    )
    new, entries = transition(draft, "raise", SYSTEM, now_ms)
    incident_id = insert(unit, new, policy)
    if incident_id is None:
        return None
    after, said = recognise(unit, [(incident_id, new)]).get(incident_id, (new, ()))
    write(unit, incident_id, changed_columns(new, after, policy, by_machine=True))
    timeline.append(unit, ((incident_id, entry) for entry in (*entries, *said)))
    return number_of(incident_id)


def resolve_ingest_down(unit: Unit, now_ms: int, *, policy: Policy) -> list[str]:
    """Resolve what `raise_ingest_down` raised and is open, now that messages can come; returns the numbers."""
    rows = _open(unit)
    for row in rows:
        before = from_row(row)
        after, entries = transition(before, "resolve", SYSTEM, now_ms, code="cleared", cleared_ms=now_ms)
        write(unit, row_id(before.number), changed_columns(before, after, policy, by_machine=True))
        timeline.append(unit, ((row.id, entry) for entry in entries))
    return [row.number for row in rows]


def _previous(unit: Unit) -> str | None:
    statement = select(incident.c.number).where(incident.c.rule == INGEST_DOWN, incident.c.instance == _INSTANCE)
    return unit.connection.execute(statement.order_by(incident.c.id.desc()).limit(1)).scalar()


def _open(unit: Unit) -> Sequence[Row[Any]]:
    mine = (incident.c.rule == INGEST_DOWN, incident.c.instance == _INSTANCE)
    still = incident.c.state.in_([state.value for state in OPEN])
    statement = select(incident).where(*mine, still).order_by(incident.c.id).with_for_update()
    return unit.connection.execute(statement).all()
