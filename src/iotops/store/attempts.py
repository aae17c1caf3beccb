"""How far the sequences of rules have come, as rows: written with the readings that brought them there."""

from collections.abc import Mapping

from sqlalchemy import delete, select

from iotops.rules.alert import AlertKey
from iotops.rules.sequence import Attempt
from iotops.store.database import Unit
from iotops.store.pairs import is_pair
from iotops.store.tables import attempt as table
from iotops.store.upsert import chunks, upsert


def keep(unit: Unit, attempts: Mapping[AlertKey, Attempt | None]) -> None:
    """Write what a batch made of its attempts; None: there is nothing to know any more."""
    for keys in chunks(key for key, attempt in attempts.items() if attempt is None):
        unit.connection.execute(delete(table).where(is_pair((table.c.rule, table.c.instance), keys)))
    rows = [
        {"rule": key.rule, "instance": key.instance, "data": attempt._asdict()}
        for key, attempt in attempts.items()
        if attempt is not None
    ]
    upsert(unit, table, rows)


def load(unit: Unit) -> dict[AlertKey, Attempt]:
    """Return every attempt."""
    rows = unit.connection.execute(select(table))
    return {AlertKey(row.rule, row.instance): Attempt(**row.data) for row in rows}
