"""What SQLite knows of how values are spread, by which it chooses among indexes; PostgreSQL finds out by itself."""

from sqlalchemy import text

from iotops.store.database import Database

_GROWING = ("incident", "alert", "timeline", "sla_clock")
_LOOKED_AT = 20_000  # entries of each index: a fraction of a second however many there are


def refresh(database: Database) -> None:
    """Look at the tables that grow with the years: among many indexes a guess takes one that leads to far too much."""
    if database.dialect == "sqlite":
        with database.begin() as unit:
            unit.connection.execute(text(f"PRAGMA analysis_limit = {_LOOKED_AT}"))
            for table in _GROWING:
                unit.connection.execute(text(f"ANALYZE {table}"))
