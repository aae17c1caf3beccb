"""What devices said, which devices there are, and how far the ingest is."""

import sqlalchemy as sa
from alembic import op

revision = "0001_telemetry"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables of telemetry, and the single rows of their positions."""
    _create_device()
    _create_presence()
    _create_arrival()
    _create_block()
    _create_watermark()
    _create_dead_letter()
    _create_ingest_state()
    _create_engine_slot()

    op.execute("INSERT INTO watermark (name, position) VALUES ('compacted', 0), ('heads', 0)")
    op.execute(
        "INSERT INTO ingest_state (id, batch_no, position, connected_ms, counters, updated_ms) "
        "VALUES (1, 0, 0, 0, '{}', 0)"
    )


def _create_device() -> None:
    op.create_table(
        "device",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("labels_status", sa.JSON(), nullable=False),
        sa.Column("labels_file", sa.JSON(), nullable=False),
        sa.Column("labels_api", sa.JSON(), nullable=False),
        sa.Column("lifecycle", sa.String(), server_default="active", nullable=False),
        sa.Column("trust_status", sa.Boolean(), nullable=False),
        sa.Column("first_seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("site", "device", name="uq_device_site_device"),
    )
    op.create_index("ix_device_updated_ms", "device", ["updated_ms"], unique=False)


def _create_presence() -> None:
    op.create_table(
        "presence",
        sa.Column("device_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_event_ms", sa.BigInteger(), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=True),
        sa.Column("online_ms", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("boots", sa.LargeBinary(), nullable=True),
        sa.Column("boots_forgotten", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("skewed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_presence_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", name="pk_presence"),
    )


def _create_arrival() -> None:
    op.create_table(
        "arrival",
        sa.Column("position", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("batch_no", sa.BigInteger(), nullable=False),
        sa.Column("skewed", sa.Boolean(), nullable=False),
        sa.Column("boot", sa.String(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_arrival"),
    )


def _create_block() -> None:
    op.create_table(
        "block",
        sa.Column("first_position", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("first_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_received_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_received_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("readings", sa.BigInteger(), nullable=False),
        sa.Column("skewed", sa.Boolean(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("first_position", name="pk_block"),
    )
    op.create_index("ix_block_device_id_last_at_ms", "block", ["device_id", "last_at_ms"], unique=False)
    op.create_index("ix_block_last_received_ms", "block", ["last_received_ms"], unique=False)


def _create_watermark() -> None:
    op.create_table(
        "watermark",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_watermark"),
    )


def _create_dead_letter() -> None:
    op.create_table(
        "dead_letter",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("qos", sa.SmallInteger(), nullable=False),
        sa.Column("retain", sa.Boolean(), nullable=False),
        sa.Column("dup", sa.Boolean(), nullable=False),
        sa.Column("redriven_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
    )
    op.create_index("ix_dead_letter_reason_id", "dead_letter", ["reason", "id"], unique=False)
    op.create_index("ix_dead_letter_received_ms", "dead_letter", ["received_ms"], unique=False)
    op.create_index("ix_dead_letter_sha256", "dead_letter", ["sha256"], unique=False)


def _create_ingest_state() -> None:
    op.create_table(
        "ingest_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_no", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_state"),
    )


def _create_engine_slot() -> None:
    op.create_table(
        "engine_slot",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("saved_ms", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_engine_slot"),
    )
