"""Problems, the incidents that belong to them, and how often an incident came back."""

import sqlalchemy as sa
from alembic import op

revision = "0014_problems"
down_revision = "0013_changes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and add columns and indexes to incidents."""
    _create_problem()
    op.add_column("incident", sa.Column("problem", sa.String(), nullable=True))
    op.add_column("incident", sa.Column("recurrence_count", sa.Integer(), nullable=False, server_default="0"))
    _index_incidents("ix_incident_problem_raised_ms_id", ["problem", "raised_ms", "id"], "problem IS NOT NULL")
    _index_incidents("ix_incident_recurring", ["raised_ms", "rule", "instance"], "recurrence_count >= 3")


def _create_problem() -> None:
    said = ("root_cause", "workaround", "owner", "rule", "instance", "site")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "problem",
        sa.Column("id", number, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("number", "title", "state")),
        *(sa.Column(name, sa.String(), nullable=True) for name in said),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(f"{name}_ms", sa.BigInteger(), nullable=True) for name in ("known", "resolved", "closed")),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_problem"),
        sa.UniqueConstraint("number", name="uq_problem_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_problem_state_id", "problem", ["state", "id"], unique=False)


def _index_incidents(name: str, columns: list[str], condition: str) -> None:
    only = sa.text(condition)
    op.create_index(name, "incident", columns, unique=False, sqlite_where=only, postgresql_where=only)
