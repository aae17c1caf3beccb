"""Incidents of groups: who sees them, and what is told of them."""

import pytest

from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Known, Surroundings
from iotops.incidents.outlook import Outlook
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.store import alerts, incidents
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

RULES = """
rules:
  - {alert: site_warm, per: site, when: devices(temp > 30) >= 2}
  - {alert: all_warm, per: fleet, when: devices(temp > 30) >= 3}
"""
START_MS = 1_767_225_600_000
WARM = (("paris", "a"), ("paris", "b"), ("oslo", "c"))


@pytest.fixture
def groups(database):
    """Have both rules fire, as the ingest would."""
    rules, _ = parse_rules({"rules/groups.yaml": RULES})
    memory = Memory()
    batch = Batch([Reading(DeviceKey(*key), START_MS, START_MS, {"temp": 31}) for key in WARM])
    evaluation = evaluate(compile_rules(rules), batch, memory, Now(START_MS, 0))
    around = Surroundings(rules.rules, outlook=Outlook(memory))
    with database.begin() as unit:
        changes = correlate(evaluation.transitions, Known(), around, START_MS)
        alerts.keep(unit, evaluation.alerts, evaluation.transitions, START_MS)
        incidents.keep(unit, changes, {}, Policy())


def listed(client, path):
    return sorted(
        (each["rule"], each["instance"], each["site"], each["device"]) for each in client.get(path).json()["items"]
    )


SITE = ("site_warm", "site=paris", "paris", None)


def test_a_groups_incident_has_no_device_and_the_site_that_its_devices_share(client, groups):
    """The group is its instance; the fleet's devices are of two sites, so that it has none."""
    found = listed(client, "/api/v1/incidents")

    assert found == [("all_warm", "fleet", None, None), SITE]
    assert listed(client, "/api/v1/incidents?site=paris") == [SITE]
    assert [each[:2] for each in listed(client, "/api/v1/alerts?site=paris")] == [SITE[:2]]


def test_evidence_of_a_group_names_it_and_its_devices(client, groups):
    """Its labels, and the devices that made it true with what they said."""
    (number,) = [each["number"] for each in client.get("/api/v1/incidents?rule=site_warm").json()["items"]]

    evidence = client.get(f"/api/v1/incidents/{number}/evidence").json()["evidence"]

    assert evidence["group"] == {"site": "paris"}
    assert [each["device"] for each in evidence["devices"][0]["first"]] == ["a", "b"]


def test_a_token_of_one_site_sees_its_site_and_nothing_of_the_fleet(client, groups, token):
    """What spans sites tells of other sites' devices: it does not exist for a token of one."""
    fleet = next(
        each["number"] for each in client.get("/api/v1/incidents").json()["items"] if each["instance"] == "fleet"
    )
    client.token = token("operator", site="paris")

    assert listed(client, "/api/v1/incidents") == [SITE]
    assert [each[:2] for each in listed(client, "/api/v1/alerts")] == [SITE[:2]]
    for path in (
        f"/api/v1/incidents/{fleet}",
        f"/api/v1/incidents/{fleet}/evidence",
        f"/api/v1/incidents/{fleet}/timeline",
    ):
        assert client.get(path).status_code == 404
    assert client.post(f"/api/v1/incidents/{fleet}/actions", {"action": "acknowledge"}).status_code == 404
