"""What is said of a rule that waits for late samples: as of when it is judged, and what comes after the wait."""

import pytest

from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.outlook import SILENCE, STAYS
from iotops.rules.authoring.replay import replay, run_timers
from iotops.rules.authoring.why import as_members, headline
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey, Kind, Reading

START_MS = 1_800_000_000_000
MINUTE_MS = 60_000
KEY = DeviceKey("paris", "fz-1")
RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - {alert: warm, when: temp > -15, for: 3m, lateness: 20m}
  - {alert: silent, when: age() >= 5m, lateness: 10m}
"""


def sample(minute, temp):
    at_ms = START_MS + minute * MINUTE_MS
    return Reading(KEY, at_ms, at_ms, {"temp": temp}, connected_ms=minute * MINUTE_MS, kind=Kind.TELEMETRY)


@pytest.fixture
def program():
    rules, findings = parse_rules({"rules.yaml": RULES})
    assert not findings
    return compile_rules(rules)


def memory_at(program, minute, warm_from):
    """Return the memory at a minute, and the changes so far; samples come each minute, from one on they are warm."""
    memory = Memory()
    memory.register(DeviceFacts(KEY, {"site": "paris", "device": "fz-1"}, registered_ms=START_MS))
    samples = [sample(each, -9 if each >= warm_from else -20) for each in range(minute + 1)]
    return memory, replay(program, samples, memory, until_connected_ms=minute * MINUTE_MS)


def told(found, supposed):
    return [
        (each.change, (each.at_ms - START_MS) // MINUTE_MS)
        for each in found.coming
        if each.supposed == supposed and each.change in ("pending", "fired")
    ]


@pytest.mark.parametrize("minute", range(8, 40))
def test_what_waits_is_foretold_and_happens(program, minute):
    """From samples that still wait, from a view that knows none yet, and until the hold has run, and the wait too."""
    memory, before = memory_at(program, minute, warm_from=7)
    past = {(each.change.value, each.alert.key.rule) for each in before}

    found = explain(program, memory, "warm", str(KEY), START_MS + minute * MINUTE_MS)

    expected = [(change, at) for change, at in (("pending", 7), ("fired", 10)) if (change, "warm") not in past]
    assert told(found, STAYS) == expected
    silence = explain(program, memory, "silent", str(KEY), START_MS + minute * MINUTE_MS)
    assert ("fired", minute + 5) in told(silence, SILENCE)
    assert told(silence, STAYS) == []
    later = run_timers(program, memory, (minute + 15) * MINUTE_MS)
    assert [each.at_ms for each in later if each.alert.key.rule == "silent" and each.change.value == "fired"] == [
        START_MS + (minute + 5) * MINUTE_MS
    ]


def test_it_is_said_as_of_when_the_rule_is_judged(program):
    """Twenty minutes behind the instant that was asked for; so is how far the hold has come."""
    memory, _ = memory_at(program, 28, warm_from=7)

    found = explain(program, memory, "warm", str(KEY), START_MS + 28 * MINUTE_MS)

    assert headline(found).startswith("PENDING warning 1m of 3m → fires ")
    assert as_members(found)["notes"] == [
        "judged as of 2027-01-15T08:08:00Z: lateness is 20m, and alerts are raised that much after they fire"
    ]
