"""Merging and splitting incidents, and the alerts of an incident, through the API."""

import pytest

from iotops.incidents.deadlines import Policy
from iotops.rules.alert import Change
from iotops.store import incidents

NOW_MS = 1_767_225_600_000


def raise_two(client):
    return [client.post("/api/v1/incidents", {"title": title}).json()["number"] for title in ("first", "second")]


def test_the_number_of_a_merged_incident_leads_to_the_other(client):
    """307 with Location and the code `merged`; with redirect=false it is shown as it was left."""
    first, second = raise_two(client)

    merged = client.post(f"/api/v1/incidents/{second}/merge", {"into": first, "note": "the same"})
    there = client.get(f"/api/v1/incidents/{second}")
    itself = client.get(f"/api/v1/incidents/{second}?redirect=false").json()

    assert (merged.status_code, merged.json()["state"], merged.json()["merged_into"]) == (200, "cancelled", first)
    assert (there.status_code, there.json()["code"], there.headers["location"]) == (
        307,
        "merged",
        f"/api/v1/incidents/{first}",
    )
    assert there.headers["content-type"] == "application/problem+json"
    assert (itself["number"], itself["allowed_actions"]) == (second, ["split", "comment"])
    types = [entry["type"] for entry in client.get(f"/api/v1/incidents/{first}/timeline").json()["items"]]
    assert types == ["raised", "absorbed"]


def test_a_split_takes_a_merge_back(client):
    """The incident is open again under its own number, and cannot be split twice."""
    first, second = raise_two(client)
    client.post(f"/api/v1/incidents/{second}/merge", {"into": first})

    again = client.post(f"/api/v1/incidents/{second}/split", {"note": "another fan"})
    twice = client.post(f"/api/v1/incidents/{second}/split")

    assert (again.status_code, again.json()["state"], again.json()["merged_into"]) == (200, "new", None)
    assert client.get(f"/api/v1/incidents/{second}").status_code == 200
    types = [entry["type"] for entry in client.get(f"/api/v1/incidents/{first}/timeline").json()["items"]]
    assert types == ["raised", "absorbed", "given_back"]
    assert (twice.status_code, "split" in twice.json()["allowed_actions"]) == (409, False)


@pytest.mark.parametrize(
    ("into", "status", "code"), [("INC-2", 409, "conflict"), ("INC-99", 404, "not_found"), ("INC-1", 409, "conflict")]
)
def test_a_merge_needs_another_open_incident(client, into, status, code):
    """Not into itself, not into one that is not there, not into one that is over."""
    first, second = raise_two(client)
    client.post(f"/api/v1/incidents/{first}/resolve")

    answer = client.post(f"/api/v1/incidents/{second}/merge", {"into": into})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_merged_alerts_keep_the_other_incident_open(client, machine):
    """Merged by hand, alerts are the other's own: it resolves with the last of them, and lists them all."""
    machine.happens(machine.alert(Change.FIRED, device="fz-1"))
    machine.happens(machine.alert(Change.FIRED, device="fz-2"))
    client.post("/api/v1/incidents/2/merge", {"into": "1"})

    machine.happens(machine.alert(Change.RESOLVED, device="fz-1"))
    between = client.get("/api/v1/incidents/1").json()
    machine.happens(machine.alert(Change.RESOLVED, device="fz-2"))

    assert (between["state"], between["alert_count"]) == ("new", 2)
    assert client.get("/api/v1/incidents/1").json()["state"] == "resolved"
    listed = client.get("/api/v1/incidents/1/alerts").json()["items"]
    assert {alert["device"] for alert in listed} == {"fz-1", "fz-2"}
    assert client.get("/api/v1/incidents/1/alerts?suppressed=true").json()["items"] == []


def test_a_split_gives_alerts_back(client, machine):
    """Each incident has the alerts of its own instance again, and resolves with them."""
    machine.happens(machine.alert(Change.FIRED, device="fz-1"))
    machine.happens(machine.alert(Change.FIRED, device="fz-2"))
    client.post("/api/v1/incidents/2/merge", {"into": "1"})
    client.post("/api/v1/incidents/2/split")

    machine.happens(machine.alert(Change.RESOLVED, device="fz-2"))

    assert client.get("/api/v1/incidents/2").json()["state"] == "resolved"
    assert client.get("/api/v1/incidents/1").json()["state"] == "new"


def test_what_was_over_when_a_merge_is_taken_back_resolves_by_itself(client, machine):
    """Neither is left open for ever by alerts that ended while they were one: the deadline comes at once."""
    machine.happens(machine.alert(Change.FIRED, device="fz-1"))
    machine.happens(machine.alert(Change.FIRED, device="fz-2"))
    client.post("/api/v1/incidents/2/merge", {"into": "1"})
    machine.happens(machine.alert(Change.RESOLVED, device="fz-1", resolved_ms=NOW_MS))
    before = client.get("/api/v1/incidents/1").json()

    client.post("/api/v1/incidents/2/split")
    with machine.database.begin() as unit:
        incidents.pass_deadlines(unit, NOW_MS + 1_000, policy=Policy())
    first, second = (client.get(f"/api/v1/incidents/{number}").json() for number in (1, 2))

    assert (before["state"], before["alert_count"]) == ("new", 2)
    assert (first["state"], first["resolution_code"], first["alert_count"]) == ("resolved", "cleared", 1)
    assert (second["state"], second["alert_count"]) == ("new", 1)
