"""What the processes themselves remember: positions, snapshots, rule editions, tokens, heartbeats."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from iotops.store.tables.columns import METADATA, instant, structured

api_token = Table(
    "api_token",
    METADATA,
    Column("id", String, primary_key=True),
    Column("hash", String, nullable=False),
    Column("role", String, nullable=False),
    Column("site", String),
    Column("name", String, nullable=False),
    instant("created", nullable=False),
    instant("expires"),
    instant("revoked"),
    instant("last_used"),
    # A browser session: the token that was exchanged for it, and which it cannot outlive. NULL for tokens proper.
    Column("session_of", String, index=True),
)

idempotency = Table(
    "idempotency",
    METADATA,
    Column("key", String, primary_key=True),
    Column("token_id", String, primary_key=True),
    Column("method_path", String, nullable=False),
    Column("body_hash", String, nullable=False),
    Column("status", Integer, nullable=False),
    structured("response"),
    instant("expires", nullable=False, index=True),
)

heartbeat = Table(
    "heartbeat",
    METADATA,
    Column("process", String, primary_key=True),
    instant("at", nullable=False),
    instant("started", nullable=False),
    structured("data", nullable=False),
)

ingest_state = Table(
    "ingest_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1
    Column("batch_no", BigInteger, nullable=False),  # of the newest commit
    Column("position", BigInteger, nullable=False),  # of the newest arrival
    Column("connected_ms", BigInteger, nullable=False),
    structured("counters", nullable=False),  # totals since the first commit: stored, duplicates, dead_lettered, ...
    instant("updated", nullable=False),
    Column("ticked_ms", BigInteger, nullable=False, server_default="0"),
)

engine_slot = Table(
    "engine_slot",
    METADATA,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),  # every arrival up to here is in `data`
    Column("connected_ms", BigInteger, nullable=False),
    instant("saved", nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# The texts of rule files, once per edition that was in force: what a replay of the log judges by.
rule_edition = Table(
    "rule_edition",
    METADATA,
    Column("digest", String, primary_key=True),
    instant("kept", nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

# Counts by rule and metric, added up by day.
figure = Table(
    "figure",
    METADATA,
    Column("day_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),  # rule | metric
    Column("of", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
