"""Lists that people saved."""

import sqlalchemy as sa
from alembic import op

revision = "0018_saved_views"
down_revision = "0017_incident_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_view",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("owner", "name", "query")),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_saved_view_owner_name", "saved_view", ["owner", "name"], unique=True)
