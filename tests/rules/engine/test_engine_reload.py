"""New rules over open alerts, changed labels, and what memory keeps of devices."""

import pytest

from iotops.rules.authoring.replay import replay, run_timers
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory
from iotops.rules.reload import reload
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

HOT = "  - {alert: hot, when: temp > 30, summary: old}\n"
HELD = "  - {alert: hot, when: temp > 30, for: 2m}\n"
RELOADS = {
    "same meaning": (HOT, "  - {alert: hot, when: 'temp  >  30', summary: new, labels: {team: a}}\n", []),
    "still true": (HOT, "  - {alert: hot, when: temp > 25}\n", []),
    "known no longer true": (HOT, "  - {alert: hot, when: temp > 40}\n", ["1m resolved (rule changed)"]),
    "not known any more": (HOT, "  - {alert: hot, when: free > 40}\n", []),
    "no longer matched": (HOT, "  - {alert: hot, when: temp > 30, match: {type: x}}\n", ["1m resolved (rule changed)"]),
    "removed": (HOT, "  - {alert: cold, when: temp < 0}\n", ["1m resolved (rule removed)"]),
    "switched off": (HOT, "  - {alert: hot, when: temp > 30, mode: 'off'}\n", ["1m resolved (rule removed)"]),
    "pending and removed": (HELD, "  - {alert: cold, when: temp < 0}\n", ["1m ended (rule removed)"]),
    "pending and no longer true": (HELD, "  - {alert: hot, when: temp > 40, for: 2m}\n", ["1m ended (rule changed)"]),
    "a longer hold applies to new pendings only": (
        HELD, "  - {alert: hot, when: temp > 30, for: 9m}\n", ["2m fired warning"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RELOADS)
def test_reload(program, memory_of, device, reading, told, case):
    """The same meaning keeps state; another one is judged at once."""
    before, after, expected = RELOADS[case]
    memory = memory_of(device())
    replay(program(before), [reading("0s", temp=31), reading("1m", temp=31)], memory)
    new = program(after)

    evaluation = reload(new, memory)
    evaluation.journal.apply()
    found = [*evaluation.transitions, *run_timers(new, memory, 200_000)]

    assert expected == [told(each) for each in found]


def test_a_dropped_reload_leaves_alerts_open(program, memory_of, device, reading):
    """If the transaction fails, the alerts are as before."""
    memory = memory_of(device())
    rules = program(HOT)
    replay(rules, [reading("0s", temp=31)], memory)
    before = [dict(each.open) for each in memory]

    reload(program("  - {alert: cold, when: temp < 0}\n"), memory).journal.drop()

    assert before == [dict(each.open) for each in memory]


def test_after_a_reload_a_longer_window_is_not_covered_at_once(program, memory_of, device, reading, told):
    """Samples that the shorter window let go are not taken for absent ones."""
    memory = memory_of(device())
    short = program("  - {alert: few, when: 'count(temp[2m]) < 1'}\n")
    readings = [reading(f"{at}m", temp=20) for at in range(200)]
    for each in readings:
        evaluate(short, Batch([each]), memory, Now(0, 0, drained=False)).journal.apply()
    long = program("  - {alert: few, when: 'count(temp[150m]) < 100'}\n")

    reload(long, memory).journal.apply()
    found = replay(long, [reading("200m", temp=20)], memory)

    assert found == []


def test_new_labels_count_from_the_next_evaluation_on(program, memory_of, device, reading, told):
    """An override that comes to match changes the limit; a match that ceases ends the alert."""
    rules = program(
        "  - alert: hot\n    match: {type: room}\n    params: {top: 30}\n"
        "    overrides:\n      - {match: {zone: a}, params: {top: 10}}\n    when: temp > top\n"
    )
    memory = memory_of(device(type="room"))
    found = replay(rules, [reading("0s", temp=20)], memory)

    memory.register(device(type="room", zone="a"))
    found += replay(rules, [reading("1m", temp=20)], memory)
    memory.register(device(type="hall", zone="a"))
    found += replay(rules, [reading("2m", temp=20)], memory)

    assert [told(each) for each in found] == ["1m fired warning", "1m resolved (no longer matched)"]


def test_rules_that_do_not_match_cost_a_device_nothing(program, device):
    """Devices that no rule tells apart share a plan; metrics that no rule reads are not kept."""
    rules = program("".join(f"  - {{alert: r{n}, match: {{type: t{n % 9}}}, when: m{n} > 1}}\n" for n in range(90)))

    plans = [rules.plan_of(device(f"d{n}", type=f"t{n % 9}")) for n in range(90)]

    assert len({id(plan) for plan in plans}) == 9
    built_in = len(rules.rule_set.rules) - 90  # they match every device
    assert [len(plan.rules) for plan in plans] == [10 + built_in] * 90
    assert [rule.id for rule in plans[0].touched(("m0", "m1"))] == ["r0"]


def test_only_what_rules_read_is_kept(program, memory_of, device, reading):
    """A metric that nobody asks for takes no memory."""
    memory = memory_of(device())

    replay(program(HOT), [reading("0s", temp=20, noise=1, more=2)], memory)

    assert list(memory.get(device().key).series) == ["temp"]


def test_unregistered_devices_are_judged_too(program, reading, told):
    """A reading of a device that nobody registered registers it, and dropping the batch forgets it."""
    memory = Memory()
    rules = program("  - {alert: hot, when: temp > 30}\n")

    evaluation = evaluate(rules, Batch([reading("0s", temp=31)]), memory, Now(0, 0))
    evaluation.journal.drop()

    assert [told(each) for each in evaluation.transitions] == ["0s fired warning"]
    assert len(memory) == 0


def test_values_that_cannot_be_are_counted(program, memory_of, device, reading):
    """Null, text in a gauge and what lies outside `valid` are missing and counted, late values too."""
    rules = program("  - {alert: hot, when: temp > 30}\n")
    values = [("1m", None), ("2m", "warm"), ("3m", 900), ("4m", True), ("5m", 20), ("1m30s", 20)]

    evaluation = evaluate(
        rules, Batch(reading(at, {"temp": value}) for at, value in values), memory_of(device()), Now(0, 0)
    )

    assert evaluation.rejected == {"temp": 4}
    assert evaluation.late == {"temp": 1}


def test_a_quarantined_rule_is_not_judged(program, memory_of, device, reading):
    """Its open alerts stay as they are."""
    rules = program("  - {alert: hot, when: temp > 30}\n")
    memory = memory_of(device())
    replay(rules, [reading("0s", temp=31)], memory)

    rules.quarantined.add("hot")

    assert replay(rules, [reading("1m", temp=20)], memory) == []
    assert list(memory.get(device().key).open) == ["hot"]


def test_timers_of_many_devices_come_due_in_order(program, memory_of, device, reading):
    """A tick runs what is due and visits nobody else."""
    rules = program("  - {alert: silent, when: age() >= 5m}\n")
    memory = memory_of(*(device(f"d{n}") for n in range(20)))
    replay(rules, [reading(f"{n}s", name=f"d{n}", temp=1) for n in range(20)], memory)

    evaluation = evaluate(rules, Batch(), memory, Now(0, 309_000))

    assert [f"s/d{n}" for n in range(10)] == [each.alert.key.instance for each in evaluation.transitions]


def test_timers_wait_while_input_is_not_drained(program, memory_of, device, reading):
    """What was sent earlier is judged earlier: a tick before the backlog is through does nothing."""
    rules = program("  - {alert: silent, when: age() >= 5m}\n")
    memory = memory_of(device())
    replay(rules, [reading("0s", temp=1)], memory)

    assert evaluate(rules, Batch(), memory, Now(0, 900_000, drained=False)).transitions == ()
    assert len(evaluate(rules, Batch(), memory, Now(0, 900_000)).transitions) == 1


def test_a_device_that_replays_the_past_lives_in_its_own_time(program, memory_of, device, reading, told):
    """Event times of 2013 give the same transitions as if they had been live then, last will included."""
    rules = program("  - {alert: hot, when: temp > 30, for: 2m}\n  - {alert: down, when: not online}\n")
    memory = Memory()
    key, year = DeviceKey("s", "d1"), 365 * 86_400_000
    memory.register(DeviceFacts(key, {"site": "s", "device": "d1", "name": "d1"}, registered_ms=13 * year))
    online = Reading(key, 13 * year, 13 * year, {"online": True}, kind=Kind.STATUS)
    past = [Reading(key, at * 60_000, 13 * year + at, {"temp": 31.0}) for at in range(4)]
    will = Reading(key, 13 * year + 9, 13 * year + 9, {"online": False}, kind=Kind.STATUS)

    found = replay(rules, [online, *past, will], memory)

    assert [told(each) for each in found] == ["0s pending warning", "2m fired warning", "3m fired warning"]


def test_an_alert_on_trial_is_promoted_when_its_rule_goes_live(program, memory_of, device, reading, told):
    """What fires in shadow is marked; the reload that ends the trial says so once, and keeps the episode."""
    text = "  - {{alert: hot, when: temp > 30, mode: {}}}\n"
    memory = memory_of(device())
    (fired,) = replay(program(text.format("shadow")), [reading("1m", temp=31)], memory)
    assert fired.alert.is_shadow
    live = program(text.format("live"))

    promoted = reload(live, memory)
    promoted.journal.apply()

    (change,) = promoted.transitions
    assert (told(change), change.alert.is_shadow, change.alert.id) == ("1m promoted (live)", False, fired.alert.id)
    assert promoted.alerts[fired.alert.key] == change.alert
    assert reload(live, memory).transitions == ()


def test_an_alert_of_a_live_rule_stays_live_until_it_ends(program, memory_of, device, reading):
    """A trial that begins while something is open takes nothing back; the next episode belongs to it."""
    text = "  - {{alert: hot, when: temp > 30, mode: {}}}\n"
    memory = memory_of(device())
    replay(program(text.format("live")), [reading("1m", temp=31)], memory)
    trial = program(text.format("shadow"))

    assert reload(trial, memory).transitions == ()
    found = replay(trial, [reading("2m", temp=20), reading("3m", temp=31)], memory)

    assert [(each.change, each.alert.is_shadow) for each in found] == [("resolved", False), ("fired", True)]


def test_the_summary_is_rendered_again_when_severity_changes_and_at_the_end(program, memory_of, device, reading):
    """Each time with the values of that moment; what is missing prints `unknown`."""
    rules = program(
        "  - alert: hot\n    when: {warning: temp > 30, critical: temp > 40}\n"
        "    until: {warning: temp < 25, critical: temp < 35}\n    summary: ${temp:.1f} °C, ${water} l\n"
    )
    readings = [reading(f"{at}m", temp=value) for at, value in enumerate([31, 41, 41.5, 34, 20])]

    found = replay(rules, readings, memory_of(device()))

    assert [each.alert.summary for each in found] == [
        f"{temp} °C, unknown l" for temp in ("31.0", "41.0", "34.0", "20.0")
    ]


WARM = "devices(temp > 30)"
JUST_LOADED = {
    "a rule of a device": ("  - {alert: new, when: temp > 30}\n", "2m fired warning"),
    "a rule of a group": ('  - {alert: new, per: site, when: "devices(temp > 30) >= 1"}\n', "2m fired warning"),
    "a rule that asks its group": ("  - {alert: new, when: temp > 30 and share(temp > 30) > 0}\n", "2m fired warning"),
    "a sequence of a group": (
        f"  - {{alert: new, per: site, sequence: [{{when: {WARM} > 0}}, {{when: {WARM} > 0}}], until: {WARM} < 1}}\n",
        "2m fired warning",
    ),
    "a rule about another": ("  - {alert: new, when: firing(hot)}\n", "1m fired warning"),
    "a rule about another on another device": ('  - {alert: new, when: "firing(hot, twin)"}\n', "1m fired warning"),
    "a rule of a group about another": (
        '  - {alert: new, per: site, when: "devices(firing(hot)) >= 1"}\n', "1m fired warning",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", JUST_LOADED)
def test_a_rule_that_is_loaded_while_it_holds_already_fires_with_the_next_evaluation(
    program, memory_of, device, reading, told, case
):
    """With the next reading that it reads, though nothing changes; at once where it only follows other rules."""
    text, expected = JUST_LOADED[case]
    memory = memory_of(device(twin="d1"))
    replay(program(HOT), [reading("0s", temp=31), reading("1m", temp=31)], memory)
    new = program(HOT + text)

    evaluation = reload(new, memory)
    evaluation.journal.apply()
    found = [*evaluation.transitions, *replay(new, [reading("2m", temp=31)], memory)]

    assert [told(each) for each in found if each.alert.key.rule == "new"] == [expected]
