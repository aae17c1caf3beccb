"""The one row that grows with every change of the topology: who has read version n knows all of it."""

from sqlalchemy import select, update

from iotops.store.database import Unit
from iotops.store.tables import topology_head


def version(unit: Unit) -> int:
    """Return the version of sites, suppliers, services and dependencies together."""
    found: int = unit.connection.execute(select(topology_head.c.version)).scalar_one()
    return found


def advance(unit: Unit) -> None:
    """Note a change; the row stays locked until the unit ends, so that changes are made one after the other."""
    unit.connection.execute(update(topology_head).values(version=topology_head.c.version + 1))
