"""Which indexes SQLite takes: a partial index serves only a condition that is spelled as the index is."""

import pytest
from sqlalchemy import event, select

from iotops.rules.alert import AlertKey
from iotops.store import alerts, incidents, notices, tables, waits
from iotops.store.database import Database
from iotops.store.incidents import counts
from iotops.store.incidents.known import _outage_ids
from iotops.store.pairs import is_pair
from iotops.store.pending import forget_pending
from iotops.store.standing.sights import _troubles as standing_troubles
from iotops.telemetry.reading import DeviceKey

KEYS = [AlertKey("hot", f"plant-1/pump-{number}") for number in range(300)]


LONG_PAST = {
    "sqlite_autoindex_incident_1": "106000 1",
    "ix_incident_state_raised_ms_id": "106000 6500 1 1",
    "ix_incident_state_priority_raised_ms_id": "106000 6500 1530 1 1",
    "ix_incident_state_severity_raised_ms_id": "106000 6500 2364 1 1",
    "sqlite_autoindex_alert_1": "110000 1",
    "ix_alert_incident_id": "110000 1",
    "uq_alert_open_instance": "10000 313 1",
}
"""Index -> what SQLite knows of it after years: rows, and how many have the first columns in common."""


def pretend(database):
    """Let an empty database believe that it has a long past."""
    with database.begin() as unit:
        run = unit.connection.exec_driver_sql
        run("ANALYZE")
        run("DELETE FROM sqlite_stat1")
        for index, spread in LONG_PAST.items():
            of = f"SELECT tbl_name, '{index}', '{spread}' FROM sqlite_master WHERE name = '{index}'"
            run(f"INSERT INTO sqlite_stat1 {of}")
    database.close()  # statistics are read when a connection is made


@pytest.fixture
def plan(tmp_path):
    """Return what tells the steps of every statement that some work on an empty database executes."""
    database = Database.open(f"sqlite:///{tmp_path / 'plan.db'}")
    database.upgrade()

    def of(work, *, after_years=False):
        executed = []
        if after_years:
            pretend(database)
        with database.begin() as unit:
            event.listen(
                unit.connection,
                "before_cursor_execute",
                lambda _c, _cur, text, given, *_: executed.append((text, given)),
            )
            work(unit)
            driver = unit.connection.connection.driver_connection
            return [step[3] for text, given in executed for step in driver.execute(f"EXPLAIN QUERY PLAN {text}", given)]

    yield of
    database.close()


def test_pending_alerts_of_a_batch_are_found_among_open_ones_only(plan):
    """No batch reads all alerts there ever were, nor makes its own index of them, while it holds the write lock."""
    steps = plan(lambda unit: forget_pending(unit, dict.fromkeys(KEYS), 1_000))

    assert any("SEARCH alert USING INDEX uq_alert_open_instance" in step for step in steps)
    assert not [step for step in steps if "AUTOMATIC" in step or step == "SCAN alert"]


@pytest.mark.parametrize(
    ("work", "index"),
    [
        (alerts.load_open, "alert USING INDEX uq_alert_open_instance"),
        (lambda unit: _outage_ids(unit, [DeviceKey("plant-1", "gw-1")]), "incident USING INDEX ix_incident_outage"),
    ],
)
def test_what_is_open_is_found_by_the_index_of_what_is_open(plan, work, index):
    """Open alerts and open outages are few among those of years, and found by their own index."""
    assert any(index in step for step in plan(work))


def test_promises_that_are_due_among_many_incidents_are_counted_from_their_index(plan, monkeypatch):
    """A board of very many open incidents reads no clock that is not due."""
    monkeypatch.setattr(counts, "_MANY", -1)

    steps = plan(lambda unit: incidents.count(unit, incidents.Filters(), 1_000, 2_000))

    assert any("sla_clock USING INDEX ix_sla_clock_due_ms_incident_id (due_ms<?)" in step for step in steps)


@pytest.mark.parametrize(
    ("work", "table"),
    [
        (lambda unit: notices.take(unit, 100), "incident"),
        (lambda unit: notices.reminders(unit, 1_000, 100), "incident"),
        (waits.load_waiting, "alert"),
        (standing_troubles, "incident"),
    ],
)
def test_nothing_that_is_done_again_and_again_reads_all_there_ever_was(plan, work, table):
    """Among a million incidents and alerts, what is new, waits or is open is found without reading the others."""
    steps = plan(work, after_years=True)

    assert any(f"SEARCH {table} USING" in step for step in steps)
    assert not [step for step in steps if step.startswith((f"SCAN {table}", "BLOOM FILTER"))]


@pytest.mark.parametrize(
    ("table", "first", "second"),
    [
        (tables.device, "site", "device"),
        (tables.change_device, "site", "device"),
        (tables.alert, "site", "device"),
        (tables.attempt, "rule", "instance"),
    ],
)
def test_rows_of_many_pairs_are_found_by_an_index(plan, table, first, second):
    """Some devices, or some instances, among very many are found without reading the others."""
    pairs = [("plant-1", f"pump-{number}") for number in range(50)]

    steps = plan(
        lambda unit: unit.connection.execute(select(table).where(is_pair((table.c[first], table.c[second]), pairs)))
    )

    assert any(
        step.startswith(f"SEARCH {table.name} USING INDEX") and f"{first}=? AND {second}=?" in step for step in steps
    )


def test_no_pair_is_none_of_no_pairs(database):
    """Without any pair nothing is found, on either database, and those that are given are."""
    at = tables.site.c
    with database.begin() as unit:
        for name in ("a", "b"):
            unit.connection.execute(tables.site.insert().values(id=name, name=f"plant {name}", version=1, updated_ms=0))
        found = [
            unit.connection.execute(select(at.id).where(is_pair((at.id, at.name), pairs))).scalars().all()
            for pairs in ([], [("a", "plant a"), ("b", "plant a")])
        ]

    assert found == [[], ["a"]]
