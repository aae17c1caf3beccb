"""Rules, alerts, incidents, and the append-only timeline."""

import sqlalchemy as sa
from alembic import op

revision = "0002_incidents"
down_revision = "0001_telemetry"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, the chain's first head, and the triggers that keep the timeline as it was written."""
    _create_alert()
    _create_rule()
    _create_incident()
    _create_timeline()
    _create_timeline_text()
    _create_timeline_head()

    op.execute(f"INSERT INTO timeline_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER timeline_no_{verb.lower()} BEFORE {verb} ON timeline "
                "BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION timeline_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the timeline is append-only' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER timeline_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline "
        "FOR EACH STATEMENT EXECUTE FUNCTION timeline_refuse()"
    )


def _create_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("rule_version", sa.String(), nullable=False),
        sa.Column("semantic_hash", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("suppressed_by", sa.String(), nullable=True),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("fired_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_true_ms", sa.BigInteger(), nullable=True),
        sa.Column("checked_ms", sa.BigInteger(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("machine", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_began_ms_id", "alert", ["began_ms", "id"], unique=False)
    op.create_index("ix_alert_incident_id", "alert", ["incident_id"], unique=False)
    op.create_index("ix_alert_site_device", "alert", ["site", "device"], unique=False)
    op.create_index(
        "uq_alert_open_instance",
        "alert",
        ["rule", "instance"],
        unique=True,
        sqlite_where=sa.text("state <> 'resolved'"),
        postgresql_where=sa.text("state <> 'resolved'"),
    )


def _create_rule() -> None:
    op.create_table(
        "rule",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("semantic_hash", sa.String(), nullable=False),
        sa.Column("full_hash", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("error_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("loaded_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_fired_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rule"),
    )


def _create_incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("priority_reason", sa.JSON(), nullable=False),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("rule_version", sa.String(), nullable=True),
        sa.Column("instance", sa.String(), nullable=True),
        sa.Column("alert_id", sa.String(), nullable=True),
        sa.Column("fired_ms", sa.BigInteger(), nullable=True),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("hold_reason", sa.String(), nullable=True),
        sa.Column("hold_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolution_code", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("auto", sa.Boolean(), nullable=False),
        sa.Column("duplicate_of", sa.String(), nullable=True),
        sa.Column("alert_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("occurrence_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reopen_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("flapping", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("machine", sa.JSON(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
        sa.UniqueConstraint("alert_id", name="uq_incident_alert_id"),
        sa.UniqueConstraint("number", name="uq_incident_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incident_assignee_raised_ms_id", "incident", ["assignee", "raised_ms", "id"], unique=False)
    op.create_index("ix_incident_device_raised_ms_id", "incident", ["device", "raised_ms", "id"], unique=False)
    op.create_index("ix_incident_due_ms", "incident", ["due_ms"], unique=False)
    op.create_index("ix_incident_priority_raised_ms_id", "incident", ["priority", "raised_ms", "id"], unique=False)
    op.create_index("ix_incident_raised_ms_id", "incident", ["raised_ms", "id"], unique=False)
    op.create_index("ix_incident_rule_instance_id", "incident", ["rule", "instance", "id"], unique=False)
    op.create_index("ix_incident_rule_raised_ms_id", "incident", ["rule", "raised_ms", "id"], unique=False)
    op.create_index("ix_incident_service_raised_ms_id", "incident", ["service", "raised_ms", "id"], unique=False)
    op.create_index("ix_incident_site_raised_ms_id", "incident", ["site", "raised_ms", "id"], unique=False)
    op.create_index("ix_incident_state_raised_ms_id", "incident", ["state", "raised_ms", "id"], unique=False)


def _create_timeline() -> None:
    op.create_table(
        "timeline",
        sa.Column("seq", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("text_digest", sa.String(), nullable=True),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_timeline_incident_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_timeline"),
    )
    op.create_index("ix_timeline_incident_id_seq", "timeline", ["incident_id", "seq"], unique=False)


def _create_timeline_text() -> None:
    op.create_table(
        "timeline_text",
        sa.Column("seq", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["timeline.seq"], name="fk_timeline_text_seq"),
        sa.PrimaryKeyConstraint("seq", name="pk_timeline_text"),
    )


def _create_timeline_head() -> None:
    op.create_table(
        "timeline_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_timeline_head"),
    )
