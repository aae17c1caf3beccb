"""Promises that are due are counted from an index alone, however many incidents are open."""

import sqlalchemy as sa
from alembic import op

revision = "0019_due_counts"
down_revision = "0018_saved_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put an index that also names the incident in the place of the one that did not."""
    op.drop_index("ix_sla_clock_due_ms", "sla_clock")
    only = sa.text("state = 'running'")
    op.create_index(
        *("ix_sla_clock_due_ms_incident_id", "sla_clock", ["due_ms", "incident_id"]),
        sqlite_where=only,
        postgresql_where=only,
    )
