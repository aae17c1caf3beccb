"""Sequences of groups: the steps are asked of all devices together, and one attempt is made for all of them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotops.rules.authoring.rehearse import play
from iotops.rules.authoring.replay import replay, restarted
from iotops.rules.authoring.scenario import read_scenario
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.rules.reload import reload
from iotops.telemetry.reading import DeviceKey, Reading

PUMPS = """
  - alert: dry
    per: site
    stale: 3m
    sequence:
      - when: devices(door == "closed") >= 1
      - {when: devices(temp > 4) >= 1, within: 2m}
      - {not: devices(free > 1) >= 1, within: 1m}
    until: devices(temp > 1) < 1
"""
VALVE = {"door": {"0s": "closed"}, "temp": "0x8", "free": "0x8"}
"""A device whose valve is closed all the time, and that has nothing else to say."""


@pytest.mark.parametrize(
    ("motor", "expected"),
    [
        ({"temp": "0x1 5x2 0x2", "free": "0x5"}, ["2m fired warning", "3m resolved (until)"]),
        ({"temp": "5x3 0x2", "free": "0x5"}, ["1m fired warning", "3m resolved (until)"]),
        ({"temp": "0x3 5x5", "free": "0x8"}, []),
        ({"temp": "0x1 5x2 0x2", "free": "0 0 2 0 0"}, []),
        ({"temp": "0x1 5x2 0x2", "free": "0 0 0 2 0"}, ["2m fired warning", "3m resolved (until)"]),
    ],
    ids=["one closes and another runs", "at once", "too late", "at the last instant", "after it"],
)
def test_steps_are_completed_by_whichever_device(changes, motor, expected):
    """A sample at the very end of a `not` precedes its end, whichever device sends it."""
    assert changes(PUMPS, {"a": VALVE, "b": motor}) == expected


def test_unknown_holds_a_not_until_the_devices_are_stale_and_then_abandons_it(changes):
    """A device that is silent may be the one for which the condition is true."""
    rule = PUMPS.replace("within: 1m", "within: 5m")
    motor = {"temp": "5x8", "free": "0x1 _x1 0x6"}

    assert changes(rule, {"a": VALVE, "b": motor}) == ["5m fired warning"]
    assert changes(rule, {"a": VALVE, "b": {**motor, "free": "0x1 _x4 0x3"}}) == []


def test_that_until_is_unknown_is_said_where_nothing_but_steps_has_data(changes):
    """Data of the steps does not stand in for that of `until`."""
    rule = PUMPS.replace("devices(temp > 1) < 1", "devices(limit > 1) < 1")

    assert changes(rule, {"a": VALVE, "b": {"temp": "0x1 5x3", "free": "0x4"}}) == [
        "2m fired warning",
        "2m unknown (stale)",
    ]


EVENTS = """
  - alert: opened
    per: site
    sequence: [{when: "devices(alarm == 'badge') >= 1"}, {when: "devices(alarm == 'open') >= 1", within: 30s}]
    until: devices(alarm == "reset") >= 1
"""


@pytest.mark.parametrize(
    ("reader", "lock", "expected"),
    [
        ({"0s": "badge", "1m": "badge"}, {"70s": "open"}, ["1m10s fired warning"]),
        ({"10s": "badge"}, {"5s": "open"}, []),
        ({"0s": "badge"}, {"31s": "open"}, []),
        ({"0s": "badge", "10s": "open"}, {"5s": "badge"}, ["10s fired warning"]),
    ],
    ids=["each event is an edge", "one from before does not count", "too late", "one device says both"],
)
def test_an_event_counts_at_its_instant_only(changes, reader, lock, expected):
    """It is over with the instant at which it is heard, even if its device says nothing more."""
    assert changes(EVENTS, {"a": {"alarm": reader}, "b": {"alarm": lock}}, until="3m") == expected


def test_an_event_counts_when_it_is_heard_where_the_clock_of_its_device_is_behind(program):
    """The group has the time of its fastest device, and an event is none the less an event."""
    said = [("b", 100, {"door": "open"}), ("a", 90, {"alarm": "badge"}), ("b", 101, {"alarm": "open"})]
    compiled, memory = program(EVENTS), _site("a", "b")

    found = replay(compiled, [_reading(*each) for each in said], memory)

    assert [(each.change, each.at_ms) for each in found] == [("fired", 101_000)]


def _site(*names):
    memory = Memory()
    for name in names:
        memory.register(DeviceFacts(DeviceKey("s", name), {"site": "s", "device": name, "name": name}))
    return memory


def _reading(name, at_s, values):
    return Reading(DeviceKey("s", name), at_s * 1_000, at_s * 1_000, values, connected_ms=at_s * 1_000)


@pytest.mark.parametrize("restart", [["0s"], ["30s"], ["1m"], ["90s"], ["2m"], ["0s", "1m", "2m", "150s"]])
def test_restarts_change_nothing(changes, restart):
    """An attempt of a group survives at every place of its way."""
    motor = {"temp": "0x1 5x2 0x2", "free": "0x5"}

    assert changes(PUMPS, {"a": VALVE, "b": motor}, restart=restart) == ["2m fired warning", "3m resolved (until)"]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [(PUMPS, True), (PUMPS + "    summary: dry\n", True), (PUMPS.replace("> 4", "> 3"), False), ("", False)],
    ids=["same", "same meaning", "changed", "removed"],
)
def test_a_reload_keeps_an_attempt_where_the_rule_means_the_same(rule_set, rule, kept):
    """Steps of another meaning are no way to go on from, and nothing is left of a rule that is gone."""
    before = rule_set(PUMPS)
    given_all = {"a": VALVE, "b": {"temp": "0x1 5x1", "free": "0x2"}}
    scenario = read_scenario(before, before.rules["dry"], {"given": given_all, "expect": {}})
    _, _, memory = play(scenario, 60_000)
    assert memory.attempts()
    after = compile_rules(rule_set(rule or "  - {alert: other, when: temp > 1}\n"))

    reload(after, memory).journal.apply()
    found = replay(after, [], memory, until_connected_ms=150_000)

    assert [each.change for each in found if each.alert.key.rule == "dry"] == (["fired"] if kept else [])


def test_an_attempt_ends_with_its_group(rule_set):
    """What no device is part of is no longer waited for, and its row goes."""
    rules = rule_set(PUMPS)
    scenario = read_scenario(rules, rules.rules["dry"], {"given": {"a": VALVE}, "expect": {}})
    _, program, memory = play(scenario, 0)
    (device,) = memory

    memory.register(DeviceFacts(device.key, device.facts.labels, retired=True))
    evaluation = reload(program, memory)

    assert set(evaluation.attempts.values()) == {None}
    evaluation.journal.apply()
    assert not memory.attempts()


RULES = """
  - alert: chain
    per: site
    stale: 1h
    sequence:
      - when: devices(temp > 10) >= 2
      - {when: share(temp > 20) >= 0.5, within: WITHINs}
      - {not: devices(temp > 30) >= 1, within: QUIETs}
    until: devices(temp > -100) >= 0
"""
NAMES = ("a", "b", "c")


def _defined(samples, within_ms, quiet_ms):
    """Return when the chain completes, from the newest value of every device at every sample: by search."""
    values, seen = {}, []
    for name, at_ms, value in samples:
        values[name] = value
        counts = [sum(each > limit for each in values.values()) for limit in (10, 20, 30)]
        unknown = len(values) < len(NAMES)  # two of three are half, whatever the third may be; none of two is not none
        seen.append((at_ms, counts[0] >= 2, counts[1] >= 2, counts[2] >= 1 or unknown))
    edges = [at for place, (at, a, _, _) in enumerate(seen) if a and (place == 0 or not seen[place - 1][1])]
    found = []
    for edge, after in zip(edges, [*edges, None][1:], strict=True):
        begun = next((at for at, _, b, _ in seen if b and edge <= at <= edge + within_ms), None)
        if begun is None or (after is not None and after < begun):
            continue
        end = begun + quiet_ms
        if (after is None or end <= after) and not any(c for at, _, _, c in seen if begun <= at <= end):
            found.append(end)
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(st.sampled_from([0, 15, 25, 35]), min_size=3, max_size=30),
    within_s=st.sampled_from([0, 20, 40, 100]),
    quiet_s=st.sampled_from([10, 20, 50, 100]),
    restarts=st.sets(st.integers(0, 30)),
)
def test_sequences_of_groups_agree_with_their_definition(rule_set, said, within_s, quiet_s, restarts):
    """Whatever the devices say in turn, and wherever the engine is restarted."""
    rule = RULES.replace("WITHIN", str(within_s)).replace("QUIET", str(quiet_s))
    samples = [(NAMES[place % 3], place * 20_000, value) for place, value in enumerate(said)]
    program, memory, found = compile_rules(rule_set(rule)), _site(*NAMES), []

    for place, (name, at_ms, value) in enumerate(samples):
        found += replay(program, [_reading(name, at_ms // 1_000, {"temp": value})], memory)
        memory = restarted(memory) if place in restarts else memory
    found += replay(program, [], memory, until_connected_ms=samples[-1][1] + 200_000)

    fired = [each.at_ms for each in found if each.change == "fired"]
    assert fired == _defined(samples, within_s * 1_000, quiet_s * 1_000)
