"""What time alone began and ended before a restart is not told twice: neither alerts, nor incidents, nor timelines."""

import json

import pytest

from iotops.store import alerts, incidents, timeline
from iotops.store.alerts import AlertFilter

RULES = """
rules:
  - alert: lost
    when: age(temp) >= 10m and age() < 5m
  - alert: most_lost
    per: site
    when: devices(age(temp) >= 10m and age() < 5m) >= 1
    for: 1m
"""
START_MS = 1_800_000_000_000
MINUTE_MS = 60_000


def told(database):
    """Return all that people are told: episodes, incidents, and every entry of their timelines."""
    with database.read() as unit:
        episodes = [
            (
                each.alert.id,
                each.alert.key,
                each.alert.state,
                each.alert.fired_ms,
                each.alert.resolved_ms,
                each.incident,
            )
            for each in alerts.page(unit, AlertFilter({}), limit=100)
        ]
        raised = incidents.page(unit, incidents.Filters(), limit=100).items
        numbers = sorted(each.number for each in raised)
        states = {each.number: (each.state, each.data_known, each.version, each.alert_count) for each in raised}
        entries = {number: [each.entry.type for each in timeline.entries(unit, number)] for number in numbers}
    return episodes, states, entries


def day(plant, *, snapshot_at=None, restart_at=()):
    """Temperature is lost at once, everything 7 minutes later; memory may be saved, and lost, at some minutes.

    After each restart a minute goes by before anything is heard.
    """
    for minute in (0, 1, 3, 5, 7, 10, 11, 12, 13, 15, 16, 18, 19):
        offset_ms = minute * MINUTE_MS
        if minute <= 7 or minute >= 18:
            values = {"power": 1} if minute else {"temp": 20, "power": 1}
            payload = json.dumps({"ts": START_MS + offset_ms, **values}).encode()
            plant.hear(offset_ms, "telemetry", payload)
        plant.wait(offset_ms + 1_000)
        if minute == snapshot_at:
            plant.snapshot(offset_ms + 1_000)
        if minute in restart_at:
            plant.restart()
    return told(plant.database)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, make_plant_over):
    """Return what is told where nothing is restarted."""
    return day(make_plant_over(f"sqlite:///{tmp_path_factory.mktemp('other') / 'iotops.db'}", RULES, START_MS))


@pytest.mark.parametrize(
    ("snapshot_at", "restart_at"),
    [(None, (11,)), (None, (13,)), (5, (12, 15)), (10, (13,)), (13, (15,)), (10, (11, 13, 14))],
)
def test_restart_tells_nothing_twice(make_plant, undisturbed, snapshot_at, restart_at):
    """Whether the newest snapshot is from before it began, from in between, from after it ended, or there is none."""
    episodes, states, entries = undisturbed

    found = day(make_plant(RULES, START_MS), snapshot_at=snapshot_at, restart_at=restart_at)

    assert len(episodes) == 4, "each rule fires twice: while the temperature is lost, and when power is back without it"
    assert states.keys() == entries.keys() != set()
    assert found == undisturbed
