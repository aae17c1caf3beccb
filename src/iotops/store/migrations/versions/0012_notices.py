"""The outbox of notices, messages with their attempts, reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0012_notices"
down_revision = "0011_ticked"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables and indexes; what happened before is nobody's news any more."""
    op.create_table(
        "outbox",
        sa.Column("seq", _ROW_ID, nullable=False, autoincrement=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_outbox_incident_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
    )
    op.create_table(
        "notice",
        sa.Column("id", _ROW_ID, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("key", "route", "channel")),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        *(sa.Column(f"{name}_ms", sa.BigInteger(), nullable=False) for name in ("created", "due")),
        sa.Column("delivered_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("key", name="uq_notice_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notice_state_due_ms", "notice", ["state", "due_ms"], unique=False)
    op.create_table(
        "reminder",
        sa.Column("incident_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_reminder_incident_id"),
        sa.PrimaryKeyConstraint("incident_id", "route", name="pk_reminder"),
    )
    op.create_index("ix_reminder_due_ms", "reminder", ["due_ms"], unique=False)
