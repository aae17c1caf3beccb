"""Rules about groups explained out of the database: what the running engine would have said, now and before."""

from dataclasses import replace

import pytest

from iotops.errors import NotFound
from iotops.rules.alert import AlertKey
from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.why import as_lines
from iotops.rules.rulefile import parse_rules
from iotops.store import incidents
from iotops.store.explanations import explain_incident, explain_instance
from iotops.store.instances import instance_named

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: freezer_warm
    match: {device: "fz-*"}
    when: temp > -15
    for: 3m
    unless: firing(site_warm)
  - alert: drift
    match: {device: "fz-*"}
    when: abs(temp - peers(temp, site)) > 8
    for: 2m
  - alert: site_warm
    match: {device: "fz-*"}
    per: site
    when: devices(temp > -15) >= 2 and share(temp > -15) >= 0.5
    for: 4m
    severity: critical
    until: devices(temp > -18) == 0
    keep_firing_for: 2m
"""
START_MS = 1_800_000_000_000
GROUP = AlertKey("site_warm", "site=paris")
KEYS = (GROUP, AlertKey("freezer_warm", "paris/fz-1"), AlertKey("drift", "paris/fz-3"))
SERIES = {
    "fz-1": [-20, -20, -10, -10, -10, -10, -10, -10, -10, -10, -20, -20, -20, -20, -20, -20],
    "fz-2": [-20, -20, -20, -10, -10, -10, -10, -10, -10, -10, -10, -20, -20, -20, -20, -20],
    "fz-3": [-20, -20, -20, -20, -20, -20, -20, -20, -20, -20, -20, -20, -20, -20, -20, -20],
}


@pytest.fixture
def plant(make_plant):
    return make_plant(RULES, START_MS)


def reports(plant, minutes):
    """Have all three freezers report; yield after each minute."""
    for minute in minutes:
        for device, values in SERIES.items():
            plant.temp(minute, values[minute], device)
        yield minute


def live(plant, key, at_ms):
    return explain(plant.pipeline.program, plant.pipeline.memory, *key, at_ms)


def asked(plant, key, minute=None):
    with plant.database.read() as unit:
        at_ms = None if minute is None else START_MS + minute * 60_000
        return replace(explain_instance(unit, plant.rules, key, START_MS + 86_400_000, at_ms), notes=())


def test_the_present_of_a_group_is_what_the_engine_holds(plant):
    """At every minute: of the group, of a device that asks for the group, and of one that compares with others."""
    states = {key: set() for key in KEYS}
    for _ in reports(plant, range(16)):
        for key in KEYS:
            found = asked(plant, key)

            assert found == live(plant, key, found.at_ms)
            states[key].add(found.state)
    assert states[GROUP] == {"inactive", "pending", "firing", "recovering"}
    assert {"inactive", "pending", "firing"} <= states[KEYS[2]]


def test_the_past_of_a_group_is_what_the_engine_held_then(plant):
    """Judged again from what is stored of all its devices."""
    then = [[live(plant, key, START_MS + minute * 60_000) for key in KEYS] for minute in reports(plant, range(16))]

    for minute, known in enumerate(then):
        assert [asked(plant, key, minute) for key in KEYS] == known


def test_a_group_is_explained_by_its_devices(plant):
    """How many of how many, which, with what they said; which did not say, and when it fires."""
    plant.hear(0, "status", b"online", "fz-9")
    for _ in reports(plant, range(5)):
        pass

    found = asked(plant, GROUP)
    lines = [" ".join(line.split()) for line in as_lines(found)]

    assert lines[0].startswith("PENDING critical 1m of 4m → fires 08:07:00Z")
    assert "devices(temp > -15) >= 2 2 to 3 of 4 >= 2 true" in lines
    assert "paris/fz-1 temp = -10 true (at 2027-01-15T08:04:00Z)" in lines
    assert "paris/fz-9 unknown (never reported)" in lines
    assert not any("paris/fz-3" in line for line in lines)


def test_a_device_shows_the_group_that_would_keep_it_quiet(plant):
    """By its name, with how many of its devices are warm."""
    for _ in reports(plant, range(4)):
        pass

    unless = next(branch for branch in asked(plant, KEYS[1]).branches if branch.role == "unless")

    assert unless.lines[0].note.startswith("site_warm(paris) pending since")
    assert unless.lines[0].note.endswith("devices(temp > -15) = 2 of 3, devices(temp > -18) = 2 of 3")


def test_an_incident_of_a_group_is_explained(plant):
    """The evidence of the devices as it was, and the group as it stands."""
    for _ in reports(plant, range(9)):
        pass
    with plant.database.read() as unit:
        raised = incidents.page(unit, incidents.Filters(), limit=10).items
        (number,) = [each.number for each in raised if each.rule == "site_warm"]
        found = explain_incident(unit, plant.rules, number, START_MS)

    (alert,) = [each for each in found.alerts if each.key == GROUP]
    (now,) = [each for each in found.now if each.instance == GROUP.instance]
    assert alert.evidence["devices"][0]["true"] == 2
    assert now.state == "firing"
    assert len(found.now) == 3, "what two freezers said is part of it"


@pytest.mark.parametrize("name", ["site=paris", "paris", "fz-2", "paris/fz-2"])
def test_a_group_has_several_names(plant, name):
    """What its alerts call it, its label's value, and any of its devices."""
    plant.temp(0, -20, "fz-2")
    plant.temp(0, -20, "meter-1")

    with plant.database.read() as unit:
        assert instance_named(unit, plant.rules.rules["site_warm"], "site_warm", name) == GROUP


@pytest.mark.parametrize(
    ("name", "site", "said"),
    [
        ("lyon", None, "has no group 'lyon'; its groups are site=paris"),
        ("meter-1", None, "has no group 'meter-1'"),
        ("paris", "lyon", "no device is in any of its groups"),
    ],
)
def test_groups_that_do_not_exist_are_not_found(plant, name, site, said):
    """Nor are those of other sites for who may not see them; a device that the rule does not match is in none."""
    plant.temp(0, -20, "fz-2")
    plant.temp(0, -20, "meter-1")

    with plant.database.read() as unit, pytest.raises(NotFound, match=said):
        instance_named(unit, plant.rules.rules["site_warm"], "site_warm", name, site)


def test_a_group_rule_that_is_off_says_so(plant):
    """Rather than that there is no such group."""
    plant.temp(0, -20)
    rules = parse_rules({"rules.yaml": RULES.replace("per: site\n", "per: site\n    mode: off\n")})[0]

    with plant.database.read() as unit:
        found = explain_instance(unit, rules, GROUP, START_MS)

    assert [word for word, _ in found.blocks] == ["off"]
