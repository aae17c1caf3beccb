"""Episodes whose incidents wait: for a cause to show, or for the end of a suppression."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.sql.expression import bindparam

from iotops.rules.alert import Alert, AlertState
from iotops.store.alerts import alert_of
from iotops.store.database import Unit
from iotops.store.tables import alert as table
from iotops.store.upsert import chunks


def wait(unit: Unit, began: Mapping[str, int], ended: Sequence[str]) -> None:
    """Note which episodes' incidents wait for a cause, since when on their devices' clocks, and which no longer do."""
    if began:
        statement = update(table).where(table.c.id == bindparam("episode")).values(waits_ms=bindparam("since"))
        unit.connection.execute(statement, [{"episode": name, "since": since} for name, since in began.items()])
    for ids in chunks(ended):
        unit.connection.execute(update(table).where(table.c.id.in_(ids)).values(waits_ms=None))


def silence(unit: Unit, silenced: Mapping[str, str | None]) -> None:
    """Note by which suppressions episodes are kept back: episode id -> its id, None for none."""
    if silenced:
        statement = update(table).where(table.c.id == bindparam("episode")).values(silenced_by=bindparam("by"))
        unit.connection.execute(statement, [{"episode": name, "by": by} for name, by in silenced.items()])


def load_waiting(unit: Unit) -> list[tuple[Alert, int, bool, str | None]]:
    """Return the episodes whose incidents wait, since when, whether one explained them, and what keeps them back."""
    # Put in order here: asked for in the order of ids, SQLite reads all alerts there ever were.
    rows = unit.connection.execute(select(table).where(table.c.waits_ms.is_not(None)))
    return [
        (alert_of(row), row.waits_ms, row.cause is not None, row.silenced_by)
        for row in sorted(rows, key=lambda row: row.id)
        if row.state != AlertState.RESOLVED.value
    ]
