"""Fleet files: what is wrong is said with file, line, what was found and what was expected."""

import pytest

from simulators.fleetfile import SHIPPED, FleetError, find_fleet, load_fleet
from simulators.population import populate

GROUPS = "groups:\n  - {name: gw, type: gateway, connection: own}\n  - {name: fz, type: freezer, gateway: gw-01}\n"
HEAD = 'fleet: f\nsites: {name: "s-{n}"}\n'


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yaml")), ids=lambda file: file.stem)
def test_shipped_fleet_loads(file):
    """Every fleet that ships is valid, and has devices."""
    assert len(populate(load_fleet(file))) > 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.yaml:1: the file: Input should be a valid dictionary"),
        ("a: [", "not YAML"),
        (HEAD + GROUPS + "colour: red\n", "f.yaml:6: colour: Extra inputs are not permitted, found 'red'"),
        (HEAD.replace("s-{n}", "shop") + GROUPS, "f.yaml:2: sites.0.name: String should match pattern"),
        (
            HEAD + GROUPS.replace("freezer", "fridge"),
            "f.yaml:5: groups.1.type: no physics for 'fridge'; there are atm, cash_feed, comp",
        ),
        (
            HEAD + GROUPS.replace("freezer,", "freezer, every: fast,"),
            "f.yaml:5: groups.1.every: 'fast' is not a duration",
        ),
        (
            HEAD + GROUPS.replace("freezer,", "freezer, physics: {colour: 1},"),
            "physics of freezer has no colour; it has",
        ),
        (
            HEAD + GROUPS.replace(", gateway: gw-01", ""),
            "f.yaml:5: groups.1: expected gateway: NAME, or connection: own",
        ),
        (
            HEAD + GROUPS.replace("gw-01", "gw-09"),
            "f.yaml:5: groups.1.gateway: 'gw-09' is no device with connection: own",
        ),
        (HEAD.replace('"s-{n}"', '"s-{n}", groups: [gw, xx]') + GROUPS, "f.yaml:2: sites.0.groups: no group 'xx'"),
    ],
)
def test_broken_fleet_says_what_is_wrong_and_where(tmp_path, text, expected):
    """Each mistake is named at its line, with what was expected."""
    file = tmp_path / "f.yaml"
    file.write_text(text)

    with pytest.raises(FleetError) as caught:
        load_fleet(file)

    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("{kind: gremlin, device: fz-01, at: 1h}", "no fault 'gremlin'; there are clock_skew"),
        ("{kind: offline, device: fz-01}", "expected exactly one of at (once) and rate (at random)"),
        ("{kind: offline, device: fz-01, at: 1h, rate: 1/d}", "expected exactly one of at (once) and rate (at random)"),
        ("{kind: offline, device: fz-01, rate: often}", "'often' is not a rate; write a number per h, d or w"),
        ("{kind: stuck, device: fz-01, at: 1h}", "a stuck needs metric"),
        ("{kind: offline, device: fz-01, at: 1h, metric: temp}", "a offline has no metric"),
        ("{kind: spike, device: fz-01, at: 1h, metric: temp}", "a spike needs amount: units added"),
        ("{kind: stuck, device: fz-01, at: 1h, metric: temp, amount: 3}", "a stuck has no amount"),
        ("{kind: stuck, device: fz-01, at: 1h, metric: rpm}", "faults.0.metric: a freezer has no metric 'rpm'"),
        (
            "{kind: leak, device: fz-01, amount: 3, at: 1h}",
            "faults.0.kind: a freezer has no leak; its physics knows door",
        ),
        ("{kind: offline, device: fz-99, at: 1h}", "faults.0.device: 'fz-99' matches no device; there are fz-01"),
        ("{kind: offline, device: fz-01, at: 1h, for: -1m}", "faults.0.for: Input should be greater than 0"),
        ("{kind: offline, device: fz-01, at: 1h, expect: {a: soon}}", "faults.0.expect.a: 'soon' is not a duration"),
    ],
)
def test_broken_fault_says_what_is_wrong(tmp_path, fault, expected):
    """A fault that cannot happen to any of its devices is refused when the file is read."""
    file = tmp_path / "f.yaml"
    file.write_text(HEAD + GROUPS + f"faults:\n  - {fault}\n")

    with pytest.raises(FleetError) as caught:
        load_fleet(file)

    assert f"{file}:7: " in str(caught.value)
    assert expected in str(caught.value)


def test_unknown_name_lists_what_ships():
    """Who mistypes a fleet's name is told the names."""
    with pytest.raises(FleetError, match="write a path or one of atm, demo, plant, store"):
        find_fleet("stroe")


@pytest.mark.parametrize("count", [1, 5, 18, 19, 400, 10_000])
def test_fleet_has_exactly_as_many_devices_as_asked_for(count):
    """However many devices are asked for, there are that many, all different, each with a gateway that exists."""
    members = populate(load_fleet(SHIPPED / "store.yaml"), count)

    keys = {member.key for member in members}

    assert len(keys) == count
    assert all(member.gateway in keys for member in members if member.gateway is not None)


def test_small_site_has_some_of_everything():
    """A site cut short keeps its gateway, and freezers and tills in proportion."""
    members = populate(load_fleet(SHIPPED / "store.yaml"), 5)

    assert [member.group.type for member in members].count("gateway") == 1
    assert {member.group.type for member in members} == {"gateway", "freezer", "pos"}
