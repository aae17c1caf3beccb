"""/services/{service_id}/status: for viewers, and where the service is public for everybody."""

import json

import pytest

from iotops.api.open_reads import BURST, EVERY_MS, KEPT_MS, Allowance, Kept
from iotops.clock import now_ms
from iotops.store import standing

PATH = "/api/v1/services/freezers/status"


@pytest.fixture
def service(client, machine, a_reading):
    """Declare a service with one device, and return how to look at it."""

    def make(**members):
        machine.reads(a_reading(at_ms=now_ms(), temp=-20.0))
        assert client.post("/api/v1/services", {"id": "freezers", **members}).status_code == 201
        edge = {"from": "service:freezers", "kind": "runs_on", "to": "device:paris/fz-1"}
        assert client.post("/api/v1/dependencies", edge).status_code == 201
        return lambda: standing.follow(machine.database, now_ms(), silent_ms=900_000, threshold=0.5)

    return make


def test_a_viewer_sees_state_reason_incidents_and_ninety_days(client, machine, token, service):
    """A warning makes it degraded; the public note is there, and the title, which names the device, is not."""
    look = service(name="Freezers")
    machine.fires()
    client.post("/api/v1/incidents/1/comments", {"text": "door of fz-1 sticks", "visibility": "internal"})
    client.post("/api/v1/incidents/1/comments", {"text": "A technician is on the way", "visibility": "public"})
    look()
    client.token = token("viewer")

    found = client.get(PATH)
    status = found.json()

    assert (status["state"], status["name"], status["public"], status["devices"]) == ("degraded", "Freezers", False, 1)
    (incident,) = status["open_incidents"]
    assert (incident["number"], [note["text"] for note in incident["notes"]]) == (
        "INC-000001",
        ["A technician is on the way"],
    )
    assert len(status["days"]) == 90
    assert status["days"][-1]["state"] == "degraded"
    for secret in ("fz-1", "paris", "freezer_warm", "sticks", "the admin", "temp"):
        assert secret not in found.text, secret


def test_the_answer_is_repeated_only_where_something_else_is_said(client, service):
    """304 while it stands as it did, another ETag when it stands otherwise; looking again alone is no change."""
    look = service()
    look()
    first = client.get(PATH)
    look()

    same = client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    client.patch("/api/v1/services/freezers", {"name": "F"}, headers={"If-Match": "*"})
    other = client.get(PATH, headers={"If-None-Match": first.headers["etag"]})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert first.headers["cache-control"] == "private, no-cache"
    assert (other.status_code, other.json()["name"]) == (200, "F")


def test_everybody_sees_a_public_service_and_nobody_learns_of_others(client, service):
    """Without a token: the public one, cacheable; a private one and one that does not exist look the same."""
    look = service(public=True)
    look()
    client.post("/api/v1/services", {"id": "secret"})
    client.token = None

    found = client.get(PATH)
    hidden, missing = (client.get(f"/api/v1/services/{name}/status") for name in ("secret", "missing"))
    with_old_token = client.get(PATH, headers={"Authorization": "Bearer iot_old_one"})
    wrong = client.get(PATH + "?colour=red")

    assert (found.status_code, found.json()["state"], found.json()["public"]) == (200, "operational", True)
    assert found.headers["cache-control"] == f"public, max-age={KEPT_MS // 1000}"
    assert found.headers["vary"] == "Authorization, Cookie"
    assert (hidden.status_code, hidden.json()["code"]) == (401, "unauthenticated")
    assert {**hidden.json(), "instance": ""} == {**missing.json(), "instance": ""}
    assert with_old_token.status_code == 200
    assert (wrong.status_code, wrong.json()["code"]) == (400, "unknown_parameter")
    assert client.get("/api/v1/services").status_code == 401


def test_who_asks_too_often_without_a_token_waits(client, service):
    """429 with Retry-After after a burst; a token is not counted."""
    service(public=True)()
    mine, client.token = client.token, None
    codes = [client.get(PATH).status_code for _ in range(BURST)]
    more = (client.get(PATH) for _ in range(10 * BURST))  # a slow machine earns a few meanwhile
    refused = next(each for each in more if each.status_code != 200)
    client.token = mine

    assert codes == [200] * BURST
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) >= 1
    assert client.get(PATH).status_code == 200


def test_an_allowance_comes_back_with_time_and_is_each_addresss_own():
    """One more every half second; another address is not held up."""
    clock = [0]
    allowance = Allowance(lambda: clock[0])
    spent = [allowance.wait_ms("a") for _ in range(BURST)]
    over, other = allowance.wait_ms("a"), allowance.wait_ms("b")
    clock[0] += EVERY_MS

    assert (set(spent), over, other) == ({0}, EVERY_MS, 0)
    assert (allowance.wait_ms("a"), allowance.wait_ms("a")) == (0, EVERY_MS)


def test_kept_answers_are_computed_once_in_their_time():
    """However many ask, one computes; later again."""
    clock, made = [0], []
    kept = Kept[int](lambda: clock[0])

    def ask():
        return kept.get("a", lambda: made.append(1) or len(made))

    assert [ask(), ask()] == [1, 1]
    clock[0] += KEPT_MS
    assert ask() == 2


def test_a_suppliers_promise_is_told_on_its_incident(client, machine, service):
    """Whose truck does not come has its own clock, and the page says by when."""
    look = service(public=True)
    client.post("/api/v1/sla-policies", {"id": "trucks", "resolve_minutes": {"P4": 60}})
    client.post("/api/v1/suppliers", {"id": "coldco", "name": "ColdCo", "contact": "+33 1", "sla_policy": "trucks"})
    client.patch("/api/v1/devices/paris/fz-1", {"labels": {"supplier": "coldco"}}, headers={"If-Match": "*"})
    machine.fires()
    with machine.database.begin() as unit:
        unit.connection.exec_driver_sql("UPDATE incident SET supplier = 'coldco'")
    look()

    found = client.get(PATH)

    (supplier,) = found.json()["suppliers"]
    assert (supplier["id"], supplier["name"], supplier["incident"]) == ("coldco", "ColdCo", "INC-000001")
    assert supplier["state"] in ("running", "late")
    assert supplier["due_at"] is not None
    assert "+33" not in json.dumps(found.json())
