"""What a device says, and what its faults do to that."""

import json
from itertools import pairwise

import pytest

START_MS = 1_767_225_600_000
MINUTE_MS = 60_000


def telemetry(said):
    return [json.loads(message.payload) for message in said if message.leaf == "telemetry"]


def minute(reading):
    return (reading["ts"] - START_MS) / MINUTE_MS


def test_device_introduces_itself_and_then_reports_at_its_interval(a_device, said_until):
    """First a retained status with labels, then readings, one interval apart, numbered without a gap."""
    said = said_until(a_device(), 10)

    birth = json.loads(said[0].payload)
    readings = telemetry(said)
    assert (said[0].topic, said[0].retain, birth["state"], birth["type"]) == (
        "iot/s-1/x-01/status",
        True,
        "online",
        "freezer",
    )
    assert len(readings) == 20
    assert {b["ts"] - a["ts"] for a, b in pairwise(readings)} == {30_000}
    assert [message.seq for message in said] == list(range(21))


def test_same_seed_says_the_same_bytes(a_device, said_until):
    """Two runs with one seed are the same messages; another seed is another fleet."""
    assert said_until(a_device(seed=5), 30) == said_until(a_device(seed=5), 30)
    assert said_until(a_device(seed=5), 30) != said_until(a_device(seed=6), 30)


def test_every_reading_of_a_shorter_interval_agrees_with_the_physics(a_device):
    """How often a device reports does not change what is true."""
    often, seldom = a_device(every_ms=1_000), a_device(every_ms=60_000)

    assert often.readings(START_MS + 77_000) == seldom.readings(START_MS + 77_000)


def test_spike_adds_its_amount_while_it_lasts(a_device, a_fault, said_until):
    """During the spike the metric is higher by the amount, before and after it is true."""
    sound = telemetry(said_until(a_device(), 10))
    spiked = telemetry(said_until(a_device(faults=[a_fault("spike", 3, 5, metric="temp", amount=30.0)]), 10))

    difference = {round(minute(b), 2): round(b["temp"] - a["temp"], 3) for a, b in zip(sound, spiked, strict=True)}

    assert all(step == (30.0 if 3 <= at < 5 else 0.0) for at, step in difference.items())


def test_drift_grows_with_time(a_device, a_fault):
    """A drift of 6 an hour is 3 after half an hour."""
    drifting, sound = a_device(faults=[a_fault("drift", 0, 60, metric="temp", amount=6.0)]), a_device()
    at_ms = START_MS + 30 * MINUTE_MS

    assert drifting.readings(at_ms)["temp"] - sound.readings(at_ms)["temp"] == pytest.approx(3.0, abs=0.002)


def test_stuck_sensor_repeats_what_it_said_when_the_fault_began(a_device, a_fault, said_until):
    """One value for as long as it lasts, the world's again afterwards."""
    readings = telemetry(said_until(a_device(faults=[a_fault("stuck", 3, 8, metric="temp")]), 12))

    stuck = {reading["temp"] for reading in readings if 3 <= minute(reading) < 8}
    free = {reading["temp"] for reading in readings if not 3 <= minute(reading) < 8}

    assert len(stuck) == 1
    assert len(free) > 5


def test_lost_sensor_says_null(a_device, a_fault, said_until):
    """A dropout with a metric is a null among values; the device goes on speaking."""
    readings = telemetry(said_until(a_device(faults=[a_fault("dropout", 3, 5, metric="temp")]), 8))

    assert [reading["temp"] is None for reading in readings] == [3 <= minute(reading) < 5 for reading in readings]
    assert all(reading["power"] is not None for reading in readings)


def test_dropout_leaves_a_provable_gap(a_device, a_fault, said_until):
    """Readings that never left are missing in the numbers, too."""
    readings = telemetry(said_until(a_device(faults=[a_fault("dropout", 3, 5)]), 8))

    assert not any(3 <= minute(reading) < 5 for reading in readings)
    assert readings[-1]["seq"] - readings[0]["seq"] + 1 - len(readings) == 4


@pytest.mark.parametrize("kind", ["offline", "reboot"])
def test_device_that_was_off_boots_anew(a_device, a_fault, said_until, kind):
    """After an outage there is a new boot id, numbers from 0, counters from 0, and a birth message first."""
    said = said_until(a_device("pos", [a_fault(kind, 3, 5)], own=True), 8)

    before, after = said[0].boot, said[-1].boot
    reborn = [message for message in said if message.boot == after]
    down = next(message for message in said if message.turn == "down")
    assert before != after
    assert (reborn[0].leaf, reborn[0].seq, reborn[0].ts) == ("status", 0, START_MS + 5 * MINUTE_MS)
    assert telemetry(reborn)[0]["uptime"] < 60
    assert telemetry(reborn)[0]["transactions"] <= 1 < telemetry(said)[0]["transactions"]
    assert json.loads(down.payload)["state"] == "offline"


def test_device_behind_a_gateway_cannot_say_that_it_is_gone(a_device, a_fault, said_until):
    """Without a connection of its own there is no last will: it just falls silent."""
    said = said_until(a_device(faults=[a_fault("offline", 3, 5)]), 4.9)

    assert all(message.turn != "down" for message in said)
    assert max(minute(reading) for reading in telemetry(said)) < 3


def test_outage_of_the_gateway_silences_what_is_behind_it(a_device, a_fault, said_until):
    """The device goes on, unheard: its numbers have a gap, its boot is the same."""
    outage = a_fault("offline", 3, 5)
    gateway_out = type(outage)("f", "offline", outage.key._replace(device="gw-01"), outage.from_ms, outage.to_ms)
    said = said_until(a_device(faults=[gateway_out]), 8)

    assert not any(3 <= minute(reading) < 5 for reading in telemetry(said))
    assert len({message.boot for message in said}) == 1


def test_clock_skew_moves_the_devices_time(a_device, a_fault, said_until):
    """The sensor is right and the clock is wrong."""
    said = said_until(a_device(faults=[a_fault("clock_skew", 3, 5, amount=90.0)]), 8)

    plain = {message.seq: message.ts for message in said_until(a_device(), 8)}
    skews = {(message.ts - plain[message.seq]) // 1000 for message in said}
    assert skews == {0, 90}


def test_duplicates_are_the_same_bytes_twice(a_device, a_fault, said_until):
    """A duplicate is not a similar message but the same one."""
    said = said_until(a_device(faults=[a_fault("duplicates", 0, 60, amount=0.5)]), 60)

    twice = len(said) - len(set(said))

    assert 30 <= twice <= 90
    assert len({(message.boot, message.seq) for message in said}) == len(set(said))


def test_reordering_swaps_neighbours_and_loses_nothing(a_device, a_fault, said_until):
    """Everything is said, two at a time the wrong way round."""
    said = said_until(a_device(faults=[a_fault("reordering", 2, 7, amount=2.0)]), 10)

    order = [message.seq for message in said]
    assert order != sorted(order)
    assert sorted(order) == list(range(21))
    assert max(abs(place - seq) for place, seq in enumerate(order)) == 1
