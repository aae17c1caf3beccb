"""/views: lists of incidents that people saved."""

import pytest


def test_a_view_is_saved_listed_and_deleted(client):
    """By name; what it asks for is what the list takes."""
    made = [
        client.post("/api/v1/views", {"name": name, "query": query})
        for name, query in (("paris", "site=paris&state=new&state=on_hold"), ("all", ""))
    ]
    listed = client.get("/api/v1/views").json()["items"]

    assert [each.status_code for each in made] == [201, 201]
    assert [each["name"] for each in listed] == ["all", "paris"]
    assert client.get(f"/api/v1/incidents?{listed[1]['query']}").status_code == 200
    assert client.delete(f"/api/v1/views/{listed[1]['id']}").status_code == 204
    assert [each["name"] for each in client.get("/api/v1/views").json()["items"]] == ["all"]
    assert client.delete(f"/api/v1/views/{listed[1]['id']}").status_code == 404


@pytest.mark.parametrize("query", ["colour=red", "state=sleeping", "since=yesterday", "limit=5"])
def test_a_query_that_no_list_takes_is_not_saved(client, query):
    """It is refused with what the list would say."""
    answer = client.post("/api/v1/views", {"name": "x", "query": query})

    assert (answer.status_code, query.partition("=")[0] in answer.json()["detail"]) == (422, True)


def test_views_belong_to_whoever_saved_them(client, token):
    """Another name sees none of them and deletes none; the same name twice is refused."""
    client.post("/api/v1/views", {"name": "x", "query": "state=new"})
    again = client.post("/api/v1/views", {"name": "x", "query": "state=closed"})
    view = client.get("/api/v1/views").json()["items"][0]
    client.token = token("viewer", name="somebody else")

    assert (again.status_code, view["query"]) == (409, "state=new")
    assert client.get("/api/v1/views").json()["items"] == []
    assert client.delete(f"/api/v1/views/{view['id']}").status_code == 404


def test_nobody_saves_more_views_than_anybody_reads(client):
    """Fifty, then one has to go first."""
    made = [client.post("/api/v1/views", {"name": f"v{n}", "query": ""}).status_code for n in range(51)]

    assert (made.count(201), made[-1]) == (50, 409)
