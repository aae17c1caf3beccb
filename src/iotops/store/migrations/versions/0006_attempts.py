"""How far the sequences of rules have come."""

import sqlalchemy as sa
from alembic import op

revision = "0006_attempts"
down_revision = "0005_editions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "attempt",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "instance", name="pk_attempt"),
    )
