"""What was changed on purpose: firmware, configuration, deployments, and what suppliers did."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

change = Table(
    "change",
    METADATA,
    Column("id", ROW_ID, primary_key=True),  # people say CHG-000123
    Column("kind", String, nullable=False),  # firmware | config | deploy | supplier
    Column("title", String, nullable=False),
    Column("state", String, nullable=False),  # planned | in_progress | done | cancelled
    Column("source", String, nullable=False),  # status: seen in status payloads; else who or what reported it
    Column("site", String),  # this and the next four are the target
    Column("device", String),
    Column("service", String),
    Column("supplier", String),
    structured("labels"),
    Column("rollout", String),  # product and version of devices that changed by themselves; NULL: was reported
    Column("device_count", Integer, nullable=False, server_default="0"),  # of `change_device`
    instant("started", nullable=False),
    instant("ended"),
    instant("updated", nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("ix_change_started_ms_id", "started_ms", "id"),
    Index("ix_change_rollout_id", "rollout", "id"),
    sqlite_autoincrement=True,  # a number is never given twice
)

# The devices of a roll-out, each with when it changed.
change_device = Table(
    "change_device",
    METADATA,
    Column("change_id", BigInteger, ForeignKey("change.id"), primary_key=True, autoincrement=False),
    Column("site", String, primary_key=True),
    Column("device", String, primary_key=True),
    Column("was", String, nullable=False),
    instant("at", nullable=False),
    Index("ix_change_device_site_device", "site", "device"),
)
