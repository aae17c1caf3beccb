"""Alerts that are not over, found without reading those that are: with a long past nearly all are."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import String, and_, column, delete, select, text, update, values

from iotops.rules.alert import Alert, AlertKey, AlertState
from iotops.store.database import Unit
from iotops.store.tables import alert as table
from iotops.store.upsert import chunks

# Spelled as the partial index is, and as text: with a parameter, or the `= 1` that SQLAlchemy puts behind a boolean
# for SQLite, the database could not know that the index will do.
IS_OPEN = text("alert.state <> 'resolved'")


def forget_pending(unit: Unit, alerts: Mapping[AlertKey, Alert | None], now_ms: int) -> None:
    """Delete pending episodes that ended without firing: they were nobody's business, unless an incident has them."""
    current = {alert.id for alert in alerts.values() if alert is not None}
    for ids in chunks(each for each in _pending(unit, alerts) if each not in current):
        ended = table.c.id.in_(ids)
        unit.connection.execute(delete(table).where(ended, table.c.incident_id.is_(None)))
        # An incident lists what it explains, also what never fired: that stays as a row.
        over = update(table).where(ended)
        over = over.values(state=AlertState.RESOLVED.value, resolved_ms=now_ms, updated_ms=now_ms)
        unit.connection.execute(over)


def _pending(unit: Unit, keys: Iterable[AlertKey]) -> Iterator[str]:
    """Yield the pending episodes of instances; by pairs in a list SQLite would read every alert there ever was."""
    for some in chunks(keys):
        asked = values(column("rule", String), column("instance", String), name="asked").data(some).cte("asked")
        same = and_(table.c.rule == asked.c.rule, table.c.instance == asked.c.instance)
        statement = select(table.c.id).join_from(asked, table, same)
        rows = unit.connection.execute(statement.where(IS_OPEN, table.c.state == AlertState.PENDING.value))
        yield from rows.scalars()
