"""Tiers, recovery, suppression: what an alert does from its first true sample to its end."""

import pytest

from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.authoring.replay import replay, run_timers
from iotops.rules.authoring.report import render_text
from iotops.rules.engine import Now, evaluate
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Kind

TIERS = """
  - alert: hot
    when: {warning: temp > 30, critical: temp > 40}
"""
TIERED_UNTIL = """
  - alert: hot
    when: {warning: temp > 30, critical: temp > 40}
    until: {warning: temp < 25, critical: temp < 38}
"""
KEEP = "  - {alert: hot, when: temp > 30, until: temp < 25, keep_firing_for: 2m}\n"
UNLESS = '  - {alert: hot, when: temp > 30, for: 2m, unless: door == "open"}\n'

CASES = {
    "severity is the highest reached": (TIERS, {"temp": "31 41 31 20"}, [
        "0s fired warning", "1m escalated critical", "3m resolved (known false)",
    ]),
    "it steps down only where until is given per tier": (TIERED_UNTIL, {"temp": "41 39 37 31 26 24"}, [
        "0s fired critical", "2m eased warning (until)", "5m resolved (until)",
    ]),
    "it may rise again": (TIERED_UNTIL, {"temp": "41 37 41 24"}, [
        "0s fired critical", "1m eased warning (until)", "2m escalated critical", "3m resolved (until)",
    ]),
    "a tier without until clears when known false": (
        TIERED_UNTIL.replace("warning: temp < 25, ", ""), {"temp": "41 39 31 29"},
        ["0s fired critical", "2m eased warning (until)", "3m resolved (until)"],
    ),
    "between when and until nothing happens": (
        "  - {alert: hot, when: temp > 30, until: temp < 25}\n", {"temp": "31 27x4 24"},
        ["0s fired warning", "5m resolved (until)"],
    ),
    "until true while when is true resolves nothing": (
        "  - {alert: hot, when: temp > 30, until: temp > 35}\n", {"temp": "31 36x3 20"}, ["0s fired warning"],
    ),
    "recovery holds for keep_firing_for": (KEEP, {"temp": "31 20x5"}, [
        "0s fired warning", "1m recovering", "3m resolved (until)",
    ]),
    "recovery without new samples": (KEEP, {"temp": "31 20 _x1 20"}, [
        "0s fired warning", "1m recovering", "3m resolved (until)",
    ]),
    "true again while recovering": (KEEP, {"temp": "31 20 31 20x3"}, [
        "0s fired warning", "1m recovering", "2m refired", "3m recovering", "5m resolved (until)",
    ]),
    "neither true nor recovered while recovering": (KEEP, {"temp": "31 20 27 20x3"}, [
        "0s fired warning", "1m recovering", "2m refired", "3m recovering", "5m resolved (until)",
    ]),
    "a second episode": ("  - {alert: hot, when: temp > 30}\n", {"temp": "31 20 31"}, [
        "0s fired warning", "1m resolved (known false)", "2m fired warning",
    ]),
    "unless from the start suppresses": (
        UNLESS, {"temp": "31x6", "door": {"0s": "open", "2m": "open", "4m": "shut"}},
        ["0s pending warning", "2m suppressed (unless)", "4m fired warning"],
    ),
    "unless that ends before the hold changes nothing": (
        UNLESS, {"temp": "31x6", "door": {"0s": "open", "1m": "shut"}}, ["0s pending warning", "2m fired warning"],
    ),
    "unless on an open alert suppresses and gives back": (
        UNLESS, {"temp": "31x6", "door": {"3m": "open", "5m": "shut"}},
        ["0s pending warning", "2m fired warning", "3m suppressed (unless)", "5m unsuppressed"],
    ),
    "unless unknown counts as false": (UNLESS, {"temp": "31x3"}, ["0s pending warning", "2m fired warning"]),
    "suppressed and over": (
        UNLESS, {"temp": "31x3 20", "door": {"0s": "open"}},
        ["0s pending warning", "2m suppressed (unless)", "3m ended (known false)"],
    ),
    "suppressed and resolved": (
        UNLESS, {"temp": "31x5 20", "door": {"3m": "open"}},
        ["0s pending warning", "2m fired warning", "3m suppressed (unless)", "5m resolved (known false)"],
    ),
    "an event fires at its instant": (
        '  - {alert: forced, when: event == "door_forced"}\n',
        {"temp": "20x5", "event": {"90s": "door_forced"}}, ["1m30s fired warning", "2m resolved (known false)"],
    ),
    "no event is a known zero": (
        '  - {alert: quiet, when: event != "door_forced" and temp > 10}\n', {"temp": "20x2"}, ["0s fired warning"],
    ),
    "events in a window": (
        "  - {alert: forced, when: 'count(event[3m] == \"x\") >= 2'}\n",
        {"temp": "20x10", "event": {"3m10s": "x", "3m20s": "y", "4m10s": "x"}},
        ["4m10s fired warning", "7m resolved (known false)"],
    ),
    "an age that time alone reaches": (
        "  - {alert: silent, when: age() >= 2m30s, for: 30s}\n", {"temp": "20x2 _x4 20"},
        ["3m30s pending warning", "4m fired warning", "6m resolved (known false)"],
    ),
    "an age of one metric": (
        "  - {alert: silent, when: age(temp) > 2m}\n", {"temp": "20x2 _x4 20", "door": {"0s": "a", "5m": "b"}},
        ["3m0.001s fired warning", "6m resolved (known false)"],
    ),
    "an age between bounds": (
        "  - {alert: silent, when: 1m < age() <= 2m}\n", {"temp": "20 _x3 20"},
        ["1m0.001s fired warning", "2m0.001s resolved (known false)"],
    ),
    "a bent age": (
        "  - {alert: silent, when: abs(age() - 3m) <= 1m}\n", {"temp": "20 _x6"},
        ["2m fired warning", "4m0.001s resolved (known false)"],
    ),
    "a chain and a band": ("  - {alert: band, when: not 2 <= temp <= 8}\n", {"temp": "5 8 9 2 1"}, [
        "2m fired warning", "3m resolved (known false)", "4m fired warning",
    ]),
    "one of a list": (
        "  - {alert: bad, when: 'door in [\"open\", \"ajar\"]'}\n",
        {"door": {"0s": "shut", "1m": "ajar"}},
        ["1m fired warning"],
    ),
    "m of n": ("  - {alert: hot, when: 'count(temp[3] > 30) >= 2'}\n", {"temp": "31 20 31 20 20"}, [
        "2m fired warning", "3m resolved (known false)",
    ]),
    "arithmetic over elements": ("  - {alert: hot, when: 'avg(temp[2] * 2) > 60'}\n", {"temp": "30 31"}, [
        "1m fired warning",
    ]),
    "elements against another metric": (
        "  - {alert: hot, when: 'count(temp[3] > limit) >= 2'}\n", {"temp": "1 5 5", "limit": "9x2 4"},
        ["2m fired warning"],
    ),
    "offline": ("  - {alert: down, when: not online, for: 1m}\n", {"temp": "1x9"}, [
        "2m pending warning", "3m fired warning", "5m resolved (known false)",
    ]),
    "labels": (
        '  - {alert: big, when: temp > device.limit and device.rack == "7"}\n', {"temp": "5 6"}, ["1m fired warning"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_lifecycle(changes, case):
    """What happens, when, and why."""
    rule, given, expected = CASES[case]
    options = {"offline": "2m-5m"} if case == "offline" else {}
    options |= {"device": {"limit": "5", "rack": "7"}} if case == "labels" else {}

    assert [each.replace("m0.001s", "m1ms") for each in expected] == changes(rule, given, **options)


def test_the_same_reading_again_changes_nothing(program, memory_of, device, reading, told):
    """A repeated sample is no transition and resets no clock."""
    rules = program("  - {alert: hot, when: temp > 30, for: 2m}\n")
    once = [reading(f"{at}m", temp=31) for at in range(4)]

    found = replay(rules, [each for each in once for _ in range(3)], memory_of(device()))

    assert [told(each) for each in found] == ["0s pending warning", "2m fired warning"]


def test_a_late_sample_never_rewinds_a_transition(program, memory_of, device, reading, told):
    """It goes into the windows for later; what was decided stays decided."""
    rules = program("  - {alert: hot, when: temp > 30}\n  - {alert: many, when: 'count(temp[5m] > 30) >= 3'}\n")
    readings = [reading("0s", temp=20), reading("5m", temp=31), reading("4m", temp=35), reading("3m", temp=36)]

    found = replay(rules, [*readings, reading("6m", temp=20)], memory_of(device()))

    assert sorted(map(told, found)) == ["5m fired warning", "6m fired warning", "6m resolved (known false)"]


def test_another_value_for_the_same_time_replaces(program, memory_of, device, reading, told):
    """The later message wins, in the last value and in windows."""
    rules = program("  - {alert: hot, when: temp > 30}\n")

    found = replay(rules, [reading("1m", temp=31), reading("1m", temp=20)], memory_of(device()))

    assert [told(each) for each in found] == ["1m fired warning", "1m resolved (known false)"]


def test_a_retired_device_raises_nothing(program, memory_of, device, reading, told):
    """Its open alerts end, and no new ones come."""
    rules = program("  - {alert: hot, when: temp > 30}\n  - {alert: later, when: temp > 30, for: 9m}\n")
    memory = memory_of(device())
    found = replay(rules, [reading("0s", temp=31)], memory)

    facts = device()
    memory.register(type(facts)(facts.key, facts.labels, retired=True))
    found += replay(rules, [reading("1m", temp=31)], memory)

    of = {name: [told(each) for each in found if each.alert.key.rule == name] for name in ("hot", "later")}
    assert of["hot"] == ["0s fired warning", "0s resolved (retired)"]
    assert of["later"] == ["0s pending warning", "0s ended (retired)"]


def test_firing_follows_another_rule_of_the_device(program, memory_of, device, reading, told):
    """A composite rule turns at the very instant at which its cause turns."""
    rules = program(
        '  - {alert: left_open, when: firing(warm) and door == "open", for: 1m}\n'
        "  - {alert: warm, when: temp > 30, for: 90s}\n"
    )
    readings = [reading("0s", temp=31, door="open"), *(reading(f"{at}m", temp=31, door="open") for at in range(1, 5))]

    found = replay(rules, [*readings, reading("5m", temp=20, door="open")], memory_of(device()))

    told_of = [f"{each.alert.key.rule}: {told(each)}" for each in found]
    assert told_of == [
        "warm: 0s pending warning",
        "warm: 1m30s fired warning",
        "left_open: 1m30s pending warning",
        "left_open: 2m30s fired warning",
        "warm: 5m resolved (known false)",
        "left_open: 5m resolved (known false)",
    ]


GATEWAY = """
  - alert: silent
    match: {type: sensor}
    when: age() >= 3m
    unless: firing(gateway_down, gateway)
  - {alert: gateway_down, match: {type: gateway}, when: not online, for: 1m}
"""


def test_a_dead_gateway_suppresses_its_devices(program, memory_of, device, reading, told):
    """Silence behind a dead gateway is suppressed; what is still silent when it is back fires then."""
    memory = memory_of(
        device("g", type="gateway"), device("d1", type="sensor", gateway="g"), device("d2", type="sensor")
    )
    readings = [reading("0s", name=name, temp=1) for name in ("d1", "d2")]
    status = [reading(at, {"online": on}, "g", Kind.STATUS) for at, on in (("1m", False), ("5m", True))]

    found = replay(program(GATEWAY), [*readings, *status, reading("7m", name="d1", temp=1)], memory)

    of = {name: [told(each) for each in found if each.alert.device.device == name] for name in ("d1", "d2", "g")}
    assert of == {
        "g": ["1m pending warning", "2m fired warning", "5m resolved (known false)"],
        "d1": ["3m suppressed (unless)", "5m fired warning", "7m resolved (known false)"],
        "d2": ["3m fired warning"],
    }


@pytest.mark.parametrize("restart", ["1m", "2m", "3m", "4m", "5m", "6m", "7m", "8m"])
def test_a_restart_keeps_what_hangs_on_other_devices(rule_set, restart):
    """Suppressed stays suppressed, held stays held, and the end of the cause is noticed."""
    text = (
        GATEWAY.replace("    unless", "    for: 90s\n    unless").strip("\n")
        + """
    tests:
      - given: {d1: {temp: 1 _x7 1 1}, g: {load: 1x9}}
        device: {d1: {type: sensor, gateway: g}, g: {type: gateway}}
        offline: {g: 1m-6m}
        restart: [%s]
        expect: {d1: {4m30s: suppressed, 6m: warning, 8m: resolved}}
"""
    )
    lines = text.splitlines()
    down = next(line for line in lines if "gateway_down, match" in line)
    ordered = "\n".join([down, *(line for line in lines if line != down)]) + "\n"

    (result,) = rehearse(rule_set(ordered % restart))

    assert result.passed, render_text([result])


def test_a_gateway_that_dies_later_takes_over_open_alerts(program, memory_of, device, reading, told):
    """The open alert is marked suppressed at the instant at which the gateway's fires."""
    memory = memory_of(device("g", type="gateway"), device("d1", type="sensor", gateway="g"))
    readings = [reading("0s", name="d1", temp=1), reading("4m", {"online": False}, "g", Kind.STATUS)]

    found = replay(program(GATEWAY), readings, memory) + run_timers(program(GATEWAY), memory, 600_000)

    assert [told(each) for each in found if each.alert.key.rule == "silent"] == [
        "3m fired warning",
        "5m suppressed (unless)",
    ]


def test_a_rule_that_raises_stops_nobody_else(program, memory_of, device, reading):
    """The fault is counted; other rules and telemetry go on."""

    rules = program("  - {alert: bad, when: temp > 30}\n  - {alert: good, when: temp > 30}\n")
    facts = device()
    plan = rules.plan_of(facts)

    def explode(_):
        raise ZeroDivisionError("nobody thought of this")

    plan.by_id["bad"].whens = (explode,)
    evaluation = evaluate(rules, Batch([reading("0s", temp=31)]), memory_of(facts), Now(0, 0))

    assert [each.alert.key.rule for each in evaluation.transitions] == ["good"]
    assert [(each.rule, each.device, each.error) for each in evaluation.faults] == [
        ("bad", "s/d1", "ZeroDivisionError: nobody thought of this")
    ]


def test_readings_while_firing_are_counted(program, memory_of, device, reading):
    """Occurrences are newly stored readings for which the condition was true while firing."""

    rules = program("  - {alert: hot, when: temp > 30, until: temp < 20, for: 1m}\n")
    batch = Batch(reading(f"{at}m", temp=value) for at, value in enumerate([31, 31, 31, 25, 31]))

    evaluation = evaluate(rules, batch, memory_of(device()), Now(0, 0, drained=False))

    (alert,) = evaluation.alerts.values()
    assert {alert.id: 3} == dict(evaluation.occurrences)
    assert {alert.id: 4 * 60_000} == dict(evaluation.last_true_ms)
