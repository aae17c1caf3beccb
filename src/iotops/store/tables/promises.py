"""What is promised of incidents: calendars, policies, promises as given, and the clocks computed from them."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, text

from iotops.store.tables.columns import METADATA, instant, structured
from iotops.store.tables.topology import layers

RUNNING = text("state = 'running'")

calendar = Table(
    "calendar",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("timezone", String),
    structured("hours"),  # days -> spans, as people write them
    Column("holidays", String),
    structured("closed"),
    *layers(),
)

sla_policy = Table(
    "sla_policy",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("calendar", String),
    structured("respond_minutes"),
    structured("resolve_minutes"),
    structured("pause_on"),
    *layers(),
)

# Policies with their calendars as they were when something was promised under them; what is promised stays promised.
sla_edition = Table(
    "sla_edition",
    METADATA,
    Column("digest", String, primary_key=True),
    instant("kept", nullable=False),
    structured("content", nullable=False),
)

# A cache: `iotops sla rebuild` computes every row again from the timeline and the editions.
sla_clock = Table(
    "sla_clock",
    METADATA,
    Column("incident_id", BigInteger, ForeignKey("incident.id"), primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),  # respond | resolve | supplier
    Column("policy", String, nullable=False),
    Column("edition", String, nullable=False),
    Column("state", String, nullable=False),  # running | paused | stopped | cancelled
    Column("target_ms", BigInteger),
    Column("used_ms", BigInteger, nullable=False),  # at `seen_ms`
    structured("paused", nullable=False),
    instant("started", nullable=False),
    instant("due"),
    instant("near_due"),
    instant("near"),
    instant("stopped"),
    instant("breached"),
    instant("decided"),  # when it was known whether the promise was kept
    instant("next"),  # when the clock has something to say by itself
    instant("seen", nullable=False),  # as of when the row was computed
    Index("ix_sla_clock_next_ms", "next_ms"),
    Index("ix_sla_clock_due_ms_incident_id", "due_ms", "incident_id", sqlite_where=RUNNING, postgresql_where=RUNNING),
    Index("ix_sla_clock_kind_decided_ms", "kind", "decided_ms"),
    Index("ix_sla_clock_kind_stopped_ms", "kind", "stopped_ms"),
)
