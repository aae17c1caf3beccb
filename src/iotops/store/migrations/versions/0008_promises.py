"""Calendars, policies, promises as given, and clocks."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008_promises"
down_revision = "0007_figures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create("calendar", name=sa.String, timezone=sa.String, hours=sa.JSON, holidays=sa.String, closed=sa.JSON)
    members = {"respond_minutes": sa.JSON, "resolve_minutes": sa.JSON, "pause_on": sa.JSON}
    _create("sla_policy", name=sa.String, calendar=sa.String, **members)
    op.create_table(
        "sla_edition",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("kept_ms", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sla_edition"),
    )
    _create_clock()


def _create(table: str, **members: Callable[[], Any]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(member, kind(), nullable=True) for member, kind in members.items()),
        sa.Column("file", sa.JSON(), nullable=True),
        sa.Column("api", sa.JSON(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _create_clock() -> None:
    times = ("due", "near_due", "near", "stopped", "breached", "decided", "next")
    op.create_table(
        "sla_clock",
        sa.Column("incident_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("target_ms", sa.BigInteger(), nullable=True),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.JSON(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(f"{name}_ms", sa.BigInteger(), nullable=True) for name in times),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_sla_clock_incident_id"),
        sa.PrimaryKeyConstraint("incident_id", "kind", name="pk_sla_clock"),
    )
    op.create_index("ix_sla_clock_next_ms", "sla_clock", ["next_ms"], unique=False)
    op.create_index("ix_sla_clock_kind_decided_ms", "sla_clock", ["kind", "decided_ms"], unique=False)
    op.create_index("ix_sla_clock_kind_stopped_ms", "sla_clock", ["kind", "stopped_ms"], unique=False)
