"""Telemetry as it is written and read back: exact, in order, on both databases."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotops.store import compaction, devices, telemetry
from iotops.store.notes import Note, NoteKind
from iotops.store.replay import log
from iotops.telemetry.reading import DeviceKey, Kind, Reading

FREEZER = DeviceKey("s1", "freezer-1")
PUMP = DeviceKey("s2", "pump")
DAY_MS = 86_400_000


def reading(key=FREEZER, at_ms=1_000, value=1.0, **fields):
    fields.setdefault("values", {"t": value})
    fields.setdefault("identity", f"{key}{at_ms}{fields['values']}".encode().ljust(16)[-16:])
    return Reading(key, at_ms, fields.pop("received_ms", at_ms + 20), **fields)


AWKWARD = {
    "unicode": "Käse 🧀 \u202e \u0301",
    "empty": "",
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "beyond_2_53": 2**53 + 1,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "minus_zero": -0.0,
    "third": 1 / 3,
    "rounded": 23.41,
    "yes": True,
    "no": False,
    "one": 1,
    "null": None,
    "quote'); DROP TABLE arrival;--": 1.5,
}


@pytest.mark.parametrize("compacted", [False, True])
def test_awkward_values_come_back_identical(ingest, compacted):
    """Type and value of everything that a device may send survive rows and blocks on both databases."""
    ingest.store(reading(values=AWKWARD))
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)

    ((_, found),) = ingest.tail()

    assert dict(found.values) == AWKWARD
    assert {name: type(value) for name, value in found.values.items()} == {n: type(v) for n, v in AWKWARD.items()}
    assert math.copysign(1, found.values["minus_zero"]) == -1
    for name, value in AWKWARD.items():
        assert ingest.points(FREEZER, name) == ([] if value is None else [[1_000, value]])


@pytest.mark.parametrize("compacted", [False, True])
def test_reading_comes_back_with_everything_it_came_with(ingest, compacted):
    """A restart's tail yields the readings as they were, status labels and clocks included."""
    sent = [
        reading(FREEZER, 5, boot="b", seq=1, connected_ms=77),
        reading(PUMP, 4, kind=Kind.EVENT, values={"event": "door_forced"}, skewed=True),
        reading(FREEZER, 6, kind=Kind.STATUS, values={"online": True}, labels={"type": "freezer"}),
    ]
    ingest.store(*sent)
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)

    assert ingest.tail() == list(enumerate(sent, 1))
    assert ingest.tail(after=1) == [(2, sent[1]), (3, sent[2])]


def test_retained_reading_is_no_sample(ingest):
    """A retained message says what was, so it makes the device known and stores nothing."""
    ingest.store(reading(retained=True, kind=Kind.STATUS, values={"online": True}))

    assert ingest.tail() == []
    with ingest.database.read() as unit:
        found = devices.get(unit, FREEZER)
    assert (found.online, found.last_seen_ms) == (True, None)


@pytest.mark.parametrize("compacted", [False, True])
def test_later_value_for_the_same_time_replaces(ingest, compacted):
    """Of two different values for one device, metric and time the one that arrived last counts."""
    ingest.store(reading(at_ms=10, value=1.0), reading(at_ms=10, value=2.0), reading(at_ms=5, value=0.0))
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)

    assert ingest.points(FREEZER, "t") == [[5, 0.0], [10, 2.0]]


def test_range_includes_its_start_and_excludes_its_end(ingest):
    """Ranges that follow each other share no point and miss none."""
    ingest.store(*(reading(at_ms=at_ms, value=float(at_ms)) for at_ms in (10, 20, 30)))

    assert ingest.points(FREEZER, "t", 10, 30) == [[10, 10.0], [20, 20.0]]


@pytest.mark.parametrize("compacted", [False, True])
def test_step_gives_buckets(ingest, compacted):
    """With a step each bucket has minimum, average, maximum and count; what arrived later counts, nulls do not."""
    sent = ((0, 9.0), (999, 3.0), (2_500, 7), (0, 1.0), (5_000, None))
    ingest.store(*(reading(at_ms=at_ms, value=value) for at_ms, value in sent))
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)

    assert ingest.points(FREEZER, "t", step_ms=1_000) == [[0, 1.0, 2.0, 3.0, 2], [2_000, 7, 7.0, 7, 1]]
    assert ingest.points(FREEZER, "other", step_ms=1_000) == []


def test_step_gives_text_once_for_each_stretch(ingest):
    """Text has no average: each word comes once for every bucket that it occurs in."""
    sent = ((0, "shut"), (500, "open"), (900, "shut"), (1_000, "shut"), (1_500, "shut"))
    ingest.store(*(reading(at_ms=at_ms, value=value) for at_ms, value in sent))

    assert ingest.points(FREEZER, "t", step_ms=1_000) == [[0, "shut"], [500, "open"], [1_000, "shut"]]


@pytest.mark.parametrize("compacted", [False, True])
def test_last_values_are_the_newest_by_event_time(ingest, compacted):
    """A late reading does not become the last value; a null is none."""
    ingest.store(
        reading(at_ms=20, values={"t": 2.0, "h": None}), reading(at_ms=10, values={"t": 1.0, "h": 5}), reading(PUMP)
    )
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)

    with ingest.database.read() as unit:
        assert telemetry.last_values(unit, FREEZER) == {"h": (10, 5), "t": (20, 2.0)}
        assert telemetry.metrics(unit, FREEZER) == ["h", "t"]
        assert telemetry.metrics(unit, DeviceKey("no", "body")) == []


def test_presence_follows_what_is_stored(ingest):
    """Last seen and last event are the newest of what is stored, whatever the order."""
    ingest.store(reading(at_ms=50, received_ms=90), reading(at_ms=40, received_ms=95))

    with ingest.database.read() as unit:
        found = devices.get(unit, FREEZER)
    assert (found.last_seen_ms, found.last_event_ms) == (95, 50)


@pytest.mark.parametrize("compacted", [False, True])
def test_log_tells_connection_and_readings_in_order(ingest, compacted):
    """A replay sees the connection come before the readings that came through it, and their batch."""
    up = Note(NoteKind.CONNECTED, at_ms=1, connected_ms=0, data={"epoch": 3})
    ingest.store(reading(), notes=[up])
    ingest.store(reading(at_ms=2_000))
    if compacted:
        compaction.compact(ingest.database, now_ms=DAY_MS)

    with ingest.database.read() as unit:
        found = list(log(unit, 0))
    assert [(each.position, each.batch_no) for each in found] == [(1, 1), (2, 1), (3, 2)]
    assert found[0].entry == up
    assert found[2].entry == reading(at_ms=2_000)


def test_large_batches_of_many_devices_are_found_before_presence_is_written(ingest):
    """What was appended since presence was written is read all the same, by this process and after a restart."""
    fleet = [DeviceKey("s", f"d{number}") for number in range(300)]
    ingest.store(*(reading(key, 1_000) for key in fleet))
    for at_ms in (2_000, 3_000, 4_000):
        ingest.store(*(reading(key, at_ms, value=at_ms) for key in fleet))

    before = ingest.points(fleet[7], "t")
    ingest.restart()
    ingest.store(*(reading(key, 5_000, value=5_000) for key in fleet))

    assert before == [[1_000, 1.0], [2_000, 2_000], [3_000, 3_000], [4_000, 4_000]]
    assert ingest.points(fleet[7], "t") == [*before, [5_000, 5_000]]


values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=5),
    st.none(),
    st.decimals(-1000, 1000, places=2, allow_nan=False).map(float),
)
arrivals = st.tuples(
    st.sampled_from([FREEZER, PUMP]), st.integers(0, 50), st.dictionaries(st.sampled_from("abc"), values, min_size=1)
)
actions = st.lists(st.one_of(st.lists(arrivals, min_size=1, max_size=6), st.just("compact"), st.just("restart")))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=actions)
def test_any_interleaving_of_batches_compaction_and_restart_gives_the_same_points(ingest, plan):
    """Where compaction has come makes no difference to any answer."""
    start = ingest.trails.position
    sent: list[Reading] = []
    for action in plan:
        if action == "compact":
            compaction.compact(ingest.database, now_ms=DAY_MS)
        elif action == "restart":
            ingest.restart()
        else:
            number = ingest.trails.position
            batch = [
                reading(key, at_ms, values=found, identity=(number + row).to_bytes(16, "big"))
                for row, (key, at_ms, found) in enumerate(action, 1)
            ]
            ingest.store(*batch)
            sent += batch

    assert [found for _, found in ingest.tail(start)] == sent
    for key in (FREEZER, PUMP):
        everything = [found for _, found in ingest.tail() if found.key == key]
        for metric in "abc":
            expected = {each.at_ms: each.values[metric] for each in everything if metric in each.values}
            points = [[t, v] for t, v in sorted(expected.items()) if v is not None]
            assert ingest.points(key, metric) == points
            if all(type(value) in (int, float) for _, value in points):
                assert_buckets_of(points, ingest.points(key, metric, step_ms=3), 3)


def assert_buckets_of(points, found, step_ms):
    """Compare buckets with what the definition says of each stretch of time."""
    stretches = {}
    for at_ms, value in points:
        stretches.setdefault(at_ms // step_ms * step_ms, []).append(float(value))
    assert [(start, float(low), float(high), n) for start, low, _, high, n in found] == [
        (start, min(values), max(values), len(values)) for start, values in stretches.items()
    ]
    for (_, low, average, high, n), values in zip(found, stretches.values(), strict=True):
        assert low <= average <= high
        assert math.isclose(
            average, math.fsum(value / n for value in values), rel_tol=1e-9, abs_tol=1e-9 * (high - low)
        )
