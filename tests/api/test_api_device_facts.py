"""How devices stand, what they sent last, what is around them and what is planned: what their pages show."""

from typing import Any

import pytest

from iotops.rules.rule import Severity

NOW_MS = 1_767_225_600_000
LATER_MS = NOW_MS + 60_000


@pytest.fixture
def fleet(app, client, machine, a_reading):
    """A gateway with two freezers behind it, one of them warm, and a device elsewhere; the clock stands still."""
    object.__setattr__(app.state.context, "now_ms", lambda: LATER_MS)
    machine.reads(
        *(a_reading(name, temp=1, open=True) for name in ("gw-1", "fz-1", "fz-2")), a_reading("x", "lyon", t=2)
    )
    for name in ("fz-1", "fz-2"):
        label(client, name, {"gateway": "gw-1", "service": "cold", "supplier": "coolco"})
    machine.fires(device="fz-1", severity=Severity.CRITICAL)
    return client


def label(client: Any, device: str, labels: dict[str, str]) -> None:
    path = f"/api/v1/devices/paris/{device}"
    client.patch(path, {"labels": labels}, headers={"If-Match": "*"}).raise_for_status()


def test_a_device_says_how_it_stands_and_can_be_found_by_that(fleet, client):
    """Health, open incidents and the highest priority of them; health and service are filters, and are counted."""
    device = client.get("/api/v1/devices/paris/fz-1").json()
    listed = [each["device"] for each in client.get("/api/v1/devices?health=alert&service=cold").json()["items"]]
    counts = client.get("/api/v1/devices/counts?site=paris").json()

    assert (device["health"], device["open_incidents"], device["priority"]) == ("alert", 1, "P3")
    assert listed == ["fz-1"]
    assert counts == {"total": 3, "healths": {"alert": 1, "ok": 2}}


def test_a_page_of_devices_by_health_goes_on_where_it_ended(fleet, client):
    """What no index knows is walked with the same cursors."""
    first = client.get("/api/v1/devices?health=ok&limit=2").json()
    second = client.get("/api/v1/devices", params={"health": "ok", "limit": 2, "cursor": first["next_cursor"]}).json()

    walked = [f"{each['site']}/{each['device']}" for each in (*first["items"], *second["items"])]
    assert walked == ["lyon/x", "paris/fz-2", "paris/gw-1"]
    assert second["next_cursor"] is None


def test_maintenance_goes_before_an_alert_and_is_told_of_the_device(fleet, client):
    """Who is being worked on is not in trouble; the device's page knows why and until when."""
    body = {"kind": "maintenance", "matcher": {"labels": {"service": ["cold"]}}, "owner": "ana", "reason": "defrost"}
    client.post("/api/v1/suppressions", body).raise_for_status()
    client.post("/api/v1/suppressions", body | {"matcher": {"sites": ["lyon"]}}).raise_for_status()

    about = client.get("/api/v1/devices/paris/fz-1/suppressions").json()["items"]

    assert [(each["id"], each["reason"], each["state"]) for each in about] == [("SUP-000001", "defrost", "active")]
    assert client.get("/api/v1/devices/paris/fz-1").json()["health"] == "maintenance"
    assert client.get("/api/v1/devices/paris/gw-1/suppressions").json()["items"] == []


def test_what_did_not_speak_for_a_day_is_unknown_and_what_is_retired_is_retired(fleet, app, client):
    """Silence is never health."""
    path = "/api/v1/devices/paris/fz-2"
    client.patch(path, {"lifecycle": "retired"}, headers={"If-Match": "*"}).raise_for_status()
    object.__setattr__(app.state.context, "now_ms", lambda: NOW_MS + 2 * 86_400_000)

    assert client.get("/api/v1/devices/counts").json()["healths"] == {"alert": 1, "unknown": 2, "retired": 1}


def test_the_last_readings_come_as_they_were_stored(fleet, client, machine, a_reading):
    """Newest arrival first, with values of every kind."""
    machine.reads(a_reading(at_ms=NOW_MS + 5_000, note="<b>", temp=None))

    newest, before = client.get("/api/v1/devices/paris/fz-1/readings").json()["items"]

    assert (newest["kind"], newest["at"], newest["values"]) == (
        "telemetry",
        "2026-01-01T00:00:05Z",
        {"note": "<b>", "temp": None},
    )
    assert before["values"] == {"temp": 1, "open": True}
    assert newest["position"] > before["position"]


def test_relations_come_from_labels_and_dependencies(fleet, client):
    """Parents and children on both sides, with how they stand; services and suppliers by id."""
    dependency = {"from": "device:paris/gw-1", "kind": "supplied_by", "to": "supplier:carrier"}
    client.post("/api/v1/suppliers", {"id": "carrier"}).raise_for_status()
    client.post("/api/v1/dependencies", dependency).raise_for_status()

    of_gateway = client.get("/api/v1/devices/paris/gw-1/relations").json()
    of_freezer = client.get("/api/v1/devices/paris/fz-1/relations").json()

    assert [(each["device"], each["health"]) for each in of_gateway["children"]] == [("fz-1", "alert"), ("fz-2", "ok")]
    assert (of_gateway["children_total"], of_gateway["suppliers"]) == (2, ["carrier"])
    assert [each["device"] for each in of_freezer["parents"]] == ["gw-1"]
    assert (of_freezer["services"], of_freezer["suppliers"]) == (["cold"], ["coolco"])


def test_a_token_of_one_site_sees_nothing_of_another(fleet, client, token):
    """Neither devices nor what hangs on them, and only its own part of the map."""
    client.token = token("viewer", site="lyon")

    for path in ("readings", "relations", "suppressions"):
        assert client.get(f"/api/v1/devices/paris/fz-1/{path}").status_code == 404
    assert client.get("/api/v1/devices/counts").json()["total"] == 1
    assert client.get("/api/v1/devices/counts?site=paris").json() == {"total": 0, "healths": {}}
    assert [each["id"] for each in client.get("/api/v1/service-map").json()["nodes"]] == ["group:@lyon"]


def test_the_service_map_tells_what_needs_what_and_how_it_stands(fleet, client):
    """Services, groups, gateways and suppliers; of one site where that is asked."""
    found = client.get("/api/v1/service-map?site=paris").json()

    nodes = {each["id"]: each for each in found["nodes"]}
    assert list(nodes) == ["device:paris/gw-1", "group:cold@paris", "service:cold", "supplier:coolco"]
    assert nodes["group:cold@paris"]["devices"] == {"alert": 1, "ok": 1}
    assert {"from": "group:cold@paris", "kind": "connects_via", "to": "device:paris/gw-1"} in found["edges"]
    assert client.get("/api/v1/service-map?site=nowhere").json() == {"nodes": [], "edges": []}


def test_figures_are_told_of_some_devices_services_and_priorities(fleet, client):
    """The scope of a figure is a filter, and the list behind it has the same."""
    wanted = "kpi=volume&from=2025-12-31T00:00:00Z&to=2026-01-02T00:00:00Z"
    for scope, n in (("device=fz-1", 1), ("device=fz-2", 0), ("priority=P3&priority=P1", 1), ("service=other", 0)):
        (volume,) = client.get(f"/api/v1/kpis?{wanted}&{scope}").json()["items"]
        assert volume["value"] == n, scope
        assert len(client.get(volume["incidents"]).json()["items"]) == n, scope


def test_the_backlog_is_told_by_age(fleet, app, client):
    """Classes are named by their shortest age, and lead to their incidents."""
    object.__setattr__(app.state.context, "now_ms", lambda: NOW_MS + 5 * 3_600_000)

    (backlog,) = client.get("/api/v1/kpis?kpi=backlog&by=age").json()["items"]
    (volume,) = client.get("/api/v1/kpis?kpi=volume&by=age").json()["items"]

    (group,) = backlog["groups"]
    assert (group["key"], group["value"]) == ("4h", 1)
    assert len(client.get(group["incidents"]).json()["items"]) == 1
    assert volume["groups"] == []
