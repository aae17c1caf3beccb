"""What stands behind the devices: sites, suppliers, services, and what depends on what.

Of every entry two layers are kept, what `services.yaml` says (`file`) and what the API says (`api`); the columns beside
them hold what counts of both.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from iotops.store.tables.columns import METADATA, instant, structured


def layers() -> tuple[Column[Any], ...]:
    """Return the columns that every kind of entry has beside its members."""
    return (
        structured("file"),  # NULL: services.yaml does not name it
        structured("api"),  # NULL: nobody said anything through the API
        Column("version", BigInteger, nullable=False),
        instant("updated", nullable=False),
    )


# Also every site that a device was ever heard of at, whether anybody declared it or not.
site = Table(
    "site",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("timezone", String),
    Column("calendar", String),
    *layers(),
)

supplier = Table(
    "supplier",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("contact", String),
    Column("sla_policy", String),
    *layers(),
)

service = Table(
    "service",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("criticality", String),  # A (highest), B, C
    Column("team", String),
    Column("sla_policy", String),
    Column("runbook", String),
    Column("public", Boolean),  # its status is for everybody
    *layers(),
)

dependency = Table(
    "dependency",
    METADATA,
    Column("from_kind", String, primary_key=True),  # service | device
    Column("from_id", String, primary_key=True),  # a device is site/device
    Column("kind", String, primary_key=True),  # runs_on | connects_via | supplied_by
    Column("to_kind", String, primary_key=True),  # service | device | supplier
    Column("to_id", String, primary_key=True),
    Column("in_file", Boolean, nullable=False),
    Column("in_api", Boolean, nullable=False),
    instant("created", nullable=False),
    Index("ix_dependency_to_kind_to_id", "to_kind", "to_id"),
)

topology_head = Table(
    "topology_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1
    Column("version", BigInteger, nullable=False),  # grows with every change of the tables above; locked by it
)
