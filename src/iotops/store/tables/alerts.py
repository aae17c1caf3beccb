"""The machine's facts: rules as loaded, and episodes of their instances."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from iotops.store.tables.columns import METADATA, instant, structured

rule = Table(
    "rule",
    METADATA,
    Column("id", String, primary_key=True),
    Column("file", String, nullable=False),
    Column("line", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("source", String, nullable=False),
    Column("semantic_hash", String, nullable=False),
    Column("full_hash", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("state", String, nullable=False),  # loaded | quarantined | error | removed
    Column("error", String),
    Column("error_count", BigInteger, nullable=False, server_default="0"),
    instant("loaded", nullable=False),
    instant("last_fired"),
)

attempt = Table(
    "attempt",
    METADATA,
    Column("rule", String, primary_key=True),
    Column("instance", String, primary_key=True),
    structured("data", nullable=False),  # how far the rule's sequence has come; only the engine reads it
)

OPEN = text("state <> 'resolved'")
EXPLAINED = text("cause IS NOT NULL")
WAITING = text("waits_ms IS NOT NULL")
SILENCED = text("silenced_by IS NOT NULL")

alert = Table(
    "alert",
    METADATA,
    Column("id", String, primary_key=True),  # episode id: the same episode cannot be raised twice
    Column("rule", String, nullable=False),
    Column("instance", String, nullable=False),
    Column("rule_version", String, nullable=False),
    Column("semantic_hash", String, nullable=False),
    Column("site", String, nullable=False),
    Column("device", String),
    Column("state", String, nullable=False),  # pending | firing | recovering | resolved
    Column("data", String, nullable=False),  # known | unknown
    Column("severity", String, nullable=False),
    Column("suppressed_by", String),
    instant("began", nullable=False),
    instant("fired"),
    instant("resolved"),
    instant("last_true"),
    instant("checked", nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    Column("summary", String, nullable=False),
    structured("machine", nullable=False),  # clocks of the state machine; only the engine reads them
    structured("evidence", nullable=False),
    Column("incident_id", BigInteger),
    Column("cause", String),  # the device that explains it, site/device: its incident holds the alert as suppressed
    Column("silenced_by", String),  # the suppression under which it fired and its incident is kept back
    instant("waits"),  # since when an incident waits for a cause, on the device's clock; NULL where none does
    instant("updated", nullable=False),
    Index("uq_alert_open_instance", "rule", "instance", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
    Index("ix_alert_incident_id", "incident_id"),
    Index("ix_alert_began_ms_id", "began_ms", "id"),
    Index("ix_alert_explained", "began_ms", "id", sqlite_where=EXPLAINED, postgresql_where=EXPLAINED),
    Index("ix_alert_site_device", "site", "device"),
    Index("ix_alert_fired_ms", "fired_ms"),
    Index("ix_alert_silenced_by", "silenced_by", sqlite_where=SILENCED, postgresql_where=SILENCED),
    Index("ix_alert_waits_ms", "waits_ms", sqlite_where=WAITING, postgresql_where=WAITING),
)
