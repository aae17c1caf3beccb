"""How many incidents there are."""

from sqlalchemy import func, select

from iotops.incidents.incident import OPEN
from iotops.store.database import Unit
from iotops.store.tables import incident


def count_open(unit: Unit) -> dict[tuple[str, str], int]:
    """Return (state, priority) -> number of the incidents in which somebody still has to do something."""
    statement = (
        select(incident.c.state, incident.c.priority, func.count().label("n"))
        .where(incident.c.state.in_([state.value for state in OPEN]))
        .group_by(incident.c.state, incident.c.priority)
    )
    return {(row.state, row.priority): row.n for row in unit.connection.execute(statement)}
