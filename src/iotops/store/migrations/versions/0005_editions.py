"""The texts of rule files that were in force, for replays of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0005_editions"
down_revision = "0004_topology"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "rule_edition",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("kept_ms", sa.BigInteger(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_rule_edition"),
    )
