"""Duplicates: found exactly, wherever the first of the two is by now."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotops.store import compaction
from iotops.store.accounting import stored_by_device
from iotops.store.newest import Newest
from iotops.telemetry.codecs import Sample
from iotops.telemetry.identity import identity
from iotops.telemetry.reading import DeviceKey, Kind, Reading

FREEZER = DeviceKey("s1", "freezer-1")
DAY_MS = 86_400_000


def sent(
    at_ms=None, *, received_ms=10_000, key=FREEZER, value=1.0, boot=None, seq=None, kind=Kind.TELEMETRY, ahead=False
):
    """Return the reading that decoding makes of what a device sends; `ahead`: its clock is too far ahead."""
    leaf = {Kind.TELEMETRY: "telemetry", Kind.EVENT: "event"}[kind]
    sample = Sample({"t": value}, {"t": value}, at_ms, boot, seq)
    return Reading(
        key,
        received_ms if at_ms is None or ahead else at_ms,
        received_ms,
        {"t": value},
        identity(f"{key}/{leaf}/", sample, received_ms),
        boot=boot,
        seq=seq,
        kind=kind,
        skewed=ahead,
    )


HISTORIES = {
    "boot and seq": [sent(boot="b", seq=seq) for seq in (1, 2, 5)],
    "several boots": [sent(boot=boot, seq=seq) for boot in "abc" for seq in (1, 2)],
    "more boots than are remembered": [sent(boot=f"b{number}", seq=1) for number in range(20)],
    "telemetry and events that count apart": [
        *(sent(boot="b", seq=seq) for seq in range(90, 100)),
        *(sent(boot="b", seq=seq, kind=Kind.EVENT) for seq in (1, 2)),
    ],
    "event times": [sent(at_ms) for at_ms in (100, 200, 150)],
    "equal times, different values": [sent(100, value=value) for value in (1.0, 2.0)],
    "seq alone": [sent(seq=seq, received_ms=600_000 + seq) for seq in (1, 2, 3)],
    "neither time nor seq": [sent(received_ms=received_ms) for received_ms in (1_000, 2_000)],
    "a clock far ahead": [sent(10**12 + step, ahead=True, received_ms=step) for step in (1, 2)],
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("then", ["at once", "restarted", "compacted", "compacted and restarted", "forgotten"])
def test_redelivery_is_known(ingest, name, then):
    """Every stored reading is recognised: from memory, after a restart, in blocks, and beyond what memory holds."""
    history = HISTORIES[name]
    for each in history:
        assert ingest.store(each) == 0

    if then == "forgotten":
        ingest.trails.recent.forget()
    if "compacted" in then:
        compaction.compact(ingest.database, now_ms=DAY_MS)
    if "restarted" in then:
        ingest.restart()

    assert ingest.duplicates(*history) == set(range(len(history)))


def test_redelivered_seq_is_known_although_it_came_later(ingest):
    """A device that sends only seq: the same seq and content within ten minutes is a redelivery."""
    ingest.store(sent(seq=7, received_ms=600_001))
    ingest.restart()

    again = sent(seq=7, received_ms=900_000)
    rebooted = sent(seq=7, received_ms=1_200_001)

    assert ingest.duplicates(again, rebooted) == {0}


def test_reading_once_too_far_ahead_is_known_when_its_time_has_come(ingest):
    """A redelivery is the same reading although the first was stored under its receive time."""
    ingest.store(sent(1_000_000, ahead=True, received_ms=600_000), sent(500_000, received_ms=600_001))
    ingest.trails.recent.forget()

    assert ingest.duplicates(sent(1_000_000, received_ms=900_000)) == {0}


def test_late_reading_that_fills_a_gap_is_new(ingest):
    """Out of order is not a duplicate."""
    ingest.store(sent(boot="b", seq=1), sent(boot="b", seq=9))

    assert ingest.store(sent(boot="b", seq=5)) == 0
    assert ingest.store(sent(boot="b", seq=5)) == 1


def test_late_reading_is_new_after_compaction_too(ingest):
    """Blocks are asked for the very reading, not for its range."""
    ingest.store(sent(100), sent(300))
    compaction.compact(ingest.database, now_ms=DAY_MS)
    ingest.restart()

    assert ingest.store(sent(200)) == 0
    assert ingest.store(sent(200), sent(100)) == 2


def test_second_of_two_equal_readings_in_a_batch_is_known(ingest):
    """A redelivery may come in the batch of the first delivery."""
    assert ingest.duplicates(sent(1), sent(1), sent(2)) == {1}


def test_same_content_of_another_device_is_new(ingest):
    """Identity belongs to the device."""
    ingest.store(sent(1, boot="b", seq=1))

    assert ingest.duplicates(sent(1, boot="b", seq=1, key=DeviceKey("s1", "other"))) == set()


def test_batch_that_was_not_committed_leaves_nothing_known(ingest):
    """Memory follows the database: what was rolled back is new."""

    def fail(_unit):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        ingest.store(sent(1), then=fail)

    assert ingest.store(sent(1)) == 0
    assert [position for position, _ in ingest.tail()] == [1]


def test_retained_reading_is_never_a_duplicate(ingest):
    """What is not stored cannot be stored twice."""
    retained = Reading(FREEZER, 1, 1, {"online": True}, sent(1).identity, retained=True, kind=Kind.STATUS)
    ingest.store(sent(1))

    assert ingest.duplicates(retained, retained) == set()


sendings = st.one_of(
    st.fixed_dictionaries({"boot": st.sampled_from("ab"), "seq": st.integers(0, 12)}),
    st.fixed_dictionaries({"at_ms": st.integers(0, 12), "value": st.sampled_from([1.0, 2.0])}),
    st.fixed_dictionaries({"seq": st.integers(0, 5), "received_ms": st.sampled_from([0, 599_999, 600_000])}),
    st.fixed_dictionaries(
        {"at_ms": st.integers(10**9, 10**9 + 3), "ahead": st.booleans(), "received_ms": st.integers(0, 5)}
    ),
)
histories = st.lists(st.one_of(sendings, st.sampled_from(["compact", "restart", "forget"])), max_size=40)
devices = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_every_identity_is_stored_exactly_once(ingest, history):
    """Whatever is sent again, whenever: one row for each identity, counted over rows and blocks."""
    key = DeviceKey("s1", f"d{next(devices)}")
    identities = set()
    for action in history:
        if action == "compact":
            compaction.compact(ingest.database, now_ms=DAY_MS)
        elif action == "restart":
            ingest.restart()
        elif action == "forget":
            ingest.trails.recent.forget()
        else:
            reading = sent(**action, key=key)
            identities.add(reading.identity)
            ingest.store(reading)

    with ingest.database.read() as unit:
        assert sorted(each.identity for each in stored_by_device(unit)(key)) == sorted(identities)


def test_newer_readings_are_proved_new_without_asking_the_database(ingest):
    """What a device sends in order costs no query: its counter and its clock prove it new."""
    ingest.store(sent(1, boot="b", seq=1), sent(50, key=DeviceKey("s1", "clocked")))

    in_order = [
        sent(2, boot="b", seq=2),
        sent(0, boot="after a reboot", seq=1),
        sent(51, key=DeviceKey("s1", "clocked")),
        sent(7, boot="b", seq=7, key=DeviceKey("s1", "unknown")),
    ]
    redelivered = [sent(1, boot="b", seq=1)]

    assert ingest.recent.known(None, in_order + redelivered) == {4}


def test_newest_forgets_the_oldest_and_keeps_what_it_promises():
    """At least the last n members are there, at most twice as many, however they came."""
    newest = Newest(10)

    for number in range(95):
        newest.update([number.to_bytes(16, "big")])

    held = [number for number in range(95) if number.to_bytes(16, "big") in newest]
    assert held[-10:] == list(range(85, 95))
    assert len(held) <= 20
