"""Sites, suppliers, services and dependencies: two layers, one truth."""

import pytest

from iotops.errors import Conflict, NotFound, StaleVersion
from iotops.rules.dependency import Dependency, Node
from iotops.rules.servicefile import DeclaredServices
from iotops.store import devices, fleet, topology
from iotops.store.fleet import Declared
from iotops.telemetry.reading import DeviceKey, Reading

NOW_MS = 1_767_225_600_000


def service(name):
    return Node("service", name)


def runs_on(source, target):
    return Dependency(service(source), "runs_on", service(target))


def test_the_api_counts_before_the_file_member_by_member(database):
    """What the API says wins; taken back, the file's word counts again; what neither says is None."""
    with database.begin() as unit:
        topology.declare(unit, DeclaredServices(services={"cash": {"criticality": "C", "team": "atm"}}), NOW_MS)
        changed = topology.change(unit, "services", "cash", {"criticality": "A", "name": "Cash"}, NOW_MS)
        back = topology.change(unit, "services", "cash", {"criticality": None}, NOW_MS)

    assert (changed.members["criticality"], changed.members["team"]) == ("A", "atm")
    assert (back.members["criticality"], back.members["name"], back.members["runbook"]) == ("C", "Cash", None)


def test_entries_go_with_the_file_unless_the_api_speaks_of_them(database):
    """Out of the file and never mentioned by the API: gone. Mentioned: stays, with the API's word alone."""
    with database.begin() as unit:
        topology.declare(unit, DeclaredServices(services={"a": {"team": "x"}, "b": {"team": "x"}}), NOW_MS)
        topology.change(unit, "services", "b", {"criticality": "B"}, NOW_MS)
        assert topology.declare(unit, DeclaredServices(), NOW_MS)
        left = topology.every(unit, "services")

    assert [(entry.id, entry.members["criticality"], entry.members["team"]) for entry in left] == [("b", "B", None)]


def test_the_same_file_again_changes_nothing(database):
    """The version stays, so that nobody reads everything again for nothing."""
    declared = DeclaredServices(sites={"paris": {}}, services={"a": {}, "b": {}}, dependencies=(runs_on("a", "b"),))
    with database.begin() as unit:
        assert topology.declare(unit, declared, NOW_MS)
        before = topology.version(unit)
        assert not topology.declare(unit, declared, NOW_MS)
        assert topology.version(unit) == before > 0


def test_a_site_is_known_with_its_first_device(database, ingest):
    """It can then be declared through the API, and does not go while devices stand there."""
    ingest.store(Reading(DeviceKey("paris", "a"), NOW_MS, NOW_MS, {"temp": 1}))

    with database.begin() as unit:
        assert topology.get(unit, "sites", "paris").members["timezone"] is None
        made = topology.create(unit, "sites", "paris", {"timezone": "Europe/Paris"}, NOW_MS)
        with pytest.raises(Conflict, match="has devices"):
            topology.delete(unit, "sites", "paris")
        topology.declare(unit, DeclaredServices(sites={"paris": {"name": "P"}}), NOW_MS)
        topology.declare(unit, DeclaredServices(), NOW_MS)
        assert topology.get(unit, "sites", "paris").members["timezone"] == "Europe/Paris"

    assert made.members["timezone"] == "Europe/Paris"


def test_what_stands_in_the_way_of_a_change_is_said(database):
    """Twice the same id, a stale version, an entry of the file, and one that is not there."""
    with database.begin() as unit:
        topology.declare(unit, DeclaredServices(suppliers={"acme": {}}), NOW_MS)
        with pytest.raises(Conflict, match="exists already"):
            topology.create(unit, "suppliers", "acme", {}, NOW_MS)
        with pytest.raises(StaleVersion, match="read it again"):
            topology.change(unit, "suppliers", "acme", {}, NOW_MS, expected=99)
        with pytest.raises(Conflict, match=r"declared in services\.yaml"):
            topology.delete(unit, "suppliers", "acme")
        with pytest.raises(NotFound):
            topology.delete(unit, "suppliers", "nobody")


def test_dependencies_of_file_and_api_add_up(database):
    """An edge exists while either declares it; the API does not remove the file's; an entry takes its own along."""
    with database.begin() as unit:
        for name in ("a", "b", "c"):
            topology.create(unit, "services", name, {}, NOW_MS)
        topology.declare(unit, DeclaredServices(dependencies=(runs_on("a", "b"),)), NOW_MS)
        topology.add(unit, runs_on("a", "b"), NOW_MS)
        topology.add(unit, runs_on("b", "c"), NOW_MS)
        with pytest.raises(Conflict, match=r"services\.yaml"):
            topology.remove(unit, runs_on("a", "b"))
        topology.declare(unit, DeclaredServices(), NOW_MS)
        assert [edge.dependency for edge in topology.edges(unit)] == [runs_on("a", "b"), runs_on("b", "c")]
        topology.remove(unit, runs_on("a", "b"))
        topology.delete(unit, "services", "c")
        assert topology.edges(unit) == []


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (runs_on("c", "a"), "circle: service"),
        (runs_on("a", "a"), "circle"),
        (runs_on("a", "b"), "known already"),
        (Dependency(service("a"), "supplied_by", service("b")), "makes no sense"),
    ],
)
def test_a_dependency_that_cannot_be_is_refused(database, new, why):
    """Circles, repetitions and edges between the wrong kinds of nodes."""
    with database.begin() as unit:
        topology.add(unit, runs_on("a", "b"), NOW_MS)
        topology.add(unit, runs_on("b", "c"), NOW_MS)

        with pytest.raises(Conflict, match=why):
            topology.add(unit, new, NOW_MS)


def test_no_device_comes_to_stand_behind_itself(database):
    """Labels and dependencies count together, whichever of the two would close the circle; the way round is named."""
    gateway, freezer, probe = (DeviceKey("paris", name) for name in ("gw", "fz", "probe"))
    via_probe = Dependency(Node("device", "paris/gw"), "connects_via", Node("device", "paris/probe"))
    labels = {freezer: Declared({"gateway": "gw"}), probe: Declared(), gateway: Declared()}
    with database.begin() as unit:
        fleet.declare(unit, labels, now_ms=NOW_MS, connected_ms=0)
        devices.patch(unit, probe, now_ms=NOW_MS, labels={"parent": "fz"})

        with pytest.raises(Conflict, match="device paris/gw -> device paris/probe -> device paris/fz"):
            topology.add(unit, via_probe, NOW_MS)
        devices.patch(unit, probe, now_ms=NOW_MS, labels={"parent": None})
        topology.add(unit, via_probe, NOW_MS)
        with pytest.raises(Conflict, match="paris/probe -> paris/fz -> paris/gw -> paris/probe"):
            devices.patch(unit, probe, now_ms=NOW_MS, labels={"parent": "fz"})
        with pytest.raises(Conflict, match="paris/gw -> paris/fz -> paris/gw"):
            devices.patch(unit, gateway, now_ms=NOW_MS, labels={"gateway": "fz"})
