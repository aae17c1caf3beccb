"""What is said of the clocks of a group: how many samples its devices sent since they began, and the one before."""

from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.replay import replay
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey, Kind, Reading

START_MS = 1_800_000_000_000
MINUTE_MS = 60_000
RULES = """
rules:
  - {alert: site_warm, per: site, when: devices(temp > -15) >= 2, for: 4m}
"""
WARM_FROM = {"paris/fz-1": 2, "paris/fz-2": 3, "paris/fz-3": 99, "lyon/fz-1": 1}
SECOND = {"paris/fz-1": 0, "paris/fz-2": 20, "paris/fz-3": 40, "lyon/fz-1": 50}
"""When in each minute each of them reports."""


def sample(name, minute):
    offset_ms = minute * MINUTE_MS + SECOND[name] * 1_000
    values = {"temp": -9 if minute >= WARM_FROM[name] else -20 - minute}
    at_ms = START_MS + offset_ms
    key = DeviceKey(*name.split("/"))
    return Reading(key, at_ms, at_ms, values, connected_ms=offset_ms, kind=Kind.TELEMETRY)


def clocks_after(minutes):
    """Return the clocks of the group of Paris after so many minutes of reports, as seen then."""
    rules, findings = parse_rules({"rules.yaml": RULES})
    assert not findings
    program, memory = compile_rules(rules), Memory()
    for name in SECOND:
        key = DeviceKey(*name.split("/"))
        labels = {"site": key.site, "device": key.device}
        memory.register(DeviceFacts(key, labels, registered_ms=START_MS))
    replay(program, [sample(name, minute) for minute in range(minutes) for name in SECOND], memory)
    return explain(program, memory, "site_warm", "site=paris", START_MS + minutes * MINUTE_MS - 1).clocks


def test_clock_of_a_group_counts_samples_of_all_its_devices():
    """Also those that are not warm; none of another site, and none from before it began."""
    assert clocks_after(3) == ()
    (clock,) = clocks_after(6)

    assert (clock.role, clock.since_ms) == ("warning", START_MS + 3 * MINUTE_MS + 20_000)
    assert clock.samples == 2 + 3 + 3


def test_clock_of_a_group_names_the_device_that_was_heard_before():
    """The newest sample from before it began, whoever sent it."""
    (clock,) = clocks_after(6)

    assert clock.reset == ("temp of paris/fz-1", START_MS + 3 * MINUTE_MS, -9)
