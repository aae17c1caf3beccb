"""What an explanation foretells happens: over the shipped rules and the corpus, at many points of every timeline."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import pytest

from iotops.rules.alert import Change
from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.outlook import SILENCE, STAYS
from iotops.rules.authoring.rehearse import play
from iotops.rules.authoring.scenario import read_scenario
from iotops.rules.instances import instance_of
from iotops.rules.links import values_of
from iotops.rules.rulefile import load_rules, parse_rules
from iotops.rules.surveys import group_labels
from iotops.telemetry.reading import Kind

HOME = Path(__file__).resolve().parents[3]
CORPUS = HOME / "tests" / "rules" / "corpus"
EXAMPLES = HOME / "tests" / "rules" / "examples"
POINTS = 3  # of each timeline, beside those around its transitions
LOOKED_AT_MS = 7_200_000


def rule_sets():
    written = {
        "corpus": CORPUS / "bakery.good.yaml",
        "examples": EXAMPLES / "completed.yaml",
        "beyond": Path(__file__).parent / "foresight.yaml",
    }
    found = {name: parse_rules({path.name: path.read_text()})[0] for name, path in written.items()}
    return {"shipped": load_rules(HOME / "rules"), **found}


SETS = rule_sets()
TIMELINES = [
    pytest.param(name, rule.id, number, id=f"{name}-{rule.id}-{number}")
    for name, rules in SETS.items()
    for rule in rules.rules.values()
    for number, _ in enumerate(rule.tests)
]


def points(scenario, transitions):
    """Return offsets to look at: some of all times of samples, and those just before and at transitions."""
    times = sorted({reading.connected_ms for reading in scenario.readings})
    turns = {each.at_ms - scenario.start_ms for each in transitions}
    near = {time for time, following in pairwise(times) if any(time <= turn <= following for turn in turns)}
    return sorted({*times[:: max(1, len(times) // POINTS)], *sorted(near)[:6], *sorted(turns)[:3]})


def held(scenario, at_ms, until_ms):
    """Return the readings up to an offset, and then what comes when every metric goes on as it was, at its pace."""
    before = [reading for reading in scenario.readings if reading.connected_ms <= at_ms]
    sent = {}
    for reading in before:
        for metric, value in reading.values.items() if reading.kind is Kind.TELEMETRY else ():
            sent.setdefault((reading.key, metric), []).append((reading.connected_ms, value))
    following = {}
    for (key, metric), samples in sent.items():
        good = [time for time, value in samples if value is not None]
        gap = median_low([later - earlier for earlier, later in pairwise(good[-11:])] or [60_000])
        last, value = samples[-1]
        if at_ms > last + 3 * gap:
            continue
        for time in range(last + gap, until_ms + 1, gap):
            if time > at_ms:
                following.setdefault((time, key), {})[metric] = value
    pattern = before[-1]
    after = [
        replace(
            pattern, key=key, at_ms=scenario.start_ms + time, received_ms=scenario.start_ms + time, connected_ms=time,
            values=values, kind=Kind.TELEMETRY,
        )
        for (time, key), values in sorted(following.items(), key=lambda item: item[0])
    ]  # fmt: skip
    return (*before, *after)


def instances(scenario, rule):
    """Return the instances of a rule: its devices, or the groups of their labels."""
    if rule.per == ("device",):
        return [str(device.key) for device in scenario.devices]
    labels = group_labels(rule.per)
    known = (values_of(labels, device.labels) for device in scenario.devices)
    return sorted({instance_of(labels, values) for values in known if values is not None})


def told(found, supposed):
    return [(each.at_ms, each.change, each.severity) for each in found.coming if each.supposed == supposed]


def happened(transitions, rule, instance, after_ms, until_ms):
    return [
        (each.at_ms, each.change.value, each.alert.severity.word)
        for each in transitions
        if each.alert.key == (rule, instance) and after_ms < each.at_ms <= until_ms
    ]


@pytest.mark.parametrize(("name", "rule_id", "number"), TIMELINES)
def test_what_is_foretold_happens(name, rule_id, number):
    """While values stay, and when nothing comes any more, changes come exactly when the explanation said."""
    rules = SETS[name]
    rule = rules.rules[rule_id]
    scenario = read_scenario(rules, rule, rule.tests[number])
    transitions, _, _ = play(scenario, scenario.end_ms)
    for offset in points(scenario, transitions):
        _, program, memory = play(scenario, offset)
        for instance in instances(scenario, rule):
            at_ms = scenario.start_ms + offset
            found = explain(program, memory, rule_id, instance, at_ms)
            for supposed in (STAYS, SILENCE):
                foretold = told(found, supposed)
                until_ms = max([offset + LOOKED_AT_MS, *(time - scenario.start_ms for time, _, _ in foretold)])
                readings = held(scenario, offset, until_ms if supposed == STAYS else offset)
                actual, _, _ = play(replace(scenario, readings=readings, restarts_ms=()), until_ms)
                expected = happened(actual, rule_id, instance, at_ms, scenario.start_ms + until_ms)

                assert foretold == expected[: len(foretold)], f"{supposed} at {offset}"
                assert len(foretold) == len(expected) or len(foretold) >= 6


def lookouts(transitions, rule):
    """Yield each firing with the instant to look from: when its hold began; without a hold just before it."""
    for instance in {each.alert.key.instance for each in transitions if each.alert.key.rule == rule.id}:
        own = [each for each in transitions if each.alert.key == (rule.id, instance)]  # causes run along
        for before, fired in pairwise([None, *own]):
            if fired.change is Change.FIRED:
                held = before is not None and before.change is Change.PENDING
                yield fired, before.at_ms if held else fired.at_ms - 1


def test_alerts_of_the_timelines_were_foretold():
    """Wherever a hold ran, or only time was waited for, and values stayed as they were, the very instant is named."""
    named = set()
    for name, rules in SETS.items():
        for rule in rules.rules.values():
            for test in rule.tests:
                scenario = read_scenario(rules, rule, test)
                transitions, _, _ = play(scenario, scenario.end_ms)
                for fired, from_ms in lookouts(transitions, rule):
                    _, program, memory = play(scenario, from_ms - scenario.start_ms)
                    found = explain(program, memory, rule.id, fired.alert.key.instance, from_ms)
                    if (fired.at_ms, "fired", fired.alert.severity.word) in [
                        *told(found, STAYS),
                        *told(found, SILENCE),
                    ]:
                        named.add((name, rule.id))
    groups = {("examples", "site_cooling_failure"), *(("beyond", name) for name in SETS["beyond"].rules)}
    sequences = {("examples", "pump_dry_run"), ("beyond", "opened_and_left")}
    others = {"freezer_warm", "device_silent", "gateway_down", "water_leak", "tank_empty_soon", "sensor_drift"}
    assert named >= {*groups, *sequences, *(("examples", name) for name in others)}
    assert len(named) >= 30
