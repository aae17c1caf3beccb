"""/sla-policies, /calendars, and the clocks on incidents."""

import pytest

from iotops.clock import now_ms
from iotops.store import sla


def test_an_incident_shows_its_clocks_from_the_first_moment(client, database):
    """Before and after the scheduler took it in, in lists, alone, and in the answer to an action."""
    made = client.post("/api/v1/sla-policies", {"id": "default", "respond_minutes": {"P4": 15}, "pause_on": ["parts"]})
    raised = client.post("/api/v1/incidents", {"title": "it leaks"}).json()
    with database.begin() as unit:
        sla.catch_up(unit, now_ms(), near=0.8)
    shown = client.get(f"/api/v1/incidents/{raised['number']}").json()
    (listed,) = client.get("/api/v1/incidents").json()["items"]
    seen = client.post(f"/api/v1/incidents/{raised['number']}/acknowledge").json()["sla"]["respond"]

    assert made.status_code == 201
    clock = raised["sla"]["respond"]
    assert (clock["policy"], clock["state"], clock["target_minutes"]) == ("default", "running", 15)
    assert clock["started_at"] == raised["raised_at"]
    assert shown["sla"]["respond"]["due_at"] == listed["sla"]["respond"]["due_at"] == clock["due_at"]
    assert (seen["state"], seen["stopped_at"] is None, seen["breached_at"]) == ("stopped", False, None)
    assert set(raised["sla"]) == {"respond"}


def test_nothing_promised_is_null(client):
    """Without a policy an incident has no clocks."""
    assert client.post("/api/v1/incidents", {"title": "it leaks"}).json()["sla"] is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("sla-policies", {"id": "a", "respond_minutes": {"P9": 5}}),
        ("sla-policies", {"id": "a", "respond_minutes": {"P1": 0}}),
        ("sla-policies", {"id": "a", "respond_minutes": {"P1": "5"}}),
        ("sla-policies", {"id": "a", "respond_minutes": {}}),
        ("sla-policies", {"id": "a", "near": 0.5}),
        ("calendars", {"id": "a", "hours": {"mon": "9-5"}}),
        ("calendars", {"id": "a", "timezone": "Europe/Nowhere"}),
        ("calendars", {"id": "a", "holidays": "Atlantis"}),
        ("calendars", {"id": "a", "closed": ["soon"]}),
    ],
)
def test_what_cannot_be_promised_is_refused(client, kind, body):
    """422 with the place, as for every body."""
    answer = client.post(f"/api/v1/{kind}", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_policies_and_calendars_are_changed_member_by_member(client):
    """PATCH with If-Match, null takes a member out, DELETE removes."""
    for kind, member, first, second in (
        ("sla-policies", "resolve_minutes", {"P1": 60}, {"P1": 30, "P2": 90}),
        ("calendars", "hours", {"mon-fri": "08:00-17:00"}, {"sun": "10:00-11:00"}),
    ):
        made = client.post(f"/api/v1/{kind}", {"id": "x", member: first, "name": "X"})
        path = made.headers["location"]
        changed = client.patch(path, {member: second, "name": None}, headers={"If-Match": made.headers["etag"]})

        assert (made.json()[member], changed.json()[member], changed.json()["name"]) == (first, second, None)
        assert client.get(f"/api/v1/{kind}").json()["items"] == [changed.json()]
        assert client.delete(path).status_code == 204


def test_what_is_named_is_there_and_stays_there(client):
    """A promise that pointed nowhere would be none: neither can such a name be said, nor what is named be removed."""
    dangling = [
        client.post("/api/v1/services", {"id": "s", "sla_policy": "gold"}),
        client.post("/api/v1/sla-policies", {"id": "gold", "calendar": "office"}),
    ]
    for kind, said in (("calendars", {}), ("sla-policies", {"calendar": "office"}), ("services", {})):
        made = client.post(f"/api/v1/{kind}", {"id": "office" if kind == "calendars" else "gold", **said})
    changes = {"headers": {"If-Match": made.headers["etag"]}}
    dangling.append(client.patch("/api/v1/services/gold", {"sla_policy": "silver"}, **changes))
    named = client.patch("/api/v1/services/gold", {"sla_policy": "gold"}, **changes)
    in_use = [client.delete(f"/api/v1/{path}") for path in ("calendars/office", "sla-policies/gold")]

    assert [each.status_code for each in dangling] == [409, 409, 409]
    assert named.status_code == 200
    assert [(each.status_code, each.json()["detail"]) for each in in_use] == [
        (409, "'office' is the calendar of sla-policies gold; change those first"),
        (409, "'gold' is the sla_policy of services gold; change those first"),
    ]
