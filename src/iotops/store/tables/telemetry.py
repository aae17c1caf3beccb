"""What devices said, which devices there are, and what could not be used.

The layout of `arrival`, `presence` and `block` is measured and argued in docs/decisions/0001-telemetry-layout.md.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    false,
)

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

device = Table(
    "device",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("site", String, nullable=False),
    Column("device", String, nullable=False),
    Column("name", String),
    structured("labels_status", nullable=False),  # what its status payload says; the weakest layer
    structured("labels_file", nullable=False),  # devices.yaml
    structured("labels_api", nullable=False),  # the strongest
    Column("lifecycle", String, nullable=False, server_default="active"),  # active | retired
    Column("trust_status", Boolean, nullable=False),
    instant("first_seen", nullable=False),
    Column("first_connected_ms", BigInteger, nullable=False),  # the ingest's connected time when it was registered
    instant("updated", nullable=False, index=True),  # labels, name or lifecycle changed; never by telemetry
    UniqueConstraint("site", "device"),
)

# Narrow and apart from `device`, because it is rewritten all the time: a thousand devices are eight pages.
presence = Table(
    "presence",
    METADATA,
    Column("device_id", ROW_ID, ForeignKey("device.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    instant("last_seen"),  # newest receive time of anything
    instant("last_event"),  # newest event time of a stored reading
    Column("online", Boolean),
    instant("online"),  # event time of the status that said so
    Column("position", BigInteger),  # its newest arrival up to the watermark `heads`: where its chain starts
    Column("boots", LargeBinary),  # MessagePack: counter -> highest seq stored, the newest few; "" of who sends no boot
    Column("boots_forgotten", Boolean, nullable=False, server_default=false()),  # there were more of them
    Column("skewed", Boolean, nullable=False, server_default=false()),  # it once sent a time too far ahead
)

# Written when a device's numbers do not just go on by one; apart from `presence`, which follows its arrivals late.
numbering = Table(
    "numbering",
    METADATA,
    Column("device_id", ROW_ID, ForeignKey("device.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("packed", LargeBinary, nullable=False),  # MessagePack: iotops.telemetry.numbering.Numbering
)

arrival = Table(
    "arrival",
    METADATA,
    Column("position", ROW_ID, primary_key=True, autoincrement=False),
    Column("device_id", BigInteger, nullable=False),  # 0: not about one device (connection up, rules reloaded, ...)
    Column("previous", BigInteger),  # position of this device's arrival before: one device is read without an index
    Column("kind", SmallInteger, nullable=False),
    instant("at", nullable=False),
    instant("received", nullable=False),
    Column("connected_ms", BigInteger, nullable=False),
    Column("batch_no", BigInteger, nullable=False),
    Column("skewed", Boolean, nullable=False),
    Column("boot", String),
    Column("seq", BigInteger),
    Column("identity", LargeBinary, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

block = Table(
    "block",
    METADATA,
    Column("first_position", ROW_ID, primary_key=True, autoincrement=False),  # unique: an arrival is in one block
    Column("last_position", BigInteger, nullable=False),
    Column("device_id", BigInteger, nullable=False),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
    instant("first_received", nullable=False),
    instant("last_received", nullable=False, index=True),
    Column("first_seq", BigInteger),
    Column("last_seq", BigInteger),
    Column("readings", BigInteger, nullable=False),
    Column("skewed", Boolean, nullable=False),  # holds a reading whose own time was replaced
    Column("packed", LargeBinary, nullable=False),
    Index("ix_block_device_id_last_at_ms", "device_id", "last_at_ms"),
)

# What is left of old blocks: docs/decisions/0001-telemetry-layout.md and iotops.store.rollups.
rollup = Table(
    "rollup",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("device_id", BigInteger, nullable=False),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
    instant("last_received", nullable=False, index=True),
    Column("packed", LargeBinary, nullable=False),
    Index("ix_rollup_device_id_last_at_ms", "device_id", "last_at_ms"),
)

watermark = Table(
    "watermark",
    METADATA,
    Column("name", String, primary_key=True),  # compacted: all up to here is in blocks; heads: see `presence`
    Column("position", BigInteger, nullable=False),
)

dead_letter = Table(
    "dead_letter",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    instant("received", nullable=False, index=True),
    Column("topic", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("head", String, nullable=False),  # first bytes, escaped, for eyes
    Column("payload", LargeBinary),  # for redrive; NULL where it was longer than is kept
    Column("qos", SmallInteger, nullable=False),
    Column("retain", Boolean, nullable=False),
    Column("dup", Boolean, nullable=False),
    instant("redriven"),
    Index("ix_dead_letter_sha256", "sha256"),
    Index("ix_dead_letter_reason_id", "reason", "id"),
)
