"""The incidents behind a figure: the rows that it was computed from, page by page."""

from dataclasses import dataclass

from sqlalchemy import func, select

from iotops.incidents.incident import Incident
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row
from iotops.store.kpi.failures import failures
from iotops.store.kpi.period import Period
from iotops.store.kpi.populations import population
from iotops.store.tables import incident


@dataclass(frozen=True, slots=True)
class Behind:
    """One incident behind a figure: its row, the incident, how many rows of it count, and the sum of their values."""

    id: int
    incident: Incident
    n: int
    value: int


def behind(
    unit: Unit, kpi: str, period: Period, *, by: str | None, key: str | None, after: int, limit: int
) -> list[Behind]:
    """Return incidents behind a figure, the oldest number first, those after row `after`.

    Args:
        unit: a transaction.
        kpi: which figure.
        period: as the figure was asked for.
        by: as the figure was asked for.
        key: of one group; None: all of them where `by` is None, else the group that has no key.
        after: the last row of the page before, 0 for the first.
        limit: how many at most.
    """
    rows = (failures(unit, period, by) if kpi == "mtbf" else population(kpi, period, by)).subquery()
    counted = (
        select(rows.c.incident_id, func.count().label("n"), func.sum(rows.c.value).label("value"))
        .where(rows.c.incident_id > after)
        .group_by(rows.c.incident_id)
        .order_by(rows.c.incident_id)
        .limit(limit)
    )
    if by is not None:
        counted = counted.where(rows.c.key.is_(None) if key is None else rows.c.key == key)
    part = counted.subquery()
    statement = select(incident, part.c.n, part.c.value).join(part, part.c.incident_id == incident.c.id)
    found = unit.connection.execute(statement.order_by(incident.c.id))
    return [Behind(row.id, from_row(row), row.n, int(row.value)) for row in found]
