"""The service map: which nodes there are, what they need, and how they stand."""

import pytest

from iotops.incidents.service_map import Declared, MappedDevice, service_map
from iotops.rules.dependency import Dependency, Node
from iotops.telemetry.reading import DeviceKey

CASH = Node("service", "cash")
TILLS = Node("group", "cash@paris")
GATEWAY = Node("device", "paris/gw-1")
CARRIER = Node("supplier", "carrier")


def till(number, health="ok", **labels):
    key = DeviceKey("paris", f"till-{number}")
    return MappedDevice(key, {"service": "cash", "gateway": "gw-1", **labels}, health)


def gateway(health="ok"):
    return MappedDevice(DeviceKey("paris", "gw-1"), {"supplier": "carrier"}, health, "Gateway 1")


NOTHING = Declared({}, {}, [])


def test_devices_of_a_service_at_a_site_are_one_node_behind_their_gateway():
    """Service, group, gateway and supplier, each needing the next; what only labels name is there, too."""
    found = service_map(NOTHING, [till(1), till(2, "alert"), gateway()], {})

    by_node = {place.node: place for place in found.places}
    assert set(by_node) == {CASH, TILLS, GATEWAY, CARRIER}
    assert by_node[TILLS].devices == {"ok": 1, "alert": 1}
    assert by_node[GATEWAY].name == "Gateway 1"
    assert found.edges == [
        Dependency(GATEWAY, "supplied_by", CARRIER),
        Dependency(TILLS, "connects_via", GATEWAY),
        Dependency(CASH, "runs_on", TILLS),
    ]


@pytest.mark.parametrize(
    ("devices", "incidents", "service", "group"),
    [
        ([till(1), till(2)], {}, "ok", "ok"),
        ([till(1), till(2), till(3, "alert")], {}, "ok", "degraded"),
        ([till(1, "alert"), till(2, "alert"), till(3)], {}, "degraded", "alert"),
        ([till(1, "unknown"), till(2)], {}, "ok", "degraded"),
        ([till(1, "maintenance")], {}, "ok", "maintenance"),
        ([till(1), gateway("unknown")], {}, "degraded", "degraded"),
        ([till(1)], {CASH: {"P1": 1}}, "alert", "ok"),
        ([till(1)], {CASH: {"P4": 1}}, "degraded", "ok"),
    ],
)
def test_a_node_stands_as_itself_and_as_what_it_needs(devices, incidents, service, group):
    """Its own trouble comes first; what lies below makes it degraded, over whatever way."""
    found = {place.node: place.health for place in service_map(NOTHING, devices, incidents).places}

    assert (found[CASH], found[TILLS]) == (service, group)


def test_what_is_declared_is_there_without_devices_and_retired_ones_are_not():
    """Names and criticality come from the declaration; a dependency on a device that is gone is left out."""
    declared = Declared(
        {"cash": ("Cash desk", "A"), "net": (None, None)},
        {"carrier": "The carrier"},
        [Dependency(CASH, "runs_on", Node("service", "net")), Dependency(CASH, "runs_on", GATEWAY)],
    )

    found = service_map(declared, [gateway("retired"), till(1, "retired")], {})

    assert [(place.node.id, place.name, place.criticality) for place in found.places] == [
        ("cash", "Cash desk", "A"),
        ("net", None, None),
        ("carrier", "The carrier", None),
    ]
    assert found.edges == [Dependency(CASH, "runs_on", Node("service", "net"))]


def test_devices_that_name_each_other_as_gateways_do_not_loop():
    """Status payloads may name parents in a circle."""
    circle = [
        MappedDevice(DeviceKey("s", name), {"gateway": other}, "alert") for name, other in (("a", "b"), ("b", "a"))
    ]

    assert {place.health for place in service_map(NOTHING, circle, {}).places} == {"alert"}
