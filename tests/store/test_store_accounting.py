"""The account of what is stored does not rest on what it checks."""

from collections import Counter

import pytest
from sqlalchemy import text

from iotops.store import compaction
from iotops.store.accounting import stored_by_device
from iotops.telemetry.reading import DeviceKey, Reading

PUMP = DeviceKey("s1", "pump")
DAY_MS = 86_400_000


def reading(seq):
    return Reading(PUMP, seq, seq, {"t": 1}, b"%16d" % seq, boot="b", seq=seq)


def seqs(database, key=PUMP):
    with database.read() as unit:
        return Counter(found.seq for found in stored_by_device(unit)(key))


@pytest.mark.parametrize("compacted", [False, True])
def test_everything_stored_is_counted_once(ingest, compacted):
    """Rows and blocks together are all there is."""
    ingest.store(*map(reading, range(1, 5)))
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)
    ingest.store(reading(5))

    assert seqs(ingest.database) == Counter(range(1, 6))
    assert not seqs(ingest.database, DeviceKey("s1", "nobody"))


def test_row_that_somebody_deleted_is_missing_and_no_other(ingest):
    """A gap in the chain by which readers find rows does not hide those before it."""
    ingest.store(*map(reading, range(1, 5)))

    with ingest.database.begin() as unit:
        unit.connection.execute(text("DELETE FROM arrival WHERE seq = 3"))

    assert seqs(ingest.database) == Counter([1, 2, 4])


def test_row_that_no_reader_would_meet_is_counted(ingest):
    """A copy beside the chain is a message that is stored twice."""
    ingest.store(*map(reading, range(1, 5)))
    columns = (
        "device_id, previous, kind, at_ms, received_ms, connected_ms, batch_no, skewed, boot, seq, identity, packed"
    )

    with ingest.database.begin() as unit:
        unit.connection.execute(
            text(f"INSERT INTO arrival (position, {columns}) SELECT 1000, {columns} FROM arrival WHERE seq = 4")
        )

    assert seqs(ingest.database) == Counter([1, 2, 3, 4, 4])
