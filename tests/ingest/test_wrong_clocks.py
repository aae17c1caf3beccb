"""Clocks that are wrong, of devices and of this machine: who is right is judged as if nobody were wrong."""

import pytest
from plant import MINUTE_MS, START_MS, Plant

from iotops.rules.alert import Change
from iotops.store import slots
from iotops.store.database import Database
from iotops.store.telemetry import newest
from iotops.telemetry.reading import DeviceKey

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - {alert: hot, when: temp > 30, for: 2m}
  - {alert: silent, when: age() >= 5m}
"""
YEAR_MS = 365 * 86_400_000


@pytest.fixture
def plant(sqlite_url, tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.yaml").write_text(RULES)
    database = Database.open(sqlite_url)
    database.upgrade()
    yield Plant(database, folder)
    database.close()


def report(plant, device, temp, ts):
    plant.process(plant.message(f"site/{device}/telemetry", {"ts": ts, "temp": temp}))


def changed(plant, *changes):
    return {(alert.key.rule, alert.key.instance) for change, _, alert, _ in plant.log if change in changes}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda ms: ms + YEAR_MS,
        lambda ms: ms - YEAR_MS,
        lambda ms: (ms - START_MS) // 1000,  # a clock that was never set, in seconds
        lambda ms: ms // 1000,  # seconds, where milliseconds are meant: both are understood
        lambda ms: ms - 3_600_000,  # local time at the end of summer time
    ],
)
def test_device_with_a_wrong_clock_changes_nothing_for_the_others(plant, wrong):
    """F12: a year ahead or behind, from 1970 on, an hour off: what is hot by its own time fires, others are calm."""
    for _ in range(8):
        report(plant, "right", 20, plant.now_ms)
        report(plant, "hot", 35, plant.now_ms)
        report(plant, "wrong", 20, wrong(plant.now_ms))
        plant.wait(MINUTE_MS)

    ahead = {("clock_skew", "site/wrong")} if wrong(plant.now_ms) > plant.now_ms else set()
    assert changed(plant, Change.FIRED) == {("hot", "site/hot")} | ahead
    assert changed(plant, Change.RESOLVED, Change.UNKNOWN) == set()


@pytest.mark.parametrize("step_ms", [3_600_000, -3_600_000])
def test_step_of_our_own_clock_opens_and_closes_nothing(plant, step_ms):
    """F12: timers run on connected time: an hour back or forth ends no alert, and makes nobody silent.

    Nobody sends a time here: all of it is ours.
    """
    for minute in range(12):
        if minute == 4:
            plant.now_ms += step_ms  # the wall clock alone: connected time goes on as before
        for device in range(5):
            report(plant, f"d{device}", 35 if device == 0 and minute >= 3 else 20, None)
        plant.wait(MINUTE_MS)
        plant.process()

    assert changed(plant, Change.RESOLVED) == set()
    assert changed(plant, Change.FIRED) == {("hot", "site/d0")}


def test_leap_second_is_a_time(plant):
    """F12: RFC 3339 has a 61st second; a message of it is stored, or a dead letter, and stops nobody."""
    report(plant, "d0", 20, "2016-12-31T23:59:60Z")
    report(plant, "d1", 20, plant.now_ms)

    with plant.database.read() as unit:
        counters = slots.state(unit).counters
        assert len(newest(unit, DeviceKey("site", "d1"), 5)) == 1
    assert counters.get("stored", 0) + counters.get("dead_lettered", 0) == 2
