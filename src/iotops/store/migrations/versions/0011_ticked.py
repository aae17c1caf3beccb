"""Up to which broker-connected time timers were run: what comes back from a restart stands there."""

import sqlalchemy as sa
from alembic import op

revision = "0011_ticked"
down_revision = "0010_suppressions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; 0: as before, everything stands where its last reading brought it."""
    op.add_column("ingest_state", sa.Column("ticked_ms", sa.BigInteger(), nullable=False, server_default="0"))
