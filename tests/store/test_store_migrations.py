"""The schema: from nothing to the newest, again, interrupted, and from the future."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, inspect, text

from iotops.errors import PoisonRow, StoreError
from iotops.store import migrate, tables
from iotops.store.database import Database


@pytest.fixture
def database_url(empty_database_url):
    """Here every migration runs."""
    return empty_database_url


def test_empty_database_is_brought_to_exactly_the_tables_of_the_code(database):
    """Migrations and `tables` describe the same schema."""
    with database.read() as unit:
        # The index of letters is what each database has of its own; see the migration `incident_search`.
        opts = {"compare_type": True, "include_name": lambda name, *_: "incident_words" not in (name or "")}
        context = MigrationContext.configure(unit.connection, opts=opts)

        differences = compare_metadata(context, tables.METADATA)

    assert differences == []
    assert database.at_head()


def test_second_upgrade_changes_nothing(database):
    """Upgrading is idempotent: rows stay, the version stays."""
    with database.begin() as unit:
        unit.connection.execute(text("UPDATE ingest_state SET position = 7"))

    database.upgrade()

    with database.read() as unit:
        assert unit.connection.execute(text("SELECT position FROM ingest_state")).scalar_one() == 7


def test_interrupted_upgrade_leaves_nothing_and_can_be_run_again(database_url):
    """An upgrade is one transaction: a death in the middle is as if it had never begun."""
    database = Database.open(database_url)

    def die_in_the_middle():
        with database.begin() as unit:
            migrate.upgrade(unit.connection)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_in_the_middle()

    with database.read() as unit:
        assert inspect(unit.connection).get_table_names() == []
    assert not database.at_head()
    database.upgrade()
    assert database.at_head()
    database.close()


def test_schema_of_a_newer_iotops_is_refused(database):
    """An old binary does not touch a database that a newer one wrote, and says what to do."""
    with database.begin() as unit:
        unit.connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))

    with pytest.raises(StoreError, match=r"9999_future.*newer iotops"):
        database.upgrade()


@pytest.mark.parametrize("statement", ["UPDATE timeline SET actor = 'nobody'", "DELETE FROM timeline"])
def test_timeline_refuses_changes(database, statement):
    """What the timeline says stays as it was written, on both databases."""
    with database.begin() as unit:
        unit.connection.execute(tables.incident.insert().values(**_any_row(tables.incident)))
        unit.connection.execute(tables.timeline.insert().values({**_any_row(tables.timeline), "incident_id": 1}))

    with pytest.raises(PoisonRow, match="append-only"), database.begin() as unit:
        unit.connection.execute(text(statement))

    with database.read() as unit:
        assert unit.connection.execute(text("SELECT actor FROM timeline")).scalars().all() == ["1"]


def _any_row(table):
    """Return a row with the least that the table accepts."""
    filled = {int: 1, str: "1", bool: False, dict: {}}
    return {
        column.name: {} if isinstance(column.type, JSON) else filled[column.type.python_type]
        for column in table.columns
        if column.primary_key or not (column.nullable or column.server_default)
    }
