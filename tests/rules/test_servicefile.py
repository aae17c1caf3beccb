"""services.yaml says what stands behind the devices."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.errors import RuleFileError
from iotops.rules.dependency import Dependency, Node, circle, parent_of
from iotops.rules.devicefile import parse_devices
from iotops.rules.servicefile import DeclaredServices, load_services, parse_services
from iotops.telemetry.reading import DeviceKey

CASH = """\
sites:
  - {id: paris, timezone: Europe/Paris}
suppliers:
  - {id: cashco, name: CashCo}
services:
  - {id: cash, criticality: A, team: atm, runs_on: [cards, paris/atm-1], supplied_by: [cashco]}
  - id: cards
"""


def test_sections_hold_members_and_dependencies():
    """Members are text by name; runs_on tells services from devices by the slash."""
    found, findings = parse_services("services.yaml", CASH)

    assert findings == ()
    assert dict(found.sites["paris"]) == {"timezone": "Europe/Paris"}
    assert dict(found.services["cash"]) == {"criticality": "A", "team": "atm"}
    cash = Node("service", "cash")
    assert set(found.dependencies) == {
        Dependency(cash, "runs_on", Node("service", "cards")),
        Dependency(cash, "runs_on", Node("device", "paris/atm-1")),
        Dependency(cash, "supplied_by", Node("supplier", "cashco")),
    }


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("- a\n", "services-expected", 1, 1),
        ("service: []\n", "unknown-key", 1, 1),
        ("services: {id: a}\n", "list-expected", 1, 11),
        ("services:\n  - cash\n", "entry-expected", 2, 5),
        ("services:\n  - {name: Cash}\n", "bad-identity", 2, 5),
        ("services:\n  - {id: a/b}\n", "bad-identity", 2, 10),
        ("services:\n  - {id: a}\n  - {id: a}\n", "duplicate-entry", 3, 10),
        ("services:\n  - {id: a, criticality: D}\n", "bad-criticality", 2, 26),
        ("services:\n  - {id: a, colour: red}\n", "unknown-key", 2, 13),
        ("services:\n  - {id: a, name: [x]}\n", "not-text", 2, 19),
        ("services:\n  - {id: a, runs_on: b}\n", "list-expected", 2, 22),
        ("services:\n  - {id: a, runs_on: [b c]}\n", "bad-target", 2, 23),
        ("services:\n  - {id: a, supplied_by: [x/y]}\n", "bad-target", 2, 27),
        ("sites:\n  - {id: a, timezone: Europe/Pari}\n", "bad-timezone", 2, 23),
        ("services:\n  - {id: a, runs_on: [b]}\n  - {id: b, runs_on: [a]}\n", "circle", 2, 23),
    ],
)
def test_mistake_in_services_is_named_with_its_place(text, code, line, column):
    """Every mistake has a code, a line and a column."""
    _found, findings = parse_services("services.yaml", text)

    assert [(each.code, each.position.line, each.position.column) for each in findings] == [(code, line, column)]


def test_devices_behind_each_other_are_refused():
    """Parents in devices.yaml that form a circle are an error at one of the entries."""
    text = "devices:\n  - {site: p, device: a, parent: b}\n  - {site: p, device: b, gateway: a}\n"

    _found, findings = parse_devices("devices.yaml", text)

    assert [(each.code, each.position.line) for each in findings] == [("circle", 2)]


@pytest.mark.parametrize(
    ("labels", "parent"),
    [
        ({"gateway": "gw"}, "p/gw"),
        ({"gateway": "gw", "parent": "hub"}, "p/hub"),
        ({"parent": "q/hub"}, "q/hub"),
        ({"parent": "a"}, None),
        ({}, None),
    ],
)
def test_the_parent_is_what_parent_or_gateway_names(labels, parent):
    """`parent` counts before `gateway`; a device is never its own parent."""
    found = parent_of(DeviceKey("p", "a"), labels)

    assert (None if found is None else str(found)) == parent


def test_absent_services_file_declares_nothing(tmp_path):
    """services.yaml is optional."""
    assert load_services(tmp_path) == DeclaredServices()


def test_broken_services_file_is_refused_as_a_whole(tmp_path):
    """One bad entry keeps the file from being used."""
    (tmp_path / "services.yaml").write_text("services:\n  - {id: a}\n  - {id: b, criticality: high}\n")

    with pytest.raises(RuleFileError, match="bad-criticality"):
        load_services(tmp_path)


NODES = st.integers(0, 6).map(lambda number: Node("service", str(number)))


@given(st.lists(st.tuples(NODES, NODES), max_size=20))
def test_a_circle_is_found_exactly_where_there_is_one(edges):
    """What is found walks along edges back to its start; where nothing is, taking leaves away ends at nothing."""
    found = circle(edges)

    if found:
        assert found[0] == found[-1]
        assert all(step in edges for step in pairwise(found))
    left = set(edges)
    while leafless := {edge for edge in left if edge[1] in {source for source, _ in left}}:
        if leafless == left:
            break
        left = leafless
    assert bool(leafless) == bool(found)
