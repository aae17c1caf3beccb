"""One cause, one incident: a gateway and what lies behind it, from messages to incidents, through the real pipeline."""

import json
import random
import threading
from collections import Counter

import pytest
from sqlalchemy import event, text

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
from iotops.store import fleet, incidents
from iotops.store.database import Database
from iotops.store.fleet import Declared
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey

SHIPPED = """
metrics:
  temp: {kind: gauge, every: 30s}
rules:
  - alert: device_silent
    when: age() >= 3 * every
    unless: firing(gateway_down) or firing(gateway_down, gateway)
  - alert: gateway_down
    match: {type: gateway}
    when: not online
    for: 15s
    severity: critical
  - alert: too_warm
    when: temp > 30
"""
WITHOUT_UNLESS = SHIPPED.replace("    unless: firing(gateway_down) or firing(gateway_down, gateway)\n", "")
WITHOUT_GATEWAY_RULE = """
metrics:
  temp: {kind: gauge, every: 30s}
rules:
  - alert: device_silent
    match: {type: sensor}
    when: age() >= 3 * every
"""
START_MS = 1_800_000_000_000


class Yard:
    """A pipeline over a database, at a time of its own; everybody stands behind the gateways named."""

    def __init__(self, database, rules, gateway_of):
        self.database = database
        self.rules = parse_rules({"rules.yaml": rules})[0]
        self.now_s = 0.0
        self.seq = Counter()
        self.gateway_of = gateway_of
        declared = {
            DeviceKey("s1", device): Declared(
                {"type": "gateway" if device.startswith("gw") else "sensor"} | ({"gateway": gateway} if gateway else {})
            )
            for device, gateway in gateway_of.items()
        }
        with database.begin() as unit:
            fleet.declare(unit, declared, now_ms=START_MS, connected_ms=0)
        self.restart()

    def restart(self):
        """Forget everything that is only in memory, as a kill does."""
        memory, program = Memory(), compile_rules(self.rules)
        with self.database.read() as unit:
            ledgers = Ledgers.load(unit)
        self.pipeline = Pipeline(
            self.database,
            ledgers,
            memory,
            program,
            Surroundings(self.rules.rules),
            limits=Limits(),
            admission=Admission(20_000, 10),
            patience=Patience(threading.Event()),
        )
        with self.database.read() as unit:
            restore(unit, memory, program, self.pipeline.roster)

    def message(self, device, kind, payload):
        at_ms = int(self.now_s * 1000)
        return Message(f"iot/s1/{device}/{kind}", payload, START_MS + at_ms, at_ms)

    def reading(self, device, temp=20):
        self.seq[device] += 1
        body = {"ts": START_MS + int(self.now_s * 1000), "boot": "b", "seq": self.seq[device], "temp": temp}
        return self.message(device, "telemetry", json.dumps(body).encode())

    def process(self, *messages):
        at_ms = int(self.now_s * 1000)
        self.pipeline.process(messages, Now(START_MS + at_ms, at_ms + TIMER_LAG_MS))

    def says(self, device, word):
        self.process(self.message(device, "status", word.encode()))

    def goes_on(self, seconds, speaking=(), step=10, temp=20):
        """Let time pass; who speaks does so every 30 s."""
        for _ in range(int(seconds / step)):
            self.now_s += step
            spoken = [self.reading(device, temp) for device in speaking] if self.now_s % 30 == 0 else []
            self.process(*spoken)

    def incidents(self, *states):
        with self.database.read() as unit:
            return incidents.page(unit, incidents.Filters(state=states), sort="number", limit=200).items

    def open(self):
        return [(found.rule, found.device) for found in self.incidents("new", "in_progress", "on_hold")]

    def count(self, query):
        with self.database.read() as unit:
            return unit.connection.execute(text(query)).scalar_one()

    def raised(self):
        return self.count("SELECT count(*) FROM timeline WHERE type = 'raised'")

    def suppressed(self):
        return self.count("SELECT count(*) FROM alert WHERE cause IS NOT NULL AND state <> 'resolved'")


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'storm.db'}")
    opened.upgrade()
    yield opened
    opened.close()


def behind(count, gateway="gw-1"):
    return {gateway: None, **{f"d-{number:04}": gateway for number in range(count)}}


@pytest.fixture
def a_yard(database):
    """Make a yard in which all have spoken for a while, and gateways are online."""

    def make(rules, gateway_of):
        yard = Yard(database, rules, gateway_of)
        for gateway in {device for device in gateway_of if device.startswith("gw")}:
            yard.says(gateway, "online")
        yard.goes_on(60, gateway_of)
        return yard

    return make


def goes_silent(yard, devices, seconds=30):
    """Each of the devices says its last word at a moment of its own, in random order."""
    order = sorted(devices)
    random.Random(7).shuffle(order)
    for place in range(seconds):
        yard.now_s += 1
        yard.process(*[yard.reading(device) for device in order[place::seconds]])


@pytest.mark.parametrize("rules", [SHIPPED, WITHOUT_UNLESS], ids=["unless", "no unless"])
def test_a_gateway_and_a_thousand_children_are_one_incident(a_yard, rules):
    """Children first, the will 90 s later: one incident, all of them suppressed; three that stay dead are three."""
    yard = a_yard(rules, behind(1_000))
    children = [device for device in yard.gateway_of if device != "gw-1"]
    goes_silent(yard, children)
    yard.goes_on(90, {"gw-1"})
    yard.says("gw-1", "offline")
    yard.goes_on(60)

    assert yard.open() == [("gateway_down", "gw-1")]
    assert (yard.raised(), yard.suppressed()) == (1, 1_000)
    assert yard.incidents()[0].alert_count == 1_001
    assert yard.count("SELECT count(*) FROM outbox") == 1

    dead = set(children[:3])
    yard.says("gw-1", "online")
    yard.goes_on(20, set(yard.gateway_of) - dead)
    soon = yard.open()
    yard.goes_on(60, set(yard.gateway_of) - dead)

    assert soon == []
    assert sorted(yard.open()) == [("device_silent", device) for device in sorted(dead)]
    assert (yard.raised(), yard.suppressed()) == (4, 0)


def test_a_chain_of_gateways_is_the_incident_of_the_farthest(a_yard):
    """A gateway behind a gateway is a child like others: what went down first in the chain is the incident."""
    yard = a_yard(SHIPPED, {**behind(30, "gw-2"), "gw-1": None, "gw-2": "gw-1"})
    goes_silent(yard, [device for device in yard.gateway_of if device.startswith("d-")])
    yard.goes_on(70, {"gw-1", "gw-2"})
    yard.says("gw-2", "offline")
    yard.goes_on(20, {"gw-1"})
    yard.says("gw-1", "offline")
    yard.goes_on(60)

    assert yard.open() == [("gateway_down", "gw-1")]
    assert yard.raised() == 1
    assert yard.count("SELECT count(*) FROM alert WHERE cause = 's1/gw-1' AND rule = 'gateway_down'") == 1


def test_what_was_raised_before_its_cause_is_merged_into_it(a_yard):
    """Two children raise after `settle`; the gateway's alert four minutes later takes both over."""
    yard = a_yard(SHIPPED, behind(5))
    alive = {device for device in yard.gateway_of if device not in ("d-0000", "d-0001")}
    yard.goes_on(180, alive)
    before = yard.open()
    yard.says("gw-1", "offline")
    yard.goes_on(60, alive)

    assert sorted(before) == [("device_silent", "d-0000"), ("device_silent", "d-0001")]
    assert yard.open() == [("gateway_down", "gw-1")]
    assert [found.merged_into for found in yard.incidents("cancelled")] == ["INC-000003", "INC-000003"]
    assert yard.count("SELECT count(*) FROM timeline WHERE type = 'absorbed'") == 2


def test_many_behind_a_gateway_that_says_nothing_are_one_incident(a_yard):
    """The gateway is in order as far as anybody knows, yet 25 of 30 behind it fall silent: one incident, on it."""
    yard = a_yard(WITHOUT_GATEWAY_RULE, behind(30))
    silent = [f"d-{number:04}" for number in range(25)]
    alive = set(yard.gateway_of) - set(silent)
    yard.goes_on(200, alive)

    (found,) = yard.incidents()
    assert (found.device, found.rule, found.title) == (
        "gw-1",
        "device_silent",
        "25 of 30 devices behind gw-1 at s1: device_silent",
    )
    assert yard.suppressed() == 25

    yard.goes_on(60, {*alive, *silent[2:]})
    yard.goes_on(60, {*alive, *silent[2:]})

    assert sorted(yard.open()) == [("device_silent", "d-0000"), ("device_silent", "d-0001")]


def test_a_few_silent_devices_are_incidents_of_their_own(a_yard):
    """Nineteen of fifty are no storm."""
    yard = a_yard(SHIPPED, behind(50))
    silent = {f"d-{number:04}" for number in range(19)}
    yard.goes_on(180, set(yard.gateway_of) - silent)

    assert len(yard.open()) == 19


def test_a_kill_while_incidents_wait_loses_none(a_yard):
    """What waits is known from rows: after a kill the incident is raised, or explained by its cause, all the same."""
    yard = a_yard(SHIPPED, behind(3))
    alive = {"gw-1", "d-0000", "d-0001"}
    yard.goes_on(90, alive)
    assert (yard.open(), yard.count("SELECT count(*) FROM alert WHERE waits_ms IS NOT NULL")) == ([], 1)

    yard.restart()
    yard.goes_on(60, alive)

    assert yard.open() == [("device_silent", "d-0002")]
    assert yard.count("SELECT count(*) FROM alert WHERE waits_ms IS NOT NULL") == 0


def test_an_alert_that_is_over_before_it_settled_leaves_its_incident(a_yard):
    """Waiting swallows nothing: what came and went within the wait is raised and resolved at once."""
    yard = a_yard(WITHOUT_UNLESS, behind(30))
    yard.process(yard.reading("d-0001", temp=40))
    assert yard.open() == []
    yard.now_s += 5
    yard.process(yard.reading("d-0001", temp=20))

    assert [(found.rule, found.state) for found in yard.incidents()] == [("too_warm", "resolved")]


def test_a_rule_without_cause_raises_with_its_alert(a_yard):
    """No `unless`, and no parent that could explain it: alert and incident are one transaction, as ever."""
    yard = a_yard(WITHOUT_UNLESS, behind(3) | {"lonely": None})
    yard.process(yard.reading("lonely", temp=40), yard.reading("d-0001", temp=40))

    assert sorted(yard.open()) == [("too_warm", "d-0001"), ("too_warm", "lonely")]


def test_many_warm_devices_behind_one_are_one_incident(a_yard):
    """A storm need not be silence: 24 of 40 sensors behind one gateway turn warm within half a minute."""
    yard = a_yard(WITHOUT_UNLESS, behind(40))
    for number in range(24):
        yard.now_s += 1
        yard.process(yard.reading(f"d-{number:04}", temp=40))
    yard.goes_on(60, yard.gateway_of, temp=40)

    assert yard.open() == [("too_warm", "gw-1")]
    assert yard.suppressed() >= 24


def test_what_a_living_device_says_is_not_explained_by_its_gateway(a_yard):
    """A gateway that is down explains silence; a device behind it that reports heat by another way is believed."""
    yard = a_yard(SHIPPED, behind(3))
    yard.says("gw-1", "offline")
    yard.goes_on(30, yard.gateway_of)
    yard.process(yard.reading("d-0001", temp=40))
    yard.goes_on(330, set(yard.gateway_of), temp=40)

    assert ("too_warm", "d-0001") in yard.open()


def test_thousands_of_silent_devices_are_worked_through_as_one_set(a_yard, database):
    """What a batch asks of the database grows with its size in hundreds, not in devices."""
    yard = a_yard(WITHOUT_UNLESS, behind(4_000))
    statements = []
    event.listen(
        database._writer, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement)
    )
    yard.now_s += 100
    yard.process(yard.reading("gw-1"))
    silent = len(statements)
    yard.says("gw-1", "offline")
    yard.goes_on(30, step=30)

    assert yard.open() == [("gateway_down", "gw-1")]
    assert yard.suppressed() == 4_000
    assert silent < 100
    assert len(statements) < 200


@pytest.mark.parametrize("killed", [False, True])
def test_a_storm_without_a_rule_on_its_device_ends_when_that_is_back(a_yard, killed):
    """Children are back before the gateway says so: the incident ends with the gateway, and 3 dead raise their own."""
    yard = a_yard(WITHOUT_GATEWAY_RULE, behind(30))
    yard.says("gw-1", "offline")
    goes_silent(yard, behind(30).keys() - {"gw-1"})
    yard.goes_on(480)
    storm = yard.open()
    alive = [f"d-{number:04}" for number in range(3, 30)]
    yard.goes_on(120, alive)
    while_down = yard.open()
    if killed:
        yard.restart()

    yard.says("gw-1", "online")
    yard.goes_on(120, alive)

    assert storm == while_down == [("device_silent", "gw-1")]
    assert sorted(yard.open()) == [("device_silent", f"d-000{number}") for number in range(3)]
    assert yard.suppressed() == 0
