"""Rules as text, devices, and the timelines that come of them."""

from dataclasses import replace

import pytest
from hypothesis import settings

from iotops.durations import format_duration, parse_duration
from iotops.rules.authoring.rehearse import play
from iotops.rules.authoring.scenario import read_scenario
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey, Kind, Reading

settings.register_profile("engine", deadline=None)  # the machine is shared; what is slow shows in the benchmarks
settings.load_profile("engine")

CATALOGUE = """
metrics:
  temp: {kind: gauge, every: 1m, valid: [-60, 80]}
  limit: {kind: gauge, every: 1m}
  free: {kind: gauge}
  water: {kind: counter, every: 1m}
  door: {kind: state, every: 1m}
  alarm: {kind: event}
rules:
"""


def rules_of(text):
    rule_set, findings = parse_rules({"rules/test.yaml": CATALOGUE + text})
    assert [str(finding) for finding in findings if finding.level == "error"] == []
    return rule_set


@pytest.fixture
def rule_set():
    """Parse rules, below a catalogue of metrics that report every minute."""
    return rules_of


@pytest.fixture
def program():
    """Compile rules, below the same catalogue."""
    return lambda text: compile_rules(rules_of(text))


@pytest.fixture
def changes():
    """Run a rule on what a test gives; return the changes as `2m fired warning`, with the reason where there is one."""

    def run(text, given, until=None, **test):
        rules = rules_of(text)
        rule = next(iter(rules.rules.values()))
        expect = {until: "info"} if until else {}
        scenario = read_scenario(rules, rule, {"given": given, "expect": expect, **test})
        transitions, _, _ = play(scenario, scenario.end_ms)
        return [written(each, scenario.start_ms) for each in transitions if each.alert.key.rule == rule.id]

    return run


def written(transition, start_ms=0):
    word = f"{format_duration(transition.at_ms - start_ms)} {transition.change}"
    if transition.change in ("fired", "escalated", "eased", "pending"):
        word += f" {transition.alert.severity.word}"
    return f"{word} ({transition.reason})" if transition.reason else word


@pytest.fixture
def told():
    """Return how a transition reads."""
    return written


@pytest.fixture
def device():
    """Return a device's memory-ready facts."""

    def make(name="d1", site="s", **labels):
        own = {"site": site, "device": name, "name": name, **labels}
        return DeviceFacts(DeviceKey(site, name), own)

    return make


@pytest.fixture
def memory_of():
    """Return a memory that knows these devices."""

    def make(*facts):
        memory = Memory()
        for each in facts:
            memory.register(each)
        return memory

    return make


@pytest.fixture
def reading():
    """Return a reading of `s/d1` at a time such as `3m`, received at once."""

    def make(at, values=None, name="d1", kind=Kind.TELEMETRY, received=None, connected=None, **more):
        at_ms = parse_duration(at) if isinstance(at, str) else at
        received_ms = at_ms if received is None else parse_duration(received)
        connected_ms = received_ms if connected is None else parse_duration(connected)
        values = values or {**more}
        return Reading(DeviceKey("s", name), at_ms, received_ms, values, connected_ms=connected_ms, kind=kind)

    return make


@pytest.fixture
def retained():
    """Return the same reading as the broker hands it to a newcomer."""
    return lambda reading: replace(reading, retained=True)
