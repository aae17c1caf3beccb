"""How services stand for those who depend on them, and which of them everybody may see."""

import sqlalchemy as sa
from alembic import op

revision = "0015_status"
down_revision = "0014_problems"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and add the column to services."""
    op.add_column("service", sa.Column("public", sa.Boolean(), nullable=True))
    op.create_table(
        "service_state",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("service", "state", "because")),
        *(sa.Column(f"{name}_ms", sa.BigInteger(), nullable=False) for name in ("since", "seen")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("incidents", "suppliers")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("devices", "affected", "unheard")),
        sa.PrimaryKeyConstraint("service", name="pk_service_state"),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "service_span",
        sa.Column("id", number, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("service", "state")),
        *(sa.Column(f"{name}_ms", sa.BigInteger(), nullable=False) for name in ("since", "until")),
        sa.Column("incidents", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_span"),
    )
    op.create_index("ix_service_span_service_until_ms", "service_span", ["service", "until_ms"], unique=False)
    op.create_index("ix_service_span_until_ms", "service_span", ["until_ms"], unique=False)
