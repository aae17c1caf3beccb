"""/suppressions: who may keep alerts back, how long, and what is shown of it."""

import pytest

SILENCE = {"kind": "silence", "matcher": {"sites": ["paris"]}, "owner": "mara", "reason": "door is being painted"}
PATH = "/api/v1/suppressions"


def made(client, **said):
    answer = client.post(PATH, {**SILENCE, "until_cleared": True, **said})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_suppression_shows_whom_it_is_about_now(client, machine, a_reading):
    """Count and page of devices follow labels, sites and devices as they are."""
    machine.reads(a_reading("fz-1", temp=1), a_reading("fz-2", temp=1), a_reading("fz-1", "rome", temp=1))

    found = made(client, ends_at="2999-01-01T00:00:00Z")
    named = made(client, matcher={"labels": {"name": ["fz-*"]}, "devices": ["rome/fz-1", "paris/fz-2"]})
    first = client.get(f"{PATH}/{found['id']}/devices?limit=1").json()
    second = client.get(f"{PATH}/{found['id']}/devices?limit=1&cursor={first['next_cursor']}").json()

    assert (found["state"], found["matched_devices"], named["matched_devices"]) == ("active", 2, 2)
    assert first["items"] + second["items"] == [
        {"site": "paris", "device": "fz-1"},
        {"site": "paris", "device": "fz-2"},
    ]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"until_cleared": False},
        {"matcher": {}},
        {"matcher": {"devices": ["fz-1"]}},
        {"matcher": {"colour": ["red"]}},
        {"reason": ""},
        {"owner": None},
        {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2029-01-01T00:00:00Z"},
        {"rrule": "FREQ=DAILY"},
        {"rrule": "now and then", "ends_at": "2999-01-01T00:00:00Z"},
        {"timezone": "Europe/Nowhere"},
    ],
)
def test_what_cannot_be_is_refused(client, wrong):
    """422 with the place: a silence without end, nobody meant, no reason or owner, windows that cannot be."""
    answer = client.post(PATH, {**SILENCE, "until_cleared": True, **wrong})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_change_needs_the_version_that_was_read(client):
    """428 without If-Match, 412 when stale, and an answer with the new ETag."""
    found = made(client)
    path = f"{PATH}/{found['id']}"
    tag = client.get(path).headers["ETag"]

    changed = client.patch(path, {"reason": "painted twice"}, headers={"If-Match": tag})

    assert (changed.status_code, changed.json()["reason"], changed.headers["ETag"]) == (200, "painted twice", '"2"')
    assert client.patch(path, {"reason": "x"}).status_code == 428
    assert client.patch(path, {"reason": "x"}, headers={"If-Match": tag}).status_code == 412
    forever = client.patch(path, {"until_cleared": False}, headers={"If-Match": '"2"'})
    assert (forever.status_code, forever.json()["code"]) == (422, "validation_failed")


def test_ended_stays_listed_and_removed_does_not(client):
    """`end` may come twice; DELETE takes it out of sight."""
    first, second = made(client), made(client)

    ended = client.post(f"{PATH}/{first['id']}/end", {}).json()
    again = client.post(f"{PATH}/{first['id']}/end", {}).json()
    client.delete(f"{PATH}/{second['id']}")

    assert (ended["state"], ended["window"], again["ended_at"]) == ("ended", None, ended["ended_at"])
    assert [each["id"] for each in client.get(f"{PATH}?ended=true").json()["items"]] == [first["id"]]
    assert client.get(f"{PATH}?ended=false").json()["items"] == []
    assert client.get(f"{PATH}/{second['id']}").status_code == 404


def test_the_same_key_makes_one(client):
    """Idempotency-Key as for every POST."""
    answers = [client.post(PATH, {**SILENCE, "until_cleared": True}, headers={"Idempotency-Key": "k"}) for _ in "ab"]

    assert answers[0].json() == answers[1].json()
    assert len(client.get(PATH).json()["items"]) == 1


@pytest.mark.parametrize(
    ("role", "said", "status"),
    [
        ("viewer", {"until_cleared": True}, 403),
        ("operator", {"until_cleared": True}, 201),
        ("operator", {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}, 201),
        ("operator", {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:01Z"}, 403),
        ("operator", {"ends_at": "2999-01-01T00:00:00Z", "rrule": "FREQ=DAILY"}, 403),
        ("operator", {"kind": "maintenance", "ends_at": "2999-01-01T00:00:00Z"}, 403),
        ("author", {"kind": "maintenance", "ends_at": "2999-01-01T00:00:00Z"}, 201),
    ],
)
def test_who_may_keep_back_what(client, token, role, said, status):
    """Operators silence for a day; what lasts or comes back is an author's."""
    client.token = token(role)

    assert client.post(PATH, {**SILENCE, **said}).status_code == status


def test_a_token_of_one_site_keeps_to_it(client, token):
    """It sees what may touch its site and names no other, and changes what is its site's alone."""
    ours, everybodys = made(client), made(client, matcher={"rules": ["freezer_warm"]})
    theirs = made(client, matcher={"sites": ["rome"]})
    made(client, matcher={"devices": ["rome/fz-1"]})
    client.token = token("author", site="paris")

    assert [each["id"] for each in client.get(PATH).json()["items"]] == [everybodys["id"], ours["id"]]
    assert client.get(f"{PATH}/{theirs['id']}").status_code == 404
    assert client.get(f"{PATH}/{theirs['id']}/devices").status_code == 404
    assert client.delete(f"{PATH}/{everybodys['id']}").status_code == 403
    assert client.post(PATH, {**SILENCE, "until_cleared": True, "matcher": {"sites": ["rome"]}}).status_code == 403
    assert client.delete(f"{PATH}/{ours['id']}").status_code == 204


def test_pages_of_suppressions_are_complete(client):
    """Each once, the newest first."""
    ids = [made(client)["id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{PATH}?limit=2{cursor and '&cursor=' + cursor}").json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]

    assert seen == ids[::-1]
