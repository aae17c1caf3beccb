"""Samples that come late, and kills between them: from messages, through the real pipeline, to alerts and incidents."""

import pytest
from plant import MINUTE_MS, START_MS, Plant

from iotops.rules.alert import Change
from iotops.store import incidents
from iotops.store.database import Database

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - {alert: warm, when: temp > -15, for: 3m, lateness: 150s}
  - {alert: hot, when: temp > -5, lateness: 150s}
  - {alert: silent, when: age() >= 3 * every, lateness: 2m}
  - {alert: site_warm, per: site, when: devices(firing(warm)) >= 1, for: 2m}
"""
SECOND_MS = 1_000
PAUSE_MS = 35 * SECOND_MS
TEMPS = [-20] * 4 + [-9] * 8 + [-20] * 3 + [-3, -20]
"""By the minute: warm from 4 to 11, hot at 15; nothing is heard after that."""


@pytest.fixture
def database(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


class Radio(Plant):
    """A freezer whose samples of every third minute come two minutes late."""

    minute = 0

    def report(self):
        """Let the rest of a minute pass, and hand over what comes then."""
        self.minute += 1
        self.wait(MINUTE_MS - PAUSE_MS)
        due = [minute for minute in (self.minute, self.minute - 2) if (minute % 3 == 0) == (minute < self.minute)]
        self.process(*[self.sample(minute) for minute in due if 0 < minute < len(TEMPS)])

    def sample(self, minute):
        return self.message("paris/fz-1/telemetry", {"ts": START_MS + minute * MINUTE_MS, "temp": TEMPS[minute]})

    def pause(self, *, kill):
        """Let time alone do its work for a while."""
        self.wait(PAUSE_MS)
        before = self.pipeline.ledgers.state.batch_no
        self.process()
        if kill and self.pipeline.ledgers.state.batch_no > before:  # else the clock of a start stood still
            self.restart()

    def changes(self, rule):
        told = (Change.FIRED, Change.RESOLVED)
        return [
            (change.value, (at_ms - START_MS) // SECOND_MS)
            for change, at_ms, alert, _ in self.log
            if alert.key.rule == rule and change in told
        ]


@pytest.fixture
def radio(database, tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.yaml").write_text(RULES)
    made = Radio(database, folder)
    made.look()
    made.wait(PAUSE_MS)
    return made


@pytest.mark.parametrize(("kill", "snapshots"), [(True, True), (True, False), (False, False)])
def test_kills_between_late_samples_change_nothing(radio, kill, snapshots):
    """What waits for late samples is neither judged twice nor lost: alerts fire when they would have without kills."""
    for number in range(17):
        radio.report()
        if snapshots and number % 3 == 0:
            radio.snapshot()
        if kill:
            radio.restart()
        radio.pause(kill=kill)
    for _ in range(8):
        radio.pause(kill=kill)

    assert radio.changes("warm") == [("fired", 420), ("resolved", 720)]
    assert radio.changes("hot") == [("fired", 900), ("resolved", 960)]
    assert radio.changes("silent") == [("fired", 1_140)]
    assert radio.changes("site_warm") == [("fired", 690), ("resolved", 870)]
    with radio.database.read() as unit:
        found = incidents.page(unit, incidents.Filters(), sort="number", limit=9).items
    assert sorted((each.rule, (each.fired_ms - START_MS) // SECOND_MS) for each in found) == [
        ("hot", 900),
        ("silent", 1_140),
        ("site_warm", 690),
        ("warm", 420),
    ]
