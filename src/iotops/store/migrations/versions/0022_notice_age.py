"""Messages that were kept long enough are found by an index."""

from alembic import op

revision = "0022_notice_age"
down_revision = "0021_rollups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_notice_state_updated_ms", "notice", ["state", "updated_ms"])
