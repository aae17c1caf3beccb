"""/incidents/counts: how many there are, for whoever only wants to know whether to look."""

from iotops.clock import now_ms
from iotops.store import sla


def counts(client, query=""):
    return client.get(f"/api/v1/incidents/counts{query}").json()


def test_incidents_are_counted_by_state_and_priority(client, machine):
    """The filters of the list choose what is counted; who acknowledges takes one from the unacknowledged."""
    for severity, site in (("warning", "paris"), ("critical", "paris"), ("critical", "lyon")):
        client.post("/api/v1/incidents", {"title": "it leaks", "severity": severity, "site": site})
    client.post("/api/v1/incidents/2/acknowledge")
    client.post("/api/v1/incidents/3/resolve")

    everything, paris, none = counts(client), counts(client, "?site=paris&sort=state"), counts(client, "?q=gone")

    assert everything["states"] == {"new": 1, "in_progress": 1, "resolved": 1}
    assert everything["priorities"] == {"P3": 2, "P4": 1}
    assert (everything["total"], everything["unacknowledged"]) == (3, 1)
    assert (paris["total"], paris["states"]) == (2, {"new": 1, "in_progress": 1})
    assert none == {"total": 0, "states": {}, "priorities": {}, "unacknowledged": 0, "due_soon": 0, "late": 0}


def test_what_is_promised_soon_and_what_is_late_are_counted_apart(client, database):
    """An incident counts once, however many of its clocks run; what is over is neither."""
    client.post("/api/v1/sla-policies", {"id": "default", "respond_minutes": {"P4": 15}, "resolve_minutes": {"P4": 20}})
    for _ in range(2):
        client.post("/api/v1/incidents", {"title": "it leaks"})
    with database.begin() as unit:
        sla.catch_up(unit, now_ms(), near=0.8)
    soon = counts(client)
    client.post("/api/v1/incidents/2/resolve")
    with database.begin() as unit:
        sla.catch_up(unit, now_ms(), near=0.8)

    assert (soon["due_soon"], soon["late"]) == (2, 0)
    assert (counts(client)["due_soon"], counts(client)["late"]) == (1, 0)


def test_a_token_of_one_site_counts_that_site(client, token):
    """What it may not see is not even a number."""
    for site in ("paris", "lyon"):
        client.post("/api/v1/incidents", {"title": "it leaks", "site": site})
    client.token = token("viewer", site="lyon")

    assert counts(client)["total"] == 1
    assert counts(client, "?site=paris")["total"] == 0
