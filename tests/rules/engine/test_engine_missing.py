"""Missing is never recovery: whatever is missing, and however long, a firing alert does not resolve."""

import pytest

from iotops.rules.alert import Change
from iotops.rules.authoring.replay import replay, run_timers
from iotops.telemetry.reading import Kind

HOT = "  - {alert: hot, when: temp > 30}\n"
UNTIL = "  - {alert: hot, when: temp > 30, until: temp < 25}\n"
KEEP = "  - {alert: hot, when: temp > 30, until: temp < 25, keep_firing_for: 5m}\n"
OR = '  - {alert: hot, when: temp > 30 or door == "open"}\n'
AND = '  - {alert: hot, when: temp > 30 and door == "open"}\n'
WINDOW = "  - {alert: hot, when: "
FIRED, UNKNOWN, KNOWN = "0s fired warning", "3m unknown (stale)", "known"
RESOLVED = "resolved (known false)"
EMPTIES = ["2m fired warning", "6m unknown (stale)"]

CASES = {
    "silence": (HOT, {"temp": "31 _x60"}, [FIRED, UNKNOWN]),
    "silence with until": (UNTIL, {"temp": "31 _x60"}, [FIRED, UNKNOWN]),
    "nulls": (HOT, {"temp": "31 nanx60"}, [FIRED, UNKNOWN]),
    "a few nulls": (HOT, {"temp": "31 nanx2 31x2"}, [FIRED]),
    "values that cannot be": (HOT, {"temp": "31 900x60"}, [FIRED, UNKNOWN]),
    "a text in a gauge": (HOT, {"temp": {"0s": 31, "1m": "ERR", "2m": "ERR", "5m": "ERR"}}, [FIRED, UNKNOWN]),
    "a truth value where a number was": (
        HOT, {"temp": {"0s": 31, "1m": True, "2m": True, "3m": True}}, [FIRED, UNKNOWN],
    ),
    "silence, then true again": (HOT, {"temp": "31 _x5 31"}, [FIRED, UNKNOWN, "6m known"]),
    "silence, then false": (HOT, {"temp": "31 _x5 20"}, [FIRED, UNKNOWN, "6m known", "6m resolved (known false)"]),
    "silence, then between true and until": (UNTIL, {"temp": "31 _x5 27 _x2"}, [FIRED, UNKNOWN, "6m known"]),
    "nulls, then false": (HOT, {"temp": "31 nanx5 20"}, [FIRED, UNKNOWN, "6m known", "6m resolved (known false)"]),
    "recovering, then silence within the wait": (
        KEEP, {"temp": "31 20 _x9"}, [FIRED, "1m recovering", "4m unknown (stale)"],
    ),
    "recovering, silence, then clear: the wait starts anew": (
        KEEP,
        {"temp": "31 20 _x4 20x6"},
        [FIRED, "1m recovering", "4m unknown (stale)", "6m known", "6m recovering", "11m resolved (until)"],
    ),
    "recovering, then nulls shorter than stale": (
        KEEP, {"temp": "31 20x2 nanx2 20x3"}, [FIRED, "1m recovering", "6m resolved (until)"],
    ),
    "recovering, null at the end of the wait": (
        KEEP, {"temp": "31 20x5 nan 20"}, [FIRED, "1m recovering", "7m resolved (until)"],
    ),
    "until reads another metric that is missing": (
        "  - {alert: hot, when: temp > 30, until: free > 5}\n", {"temp": "31 20x9"}, [FIRED],
    ),
    "until reads another metric that went silent": (
        "  - {alert: hot, when: temp > 30, until: limit > 5}\n",
        {"temp": "31x5 20x9", "limit": "6 _x9"},
        [FIRED],
    ),
    "one side of and is missing, the other true": (
        AND, {"temp": "31x9", "door": {"0s": "open"}}, [FIRED, UNKNOWN],
    ),
    "one side of and is missing, the other false": (
        AND, {"temp": "31x4 20", "door": {"0s": "open"}}, [FIRED, UNKNOWN, "4m known", "4m resolved (known false)"],
    ),
    "one side of or is missing, the other false": (
        OR, {"temp": "20x9", "door": {"0s": "open", "1m": None}}, [FIRED, UNKNOWN],
    ),
    "one side of or is missing, the other true": (OR, {"temp": "31x9", "door": {"0s": "open"}}, [FIRED]),
    "not of a missing value": (
        "  - {alert: hot, when: not temp < 30}\n", {"temp": "31 _x9"}, [FIRED, UNKNOWN],
    ),
    "avg over a window that empties": (
        WINDOW + "'avg(temp[2m]) > 30'}\n", {"temp": "31x4 _x9"}, ["2m fired warning", "6m unknown (stale)"],
    ),
    "count over a window that empties": (
        WINDOW + "'count(temp[5m]) < 3'}\n", {"temp": "31x2 _x4 31 _x9"},
        ["6m fired warning", "9m unknown (stale)"],
    ),
    "max over silence": (
        WINDOW + "'max(temp[2m]) > 30'}\n", {"temp": "31x4 _x9"}, [FIRED, "6m unknown (stale)"],
    ),
    "increase over silence": (
        WINDOW + "'increase(water[2m]) > 5'}\n", {"water": "0 10 20 _x9"},
        ["1m fired warning", "5m unknown (stale)"],
    ),
    "an unknown window is no recovery after a gap": (
        WINDOW + "'delta(temp[2m]) > 5'}\n", {"temp": "10 10 20 _ _ 20"}, ["2m fired warning"],
    ),
    "the device goes offline": (
        HOT, {"temp": "31 _x9"}, [FIRED, UNKNOWN],
    ),
    "never seen": (HOT, {"door": {"0s": "open", "9m": "open"}}, []),
    "a metric that never came, beside a true one": (
        "  - {alert: hot, when: temp > 30 and free < 5}\n", {"temp": "31x9"}, [],
    ),
    "pending, then silence": (
        "  - {alert: hot, when: temp > 30, for: 10m}\n", {"temp": "31x2 _x20"},
        ["0s pending warning", "4m ended (stale)"],
    ),
    "median over silence": (WINDOW + "'median(temp[2m]) > 30'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "quantile over silence": (WINDOW + "'quantile(temp[2m], 0.5) > 30'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "stddev over silence": (WINDOW + "'stddev(temp[2m]) == 0'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "range over silence": (WINDOW + "'range(temp[2m]) == 0'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "sum over silence": (WINDOW + "'sum(temp[2m]) > 60'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "forecast over silence": (WINDOW + "'forecast(temp[2m], 1h) > 30'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "min over silence": (WINDOW + "'min(temp[2m]) > 30'}\n", {"temp": "31x4 _x9"}, EMPTIES),
    "rate over nulls": (WINDOW + "'rate(water[2m]) > 0'}\n", {"water": "0 10 20 30 nanx9"}, EMPTIES),
    "the last samples, and then none": (WINDOW + "'avg(temp[2]) > 30'}\n", {"temp": "31x4 _x9"}, [
        "1m fired warning", "6m unknown (stale)",
    ]),
    "a window that held nulls only": (
        WINDOW + "'count(temp[2m]) < 1'}\n", {"temp": "31x3 nanx9"}, ["4m fired warning", "5m unknown (stale)"],
    ),
    "until per tier, and silence": (
        ("  - alert: hot\n    when: {warning: temp > 30, critical: temp > 40}\n"
        "    until: {warning: temp < 25, critical: temp < 35}\n"),
        {"temp": "31 41 _x9"}, [FIRED, "1m escalated critical", "4m unknown (stale)"],
    ),
    "a state that turned null": (
        '  - {alert: hot, when: door == "open"}\n', {"door": {"0s": "open", "1m": None, "2m": None, "5m": None}},
        [FIRED, UNKNOWN],
    ),
    "a chain with a missing end": (
        "  - {alert: hot, when: 20 < temp < limit}\n", {"temp": "31x9", "limit": "40 _x9"}, [FIRED, UNKNOWN],
    ),
    "a list, and silence": ("  - {alert: hot, when: 'temp in [31, 32]'}\n", {"temp": "31 _x9"}, [FIRED, UNKNOWN]),
    "arithmetic with what is missing": (
        "  - {alert: hot, when: temp - limit > 5}\n", {"temp": "31x9", "limit": "20 _x9"}, [FIRED, UNKNOWN],
    ),
    "a restart in the silence": (HOT, {"temp": "31 _x9"}, [FIRED, UNKNOWN]),
    "a restart while recovering in silence": (
        KEEP, {"temp": "31 20 _x9"}, [FIRED, "1m recovering", "4m unknown (stale)"],
    ),
    "the device goes offline while recovering": (
        KEEP, {"temp": "31 20 _x9"}, [FIRED, "1m recovering", "4m unknown (stale)"],
    ),
    "division by zero": (
        "  - {alert: hot, when: temp / limit > 2}\n", {"temp": "31x5", "limit": "10 0x4"},
        [FIRED],
    ),
}  # fmt: skip


def test_cases_are_many():
    """At least forty ways to be missing, each with what is to come of it."""
    assert len(CASES) >= 45


@pytest.mark.parametrize("case", CASES)
def test_missing_is_never_recovery(changes, case):
    """What is missing leaves a firing alert firing, and says so once its data is stale."""
    rule, given, expected = CASES[case]
    options = {"offline": "1m-"} if "offline" in case else {}
    options |= {"restart": ["1m", "2m", "5m"]} if "restart" in case else {}

    assert expected == changes(rule, given, **options)


def test_last_will_is_not_recovery(program, memory_of, device, reading, told):
    """An offline device keeps its firing alert."""
    rules, memory = program(HOT), memory_of(device())

    found = replay(rules, [reading("0s", temp=31), reading("1m", {"online": False}, kind=Kind.STATUS)], memory)
    found += run_timers(rules, memory, 3_600_000)

    assert [told(each) for each in found] == [FIRED, UNKNOWN]


def test_retained_telemetry_is_not_recovery(program, memory_of, device, reading, retained):
    """A retained message is last-known state: it neither resolves nor renews anything."""
    rules, memory = program(HOT), memory_of(device())
    readings = [reading("0s", temp=31), retained(reading("1m", temp=20))]

    found = replay(rules, readings, memory, until_connected_ms=600_000)

    assert [each.change for each in found] == [Change.FIRED, Change.UNKNOWN]
    assert found[-1].at_ms == 180_000


def test_a_broker_outage_raises_no_age_alert(program, memory_of, device, reading):
    """Time during which nobody could hear the device does not count as its silence."""
    rules = program("  - {alert: silent, when: age() >= 15m}\n")
    memory = memory_of(device())
    before = [reading(f"{at}m", temp=20) for at in range(10)]
    after = [reading(f"{at}m", temp=20, connected=f"{at - 60}m") for at in range(70, 75)]

    found = replay(rules, [*before, *after], memory)

    assert found == []


def test_an_ingest_outage_with_a_queue_raises_no_age_alert(program, memory_of, device, reading):
    """A drained backlog is judged in its own time: there was no silence."""
    rules = program("  - {alert: silent, when: age() >= 15m}\n")
    memory = memory_of(device())
    before = [reading(f"{at}m", temp=20) for at in range(10)]
    backlog = [reading(f"{at}m", temp=20, received="60m", connected="10m") for at in range(10, 60)]

    found = replay(rules, [*before, *backlog], memory)

    assert found == []


def test_silence_is_found_when_recorded_data_is_replayed_at_full_speed(program, memory_of, device, reading, told):
    """A gap in the recording is silence, although it passes in no time."""
    rules = program("  - {alert: silent, when: age() >= 15m}\n")
    memory = memory_of(device())
    recorded = [reading(f"{at}m", temp=20, received="0s", connected="0s") for at in [*range(10), 40, 41]]

    found = replay(rules, recorded, memory)

    assert [told(each) for each in found] == ["24m fired warning", "40m resolved (known false)"]


def test_a_registered_device_that_never_reported_is_silent_since_registration(program, memory_of, device, told):
    """Age begins with the registration; a rule about its metrics stays unknown."""
    rules = program("  - {alert: silent, when: age() >= 15m}\n" + HOT)
    memory = memory_of(device())

    found = run_timers(rules, memory, 3_600_000)

    assert [told(each) for each in found] == ["15m fired warning"]


@pytest.mark.parametrize("how", ["last will", "silence"])
def test_a_gateway_that_goes_takes_nothing_with_it(program, memory_of, device, reading, told, how):
    """What is behind it stays firing, its data unknown, whether its end was told by its last will or by nobody."""
    rules = program(HOT + "  - {alert: gateway_down, when: not online or age() > 3m, match: {type: gateway}}\n")
    memory = memory_of(device("d1", gateway="gw"), device("gw", type="gateway"))
    found = replay(rules, [reading("0s", temp=31), reading("0s", {"cpu": 1}, name="gw")], memory)
    if how == "last will":
        found += replay(rules, [reading("1m", {"online": False}, name="gw", kind=Kind.STATUS)], memory)
    found += run_timers(rules, memory, 3_600_000)

    assert [told(each) for each in found if each.alert.key.rule == "hot"] == [FIRED, UNKNOWN]
    assert [told(each)[:10] for each in found if each.alert.key.rule == "gateway_down"] != []
