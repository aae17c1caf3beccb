"""An open, upgraded database for every test of the store, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from iotops.store import replay, telemetry
from iotops.store.database import Database
from iotops.store.duplicates import Recent
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


class Ingest:
    """The part of the pipeline that stores: duplicates out, devices registered, arrivals appended, one transaction."""

    def __init__(self, database):
        self.database = database
        self.batch_no = 0
        self.restart()

    def restart(self):
        """Forget everything that is only in memory."""
        with self.database.read() as unit:
            self.registry = Registry.load(unit)
            self.trails = Trails.load(unit)
        self.recent = Recent(self.trails)

    def duplicates(self, *readings):
        with self.database.read() as unit:
            return self.recent.known(unit, readings)

    def store(self, *readings, notes=(), then=None):
        """Store one batch, and return how many of its readings were duplicates; `then` runs before the commit."""
        known = self.duplicates(*readings)
        batch = Batch(readings).without(known)
        self.batch_no += 1
        with self.database.begin() as unit:
            ids = self.registry.register(unit, list(batch), 0).ids
            telemetry.append(unit, self.trails, batch, ids, batch_no=self.batch_no, notes=notes)
            if then is not None:
                then(unit)
        return len(known)

    def points(self, key, metric, from_ms=-(2**62), to_ms=2**62, step_ms=None):
        with self.database.read() as unit:
            return telemetry.series(unit, key, metric, from_ms=from_ms, to_ms=to_ms, step_ms=step_ms)

    def tail(self, after=0):
        with self.database.read() as unit:
            return list(replay.tail(unit, after))


@pytest.fixture
def ingest(database: Database) -> Ingest:
    return Ingest(database)
