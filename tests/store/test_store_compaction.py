"""Compaction and retention: what moves, what goes, and what a death in between leaves."""

import threading

import pytest
from dying import Died, DyingDatabase
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from iotops.settings import RetentionSettings
from iotops.store import compaction, dead_letters, retention
from iotops.store.blocks.integers import pack_integers, unpack_integers
from iotops.store.blocks.values import pack_values, unpack_values
from iotops.store.database import Database
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey, Reading

FREEZER = DeviceKey("s1", "freezer-1")
PUMP = DeviceKey("s1", "pump")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEPT = RetentionSettings(raw_ms=5 * DAY_MS, downsampled_ms=0, dead_letters_ms=DAY_MS)


def reading(at_ms, key=FREEZER, value=1.5):
    return Reading(key, at_ms, at_ms, {"t": value}, f"{key.device[:4]}{at_ms:>12}".encode())


def count(database, table):
    with database.read() as unit:
        return unit.connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def fill(ingest):
    sent = [reading(step * 600_000, key) for step in range(18) for key in (FREEZER, PUMP)]
    ingest.store(*sent)
    return sent


def test_closed_hours_move_and_the_open_one_stays(ingest):
    """One block per device and run; what may still grow is not touched."""
    fill(ingest)

    moved = compaction.compact(ingest.database, now_ms=2 * HOUR_MS + 120_000)

    assert moved == compaction.Compacted(arrivals=24, blocks=2)
    assert count(ingest.database, "arrival") == 12
    assert compaction.compact(ingest.database, now_ms=2 * HOUR_MS + 120_000) == compaction.Compacted()


def test_what_a_restart_replays_stays_in_rows(ingest):
    """Arrivals after the oldest snapshot are not moved."""
    fill(ingest)

    moved = compaction.compact(ingest.database, now_ms=DAY_MS, before_position=5)

    assert moved.arrivals == 5


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_compaction_that_dies_anywhere_changes_no_answer(ingest, at, after_commit):
    """After every write transaction of a run: all readings are there once, and the next run finishes the work."""
    pace = compaction.Pace(written_blocks=1, deleted_rows=20)
    sent = fill(ingest)
    expected = ingest.points(FREEZER, "t")

    with pytest.raises(Died):
        compaction.compact(DyingDatabase(ingest.database, at, after_commit=after_commit), now_ms=DAY_MS, pace=pace)

    ingest.restart()
    assert ingest.points(FREEZER, "t") == expected
    assert [found for _, found in ingest.tail()] == sent
    assert ingest.duplicates(*sent) == set(range(len(sent)))
    compaction.compact(ingest.database, now_ms=DAY_MS)
    assert count(ingest.database, "arrival") == 0
    assert [found for _, found in ingest.tail()] == sent


def test_compaction_beside_the_ingest_loses_and_repeats_nothing(ingest):
    """Both write at once: every reading is there once, in order, wherever it has got to."""
    done = threading.Event()
    runs = []

    def compact_again_and_again():
        while not done.is_set():
            runs.append(compaction.compact(ingest.database, now_ms=DAY_MS, pace=compaction.Pace(2, 1, 3)).arrivals)

    compacting = threading.Thread(target=compact_again_and_again)
    compacting.start()
    sent = [reading(step, DeviceKey("s1", f"d{step % 5}")) for step in range(400)]
    for start in range(0, len(sent), 10):
        assert ingest.store(*sent[start : start + 10]) == 0
        assert len(ingest.points(DeviceKey("s1", "d3"), "t")) == (start + 10) // 5
    done.set()
    compacting.join(60)

    assert sum(runs) > 0
    assert [found for _, found in ingest.tail()] == sent


def test_positions_go_on_after_everything_was_compacted(ingest):
    """A restart on a database without rows does not use a position twice."""
    sent = fill(ingest)
    compaction.compact(ingest.database, now_ms=DAY_MS)
    ingest.restart()

    ingest.store(reading(DAY_MS))

    assert [position for position, _ in ingest.tail()] == list(range(1, len(sent) + 2))


def test_reading_that_comes_late_for_a_compacted_hour_is_found(ingest):
    """Event time and receipt may be years apart: both parts are joined by event time."""
    ingest.store(reading(100), reading(300))
    compaction.compact(ingest.database, now_ms=DAY_MS)

    ingest.store(reading(200, value=9.0))

    assert ingest.points(FREEZER, "t") == [[100, 1.5], [200, 9.0], [300, 1.5]]


@pytest.mark.parametrize("compacted", [False, True])
def test_telemetry_goes_when_it_was_received_too_long_ago(ingest, compacted):
    """Retention counts from receipt, whether it is rows or blocks."""
    ingest.store(*(reading(at_ms) for at_ms in (0, 1, 2)))
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)
    ingest.store(*(reading(at_ms) for at_ms in (10 * DAY_MS, 10 * DAY_MS + 1)))

    pruned = retention.prune(ingest.database, KEPT, now_ms=11 * DAY_MS)

    assert (pruned.arrivals, pruned.blocks) == ((0, 1) if compacted else (3, 0))
    assert [t for t, _ in ingest.points(FREEZER, "t")] == [10 * DAY_MS, 10 * DAY_MS + 1]
    ingest.restart()
    assert ingest.store(reading(10 * DAY_MS), reading(10 * DAY_MS + 2)) == 1


def test_recorded_data_of_years_ago_stays_as_long_as_todays(ingest):
    """Event times of 2013 received today are not old."""
    old = Reading(FREEZER, 1_380_000_000_000, 100 * DAY_MS, {"t": 1.0}, b"0123456789abcdef")
    ingest.store(old)
    compaction.compact(ingest.database, now_ms=101 * DAY_MS)

    retention.prune(ingest.database, KEPT, now_ms=101 * DAY_MS)

    assert ingest.points(FREEZER, "t") == [[1_380_000_000_000, 1.0]]


def test_dead_letters_go_when_they_are_old(database):
    """Dead letters have their own time."""
    letters = [DeadLetter(Message("t", b"x", at_ms), "bad_json", "", 0) for at_ms in (0, 2 * DAY_MS)]
    with database.begin() as unit:
        dead_letters.keep(unit, letters)

    pruned = retention.prune(database, KEPT, now_ms=2 * DAY_MS)

    assert pruned.dead_letters == 1
    assert count(database, "dead_letter") == 1


def test_file_shrinks_when_a_quarter_of_it_is_empty(tmp_path):
    """What compaction freed is given back to the file system."""
    database = Database.open(f"sqlite:///{tmp_path / 'iotops.db'}")
    database.upgrade()
    with database.begin() as unit:
        unit.connection.execute(text("CREATE TABLE filler AS SELECT randomblob(4000000) AS x"))
    with database.begin() as unit:
        unit.connection.execute(text("DELETE FROM filler"))

    compaction.compact(database, now_ms=DAY_MS, pace=compaction.Pace(spare_pages=16))

    with database.read() as unit:
        assert unit.connection.execute(text("PRAGMA freelist_count")).scalar_one() < 100
    database.close()


int64 = st.integers(-(2**63), 2**63 - 1)
anything = st.one_of(
    st.none(), st.booleans(), int64, st.text(max_size=3), st.floats(allow_nan=False), st.just(-0.0), st.just(2**64 - 1)
)
decimals = st.integers(-(10**6), 10**6).flatmap(lambda n: st.sampled_from([n / 10, n / 100, n / 1_000, float(n)]))
columns = st.one_of(
    *(st.lists(kind, min_size=1) for kind in (int64, st.booleans(), st.floats(allow_nan=False), decimals, anything))
)


@given(st.lists(int64, min_size=1))
def test_integers_come_back(values):
    """Any 64-bit integers, in any order, are what they were."""
    assert unpack_integers(pack_integers(values), len(values)) == values


@given(columns)
def test_values_come_back_with_their_types(values):
    """Any mixture of values is what it was, 1 is not True, 1.0 is not 1, and -0.0 keeps its sign."""
    assert [repr(value) for value in unpack_values(pack_values(values), len(values))] == [repr(v) for v in values]


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_run_that_is_stopped_changes_no_answer_and_the_next_one_finishes(ingest, after):
    """A shutdown does not wait for a million rows to move, and nothing is counted twice meanwhile."""
    fill(ingest)
    answers = iter([False] * after)
    before = ingest.points(FREEZER, "t")

    compaction.compact(
        ingest.database,
        now_ms=DAY_MS,
        pace=compaction.Pace(block_arrivals=4, written_blocks=1),
        stopped=lambda: next(answers, True),
    )

    assert ingest.points(FREEZER, "t") == before
    compaction.compact(ingest.database, now_ms=DAY_MS)
    assert ingest.points(FREEZER, "t") == before
    assert count(ingest.database, "arrival") == 0
