"""Who was granted or denied what, and who changed what: a second append-only chain."""

import sqlalchemy as sa
from alembic import op

revision = "0016_deeds"
down_revision = "0015_status"
branch_labels = None
depends_on = None

_REFUSAL = "deeds are append-only"


def upgrade() -> None:
    """Create the chain, its head, and the guards that refuse changes."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "deed",
        sa.Column("seq", number, autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("actor_kind", "actor")),
        sa.Column("address", sa.String(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("action", "object", "outcome")),
        sa.Column("data", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("prev_hash", "hash")),
        sa.PrimaryKeyConstraint("seq", name="pk_deed"),
    )
    op.create_index("ix_deed_action_seq", "deed", ["action", "seq"], unique=False)
    op.create_table(
        "deed_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deed_head"),
    )
    op.execute(f"INSERT INTO deed_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")
    _guard()


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER deed_no_{verb.lower()} BEFORE {verb} ON deed "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION deed_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER deed_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON deed "
        "FOR EACH STATEMENT EXECUTE FUNCTION deed_refuse()"
    )
