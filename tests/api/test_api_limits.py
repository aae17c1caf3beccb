"""How often somebody may ask, how often be wrong about who they are, and what is written down of both."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.api.app import create_app
from iotops.api.asking import address_of
from iotops.api.doorbook import AGAIN_MS, MOST, Doorbook
from iotops.api.pace import Failures, Pace, Streams
from iotops.client.api import Api
from iotops.errors import StoreBusy
from iotops.settings import ApiSettings, Settings
from iotops.store import deeds
from iotops.store.database import Database
from iotops.store.deeds import Deed

STRICT = ApiSettings(burst=3, failed_sign_ins=4)


@pytest.fixture
def database(tmp_path):
    """One database is enough here: nothing in this file depends on its kind."""
    opened = Database.open(f"sqlite:///{tmp_path / 'api.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def limits():
    return ApiSettings()


@pytest.fixture
def app(database, limits):
    return create_app(database, Settings(api=limits))


def written(app, database, **chosen):
    """Return the deeds that are written down, oldest first."""
    app.state.context.doorbook.flush(everything=True)
    with database.read() as unit:
        return [found.deed for found in reversed(deeds.page(unit, limit=200, **chosen))]


@given(st.lists(st.integers(0, 5_000), max_size=60), st.integers(1, 20), st.integers(1, 50))
def test_nobody_gets_more_than_burst_and_rate_allow(pauses, burst, per_s):
    """Over any stretch of time at most burst + rate x time requests pass, and waiting as told is always enough."""
    pace, now_ms, passed = Pace(per_s, burst), 0, 0

    for pause_ms in pauses:
        now_ms += pause_ms
        wait_s = pace.wait_s("one", now_ms)
        passed += wait_s == 0
        assert wait_s <= 1 + 1 // per_s

    assert passed <= burst + now_ms * per_s / 1_000 + 1e-6
    assert pace.wait_s("another", now_ms) == 0
    assert pace.wait_s("one", now_ms + 1_000) == 0


def test_a_pace_of_nothing_is_no_limit():
    """0 requests a second means that nobody counts."""
    assert not any(Pace(0, 1).wait_s("one", 0) for _ in range(1_000))


def test_failures_are_forgotten_after_their_time():
    """The fifth failure waits until the first is old enough."""
    failures = Failures(4, 60_000)

    waits = [failures.wait_s("::1", at_ms) for at_ms in (0, 1_000, 2_000, 3_000, 4_000, 59_999, 60_000)]

    assert waits == [0, 0, 0, 0, 56, 1, 0]


@pytest.mark.parametrize("limits", [STRICT])
def test_a_token_that_asks_too_often_is_told_when_to_come_back(client, app, database, token, monkeypatch):
    """429 as a problem with Retry-After; other tokens, and each browser session, have a pace of their own."""
    monkeypatch.setattr("iotops.api.access.clock.monotonic_ms", lambda: 1_000)
    answers = [client.get("/api/v1/session") for _ in range(4)]
    client.token = token("viewer")
    other = client.get("/api/v1/session")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["code"] == "too_many_requests"
    assert int(answers[3].headers["Retry-After"]) >= 1
    assert "api.requests_per_s" in answers[3].json()["detail"]
    assert other.status_code == 200
    assert [found.data["code"] for found in written(app, database, outcome="denied")] == ["too_many_requests"]


@pytest.mark.parametrize("limits", [STRICT])
def test_wrong_tokens_are_told_to_wait_and_good_ones_are_not(client, app, database):
    """Failed sign-ins are counted by address; who has a good token is not locked out by a neighbour's guesses."""
    good = client.token
    answers = []
    for n in range(6):
        client.token = f"iot_abc_{n}"
        answers.append(client.get("/api/v1/session"))
    client.token = good

    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 2
    assert int(answers[5].headers["Retry-After"]) > 200
    assert client.get("/api/v1/session").status_code == 200
    told = written(app, database, outcome="denied")
    assert {(found.data["code"], found.data["count"]) for found in told} == {
        ("invalid_token", 4),
        ("too_many_requests", 2),
    }
    assert {(found.actor_kind, found.address, found.action) for found in told} == {
        ("nobody", "127.0.0.1", "get_session")
    }


def test_one_caller_has_only_so_many_streams_open():
    """What is closed makes room again."""
    streams = Streams(2)

    with streams.one("a"), streams.one("a"):
        assert (streams.is_full("a"), streams.is_full("b")) == (True, False)

    assert not streams.is_full("a")


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64")],
)
def test_an_address_is_counted_as_what_one_customer_has(host, address):
    """Of IPv6 whoever asks may take 2^64 addresses: the network counts."""
    request = type(
        "Asked", (), {"client": httpx.URL(f"http://[{host}]") if ":" in host else httpx.URL(f"http://{host}")}
    )
    request.client = type("Client", (), {"host": host})

    assert address_of(request) == address


def test_every_change_is_a_deed_of_whoever_made_it(client, app, database):
    """A token made says what it may and who made it; a request that is repeated by its key is one deed."""
    headers = {"Idempotency-Key": "k1"}
    body = {"role": "operator", "name": "night", "site": "paris"}

    made = client.post("/api/v1/tokens", body, headers=headers).json()
    client.post("/api/v1/tokens", body, headers=headers)
    client.delete(f"/api/v1/tokens/{made['id']}")
    client.post("/api/v1/incidents", {"title": "Door open", "site": "paris"})
    client.post("/api/v1/session")

    found = written(app, database)
    assert [each.action for each in found] == ["create_token", "revoke_token", "raise_incident", "start_session"]
    assert {(each.actor_kind, each.actor, each.address, each.outcome) for each in found} == {
        ("token", "the admin", "127.0.0.1", "done")
    }
    assert (found[0].data["made"], found[0].data["role"], found[0].data["site"]) == (made["id"], "operator", "paris")
    assert made["token"] not in repr(found)
    assert found[1].object == f"/api/v1/tokens/{made['id']}"


def test_what_is_not_done_is_no_deed(client, app, database):
    """A change that is refused rolls back its deed too."""
    client.post("/api/v1/incidents/999/acknowledge", {})
    client.post("/api/v1/tokens", {"role": "emperor"})

    assert written(app, database) == []


def test_every_denial_is_written_down(client, app, database, token):
    """Below the role, beyond the site, without a token, without the proof of our page."""
    client.token = token("viewer", site="paris", name="eve")
    client.post("/api/v1/tokens", {"role": "admin"})
    client.get("/api/v1/devices/oslo/fz-1")
    client.post("/api/v1/session")
    client.token = None
    client.delete("/api/v1/session")
    client.cookies.clear()
    client.get("/api/v1/incidents")

    denied = written(app, database, outcome="denied")
    assert {(each.action, each.actor, each.data["code"]) for each in denied} == {
        ("create_token", "eve", "forbidden"),
        ("get_device", "eve", "not_found"),
        ("end_session", "eve", "csrf_failed"),
        ("list_incidents", "", "unauthenticated"),
    }


def a_denial(n=0, **facts):
    return Deed(1_000, "nobody", "", f"act-{n}", "/x", address="192.0.2.1", **facts)


def test_the_same_denial_is_counted_and_not_repeated(database):
    """A stranger fills no database: once when it first comes, then once a minute with how often."""

    async def knock():
        book = Doorbook(database)
        for _ in range(5):
            book.note(a_denial(), "invalid_token")
        book.flush()
        for _ in range(7):
            book.note(a_denial(), "invalid_token")
        book.flush()
        early = [found.deed.data["count"] for found in page()]
        await book.close()
        return early

    def page():
        with database.read() as unit:
            return deeds.page(unit, limit=99)

    assert asyncio.run(knock()) == [5]
    assert [found.deed.data["count"] for found in page()] == [7, 5]
    assert AGAIN_MS == 60_000


def test_more_kinds_of_denials_than_are_kept_apart_are_counted_as_one(database):
    """Memory is bounded, and nothing goes uncounted."""

    async def knock():
        book = Doorbook(database)
        for n in range(MOST + 50):
            book.note(a_denial(n), "forbidden")
        await book.close()

    asyncio.run(knock())

    with database.read() as unit:
        found = deeds.page(unit, limit=5_000)
    assert len(found) == MOST + 1
    assert sum(each.deed.data["count"] for each in found) == MOST + 50


def test_denials_wait_for_a_database_that_is_busy(database, monkeypatch):
    """What cannot be written now is written later, with what has come meanwhile."""

    async def knock():
        book = Doorbook(database)
        book.note(a_denial(), "forbidden")
        with monkeypatch.context() as patched:
            patched.setattr(Database, "begin", _busy)
            book.flush()
        book.note(a_denial(), "forbidden")
        await book.close()

    asyncio.run(knock())

    with database.read() as unit:
        assert [found.deed.data["count"] for found in deeds.page(unit, limit=9)] == [2]


def _busy(_database):
    raise StoreBusy("locked")


def test_our_own_client_waits_as_it_is_told(monkeypatch):
    """The command line comes back when the API says so, and gives up after a few times."""
    waits, told = [], [httpx.Response(429, headers={"Retry-After": "2"})] * 2 + [httpx.Response(200, json={"ok": True})]
    monkeypatch.setattr("iotops.client.api.time.sleep", waits.append)
    monkeypatch.setattr(httpx.Client, "request", lambda *_, **__: told.pop(0))

    with Api("http://127.0.0.1:1", "iot_a_b") as api:
        found = api.get("/session")

    assert (found, waits) == ({"ok": True}, [2, 2])
