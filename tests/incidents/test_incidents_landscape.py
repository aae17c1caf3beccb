"""What stands behind what, which services suffer, and what a rule says about causes."""

import pytest

from iotops.incidents.causes import explanations, finds_down, finds_lost
from iotops.incidents.impact import of_devices
from iotops.incidents.landscape import Landscape, Service
from iotops.rules.alert import Alert, AlertKey, AlertState
from iotops.rules.dependency import Dependency, Node, device_node
from iotops.rules.rule import Severity
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey


def key(name):
    return DeviceKey("s", name)


def service(name):
    return Node("service", name)


@pytest.fixture
def landscape():
    """Hub, two gateways, four sensors; `tills` runs on one sensor and on `network`, which runs on the hub."""
    found = Landscape()
    found.place(key("hub"), {})
    for gateway in ("gw-1", "gw-2"):
        found.place(key(gateway), {"parent": "hub"})
        for number in "12":
            found.place(key(f"{gateway}-{number}"), {"gateway": gateway, "service": "cold"})
    found.adopt(
        [Service("cold", "C"), Service("tills", "A", "front"), Service("network", "B")],
        [
            Dependency(service("tills"), "runs_on", device_node(key("gw-1-1"))),
            Dependency(service("tills"), "runs_on", service("network")),
            Dependency(service("network"), "runs_on", device_node(key("hub"))),
            Dependency(device_node(key("gw-2-1")), "supplied_by", Node("supplier", "acme")),
            Dependency(device_node(key("gw-2-2")), "connects_via", device_node(key("gw-1"))),
        ],
    )
    return found


def test_ancestors_are_the_nearest_first_and_behind_is_everything(landscape):
    """By parent labels and by connects_via alike."""
    assert landscape.ancestors(key("gw-1-1")) == [key("gw-1"), key("hub")]
    assert landscape.ancestors(key("gw-2-2")) == [key("gw-2"), key("gw-1"), key("hub")]
    assert set(landscape.behind(key("gw-1"))) == {key("gw-1-1"), key("gw-1-2"), key("gw-2-2")}
    assert len(list(landscape.behind(key("hub")))) == 6


def test_a_device_that_moves_stands_behind_its_new_parent_only(landscape):
    """Labels change, devices retire: children follow at once."""
    landscape.place(key("gw-1-1"), {"gateway": "gw-2"})
    landscape.place(key("gw-1-2"), {"gateway": "gw-1"}, retired=True)

    assert landscape.children(key("gw-1")) == [key("gw-2-2")]
    assert key("gw-1-1") in landscape.children(key("gw-2"))


def test_parents_in_a_circle_end_a_walk_and_nothing_else(landscape):
    """A status payload may name parents in a circle; nobody hangs in it."""
    landscape.place(key("hub"), {"parent": "gw-1"})

    assert set(landscape.ancestors(key("gw-1-1"))) == {key("gw-1"), key("hub")}
    assert key("gw-1") not in set(landscape.behind(key("gw-1")))


def test_services_suffer_through_services(landscape):
    """The hub carries the network, and so the tills; a sensor its own service and the tills that run on it."""
    assert landscape.affected_services([key("hub")]).keys() == {"network", "tills"}
    assert landscape.affected_services([key("gw-1-1")]).keys() == {"cold", "tills"}
    assert landscape.devices_of("tills") == {key("gw-1-1"), key("hub")}
    assert (landscape.supplier_of(key("gw-2-1")), landscape.service_of(key("hub"))) == ("acme", "network")


@pytest.mark.parametrize(
    ("failing", "impact", "because"),
    [
        (["gw-1-2"], 3, "criticality of service cold is C"),
        (["gw-1-2", "gw-2-1"], 2, "2 of its 4 devices are affected"),
        (["hub"], 1, "criticality of service tills is A"),
    ],
)
def test_impact_is_the_worst_services_and_grows_with_its_share(landscape, failing, impact, because):
    """Half of the devices of a service make one step; the reason says which service, and how many."""
    devices = [key(name) for name in failing]

    found = of_devices(landscape, devices, devices, None, threshold=0.5)

    assert (found.value, because in found.reason["because"]) == (impact, True)


@pytest.mark.parametrize(
    ("condition", "down", "lost"),
    [
        ("not online", True, True),
        ("age() >= 3 * every", True, True),
        ("5m < age()", True, True),
        ("age(temp) > 10m and age() < 5m", False, True),
        ("online and temp > 5", False, False),
        ("temp > 5", False, False),
        ("age() < 1m", False, False),
    ],
)
def test_a_rule_finds_a_device_down_or_a_metric_lost(condition, down, lost):
    """Only what fires because nothing is heard is a matter of what stands before the device."""
    rules, findings = parse_rules({"r.yaml": f"rules:\n  - alert: a\n    when: {condition}\n"})

    assert [each for each in findings if each.level == "error"] == []
    assert (finds_down(rules.rules["a"]), finds_lost(rules.rules["a"])) == (down, lost)


def test_explanations_are_the_instances_that_unless_asks_for():
    """On the device itself, and on the one that a label names."""
    text = "rules:\n  - {alert: down, when: not online}\n  - alert: a\n    when: age() > 5m\n"
    rules, _ = parse_rules({"r.yaml": text + "    unless: firing(down) or firing(down, gateway)\n"})
    alert = Alert("e", AlertKey("a", "s/x"), "v", "h", "s", key("x"), AlertState.FIRING, Severity.INFO, 0)

    found = list(explanations(alert, {key("x"): {"gateway": "gw"}}, rules.rules))

    assert found == [(AlertKey("down", "s/x"), key("x")), (AlertKey("down", "s/gw"), key("gw"))]


GROUP_CAUSES = """
rules:
  - {alert: site_down, per: site, when: share(online) < 0.5}
  - {alert: hall_down, per: [site, hall], when: share(online) < 0.5}
  - {alert: all_down, per: fleet, when: share(online) < 0.1}
  - {alert: down, when: not online}
  - {alert: a, when: not online, unless: "firing(site_down) or firing(hall_down) or firing(all_down)"}
  - {alert: behind, when: not online, unless: "firing(hall_down, gateway)"}
  - {alert: g, per: [site, hall], when: devices(not online) >= 2, unless: "firing(site_down) or firing(down, hall)"}
"""


@pytest.mark.parametrize(
    ("rule", "instance", "expected"),
    [
        ("a", "s/x", [("site_down", "site=s"), ("hall_down", "site=s,hall=1\\,2"), ("all_down", "fleet")]),
        ("a", "s/nowhere", [("site_down", "site=s"), ("all_down", "fleet")]),
        ("behind", "s/x", [("hall_down", "site=s,hall=h\\=3")]),
        ("behind", "s/nowhere", []),
        ("g", "site=s,hall=gw", [("site_down", "site=s"), ("down", "s/gw")]),
    ],
)
def test_groups_explain_and_are_explained(rule, instance, expected):
    """A cause per group is that of the labels of the device, of the one that a label names, or of the group."""
    rules, findings = parse_rules({"r.yaml": GROUP_CAUSES})
    assert [each for each in findings if each.level == "error"] == []
    device = None if "=" in instance else key(instance.removeprefix("s/"))
    alert = Alert("e", AlertKey(rule, instance), "v", "h", "s", device, AlertState.FIRING, Severity.INFO, 0)
    labels = {key("x"): {"gateway": "gw", "hall": "1,2"}, key("gw"): {"hall": "h=3"}}

    found = list(explanations(alert, labels, rules.rules))

    assert [each.key for each in found] == expected
