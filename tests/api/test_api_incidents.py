"""/incidents and what people do with them, as CONTRACT words it."""

import pytest

from iotops.rules.alert import Change
from iotops.rules.rule import Severity

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z

MEMBERS = {
    *("number", "title", "state", "data", "priority", "priority_reason", "severity", "site", "service", "device"),
    *("rule", "fired_at", "raised_at", "acknowledged_at", "resolved_at", "assignee", "team", "alert_count"),
    *("occurrence_count", "flapping", "sla", "evidence", "verdict", "allowed_actions", "version"),
}


def test_an_incident_has_every_member_of_the_contract(client, machine):
    """The shape of an incident that a rule raised, value by value."""
    machine.fires()

    incident = client.get("/api/v1/incidents/INC-000001").json()

    assert incident.keys() >= MEMBERS
    told = {name: incident[name] for name in MEMBERS - {"priority_reason", "raised_at", "allowed_actions"}}
    assert told == {
        "number": "INC-000001",
        "title": "fz-1 is warm",
        "state": "new",
        "data": "known",
        "priority": "P4",
        "severity": "warning",
        "site": "paris",
        "service": None,
        "device": "fz-1",
        "rule": "freezer_warm",
        "fired_at": "2026-01-01T00:00:00Z",
        "acknowledged_at": None,
        "resolved_at": None,
        "assignee": None,
        "team": None,
        "alert_count": 1,
        "occurrence_count": 0,
        "flapping": False,
        "sla": None,
        "evidence": {"values": {"temp": -3.5}},
        "verdict": None,
        "version": 1,
    }


@pytest.mark.parametrize("number", ["INC-000001", "INC-1", "inc-1", "1"])
def test_numbers_are_accepted_without_zeros(client, machine, number):
    """People write numbers short."""
    machine.fires()

    assert client.get(f"/api/v1/incidents/{number}").json()["number"] == "INC-000001"


@pytest.mark.parametrize("number", ["INC-2", "INC-0", "x", "99999999999999999999"])
def test_a_number_that_is_none_is_not_found(client, number):
    """404 for every number that no incident has, and every text that is no number."""
    answer = client.get(f"/api/v1/incidents/{number}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_person_raises_an_incident(client):
    """POST /incidents makes one without a rule, in the caller's name, and says where it is."""
    body = {"title": "till 4 stands still", "site": "lyon", "device": "pos-4", "severity": "critical", "note": "queue"}

    answer = client.post("/api/v1/incidents", body)

    assert answer.status_code == 201
    incident = answer.json()
    assert (incident["title"], incident["site"], incident["device"]) == ("till 4 stands still", "lyon", "pos-4")
    assert (incident["rule"], incident["priority"], incident["state"]) == (None, "P3", "new")
    assert answer.headers["location"] == f"/api/v1/incidents/{incident['number']}"
    entry = client.get(f"/api/v1/incidents/{incident['number']}/timeline").json()["items"][0]
    assert (entry["type"], entry["actor"], entry["data"]["text"]) == ("raised", "token:the admin", "queue")


STEPS = [
    ("acknowledge", {}, {"state": "in_progress"}),
    ("assign", {"assignee": "ana", "team": "cold"}, {"assignee": "ana", "team": "cold", "state": "in_progress"}),
    ("hold", {"reason": "parts", "until": "2099-01-01T00:00:00Z"}, {"state": "on_hold", "hold_reason": "parts"}),
    ("resume", {}, {"state": "in_progress", "hold_reason": None}),
    (
        "resolve",
        {"code": "fixed", "cause": "door", "note": "closed it", "verdict": "real"},
        {"state": "resolved", "resolution_code": "fixed", "cause": "door", "verdict": "real"},
    ),
    ("reopen", {"note": "open again"}, {"state": "in_progress", "resolved_at": None}),
    ("comments", {"text": "hm", "visibility": "public"}, {"state": "in_progress"}),
    ("resolve", {}, {"state": "resolved"}),
    ("close", {}, {"state": "closed", "allowed_actions": ["comment"]}),
]


def test_people_work_on_an_incident_from_new_to_closed(client, machine):
    """Every action answers 200 with the incident as it is then, and leaves its entry on the timeline."""
    machine.fires()

    for action, body, expected in STEPS:
        answer = client.post(f"/api/v1/incidents/1/{action}", body)
        assert answer.status_code == 200, answer.text
        assert expected.items() <= answer.json().items()
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'

    entries = client.get("/api/v1/incidents/1/timeline").json()["items"]
    types = ["raised", "acknowledged", "assigned", "held", "resumed", "resolved", "reopened", "commented"]
    assert [entry["type"] for entry in entries] == [*types, "resolved", "closed"]
    assert all(entry.keys() >= {"seq", "at", "actor", "type", "data"} for entry in entries)
    assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)


@pytest.mark.parametrize("action", ["acknowledge", "assign", "resolve", "cancel"])
def test_an_action_needs_no_body(client, machine, action):
    """All members of all bodies are optional, and so is the body."""
    machine.fires()

    assert client.request("POST", f"/api/v1/incidents/1/{action}").status_code == 200


def test_an_action_that_the_state_does_not_allow_names_those_that_it_does(client, machine):
    """409 with the state and the actions that are possible; the same that the incident lists."""
    machine.fires()

    answer = client.post("/api/v1/incidents/1/resume")

    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert answer.json()["state"] == "new"
    assert answer.json()["allowed_actions"] == client.get("/api/v1/incidents/1").json()["allowed_actions"]


def test_an_action_for_an_older_version_is_refused(client, machine):
    """If-Match is optional with actions; where it is sent, it counts."""
    machine.fires()
    client.post("/api/v1/incidents/1/acknowledge", headers={"If-Match": '"1"'})

    answer = client.post("/api/v1/incidents/1/assign", {"assignee": "bo"}, headers={"If-Match": '"1"'})

    assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")


def test_a_repeated_action_is_done_once(client, machine):
    """A client that retries with the same key adds no second comment."""
    machine.fires()
    headers = {"Idempotency-Key": "c-1"}

    first = client.post("/api/v1/incidents/1/comments", {"text": "once"}, headers=headers)
    second = client.post("/api/v1/incidents/1/comments", {"text": "once"}, headers=headers)

    assert first.json() == second.json()
    assert second.headers["etag"] == first.headers["etag"]
    assert len(client.get("/api/v1/incidents/1/timeline").json()["items"]) == 2


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "precondition_required"),
        ({"If-Match": '"7"'}, 412, "stale_version"),
        ({"If-Match": "nonsense"}, 412, "stale_version"),
        ({"If-Match": '"x"'}, 412, "stale_version"),
    ],
)
def test_a_change_is_for_the_version_that_was_read(client, machine, headers, status, code):
    """Two people who change at once: the second is told, and nothing is overwritten."""
    machine.fires()

    answer = client.patch("/api/v1/incidents/1", {"title": "mine"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/api/v1/incidents/1").json()["title"] == "fz-1 is warm"


def test_a_change_with_the_right_version_is_made(client, machine):
    """PATCH changes what it names and answers with the next ETag."""
    machine.fires()
    tag = client.get("/api/v1/incidents/1").headers["etag"]

    answer = client.patch("/api/v1/incidents/1", {"title": "mine", "priority": "P1"}, headers={"If-Match": tag})

    assert (answer.json()["title"], answer.json()["priority"], answer.headers["etag"]) == ("mine", "P1", '"2"')


def test_counting_leaves_the_version_alone(client, machine):
    """More readings while firing change occurrence_count, but neither version nor timeline."""
    machine.fires()
    before = client.get("/api/v1/incidents/1").json()
    again = machine.alert(Change.KNOWN)

    machine.happens(again, occurrences={again.alert.id: 7})

    after = client.get("/api/v1/incidents/1").json()
    assert after == before | {"occurrence_count": 7}
    assert len(client.get("/api/v1/incidents/1/timeline").json()["items"]) == 1


def test_evidence_is_what_the_rule_saw(client, machine):
    """The proof stays as it was frozen, with the alerts that belong to the incident."""
    machine.fires()

    answer = client.get("/api/v1/incidents/1/evidence").json()

    assert (answer["rule"], answer["instance"]) == ("freezer_warm", "paris/fz-1")
    assert answer["evidence"] == {"values": {"temp": -3.5}}
    assert [alert["incident"] for alert in answer["alerts"]] == ["INC-000001"]


@pytest.fixture
def fleet(machine, client):
    """Six incidents: three devices at two sites, one resolved, one assigned, one critical."""
    for place, (site, device) in enumerate(zip(["paris"] * 3 + ["lyon"] * 2, "abcab", strict=True)):
        severity = Severity.CRITICAL if place == 1 else Severity.WARNING
        machine.fires(at_ms=START_MS + place * 60_000, site=site, device=device, severity=severity)
    machine.fires(at_ms=START_MS, site="lyon", device="a", rule="door_open")
    client.post("/api/v1/incidents/1/resolve")
    client.post("/api/v1/incidents/3/assign", {"assignee": "ana"})


FILTERS = [
    ("", [6, 5, 4, 3, 2, 1]),
    ("state=new", [6, 5, 4, 2]),
    ("state=resolved&state=in_progress", [3, 1]),
    ("priority=P3", [2]),
    ("site=lyon", [6, 5, 4]),
    ("site=lyon&device=a", [6, 4]),
    ("rule=door_open", [6]),
    ("assignee=ana", [3]),
    ("q=DOOR", [6]),
    ("q=INC-2", [2]),
    ("service=none", []),
    ("since=2026-01-01T00:03:00Z", [5, 4]),
    ("until=2026-01-01T00:01:00Z", [6, 1]),
    ("since=2026-01-01T01:01:00%2B01:00&until=2026-01-01T00:02:00Z", [2]),
]


@pytest.mark.parametrize(("query", "numbers"), FILTERS)
def test_lists_are_filtered(client, fleet, query, numbers):
    """Filters of different names all hold, values of one name are alternatives; lists include all states."""
    listed = client.get(f"/api/v1/incidents?sort=-number&{query}").json()["items"]

    assert [int(incident["number"][4:]) for incident in listed] == numbers


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("raised_at", [1, 6, 2, 3, 4, 5]),
        ("-raised_at", [5, 4, 3, 2, 6, 1]),
        ("-priority,raised_at", [2, 1, 6, 3, 4, 5]),
        ("-severity,-number", [2, 6, 5, 4, 3, 1]),
    ],
)
def test_lists_are_sorted_and_walked_by_cursor(client, fleet, sort, numbers):
    """Every order gives the same walk page by page as in one go."""
    walked, cursor = [], None

    while cursor is not None or not walked:
        page = client.get(
            "/api/v1/incidents", params={"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
        )
        walked.extend(int(incident["number"][4:]) for incident in page.json()["items"])
        cursor = page.json()["next_cursor"]

    assert walked == numbers


@pytest.mark.parametrize("query", ["sort=colour", "sort=", "state=open", "priority=P9", "since=yesterday", "q=%00"])
def test_a_filter_that_makes_no_sense_is_refused(client, query):
    """422 that names the place, whether the value, the order or the text is at fault."""
    answer = client.get(f"/api/v1/incidents?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["place"].startswith("query")


def test_a_cursor_of_another_order_is_refused(client, fleet):
    """A cursor continues the list that it came from, and no other."""
    cursor = client.get("/api/v1/incidents?limit=1&sort=raised_at").json()["next_cursor"]

    answer = client.get("/api/v1/incidents", params={"cursor": cursor, "sort": "-priority"})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_a_token_of_one_site_knows_no_other(client, fleet, token):
    """Lists show its own site only, another site's incident does not exist, and none can be raised there."""
    client.token = token("operator", site="lyon")

    listed = client.get("/api/v1/incidents").json()["items"]
    asked = client.get("/api/v1/incidents?site=paris").json()["items"]
    others = [client.get("/api/v1/incidents/1"), client.post("/api/v1/incidents/1/comments", {"text": "x"})]
    others += [client.get("/api/v1/incidents/1/timeline"), client.get("/api/v1/incidents/1/evidence")]
    raised = [client.post("/api/v1/incidents", {"title": "x", "site": site}).status_code for site in ("paris", "lyon")]

    assert {incident["site"] for incident in listed} == {"lyon"}
    assert asked == []
    assert {answer.status_code for answer in others} == {404}
    assert raised == [403, 201]


def test_a_viewer_changes_nothing(client, machine, token):
    """Reading is all that a viewer's token does."""
    machine.fires()
    client.token = token("viewer")

    answers = [client.post(f"/api/v1/incidents/1/{action}", body) for action, body, _ in STEPS]
    answers.append(client.patch("/api/v1/incidents/1", {"title": "x"}, headers={"If-Match": '"1"'}))
    answers.append(client.post("/api/v1/incidents", {"title": "x"}))

    assert {answer.status_code for answer in answers} == {403}
    assert client.get("/api/v1/incidents/1").json()["version"] == 1
