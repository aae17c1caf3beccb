"""Changes, and the devices that changed by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0013_changes"
down_revision = "0012_notices"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "change",
        sa.Column("id", _ROW_ID, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "title", "state", "source")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("site", "device", "service", "supplier")),
        sa.Column("labels", sa.JSON(), nullable=True),
        sa.Column("rollout", sa.String(), nullable=True),
        sa.Column("device_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_change_started_ms_id", "change", ["started_ms", "id"], unique=False)
    op.create_index("ix_change_rollout_id", "change", ["rollout", "id"], unique=False)
    op.create_table(
        "change_device",
        sa.Column("change_id", sa.BigInteger(), nullable=False, autoincrement=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("site", "device", "was")),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change.id"], name="fk_change_device_change_id"),
        sa.PrimaryKeyConstraint("change_id", "site", "device", name="pk_change_device"),
    )
    op.create_index("ix_change_device_site_device", "change_device", ["site", "device"], unique=False)
