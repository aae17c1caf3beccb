"""How many messages are committed together."""

import pytest

from iotops.ingest.service import Ingest, Pace
from iotops.store.database import Database


class Flood:
    """A receiver that always has as many messages as are asked for."""

    def take(self, most, timeout_ms, linger_ms):
        return [object()] * most


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'plant.db'}")
    opened.upgrade()
    yield opened
    opened.close()


def test_commits_are_smaller_while_people_write(database):
    """Who writes waits for a quarter of what is else committed at once, and never for less than a message."""
    parts = {"editions": None, "snapshots": None, "vitals": None, "patience": None}
    of_many, of_one = (Ingest(database, Flood(), None, **parts, pace=Pace(most, 1_000)) for most in (2_000, 1))
    before = len(of_many._gather())

    with database.begin(somebody_waits=True):
        pass

    assert (before, len(of_many._gather()), len(of_one._gather())) == (2_000, 500, 1)
