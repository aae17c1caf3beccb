"""Downsampling: what is left of old telemetry, and that whoever reads need not know how old it is."""

import pytest
from dying import Died, DyingDatabase
from hypothesis import given
from hypothesis import strategies as st

from iotops.settings import RetentionSettings
from iotops.store import compaction, downsampling, retention
from iotops.store.arrivals import Arrival
from iotops.store.blocks import pack_block
from iotops.store.packing import pack
from iotops.store.rollups import STEP_MS, roll_up
from iotops.telemetry.reading import DeviceKey, Kind, Reading

FREEZER = DeviceKey("s1", "freezer-1")
PUMP = DeviceKey("s1", "pump")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEPT = RetentionSettings(raw_ms=5 * DAY_MS, downsampled_ms=50 * DAY_MS)


def reading(at_ms, value, key=FREEZER, received_ms=None):
    received_ms = at_ms if received_ms is None else received_ms
    return Reading(key, at_ms, received_ms, {"t": value}, f"{key.device[:4]}{at_ms:>12}".encode())


def approximately(rows):
    return [[start, low, pytest.approx(mean, abs=2e-6), high, count] for start, low, mean, high, count in rows]


def two_days(ingest):
    """Three values in each five minutes of a day, some of the day before that come late, and a second device."""
    sent = [reading(at_ms, at_ms % 7_000 / 100) for at_ms in range(DAY_MS, 2 * DAY_MS, 100_000)]
    sent += [reading(at_ms, -3.25, received_ms=at_ms + DAY_MS) for at_ms in range(50_000, 3 * HOUR_MS, 700_000)]
    sent += [reading(at_ms, at_ms // HOUR_MS, key=PUMP) for at_ms in range(0, 2 * DAY_MS, HOUR_MS)]
    ingest.store(*sorted(sent, key=lambda each: each.received_ms))
    compaction.compact(ingest.database, now_ms=3 * DAY_MS)


@pytest.mark.parametrize("step_ms", [STEP_MS, HOUR_MS, DAY_MS])
def test_charts_of_downsampled_days_are_as_they_were(ingest, step_ms):
    """In stretches of five minutes and their multiples: minimum, average, maximum and count."""
    two_days(ingest)
    before = {key: ingest.points(key, "t", step_ms=step_ms) for key in (FREEZER, PUMP)}

    pruned = retention.prune(ingest.database, KEPT, now_ms=20 * DAY_MS)

    assert pruned.blocks > 0
    assert {key: ingest.points(key, "t", step_ms=step_ms) for key in before} == {
        key: approximately(rows) for key, rows in before.items()
    }
    assert len(before[FREEZER]) > 1


def test_one_chart_joins_rows_blocks_and_rollups(ingest):
    """A range over all three ages of telemetry has each value once; so has one stretch that two of them tell of."""
    ingest.store(reading(0, 1.0), reading(400_000, 5.0))
    compaction.compact(ingest.database, now_ms=DAY_MS)
    retention.prune(ingest.database, KEPT, now_ms=10 * DAY_MS)
    ingest.store(reading(100_000, 3.0, received_ms=10 * DAY_MS))
    compaction.compact(ingest.database, now_ms=11 * DAY_MS)
    ingest.store(reading(200_000, 8.0, received_ms=11 * DAY_MS), reading(11 * DAY_MS, 2.0))

    assert ingest.points(FREEZER, "t", step_ms=STEP_MS) == [
        [0, 1.0, 4.0, 8.0, 3],
        [300_000, 5.0, 5.0, 5.0, 1],
        [11 * DAY_MS, 2.0, 2.0, 2.0, 1],
    ]
    assert ingest.points(FREEZER, "t") == [
        *([0, 1.0], [100_000, 3.0], [200_000, 8.0]),
        *([300_000, 5.0], [11 * DAY_MS, 2.0]),
    ]


def test_texts_and_truths_keep_when_each_came_first(ingest):
    """What has no average is kept once for every five minutes in which it was said."""
    said = [(0, "open"), (1_000, "shut"), (2_000, "open"), (STEP_MS, "shut"), (STEP_MS + 5, True)]
    ingest.store(*(reading(at_ms, value) for at_ms, value in said))
    compaction.compact(ingest.database, now_ms=DAY_MS)

    retention.prune(ingest.database, KEPT, now_ms=10 * DAY_MS)

    kept = [[0, "open"], [1_000, "shut"], [STEP_MS, "shut"], [STEP_MS + 5, True]]
    assert ingest.points(FREEZER, "t") == kept
    assert ingest.points(FREEZER, "t", step_ms=STEP_MS) == kept
    assert ingest.points(FREEZER, "t", from_ms=1_000, to_ms=STEP_MS) == [[1_000, "shut"]]


def test_days_that_are_not_over_stay_as_they_are(ingest):
    """A day of receipt goes as a whole, so that a device has one rollup of it."""
    for at_ms, value in ((DAY_MS - 1, 1.0), (DAY_MS + 1, 2.0)):
        ingest.store(reading(at_ms, value))
        compaction.compact(ingest.database, now_ms=3 * DAY_MS)

    retention.prune(ingest.database, KEPT, now_ms=6 * DAY_MS + HOUR_MS)

    assert ingest.points(FREEZER, "t") == [[DAY_MS - STEP_MS, 1.0], [DAY_MS + 1, 2.0]]


def test_arrivals_that_never_came_into_blocks_leave_rollups_too(ingest):
    """Where nothing compacted for as long as telemetry is kept, pruning still leaves five minutes as one."""
    ingest.store(reading(0, 1.0), reading(1_000, 2.0), reading(0, 7, key=PUMP))
    ingest.store(reading(9 * DAY_MS, 4.0))

    pruned = retention.prune(ingest.database, KEPT, now_ms=10 * DAY_MS)

    assert (pruned.arrivals, pruned.blocks) == (3, 0)
    assert ingest.points(FREEZER, "t", step_ms=STEP_MS) == [[0, 1.0, 1.5, 2.0, 2], [9 * DAY_MS, 4.0, 4.0, 4.0, 1]]
    assert ingest.points(PUMP, "t") == [[0, 7]]


def test_rollups_go_when_they_are_too_old_as_well(ingest):
    """Counted from receipt, as everything is."""
    two_days(ingest)
    retention.prune(ingest.database, KEPT, now_ms=20 * DAY_MS)

    pruned = retention.prune(ingest.database, KEPT, now_ms=60 * DAY_MS)

    assert pruned.rollups > 0
    assert ingest.points(FREEZER, "t") == []


@pytest.mark.parametrize("after_commit", [False, True])
def test_downsampling_that_dies_changes_no_answer(ingest, after_commit):
    """Blocks go and rollups come in one transaction; the next run finishes the work."""
    two_days(ingest)
    before = ingest.points(FREEZER, "t", step_ms=STEP_MS)
    dying = DyingDatabase(ingest.database, 1, after_commit=after_commit)

    with pytest.raises(Died):
        downsampling.downsample(dying, before_ms=20 * DAY_MS, devices=1)

    assert ingest.points(FREEZER, "t", step_ms=STEP_MS) == approximately(before)
    assert downsampling.downsample(ingest.database, before_ms=20 * DAY_MS) > 0
    assert ingest.points(FREEZER, "t", step_ms=STEP_MS) == approximately(before)


def test_downsampling_stops_when_it_is_told_to(ingest):
    """A process that ends does not wait for days of blocks."""
    two_days(ingest)

    assert downsampling.downsample(ingest.database, before_ms=20 * DAY_MS, stopped=lambda: True) == 0


numbers = st.one_of(
    st.integers(-(2**40), 2**40), st.floats(-1e12, 1e12).map(lambda value: round(value, 2)), st.floats(-1, 1)
)


@given(st.dictionaries(st.integers(0, 20 * STEP_MS), numbers, min_size=1))
def test_a_rollup_tells_each_stretch_s_bounds_exactly(values_at):
    """Whatever the numbers: first and last stretch are named, and no text is made of them."""
    rows = [
        Arrival(place, 1, None, Kind.TELEMETRY, at_ms, at_ms, at_ms, 1, False, None, None, b"", pack({"t": value}, {}))
        for place, (at_ms, value) in enumerate(values_at.items())
    ]

    made = roll_up([pack_block(rows[start : start + 3], None) for start in range(0, len(rows), 3)])

    assert (made.first_at_ms, made.last_at_ms) == tuple(
        at_ms // STEP_MS * STEP_MS for at_ms in (min(values_at), max(values_at))
    )


def test_blocks_without_values_leave_nothing():
    """Labels alone are no telemetry."""
    row = Arrival(1, 1, None, Kind.STATUS, 0, 0, 0, 1, False, None, None, b"", pack({}, {"model": "x"}))

    assert roll_up([pack_block([row], None)]) is None
