"""All of memory is written once a round, in portions that are worth a transaction."""

import pytest

from iotops.ingest.snapshots import LONG_TAIL, Snapshots
from iotops.rules.memory import SLOTS, Memory
from iotops.store import slots
from iotops.store.database import Database
from iotops.store.slots import IngestState


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'iotops.db'}")
    opened.upgrade()
    yield opened
    opened.close()


def test_slots_come_due_in_portions():
    """Not at every turn, which may be after 50 ms: about once a second."""
    snapshots = Snapshots(Memory(), 60_000, 0)

    assert snapshots.due(500) == 0
    assert snapshots.due(1_000) == 17
    assert snapshots.due(60_000) == SLOTS


def test_round_that_is_short_is_written_as_a_whole():
    """With rounds of less than a second nothing is left for the next one."""
    assert Snapshots(Memory(), 100, 0).due(100) == SLOTS


def test_rounds_that_were_missed_are_made_good_by_one(database):
    """After an hour without a database memory is written once, not sixty times."""
    snapshots = Snapshots(Memory(), 60_000, 0)
    hour_ms = 3_600_000
    due = snapshots.due(hour_ms)

    with database.begin() as unit:
        snapshots.write(unit, snapshots.take(IngestState(), due), hour_ms)

    assert due == SLOTS
    assert snapshots.due(hour_ms) == 0
    with database.read() as unit:
        assert len(slots.load_all(unit)) == SLOTS


def test_portion_whose_transaction_fails_is_written_again(database):
    """Only what is committed counts as written."""
    snapshots = Snapshots(Memory(), 60_000, 0)

    def die():
        with database.begin() as unit:
            snapshots.write(unit, snapshots.take(IngestState(), 17), 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()

    assert snapshots.due(1_000) == 17


def test_start_with_much_to_read_is_followed_by_a_whole_round(database):
    """Whoever is killed again and again within a minute has not more and more to read at every start."""
    snapshots = Snapshots(Memory(), 60_000, 0, tail=LONG_TAIL)

    with database.begin() as unit:
        snapshots.write(unit, snapshots.take(IngestState(), snapshots.due(0)), 0)

    with database.read() as unit:
        assert len(slots.load_all(unit)) == SLOTS
    assert snapshots.due(500) == 0
    assert Snapshots(Memory(), 60_000, 0, tail=LONG_TAIL - 1).due(0) == 0
