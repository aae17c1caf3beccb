"""An explanation out of the database says what the running engine would have said, now and of any instant before."""

import json
from dataclasses import replace

import pytest

from iotops.durations import parse_duration
from iotops.errors import NotFound
from iotops.rules.alert import AlertKey
from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.why import headline
from iotops.rules.rulefile import parse_rules
from iotops.store import devices, incidents
from iotops.store.compaction import compact
from iotops.store.explanations import explain_incident, explain_instance
from iotops.telemetry.reading import DeviceKey

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: too_warm
    match: {device: "fz-*"}
    params: {top: 30}
    when:
      warning: temp > top
      critical: avg(temp[5m]) > 45
    for: {warning: 3m, critical: 1m}
    until: temp < 25
    keep_firing_for: 2m
    unless: firing(gateway_down, gateway)
  - alert: gateway_down
    match: {type: gateway}
    when: not online
    for: 1m
    severity: critical
"""
START_MS = 1_800_000_000_000
KEY = AlertKey("too_warm", "paris/fz-1")
TEMPERATURES = [20, 20, 31, 32, 29, 33, 34, 35, 50, 60, 70, 70, 40, 28, 24, 24, 24, 20, 31, 31]


@pytest.fixture
def plant(make_plant):
    return make_plant(RULES, START_MS)


def live(plant, at_ms):
    return explain(plant.pipeline.program, plant.pipeline.memory, *KEY, at_ms)


def comparable(found):
    """Leave out what a look back cannot know: nothing but the notes."""
    return replace(found, notes=())


def asked(database, plant, at=None, key=KEY):
    with database.read() as unit:
        now_ms = START_MS + 86_400_000  # no ingest is alive, so connected time stands still whatever the clock says
        at_ms = None if at is None else START_MS + parse_duration(at)
        return explain_instance(unit, plant.rules, key, now_ms, at_ms)


def test_the_present_is_what_the_engine_holds(database, plant):
    """At every minute of an episode: state, values, clocks, obstacles and what would come."""
    states = []
    for minute, value in enumerate(TEMPERATURES):
        plant.temp(minute, value)

        found = asked(database, plant)

        assert comparable(found) == live(plant, found.at_ms)
        states.append(found.state)
    assert {"inactive", "pending", "firing", "recovering"} == set(states)


@pytest.mark.parametrize("compacted", [False, True])
def test_the_past_is_what_the_engine_held_then(database, plant, compacted):
    """Out of rows or of blocks: what was true at an instant is told of it later."""
    then = []
    for minute, value in enumerate(TEMPERATURES):
        plant.temp(minute, value)
        then.append(live(plant, START_MS + minute * 60_000))
    if compacted:
        assert compact(database, now_ms=START_MS + 7_200_000 + 61_000).blocks

    for minute, known in enumerate(then):
        assert comparable(asked(database, plant, f"{minute}m")) == known


def test_a_rule_that_waits_is_explained_with_what_waits(database, make_plant):
    """Now and later, of every minute: samples that were not let in yet are in what comes, and not in what is."""
    rules = RULES.replace("    unless: firing(gateway_down, gateway)\n", "    lateness: 4m\n")
    plant = make_plant(rules, START_MS)
    then = []
    for minute, value in enumerate(TEMPERATURES):
        plant.temp(minute, value)
        then.append(live(plant, START_MS + minute * 60_000))
        found = asked(database, plant)
        assert comparable(found) == live(plant, found.at_ms)

    assert [comparable(asked(database, plant, f"{minute}m")) for minute in range(len(then))] == then
    assert {"inactive", "pending", "firing", "recovering"} == {each.state for each in then}
    assert {each.lateness_ms for each in then} == {240_000}


def test_what_another_device_does_is_looked_up(database, plant):
    """A rule that asks for the gateway is explained with the gateway's own past."""
    plant.hear(0, "status", b"online", "gw-1")
    plant.hear(0, "status", json.dumps({"state": "online", "type": "gateway"}).encode(), "gw-1")
    for minute in range(12):
        plant.temp(minute, 40)
        if minute == 1:
            with database.begin() as unit:
                devices.patch(unit, DeviceKey("paris", "fz-1"), now_ms=START_MS, labels={"gateway": "gw-1"})
        if minute == 5:
            plant.hear(minute * 60_000 + 2_000, "status", b"offline", "gw-1")

    before, after = asked(database, plant, "5m"), asked(database, plant, "8m")

    assert [word for word, _ in before.blocks] == []
    unless = next(branch for branch in after.branches if branch.role == "unless")
    assert unless.truth is True
    assert "firing on paris/gw-1" in unless.lines[0].note


def test_doubts_are_said(database, plant):
    """Before the first reading, and where the file says something else than what is in force."""
    plant.temp(0, 20)
    other = parse_rules({"rules.yaml": RULES.replace("top: 30", "top: 10")})[0]

    with database.read() as unit:
        changed = explain_instance(unit, other, KEY, START_MS)
        before = explain_instance(unit, plant.rules, KEY, START_MS, START_MS - 60_000)

    assert any("the file changed" in note for note in changed.notes)
    assert any("no telemetry of paris/fz-1" in note for note in before.notes)


def test_devices_that_do_not_exist_are_not_found(database, plant):
    """Rather than explained as silent ones."""
    with pytest.raises(NotFound, match="paris/fz-9"):
        asked(database, plant, key=AlertKey("too_warm", "paris/fz-9"))


def test_rules_that_watch_something_else_say_so(database, plant):
    """The label that does not fit is named."""
    plant.temp(0, 20)

    found = asked(database, plant, key=AlertKey("gateway_down", "paris/fz-1"))

    assert found.blocks == (("not-matched", "the rule wants type gateway, and the device has none"),)
    assert headline(found) == "NOT WATCHED: gateway_down is not about paris/fz-1"


def test_an_incident_has_its_frozen_evidence_and_the_present(database, plant):
    """What was seen when it fired stays; how the instance stands now stands beside it."""
    for minute, value in enumerate([20, 40, 40, 40, 40, 20]):
        plant.temp(minute, value)
    with database.read() as unit:
        number = incidents.page(unit, incidents.Filters(), limit=1).items[0].number

        found = explain_incident(unit, plant.rules, number, START_MS)

    (evidence,) = found.evidence.values()
    assert (evidence["severity"], evidence["params"]) == ("warning", {"top": 30})
    assert [each.state for each in found.now] == ["recovering"]
