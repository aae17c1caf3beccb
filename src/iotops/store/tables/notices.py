"""The outbox of notices, the messages made of it, and what is said again until somebody acknowledges."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

# One row per timeline entry that somebody is told of, written in the entry's own transaction.
outbox = Table(
    "outbox",
    METADATA,
    Column("seq", ROW_ID, primary_key=True, autoincrement=False),  # of the timeline entry
    Column("incident_id", BigInteger, ForeignKey("incident.id"), nullable=False),
    Column("event", String, nullable=False),
    instant("at", nullable=False),
)

# One message to one channel, with every attempt to deliver it.
notice = Table(
    "notice",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("key", String, nullable=False, unique=True),  # the same over all attempts: receivers drop duplicates by it
    Column("route", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("site", String),  # NULL where it speaks of several
    structured("events", nullable=False),
    structured("content"),  # as it was sent first; NULL while more may be added
    Column("state", String, nullable=False),  # pending | sending | delivered | failed
    Column("attempts", Integer, nullable=False),
    Column("error", String),
    instant("created", nullable=False),
    instant("due", nullable=False),
    instant("delivered"),
    instant("updated", nullable=False),
    Index("ix_notice_state_due_ms", "state", "due_ms"),
    Index("ix_notice_state_updated_ms", "state", "updated_ms"),  # what was kept long enough
    sqlite_autoincrement=True,
)

reminder = Table(
    "reminder",
    METADATA,
    Column("incident_id", BigInteger, ForeignKey("incident.id"), primary_key=True, autoincrement=False),
    Column("route", String, primary_key=True),
    instant("due", nullable=False, index=True),
)
