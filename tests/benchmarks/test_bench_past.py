"""The long past that the API is measured over is one that the product could have written."""

import time

import pytest
from sqlalchemy import func, select

from benchmarks.asking import spread
from benchmarks.loading import load
from benchmarks.past import Extent, Past
from iotops.store import audit, tables
from iotops.store.database import Database
from iotops.store.sla import rebuild

EXTENT = Extent(historic=400, open_alerts=2_600, days=90)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    opened = Database.open(f"sqlite:///{tmp_path_factory.mktemp('past')}/past.db")
    opened.upgrade()
    load(Past(EXTENT, int(time.time() * 1_000)), [opened])
    yield opened
    opened.close()


def test_its_timeline_is_whole(database):
    """Every entry hangs on the one before it."""
    with database.read() as unit:
        assert audit.verify(unit) is None


def test_its_clocks_are_those_of_its_timeline(database):
    """Computed anew from what happened, no clock is another."""
    found = rebuild(database, int(time.time() * 1_000), check=True)

    assert (found.clocks > 0, found.different) == (True, 0)


def test_it_has_what_was_asked_for(database):
    """So many alerts fire and so many incidents are over; everything that is explained names its cause."""
    alert, incident = tables.alert, tables.incident
    fires = select(func.count()).where(alert.c.state == "firing")
    explained = select(func.count()).where(alert.c.cause.is_not(None))
    over = select(func.count()).where(incident.c.state.in_(("resolved", "closed")))

    with database.read() as unit:
        counted = [unit.connection.execute(each).scalar_one() for each in (fires, explained, over)]

    assert counted == [EXTENT.open_alerts, EXTENT.outages * 1_000, EXTENT.historic]


def test_percentiles_are_values_that_were_measured():
    """Of a hundred values the 95th is what 95 do not exceed."""
    assert spread(list(range(1, 101))) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
