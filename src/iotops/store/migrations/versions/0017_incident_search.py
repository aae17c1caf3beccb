"""Search in incidents by any three letters, and indexes for the lists and counts of a long past."""

import sqlalchemy as sa
from alembic import op

revision = "0017_incident_search"
down_revision = "0016_deeds"
branch_labels = None
depends_on = None

_SAID = ("title", "device", "site", "rule", "service")
_LETTERS = "fts5(words, content='', tokenize='trigram')"


def upgrade() -> None:
    """Create the indexes; where the database has none for letters, searches read all incidents."""
    op.create_index("ix_incident_state_severity_raised_ms_id", "incident", ["state", "severity", "raised_ms", "id"])
    op.create_index("ix_incident_state_priority_raised_ms_id", "incident", ["state", "priority", "raised_ms", "id"])
    _index_some("ix_incident_outage", "incident", ["device", "site"], "outage")
    _index_some("ix_sla_clock_due_ms", "sla_clock", ["due_ms"], "state = 'running'")
    _index_some("ix_alert_explained", "alert", ["began_ms", "id"], "cause IS NOT NULL")
    if op.get_bind().dialect.name == "sqlite":
        _index_letters_of_sqlite()
    else:
        _index_letters_of_postgresql()


def _index_some(name: str, table: str, columns: list[str], condition: str) -> None:
    only = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def _words(row: str = "") -> str:
    return " || ' ' || ".join(f"coalesce({row}{name}, '')" for name in _SAID)


def _index_letters_of_sqlite() -> None:
    try:
        op.execute(f"CREATE VIRTUAL TABLE incident_words USING {_LETTERS}")
    except sa.exc.OperationalError:  # built without FTS5, or before its version 3.34
        return
    # Without content of its own, the index takes a row out only by what was put in.
    insert = f"INSERT INTO incident_words (rowid, words) VALUES (new.id, {_words('new.')});"
    delete = f"INSERT INTO incident_words (incident_words, rowid, words) VALUES ('delete', old.id, {_words('old.')});"
    on = "CREATE TRIGGER incident_words_%s AFTER %s ON incident BEGIN %s END"
    op.execute(on % ("insert", "INSERT", insert))
    op.execute(on % ("update", f"UPDATE OF {', '.join(_SAID)}", f"{delete} {insert}"))
    op.execute(on % ("delete", "DELETE", delete))
    op.execute(f"INSERT INTO incident_words (rowid, words) SELECT id, {_words()} FROM incident")


def _index_letters_of_postgresql() -> None:
    bind = op.get_bind()
    try:
        with bind.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError:  # not installed, or not ours to create
        return
    op.execute(f"CREATE INDEX ix_incident_words ON incident USING gin (({_words()}) gin_trgm_ops)")
