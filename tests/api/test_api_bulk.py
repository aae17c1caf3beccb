"""One action on many incidents: for each what became of it, and nothing where they are not those that were meant."""

import pytest


@pytest.fixture
def three(machine):
    """Three incidents in paris, and one in rome."""
    for device in ("fz-1", "fz-2", "fz-3"):
        machine.fires(device=device)
    machine.fires(device="fz-9", site="rome")


def test_each_incident_is_answered_for_itself(client, three):
    """What allows the action has done it; what does not, or is not there, says why; in the order asked for."""
    client.post("/api/v1/incidents/2/cancel", {})
    asked = {"action": "assign", "assignee": "ana", "numbers": ["INC-000002", "3", "77", "1"], "expected_count": 4}

    answer = client.post("/api/v1/incidents/bulk", asked).json()

    assert (answer["done"], answer["refused"]) == (2, 2)
    assert [(each["number"], each["status"]) for each in answer["items"]] == [
        ("INC-000002", 409),
        ("INC-000003", 200),
        ("77", 404),
        ("INC-000001", 200),
    ]
    assert answer["items"][0]["problem"]["code"] == "illegal_transition"
    assert answer["items"][0]["problem"]["allowed_actions"] == ["comment"]
    assert answer["items"][1]["incident"]["assignee"] == "ana"
    assert client.get("/api/v1/incidents/1").json()["state"] == "in_progress"


def test_what_a_filter_lists_is_acted_on_where_it_is_as_much_as_expected(client, three):
    """With another number nothing is done, and 409 says so."""
    asked = {"action": "acknowledge", "filter": {"site": ["paris"], "state": ["new"]}}

    refused = client.post("/api/v1/incidents/bulk", {**asked, "expected_count": 2})
    done = client.post("/api/v1/incidents/bulk", {**asked, "expected_count": 3})

    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (done.status_code, done.json()["done"]) == (200, 3)
    assert client.get("/api/v1/incidents?state=new").json()["items"][0]["site"] == "rome"


def test_a_repetition_with_the_same_key_does_nothing_again(client, three):
    """The kept answer is given, and each timeline has one comment."""
    asked = {"action": "comment", "text": "seen", "numbers": ["1", "2"], "expected_count": 2}

    answers = [client.post("/api/v1/incidents/bulk", asked, headers={"Idempotency-Key": "b-1"}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    entries = client.get("/api/v1/incidents/1/timeline").json()["items"]
    assert [each["type"] for each in entries].count("commented") == 1


def test_a_token_of_one_site_reaches_only_what_is_there(client, token, three):
    """To it incidents of other sites do not exist."""
    client.token = token("operator", site="rome")

    answer = client.post(
        "/api/v1/incidents/bulk", {"action": "acknowledge", "numbers": ["1", "4"], "expected_count": 2}
    ).json()

    assert [each["status"] for each in answer["items"]] == [404, 200]


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "acknowledge", "expected_count": 0},
        {"action": "acknowledge", "numbers": ["1"], "filter": {}, "expected_count": 1},
        {"action": "acknowledge", "numbers": ["1"]},
        {"action": "acknowledge", "numbers": ["1"], "expected_count": 1, "assignee": "ana"},
        {"action": "merge", "numbers": ["1"], "expected_count": 1},
        {"action": "acknowledge", "filter": {"colour": ["red"]}, "expected_count": 1},
        {"action": "acknowledge", "numbers": ["1"] * 201, "expected_count": 200},
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(client, asked):
    """Members that are missing, unknown, or contradict each other are 422."""
    answer = client.post("/api/v1/incidents/bulk", asked)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
