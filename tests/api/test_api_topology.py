"""/sites, /services, /suppliers and /dependencies."""

import pytest

KINDS = ("sites", "services", "suppliers")


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_is_made_changed_and_removed(client, token, kind):
    """POST, GET, PATCH with If-Match, DELETE; the ETag follows every change."""
    client.token = token("author")

    made = client.post(f"/api/v1/{kind}", {"id": "north", "name": "North"})
    path = made.headers["location"]
    stale = client.patch(path, {"name": "N"}, headers={"If-Match": '"0"'})
    changed = client.patch(path, {"name": None}, headers={"If-Match": made.headers["etag"]})
    shown = client.get(path)
    gone = client.delete(path, headers={"If-Match": shown.headers["etag"]})

    assert (made.status_code, made.json()["name"], made.json()["sources"]) == (201, "North", {"name": "api"})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (changed.status_code, changed.json()["name"], shown.json()) == (200, None, changed.json())
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("services", {"id": "a b"}, 422, "validation_failed"),
        ("services", {"id": "a", "criticality": "D"}, 422, "validation_failed"),
        ("services", {"id": "a", "colour": "red"}, 422, "validation_failed"),
        ("services", {"id": "a", "name": ""}, 422, "validation_failed"),
        ("services", {"id": "there"}, 409, "conflict"),
        ("sites", {"id": "a", "timezone": "Europe/Nowhere"}, 422, "validation_failed"),
        ("sites", {"id": "a", "timezone": "../../etc/passwd"}, 422, "validation_failed"),
        ("dependencies", {"from": "service:a", "kind": "runs_on", "to": "paris"}, 422, "validation_failed"),
        ("dependencies", {"from": "service:a", "kind": "runs_on", "to": "service:a"}, 409, "conflict"),
        ("dependencies", {"from": "supplier:a", "kind": "runs_on", "to": "service:a"}, 422, "validation_failed"),
    ],
)
def test_what_cannot_be_declared_is_refused(client, kind, body, status, code):
    """Ids, members and values that are none, ids that are taken, edges that make no sense."""
    client.post("/api/v1/services", {"id": "there"})

    answer = client.post(f"/api/v1/{kind}", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("kind", KINDS)
def test_entries_are_listed_page_by_page(client, kind):
    """By id, with filters by id and by part of the name."""
    for name in "cab":
        client.post(f"/api/v1/{kind}", {"id": name, "name": f"the {name}"})

    first = client.get(f"/api/v1/{kind}?limit=2").json()
    second = client.get(f"/api/v1/{kind}", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    found = client.get(f"/api/v1/{kind}?q=THE b").json()["items"]

    assert [entry["id"] for entry in (*first["items"], *second["items"])] == ["a", "b", "c"]
    assert second["next_cursor"] is None
    assert [entry["id"] for entry in found] == ["b"]
    assert [each["id"] for each in client.get(f"/api/v1/{kind}?id=a&id=c").json()["items"]] == ["a", "c"]


def test_dependencies_are_added_walked_and_removed(client):
    """Each end is named with its kind; `node` lists what hangs on one; a circle names the way round."""
    pairs = [("service:a", "service:b"), ("service:b", "device:paris/x"), ("service:b", "service:c")]
    for source, target in pairs:
        assert client.post("/api/v1/dependencies", {"from": source, "kind": "runs_on", "to": target}).status_code == 201

    page = client.get("/api/v1/dependencies?limit=2").json()
    rest = client.get("/api/v1/dependencies", params={"cursor": page["next_cursor"]}).json()["items"]
    of_x = client.get("/api/v1/dependencies?node=device:paris/x").json()["items"]
    round_trip = client.post("/api/v1/dependencies", {"from": "service:c", "kind": "runs_on", "to": "service:a"})
    gone = [client.delete("/api/v1/dependencies?from=service:a&kind=runs_on&to=service:b").status_code for _ in "12"]

    assert sorted((each["from"], each["to"]) for each in (*page["items"], *rest)) == sorted(pairs)
    assert [(each["from"], each["sources"]) for each in of_x] == [("service:b", ["api"])]
    assert (round_trip.status_code, "service a" in round_trip.json()["detail"]) == (409, True)
    assert gone == [204, 404]


def test_a_token_of_one_site_changes_nothing_for_all(client, token):
    """It reads services, sees its own site only, and dependencies without other sites' devices."""
    for name in ("lyon", "paris"):
        client.post("/api/v1/sites", {"id": name})
        edge = {"from": f"device:{name}/a", "kind": "supplied_by", "to": "supplier:acme"}
        assert client.post("/api/v1/dependencies", edge).status_code == 201
    client.token = token("author", site="lyon")

    refused = [
        client.post("/api/v1/services", {"id": "new"}),
        client.patch("/api/v1/sites/lyon", {}, headers={"If-Match": "*"}),
        client.delete("/api/v1/dependencies?from=device:lyon/a&kind=supplied_by&to=supplier:acme"),
    ]

    assert {answer.status_code for answer in refused} == {403}
    assert [site["id"] for site in client.get("/api/v1/sites").json()["items"]] == ["lyon"]
    assert client.get("/api/v1/sites/paris").status_code == 404
    assert [each["from"] for each in client.get("/api/v1/dependencies").json()["items"]] == ["device:lyon/a"]


def test_an_operator_reads_and_does_not_declare(client, token):
    """What stands behind the devices is the authors' to say."""
    client.token = token("operator")

    assert client.get("/api/v1/services").status_code == 200
    assert client.post("/api/v1/services", {"id": "a"}).status_code == 403
