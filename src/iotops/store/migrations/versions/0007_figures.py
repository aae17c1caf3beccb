"""Counts by rule and metric, added up by day."""

import sqlalchemy as sa
from alembic import op

revision = "0007_figures"
down_revision = "0006_attempts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "figure",
        sa.Column("day_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("of", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day_ms", "kind", "of", "name", name="pk_figure"),
    )
