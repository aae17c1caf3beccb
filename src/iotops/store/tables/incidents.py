"""The people's work items, and the append-only timeline of what happened to them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, false, text

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

OUTAGE = text("outage")
MERGED = text("merged_into IS NOT NULL")
MUTED = text("muted_by IS NOT NULL")
WITH_PROBLEM = text("problem IS NOT NULL")
RECURRING = text("recurrence_count >= 3")

incident = Table(
    "incident",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("number", String, nullable=False, unique=True),  # INC-000123: the id, as people say it
    Column("title", String, nullable=False),
    Column("state", String, nullable=False),
    Column("data", String, nullable=False),  # known | unknown
    Column("severity", String, nullable=False),
    Column("priority", String, nullable=False),
    structured("priority_reason", nullable=False),
    Column("site", String),
    Column("service", String),
    Column("device", String),
    Column("rule", String),
    Column("rule_version", String),
    Column("instance", String),
    # Episode that raised it; NULL where a person did. Unique, so that no redelivery or replay raises it again.
    Column("alert_id", String, unique=True),
    instant("fired"),
    instant("raised", nullable=False),
    instant("acknowledged"),
    instant("resolved"),
    instant("closed"),
    Column("assignee", String),
    Column("team", String),
    Column("hold_reason", String),
    instant("hold_until"),
    Column("resolution_code", String),
    Column("cause", String),
    Column("verdict", String),
    Column("auto", Boolean, nullable=False),
    Column("duplicate_of", String),
    Column("supplier", String),
    Column("merged_into", String),  # number of the incident that tells its story from then on
    Column("muted_by", String),  # the suppression that holds its notices
    Column("outage", Boolean, nullable=False, server_default=false()),  # what lies behind its device belongs here
    Column("alert_count", Integer, nullable=False, server_default="0"),
    Column("occurrence_count", BigInteger, nullable=False, server_default="0"),
    Column("reopen_count", Integer, nullable=False, server_default="0"),
    Column("flapping", Boolean, nullable=False),
    Column("problem", String),  # number of the problem behind it
    Column("recurrence_count", Integer, nullable=False, server_default="0"),
    structured("evidence", nullable=False),
    structured("machine", nullable=False),  # what correlation remembers between batches (flap times, ...)
    instant("due"),  # when the system looks at it again by itself: hold over, quiet long enough, grace over
    Column("version", BigInteger, nullable=False),
    # Each list order ends in (raised_ms, id): the keyset that cursors carry.
    Index("ix_incident_raised_ms_id", "raised_ms", "id"),
    Index("ix_incident_state_raised_ms_id", "state", "raised_ms", "id"),
    Index("ix_incident_state_priority_raised_ms_id", "state", "priority", "raised_ms", "id"),
    Index("ix_incident_state_severity_raised_ms_id", "state", "severity", "raised_ms", "id"),
    Index("ix_incident_priority_raised_ms_id", "priority", "raised_ms", "id"),
    Index("ix_incident_site_raised_ms_id", "site", "raised_ms", "id"),
    Index("ix_incident_service_raised_ms_id", "service", "raised_ms", "id"),
    Index("ix_incident_rule_raised_ms_id", "rule", "raised_ms", "id"),
    Index("ix_incident_device_raised_ms_id", "device", "raised_ms", "id"),
    Index("ix_incident_assignee_raised_ms_id", "assignee", "raised_ms", "id"),
    Index("ix_incident_rule_instance_id", "rule", "instance", "id"),  # the newest of an instance: reopen or raise
    Index("ix_incident_due_ms", "due_ms"),
    Index(
        *("ix_incident_problem_raised_ms_id", "problem", "raised_ms", "id"),
        sqlite_where=WITH_PROBLEM,
        postgresql_where=WITH_PROBLEM,
    ),
    Index(
        *("ix_incident_recurring", "raised_ms", "rule", "instance"),
        sqlite_where=RECURRING,
        postgresql_where=RECURRING,
    ),
    Index("ix_incident_outage", "device", "site", sqlite_where=OUTAGE, postgresql_where=OUTAGE),
    Index("ix_incident_resolved_ms", "resolved_ms"),
    Index("ix_incident_merged_into", "merged_into", sqlite_where=MERGED, postgresql_where=MERGED),
    Index("ix_incident_muted_by", "muted_by", sqlite_where=MUTED, postgresql_where=MUTED),
    sqlite_autoincrement=True,  # a number is never given twice, not even after a restore
)

# Beside these there is an index of what incidents say, by three letters each, where the database can have one: the
# migration `incident_search` makes it, `iotops.store.incidents.searches` uses it.

# Append-only: triggers refuse UPDATE and DELETE on both databases (see the migration).
timeline = Table(
    "timeline",
    METADATA,
    Column("seq", ROW_ID, primary_key=True, autoincrement=False),  # given out under the lock on `timeline_head`
    Column("incident_id", BigInteger, ForeignKey("incident.id"), nullable=False),
    instant("at", nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("type", String, nullable=False),
    structured("data", nullable=False),
    Column("text_digest", String),
    Column("prev_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_timeline_incident_id_seq", "incident_id", "seq"),
    Index("ix_timeline_type_at_ms", "type", "at_ms"),
)

# Personal text stands apart, so that it can be erased while the chain, which covers its digest, stays whole.
timeline_text = Table(
    "timeline_text",
    METADATA,
    Column("seq", ROW_ID, ForeignKey("timeline.seq"), primary_key=True, autoincrement=False),
    Column("text", String, nullable=False),
)

timeline_head = Table(
    "timeline_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1; locked by every append
    Column("seq", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)
