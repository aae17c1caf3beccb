"""What is left of telemetry whose every value is kept no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0021_rollups"
down_revision = "0020_numberings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    times = ("first_at_ms", "last_at_ms", "last_received_ms")
    op.create_table(
        "rollup",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in times),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup"),
    )
    op.create_index("ix_rollup_last_received_ms", "rollup", ["last_received_ms"])
    op.create_index("ix_rollup_device_id_last_at_ms", "rollup", ["device_id", "last_at_ms"])
