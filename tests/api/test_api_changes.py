"""/changes, /incidents/{number}/suspects and /cause."""

import pytest

REPORT = {"kind": "config", "title": "new set point", "target": {"site": "paris", "device": "fz-1"}}


def test_a_change_is_reported_ended_and_listed(client, token):
    """POST, GET, PATCH with If-Match; an end makes it done; lists filter and page."""
    client.token = token("operator", name="pipeline")

    made = client.post("/api/v1/changes", REPORT)
    path = made.headers["location"]
    bare = client.patch(path, {"state": "done"})
    ended = client.patch(path, {"ended_at": "2100-01-01T00:00:00Z"}, headers={"If-Match": made.headers["etag"]})
    stale = client.patch(path, {"state": "done"}, headers={"If-Match": made.headers["etag"]})
    client.post("/api/v1/changes", {**REPORT, "target": {"supplier": "acme"}})
    first = client.get("/api/v1/changes?limit=1").json()
    second = client.get("/api/v1/changes", params={"limit": 1, "cursor": first["next_cursor"]}).json()

    assert (made.status_code, made.json()["state"], made.json()["source"]) == (201, "in_progress", "pipeline")
    assert (bare.status_code, stale.status_code) == (428, 412)
    assert (ended.status_code, ended.json()["state"], client.get(path).json()) == (200, "done", ended.json())
    assert [each["number"] for each in (*first["items"], *second["items"])] == ["CHG-000002", "CHG-000001"]
    assert [each["number"] for each in client.get("/api/v1/changes?supplier=acme").json()["items"]] == ["CHG-000002"]


@pytest.mark.parametrize(
    "body",
    [
        {**REPORT, "kind": "magic"},
        {**REPORT, "target": {}},
        {**REPORT, "target": {"device": "fz-1"}},
        {**REPORT, "title": ""},
        {**REPORT, "colour": "red"},
        {**REPORT, "started_at": "2026-01-02T00:00:00Z", "ended_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_is_no_change_is_refused(client, body):
    """Unknown kinds and members, changes of nothing, ends before the start."""
    answer = client.post("/api/v1/changes", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_a_suspect_is_named_and_marked_as_the_cause(client, machine):
    """The change on the device comes first, with reasons; marking it writes the cause and the timeline."""
    before = {"started_at": "2025-12-31T23:50:00Z", "ended_at": "2025-12-31T23:55:00Z"}
    client.post("/api/v1/changes", {**REPORT, **before, "title": "paint", "target": {"site": "paris"}})
    client.post("/api/v1/changes", {**REPORT, **before})
    machine.fires()

    found = client.get("/api/v1/incidents/1/suspects").json()["items"]
    marked = client.post("/api/v1/incidents/1/cause", {"change": found[0]["change"]["number"], "note": "seen"})
    entry = client.get("/api/v1/incidents/1/timeline").json()["items"][-1]

    assert [each["change"]["title"] for each in found] == ["new set point", "paint"]
    assert found[0]["score"] > found[1]["score"] > 0
    assert found[0]["reasons"] == ["it was made on paris/fz-1 itself", "5m before it began"]
    assert (marked.status_code, marked.json()["cause"]) == (200, "CHG-000002: new set point")
    assert (entry["type"], entry["data"]["change"]) == ("cause_marked", "CHG-000002")
    assert client.post("/api/v1/incidents/1/cause", {"change": "CHG-9"}).status_code == 404


def test_a_token_of_one_site_reports_and_sees_its_own(client, token):
    """Another site's changes do not exist for it; those of no site in particular do, to read."""
    client.post("/api/v1/changes", REPORT)
    client.post("/api/v1/changes", {**REPORT, "target": {"supplier": "acme"}})
    client.token = token("operator", site="lyon")

    assert client.post("/api/v1/changes", REPORT).status_code == 403
    assert client.get("/api/v1/changes/CHG-000001").status_code == 404
    assert client.patch("/api/v1/changes/CHG-000002", {}, headers={"If-Match": "*"}).status_code == 403
    assert [each["number"] for each in client.get("/api/v1/changes").json()["items"]] == ["CHG-000002"]
    assert client.post("/api/v1/changes", {**REPORT, "target": {"site": "lyon"}}).status_code == 201
