"""Maintenance and silences, the alerts they keep back, and the incidents whose notices they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0010_suppressions"
down_revision = "0009_kpi"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table, the columns and the indexes."""
    texts = ("timezone", "reason", "owner", "created_by")
    op.create_table(
        "suppression",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("matcher", sa.JSON(), nullable=False),
        sa.Column("starts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=True),
        sa.Column("rrule", sa.String(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("until_cleared", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(f"{name}_ms", sa.BigInteger(), nullable=True) for name in ("ended", "removed", "applied", "seen")),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppression"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_suppression_ended_ms", "suppression", ["ended_ms"], unique=False)
    op.add_column("alert", sa.Column("silenced_by", sa.String(), nullable=True))
    silenced = sa.text("silenced_by IS NOT NULL")
    op.create_index("ix_alert_silenced_by", "alert", ["silenced_by"], sqlite_where=silenced, postgresql_where=silenced)
    op.add_column("incident", sa.Column("muted_by", sa.String(), nullable=True))
    muted = sa.text("muted_by IS NOT NULL")
    op.create_index("ix_incident_muted_by", "incident", ["muted_by"], sqlite_where=muted, postgresql_where=muted)
