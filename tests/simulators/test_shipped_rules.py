"""The shipped rules against the shipped fleets, without a broker: nothing on a healthy fleet, every fault in time."""

import heapq
from dataclasses import dataclass
from pathlib import Path

import pytest

from iotops.rules.alert import Change
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.clocks import Now
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import evaluate
from iotops.rules.memory import Memory
from iotops.rules.rulefile import load_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import Limits, decode_all
from iotops.telemetry.message import Message
from simulators.endpoint import Endpoint
from simulators.faults import KINDS
from simulators.fleetfile import SHIPPED, load_fleet
from simulators.fleetrun import devices_of
from simulators.options import Options
from simulators.plan import Span, plan
from simulators.population import populate

RULES = Path(__file__).parents[2] / "rules"
NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
HOUR_MS = 3_600_000
STEP_MS = 10_000
AFTERMATH_MS = HOUR_MS  # windows and holds look back at a fault that is over

FLEETS = sorted(file.stem for file in SHIPPED.glob("*.yaml"))


@dataclass(frozen=True)
class Fired:
    rule: str
    device: str
    at_ms: int


class Judged:
    """A fleet's whole run through decoding and the engine, event time as receive time, ticks included."""

    def __init__(self, name, seed, *, faults: bool, hours_before: float, hours_after: float, live_ms: int = NOON_MS):
        fleet = load_fleet(SHIPPED / f"{name}.yaml")
        if not faults:
            fleet = fleet.model_copy(update={"faults": []})
        self.start_ms, self.end_ms = live_ms - int(hours_before * HOUR_MS), live_ms + int(hours_after * HOUR_MS)
        members = populate(fleet)
        self.faults = plan(fleet, members, seed, Span(self.start_ms, live_ms, self.end_ms))
        options = Options(name, Endpoint("nowhere", 1883), seed=seed)
        self._devices = devices_of(members, self.faults, options, self.start_ms)
        self._program = compile_rules(load_rules(RULES))
        self._memory = Memory()
        for member in members:
            self._memory.register(DeviceFacts(member.key, member.labels, registered_ms=self.start_ms))
        self._seen: set[bytes] = set()
        self.fired: list[Fired] = []
        self.open: set[tuple[str, str]] = set()
        self.dead_letters = 0
        self._run()

    def _run(self):
        agenda = [(device.next_ms, number) for number, device in enumerate(self._devices)]
        heapq.heapify(agenda)
        for now_ms in range(self.start_ms, self.end_ms, STEP_MS):
            messages = []
            while agenda[0][0] <= now_ms:
                at_ms, number = agenda[0]
                said = self._devices[number].speak()
                messages += [Message(each.topic, each.payload, at_ms, at_ms - self.start_ms) for each in said]
                heapq.heapreplace(agenda, (self._devices[number].next_ms, number))
            self._judge(messages, now_ms)

    def _judge(self, messages, now_ms):
        decoded = decode_all(messages, Limits())
        self.dead_letters += len(decoded.dead_letters)
        fresh = [reading for reading in decoded.readings if reading.identity not in self._seen]
        self._seen.update(reading.identity for reading in fresh)
        found = evaluate(self._program, Batch(fresh), self._memory, Now(now_ms, now_ms - self.start_ms))
        found.journal.apply()
        assert found.faults == ()
        for transition in found.transitions:
            key = (transition.alert.key.rule, str(transition.alert.device))
            if transition.change is Change.FIRED:
                self.fired.append(Fired(*key, transition.at_ms))
                self.open.add(key)
            elif transition.change is Change.RESOLVED:
                self.open.discard(key)

    def detected(self, fault, rule, within_ms):
        return any(
            fired.rule == rule and fired.device == str(fault.key) and 0 <= fired.at_ms - fault.from_ms <= within_ms
            for fired in self.fired
        )

    def explained(self, fired):
        return any(
            fired.rule in {*fault.expect, *fault.also}
            and fired.device in {str(key) for key in (fault.key, *fault.affects)}
            and fault.from_ms <= fired.at_ms <= fault.to_ms + AFTERMATH_MS
            for fault in self.faults
        )


@pytest.mark.parametrize("name", FLEETS)
@pytest.mark.parametrize(("seed", "hour"), [(1, 0), (2, 8), (3, 16)])
def test_healthy_fleet_raises_nothing(name, seed, hour):
    """Eight hours of a healthy fleet, at three times of the day with three seeds, are no incident at all."""
    judged = Judged(name, seed, faults=False, hours_before=8, hours_after=0.1, live_ms=NOON_MS + hour * HOUR_MS)

    assert judged.fired == []
    assert judged.dead_letters == 0


@pytest.mark.parametrize("name", FLEETS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_fault_is_detected_in_time_and_nothing_else_is_raised(name, seed):
    """Each expected rule fires on the faulty device within its delay; what fires otherwise is a named consequence."""
    judged = Judged(name, seed, faults=True, hours_before=4.1, hours_after=1.5)

    missed = [
        (fault.id, rule)
        for fault in judged.faults
        for rule, within_ms in fault.expect.items()
        if fault.from_ms + within_ms < judged.end_ms and not judged.detected(fault, rule, within_ms)
    ]

    assert missed == []
    assert [fired for fired in judged.fired if not judged.explained(fired)] == []
    assert any(fault.expect for fault in judged.faults)


@pytest.mark.parametrize("name", FLEETS)
def test_every_alert_resolves_after_its_fault(name):
    """Once all faults are over and the windows have moved on, nothing is left open."""
    judged = Judged(name, 1, faults=True, hours_before=4.1, hours_after=2.5)

    assert judged.open == set()


def test_dead_gateway_silences_what_is_behind_it_without_further_alerts():
    """While the gateway is down, and just after, nobody behind it is called silent."""
    judged = Judged("demo", 1, faults=True, hours_before=0.5, hours_after=0.5)
    outage = next(fault for fault in judged.faults if fault.kind == "offline")

    silent = {fired.device for fired in judged.fired if fired.rule == "device_silent"}

    assert judged.detected(outage, "gateway_down", outage.expect["gateway_down"])
    assert silent.isdisjoint(str(key) for key in outage.affects)


def test_first_minute_of_the_demo_shows_live_faults():
    """Within a minute of going live a last will and a reading have raised something, whatever the seed."""
    for seed in range(1, 6):
        judged = Judged("demo", seed, faults=True, hours_before=0.3, hours_after=1 / 60)

        live = {fired.rule for fired in judged.fired if fired.at_ms >= NOON_MS}

        assert {"gateway_down", "compressor_hot"} <= live


@pytest.mark.parametrize("file", ["atm.yaml", "common.yaml", "store.yaml", "plant.yaml"])
def test_every_rule_of_the_library_passes_its_own_tests(file):
    """Every rule fires, holds back and recovers as the tests beside it say, and has at least two of them."""
    rules = load_rules(RULES)
    own = [rule for rule in rules.rules.values() if Path(rule.position.file).name == file]

    results = [result for rule in own for result in rehearse(rules, rule.id)]

    assert [f"{result.rule}: {result.test}" for result in results if not result.passed] == []
    assert all(len(rule.tests) >= 2 for rule in own)


def test_demo_shows_every_kind_of_fault():
    """The fleet of the demo lists every kind of fault, and each that counts has a rule that must see it."""
    fleet = load_fleet(SHIPPED / "demo.yaml")

    assert {fault.kind for fault in fleet.faults} == set(KINDS)
    assert {fault.kind for fault in fleet.faults if not fault.expect} == {"duplicates", "reordering", "clock_skew"}


def test_fleets_expect_only_rules_that_ship():
    """A fault that names a rule nobody has would count as missed for ever."""
    rules = set(load_rules(RULES).rules)
    for name in FLEETS:
        for fault in load_fleet(SHIPPED / f"{name}.yaml").faults:
            assert {*fault.expect, *fault.also} <= rules
