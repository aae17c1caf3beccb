"""Suppressions and alerts, from messages to incidents, through the real pipeline and on both databases."""

import json
import threading
from dataclasses import replace

import pytest

from iotops.incidents.desk import Surroundings
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import Ledgers
from iotops.ingest.pipeline import TIMER_LAG_MS, Pipeline
from iotops.ingest.restore import restore
from iotops.ingest.retry import Patience
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.store import alerts, fleet, incidents, suppressions, timeline
from iotops.store.database import Database
from iotops.store.fleet import Declared
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey

RULES = """
metrics:
  temp: {kind: gauge, every: 30s}
rules:
  - alert: too_warm
    when: temp > 30
  - alert: device_silent
    when: age() >= 3 * every
  - alert: gateway_down
    match: {type: gateway}
    when: not online
    for: 15s
"""
START_MS = 1_800_000_000_000
DEVICES = {
    "d-1": {"type": "sensor"},
    "d-2": {"type": "sensor"},
    "gw-1": {"type": "gateway"},
    "c-1": {"type": "sensor", "gateway": "gw-1"},
}


class Bench:
    """A pipeline at a time of its own, which looks at suppressions as the ingest does."""

    def __init__(self, database):
        self.database, self.now_s, self.seq = database, 0, 0
        self.rules = parse_rules({"rules.yaml": RULES})[0]
        declared = {DeviceKey("s1", name): Declared(labels) for name, labels in DEVICES.items()}
        with database.begin() as unit:
            fleet.declare(unit, declared, now_ms=START_MS, connected_ms=0)
        self.restart()

    @property
    def now_ms(self):
        return START_MS + self.now_s * 1000

    def restart(self):
        """Forget everything that is only in memory, as a kill does."""
        memory, program = Memory(), compile_rules(self.rules)
        with self.database.read() as unit:
            ledgers = Ledgers.load(unit)
        around = Surroundings(self.rules.rules)
        tools = {"limits": Limits(), "admission": Admission(100, 10), "patience": Patience(threading.Event())}
        self.pipeline = Pipeline(self.database, ledgers, memory, program, around, **tools)
        with self.database.read() as unit:
            restore(unit, memory, program, self.pipeline.roster)
        self.look()

    def look(self):
        pipeline = self.pipeline
        with self.database.read() as unit:
            known = suppressions.load(unit, self.now_ms, pipeline.around.suppressions)
        pipeline.around = replace(pipeline.around, suppressions=known)

    def message(self, device, kind, payload):
        return Message(f"iot/s1/{device}/{kind}", payload, self.now_ms, self.now_s * 1000)

    def process(self, *messages):
        self.pipeline.process(messages, Now(self.now_ms, self.now_s * 1000 + TIMER_LAG_MS))

    def reads(self, device, temp):
        self.seq += 1
        body = {"ts": self.now_ms, "boot": "b", "seq": self.seq, "temp": temp}
        self.process(self.message(device, "telemetry", json.dumps(body).encode()))

    def says(self, device, word):
        self.process(self.message(device, "status", word.encode()))

    def goes_on(self, seconds, step=5, **temps):
        for _ in range(seconds // step):
            self.now_s += step
            self.look()
            for device, temp in temps.items():
                self.reads(device.replace("_", "-"), temp)
            self.process()

    def suppress(self, start_s, end_s, matcher, **more):
        said = {"kind": "maintenance", "matcher": matcher, "starts_ms": START_MS + start_s * 1000, "rrule": None}
        said |= {"ends_ms": None if end_s is None else START_MS + end_s * 1000, "timezone": "UTC"}
        said |= {"until_cleared": False, "reason": "new firmware", "owner": "ana", **more}
        with self.database.begin() as unit:
            kept = suppressions.create(unit, said, "ana", self.now_ms)
        self.look()
        return kept

    def follow(self):
        suppressions.follow(self.database, self.now_ms)

    def incidents(self):
        with self.database.read() as unit:
            return incidents.page(unit, incidents.Filters(), sort="number", limit=50).items

    def entries(self, number):
        with self.database.read() as unit:
            return [(each.entry.type, each.entry.data) for each in timeline.entries(unit, number)]

    def silenced(self):
        with self.database.read() as unit:
            rows = alerts.page(unit, alerts.AlertFilter(), limit=50)
        return {each.alert.key.instance: each.silenced_by for each in rows if each.silenced_by}


@pytest.fixture
def bench(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield Bench(opened)
    opened.close()


@pytest.mark.parametrize("killed", [False, True], ids=["", "killed"])
def test_an_alert_under_a_suppression_raises_when_it_ends(bench, killed):
    """Nothing in the window, and then one incident with the time at which it fired; a kill changes nothing."""
    bench.suppress(0, 60, {"labels": {"type": ["sensor"]}})
    bench.now_s = 20
    bench.reads("d-1", 40)
    if killed:
        bench.restart()
    bench.goes_on(35, d_1=40)
    assert (bench.incidents(), bench.silenced()) == ([], {"s1/d-1": "SUP-000001"})

    if killed:
        bench.restart()
    bench.goes_on(20, d_1=40)

    (found,) = bench.incidents()
    assert (found.rule, found.device, found.fired_ms) == ("too_warm", "d-1", START_MS + 20_000)
    assert found.raised_ms >= START_MS + 60_000
    told = {name: data for name, data in bench.entries(found.number) if name.startswith("suppression")}
    assert told["suppression_began"]["reason"] == "new firmware"
    assert told["suppression_ended"] == {"suppression": "SUP-000001", "effect": "incident raised"}
    assert bench.silenced() == {}


def test_what_clears_within_the_window_raises_nothing(bench):
    """It stays listed as an alert with the suppression that kept it back."""
    bench.suppress(0, 60, {"devices": ["s1/d-1"]})
    bench.now_s = 20
    bench.reads("d-1", 40)
    bench.goes_on(10, d_1=20)
    bench.goes_on(60, d_1=20)

    assert (bench.incidents(), bench.silenced()) == ([], {"s1/d-1": "SUP-000001"})


def test_only_what_is_meant_is_kept_back(bench):
    """Another device, another rule and another time raise as ever."""
    bench.suppress(30, 60, {"devices": ["s1/d-1"], "rules": ["device_silent"]})
    bench.suppress(30, 60, {"devices": ["s1/d-2"]})
    bench.now_s = 20
    bench.reads("d-2", 40)
    bench.now_s = 40
    bench.look()
    bench.reads("d-1", 40)

    assert sorted(each.device for each in bench.incidents()) == ["d-1", "d-2"]


def test_ending_one_by_hand_raises_what_still_fires(bench):
    """The incident comes within the next looks, not at the planned end."""
    kept = bench.suppress(0, 3_600, {"sites": ["s1"]})
    bench.now_s = 20
    bench.reads("d-1", 40)
    with bench.database.begin() as unit:
        suppressions.write(unit, kept, {"ended_ms": bench.now_ms + 5_000}, bench.now_ms)
    bench.goes_on(10, d_1=40)

    assert [each.device for each in bench.incidents()] == ["d-1"]


def test_a_window_that_ends_within_another_goes_on(bench):
    """Two overlapping windows are one time without incidents."""
    bench.suppress(0, 40, {"sites": ["s1"]})
    bench.suppress(30, 80, {"sites": ["s1"]})
    bench.now_s = 20
    bench.reads("d-1", 40)
    bench.goes_on(50, d_1=40)
    assert bench.incidents() == []
    bench.goes_on(20, d_1=40)

    assert [each.device for each in bench.incidents()] == ["d-1"]


def test_silence_behind_a_gateway_in_maintenance_is_part_of_it(bench):
    """The gateway is taken down on purpose: neither it nor what is lost behind it raises; heat is believed."""
    bench.suppress(0, 400, {"devices": ["s1/gw-1"]})
    bench.says("gw-1", "online")
    bench.reads("c-1", 20)
    bench.says("gw-1", "offline")
    bench.goes_on(300)
    assert [each.device for each in bench.incidents() if each.device in ("gw-1", "c-1")] == []

    bench.goes_on(200)

    found = [each for each in bench.incidents() if each.device in ("gw-1", "c-1") and each.merged_into is None]
    assert [(each.rule, each.device) for each in found] == [("gateway_down", "gw-1")]
    assert found[0].alert_count == 3  # with the silence of both


def test_incidents_open_before_stay_and_know_of_it(bench):
    """Their notices are held from begin to end, and both are on their timeline, once."""
    bench.reads("d-1", 40)
    bench.now_s = 10
    bench.suppress(10, 60, {"sites": ["s1"], "rules": ["too_warm"]})
    bench.follow()
    bench.follow()
    (during,) = bench.incidents()
    bench.now_s = 60
    bench.follow()
    bench.follow()
    (after,) = bench.incidents()

    assert (during.state, during.muted_by, after.muted_by) == ("new", "SUP-000001", None)
    assert during.version == after.version
    told = [(name, data["effect"]) for name, data in bench.entries(after.number) if name.startswith("suppression")]
    assert told == [("suppression_began", "notices held"), ("suppression_ended", "notices sent")]


def test_a_silence_until_cleared_ends_when_all_is_clear(bench):
    """Not before something fired, not while one of two fires; and what fires later raises."""
    bench.suppress(0, None, {"rules": ["too_warm"]}, kind="silence", until_cleared=True)
    bench.follow()
    bench.now_s = 10
    bench.reads("d-1", 40)
    bench.reads("d-2", 40)
    bench.reads("d-1", 20)
    bench.follow()
    with bench.database.read() as unit:
        assert suppressions.get(unit, "SUP-000001").suppression.ended_ms is None

    bench.now_s = 20
    bench.reads("d-2", 20)
    bench.follow()
    bench.look()
    with bench.database.read() as unit:
        assert suppressions.get(unit, "1").suppression.ended_ms == bench.now_ms
    assert bench.incidents() == []

    bench.now_s = 30
    bench.reads("d-1", 40)
    assert [each.device for each in bench.incidents()] == ["d-1"]
