"""An outage of the broker or of the ingest is one incident, and ends by itself."""

import pytest

from iotops.incidents.deadlines import Policy
from iotops.ingest.intake_watch import IntakeWatch
from iotops.ingest.receiver import ReceiverStatus
from iotops.store import heartbeats, incidents
from iotops.store.database import Database
from iotops.store.heartbeats import Heartbeat

MINUTE_MS = 60_000
AWAY, THERE = ReceiverStatus(last_error="connection refused"), ReceiverStatus(connected=True, subscribed=True)


@pytest.fixture
def database(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


def found(database):
    with database.read() as unit:
        items = incidents.page(unit, incidents.Filters(), sort="number", limit=9).items
    return [(each.rule, each.state, each.fired_ms, each.resolved_ms) for each in items]


def test_a_broker_that_is_away_for_a_minute_is_one_incident_until_it_is_back(database):
    """Raised once from when it was heard last, resolved by the system; a short absence is nothing."""
    watch = IntakeWatch(0, MINUTE_MS)

    for at_ms in range(0, 5 * MINUTE_MS, 20_000):
        watch.look(database, AWAY, at_ms, Policy())
    during = found(database)
    watch.look(database, THERE, 5 * MINUTE_MS, Policy())
    watch.look(database, AWAY, 6 * MINUTE_MS - 2, Policy())
    watch.look(database, THERE, 6 * MINUTE_MS - 1, Policy())

    assert during == [("ingest_down", "new", 0, None)]
    assert found(database) == [("ingest_down", "resolved", 0, 5 * MINUTE_MS)]


def test_an_ingest_that_was_gone_says_so_when_it_is_back(database):
    """The time since the last sign of life is an incident, raised and resolved by the process that starts again."""
    with database.begin() as unit:
        heartbeats.beat(unit, Heartbeat("ingest", 1_000, 0, {}))

    watch = IntakeWatch.since_last_sign(database, 10 * MINUTE_MS, MINUTE_MS)
    watch.look(database, THERE, 10 * MINUTE_MS, Policy())

    assert found(database) == [("ingest_down", "resolved", 1_000, 10 * MINUTE_MS)]


def test_a_restart_during_an_outage_raises_no_second_incident(database):
    """What is open stays the one incident, and the process that hears the broker again resolves it."""
    IntakeWatch(0, MINUTE_MS).look(database, AWAY, 2 * MINUTE_MS, Policy())
    again = IntakeWatch(2 * MINUTE_MS, MINUTE_MS)
    again.look(database, AWAY, 4 * MINUTE_MS, Policy())
    again.look(database, THERE, 5 * MINUTE_MS, Policy())

    assert found(database) == [("ingest_down", "resolved", 0, 5 * MINUTE_MS)]


def test_a_first_start_is_no_outage(database):
    """Without any sign of life before, the clock starts now."""
    watch = IntakeWatch.since_last_sign(database, 10 * MINUTE_MS, MINUTE_MS)
    watch.look(database, THERE, 10 * MINUTE_MS + 1, Policy())

    assert found(database) == []
