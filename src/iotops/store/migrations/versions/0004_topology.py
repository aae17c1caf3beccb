"""Sites, suppliers, services and dependencies; which incident explains which alert."""

import sqlalchemy as sa
from alembic import op

revision = "0004_topology"
down_revision = "0003_service"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, with the sites of the devices that are there, and add the columns."""
    _create("site", "name", "timezone", "calendar")
    _create("supplier", "name", "contact", "sla_policy")
    _create("service", "name", "criticality", "team", "sla_policy", "runbook")
    _create_dependency()
    op.create_table(
        "topology_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_topology_head"),
    )
    op.execute("INSERT INTO topology_head (id, version) VALUES (1, 0)")
    known = "SELECT site, 1, MIN(first_seen_ms) FROM device GROUP BY site"
    op.execute(f"INSERT INTO site (id, version, updated_ms) {known}")
    _extend_alert()
    _extend_incident()


def _create(name: str, *members: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(member, sa.String(), nullable=True) for member in members),
        sa.Column("file", sa.JSON(), nullable=True),
        sa.Column("api", sa.JSON(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )


def _create_dependency() -> None:
    keys = ("from_kind", "from_id", "kind", "to_kind", "to_id")
    op.create_table(
        "dependency",
        *(sa.Column(key, sa.String(), nullable=False) for key in keys),
        sa.Column("in_file", sa.Boolean(), nullable=False),
        sa.Column("in_api", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, name="pk_dependency"),
    )
    op.create_index("ix_dependency_to_kind_to_id", "dependency", ["to_kind", "to_id"], unique=False)


def _extend_alert() -> None:
    op.add_column("alert", sa.Column("cause", sa.String(), nullable=True))
    op.add_column("alert", sa.Column("waits_ms", sa.BigInteger(), nullable=True))
    waiting = sa.text("waits_ms IS NOT NULL")
    op.create_index("ix_alert_waits_ms", "alert", ["waits_ms"], sqlite_where=waiting, postgresql_where=waiting)


def _extend_incident() -> None:
    op.add_column("incident", sa.Column("supplier", sa.String(), nullable=True))
    op.add_column("incident", sa.Column("merged_into", sa.String(), nullable=True))
    op.add_column("incident", sa.Column("outage", sa.Boolean(), nullable=False, server_default=sa.false()))
    merged = sa.text("merged_into IS NOT NULL")
    op.create_index(
        "ix_incident_merged_into", "incident", ["merged_into"], sqlite_where=merged, postgresql_where=merged
    )
