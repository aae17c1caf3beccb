"""Indexes that figures about incidents are read by."""

from alembic import op

revision = "0009_kpi"
down_revision = "0008_promises"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("ix_incident_resolved_ms", "incident", ["resolved_ms"], unique=False)
    op.create_index("ix_timeline_type_at_ms", "timeline", ["type", "at_ms"], unique=False)
    op.create_index("ix_alert_fired_ms", "alert", ["fired_ms"], unique=False)
