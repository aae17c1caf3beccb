"""How the numbers of devices' messages have come."""

import sqlalchemy as sa
from alembic import op

revision = "0020_numberings"
down_revision = "0019_due_counts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "numbering",
        sa.Column(
            "device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_numbering_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", name="pk_numbering"),
    )
