"""Problems through the API: what keeps coming back, what is behind it, what helps, and what helped last time."""

from functools import partial

import pytest

from iotops.clock import now_ms
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Surroundings
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.store import alerts, incidents
from iotops.store.fleet import Declared, declare
from iotops.telemetry.reading import DeviceKey

P = "/api/v1/problems"
I = "/api/v1/incidents"  # noqa: E741  the two paths of this file
MINUTE_MS = 60_000


@pytest.fixture
def warms(database):
    """Let a freezer get warm, each time with an episode of its own, and be over where that is asked for."""

    begun_ms = now_ms() - 86_400_000

    def happens(change, at_ms, fired_ms, key, rule):
        state = AlertState.FIRING if change is Change.FIRED else AlertState.RESOLVED
        at = AlertKey(rule, str(key))
        alert = Alert(f"{rule} {key} {fired_ms}", at, "v1", "s1", key.site, key, state, Severity.WARNING, fired_ms)
        transitions = [Transition(change, at_ms, alert)]
        with database.begin() as unit:
            around = Surroundings(policy=Policy())
            outcome = correlate(transitions, incidents.open_for(unit, transitions), around, at_ms)
            alerts.keep(unit, {at: alert}, transitions, at_ms)
            incidents.keep(unit, outcome, {}, Policy())

    def warm(hour, device="fz-1", *, site="paris", rule="warm", over=True, meanwhile=None):
        fired_ms, key = begun_ms + hour * 60 * MINUTE_MS, DeviceKey(site, device)
        happens(Change.FIRED, fired_ms, fired_ms, key, rule)
        if meanwhile is not None:
            meanwhile()
        if over:
            happens(Change.RESOLVED, fired_ms + MINUTE_MS, fired_ms, key, rule)

    return warm


@pytest.fixture
def recurring(warms):
    """The same freezer was warm three times."""
    for hour in (0, 2, 4):
        warms(hour)


def test_a_candidate_becomes_a_problem_with_its_incidents(client, recurring):
    """The candidate names rule, device and incidents; the problem takes them, and it is a candidate no more."""
    (found,) = client.get(f"{P}/candidates").json()["items"]
    assert (found["rule"], found["site"], found["device"], found["count"]) == ("warm", "paris", "fz-1", 3)

    made = client.post(P, {"candidate": {"rule": "warm", "instance": "paris/fz-1"}, "owner": "ana"})
    again = client.post(P, {"candidate": {"rule": "warm", "instance": "paris/fz-1"}})

    body = made.json()
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, f"{P}/PRB-000001", '"1"')
    assert (body["state"], body["rule"], body["instance"], body["site"]) == ("open", "warm", "paris/fz-1", "paris")
    assert (body["incidents"], body["incident_count"], body["owner"]) == (found["incidents"], 3, "ana")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert client.get(f"{P}/candidates").json() == {"items": [], "next_cursor": None}
    assert client.get(f"{I}/1").json()["problem"]["number"] == "PRB-000001"
    listed = client.get(f"{I}?problem=prb-1&sort=number").json()["items"]
    assert [each["number"] for each in listed] == found["incidents"]


def test_a_new_incident_shows_the_known_error_and_its_workaround(client, recurring, warms):
    """From the known error on, whoever gets the next one reads what helps."""
    client.post(P, {"candidate": {"rule": "warm", "instance": "paris/fz-1"}})
    nothing = client.post(f"{P}/1/known-error", {"root_cause": "worn seal"})
    known = client.post(f"{P}/1/known-error", {"root_cause": "worn seal", "workaround": "close the door by hand"})
    warms(6, over=False)

    found = client.get(f"{I}/4").json()
    assert (nothing.status_code, known.json()["state"]) == (409, "known_error")
    assert found["problem"] == {
        "number": "PRB-000001",
        "title": "warm on paris/fz-1 keeps coming back",
        "state": "known_error",
        "workaround": "close the door by hand",
    }
    assert (found["recurrence_of"], found["recurrence_count"]) == ("INC-000003", 0)
    told = client.get(f"{I}/4/timeline").json()["items"]
    assert [(each["type"], each["actor"]) for each in told][-1] == ("problem_linked", "system:iotops")
    assert told[-1]["data"]["text"] == "close the door by hand"


def test_a_problem_goes_its_whole_way_and_its_incidents_tell_it(client, recurring):
    """Known, resolved, reopened, closed with its incidents; each step stands on their timelines."""
    client.post(P, {"title": "seals", "incidents": ["1", "2"]})
    steps = [
        ("known-error", {"root_cause": "worn seal", "workaround": "tape"}, "known_error"),
        ("resolve", {}, "resolved"),
        ("reopen", {}, "open"),
        ("link", {"incidents": ["3"]}, "open"),
        ("unlink", {"incidents": ["3"]}, "open"),
        ("close", {}, "closed"),
    ]
    states = [client.post(f"{P}/1/{action}", body).json().get("state") for action, body, _ in steps]

    assert states == [state for _, _, state in steps]
    assert [client.get(f"{I}/{n}").json()["state"] for n in (1, 2, 3)] == ["closed", "closed", "resolved"]
    types = [each["type"] for each in client.get(f"{I}/1/timeline").json()["items"]]
    assert types[-6:] == ["problem_linked", *["problem_changed"] * 4, "closed"]
    refused = client.post(f"{P}/1/reopen")
    assert (refused.status_code, refused.json()["allowed_actions"]) == (409, [])
    assert client.get(f"{I}/1").json()["problem"]["state"] == "closed"


def test_changes_need_the_version_that_was_read(client):
    """If-Match as everywhere: 428 without, 412 when stale; null takes a member out, actions heed it as well."""
    tag = client.post(P, {"title": "seals", "workaround": "tape"}).headers["etag"]

    without = client.patch(f"{P}/1", {"title": "worn seals"})
    changed = client.patch(f"{P}/1", {"title": "worn seals", "workaround": None}, headers={"If-Match": tag})
    stale = client.patch(f"{P}/1", {"owner": "bo"}, headers={"If-Match": tag})
    late = client.post(f"{P}/1/resolve", {}, headers={"If-Match": tag})

    assert [answer.status_code for answer in (without, changed, stale, late)] == [428, 200, 412, 412]
    assert (changed.json()["title"], changed.json()["workaround"]) == ("worn seals", None)
    assert client.get(f"{P}/1").headers["etag"] == '"2"'


def test_the_same_key_opens_one_problem(client):
    """Idempotency-Key as everywhere."""
    twice = [client.post(P, {"title": "seals"}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]

    assert [answer.json()["number"] for answer in twice] == ["PRB-000001"] * 2
    assert len(client.get(P).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"title": "x", "instance": "paris/fz-1"}, 422),
        ({"title": "x", "colour": "red"}, 422),
        ({"title": "x", "incidents": ["99"]}, 404),
        ({"candidate": {"rule": "warm", "instance": "paris/fz-9"}}, 409),
    ],
)
def test_what_cannot_be_opened_is_refused(client, body, status):
    """Nothing is left of it."""
    assert client.post(P, body).status_code == status
    assert client.get(P).json()["items"] == []


def test_lists_are_filtered_and_paged(client):
    """The newest first; a cursor goes on, and filters accept several values."""
    for title in ("seals", "fans", "doors"):
        client.post(P, {"title": title, "owner": title[0]})
    client.post(f"{P}/2/resolve")

    first = client.get(f"{P}?limit=2").json()
    rest = client.get(f"{P}?limit=2&cursor={first['next_cursor']}").json()

    assert [each["title"] for each in (*first["items"], *rest["items"])] == ["doors", "fans", "seals"]
    assert rest["next_cursor"] is None
    queries = {"state=resolved": ["fans"], "q=OOR": ["doors"], "owner=s&owner=d": ["doors", "seals"], "rule=x": []}
    found = {query: [each["title"] for each in client.get(f"{P}?{query}").json()["items"]] for query in queries}
    assert found == queries
    assert client.get(f"{P}?colour=red").json()["code"] == "unknown_parameter"


def test_roles_and_sites_confine_who_sees_and_does_what(client, token, recurring, warms):
    """Viewers read; a token of a site sees its problems and those of all, changes its own, links its incidents."""
    warms(8, "fz-9", site="lyon")
    client.post(P, {"candidate": {"rule": "warm", "instance": "paris/fz-1"}})
    client.post(P, {"title": "everywhere", "incidents": ["1"]})
    client.post(P, {"title": "all sites", "incidents": ["4"]})

    client.token = token("viewer")
    assert (client.get(P).status_code, client.post(P, {"title": "x"}).status_code) == (200, 403)
    client.token = token("operator", site="lyon")
    assert [each["title"] for each in client.get(P).json()["items"]] == ["all sites"]
    assert [client.get(f"{P}/1").status_code, client.post(f"{P}/1/resolve").status_code] == [404, 404]
    assert client.post(f"{P}/2/resolve").json()["code"] == "forbidden"
    own = client.post(P, {"title": "ours", "incidents": ["4"]})
    assert own.json()["code"] == "conflict"
    assert client.post(P, {"title": "ours", "incidents": ["1"]}).status_code == 404
    assert client.post(P, {"title": "ours"}).json()["site"] == "lyon"
    assert client.post(P, {"title": "theirs", "site": "paris"}).status_code == 403


def test_similar_tells_what_fixed_the_same_device_last_time(client, warms):
    """Code, cause and note of the last ones, and how often each; what ended by itself is only counted."""
    for hour, cause in ((0, "worn seal"), (2, "worn seal"), (4, "door open"), (6, None), (8, None)):
        said = {"code": "repaired", "cause": cause, "note": f"it was a {cause}"}
        newest = f"{I}/{hour // 2 + 1}"
        warms(hour, meanwhile=partial(client.post, f"{newest}/resolve", said) if cause else None)

    found = client.get(f"{I}/5/similar?limit=2").json()

    assert (found["like"], found["by_itself"]) == ("instance", 1)
    assert [(each["number"], each["cause"], each["note"]) for each in found["items"]] == [
        ("INC-000003", "door open", "it was a door open"),
        ("INC-000002", "worn seal", "it was a worn seal"),
    ]
    assert [(each["cause"], each["count"]) for each in found["fixes"]] == [("worn seal", 2), ("door open", 1)]


@pytest.mark.parametrize(
    ("labels", "like", "number"),
    [({"model": "x9", "type": "freezer"}, "model", "INC-000001"), ({"type": "freezer"}, "type", "INC-000001")],
)
def test_similar_falls_back_on_devices_of_the_same_kind(client, database, warms, labels, like, number):
    """Where nobody fixed this device, others of its model, else of its type, tell; other kinds and sites do not."""
    places = {"fz-1": labels, "fz-2": labels, "gw-1": {"type": "gateway", "model": "g1"}}
    with database.begin() as unit:
        declared = {DeviceKey("paris", name): Declared(said) for name, said in places.items()}
        declare(unit, declared, now_ms=1, connected_ms=0)
    for hour, device in enumerate(("fz-1", "gw-1")):
        warms(hour, device, over=False)
        client.post(f"{I}/{hour + 1}/resolve", {"code": "repaired", "cause": device})
    warms(3, "fz-2", over=False)

    found = client.get(f"{I}/3/similar").json()

    assert (found["like"], [each["number"] for each in found["items"]]) == (like, [number])


def test_nothing_is_similar_to_what_nobody_saw_before(client):
    """An incident raised by hand, or the first of its kind, has nothing to learn from."""
    client.post(I, {"title": "odd"})

    assert client.get(f"{I}/1/similar").json() == {"like": None, "items": [], "fixes": [], "by_itself": 0}
