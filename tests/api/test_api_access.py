"""Who may do what: tokens, roles, sites, browser sessions."""

import asyncio
import threading

import httpx
import pytest

from iotops.api.access import Anybody, Require
from iotops.api.app import create_app
from iotops.api.openapi import api_routes, required_role
from iotops.api.server import api_server
from iotops.settings import ApiSettings, Settings
from iotops.store import tokens

NOT_BELOW_API = {"get_openapi", "get_reference", "get_reference_style", "health_live", "health_ready", "get_metrics"}
ROLES = ("viewer", "operator", "author", "admin")


def declarations(dependant):
    """Return what a route declares about who may use it."""
    own = [dependant.call] if isinstance(dependant.call, Require | Anybody) else []
    return own + [found for below in dependant.dependencies for found in declarations(below)]


def test_every_route_declares_who_may_use_it(app):
    """A route without a role, or without the word that it is public, does not pass this test: deny is the default."""
    undeclared = [route.path for route in api_routes(app) if len(declarations(route.dependant)) != 1]

    assert undeclared == []


def test_only_a_fixed_few_routes_need_no_token(app):
    """What is public is public on purpose."""
    public = {route.operation_id for route in api_routes(app) if required_role(route.dependant) is None}

    assert public == NOT_BELOW_API


def operations(app):
    return [
        (method, route.path, required_role(route.dependant).word)
        for route in api_routes(app)
        if required_role(route.dependant) is not None
        for method in sorted(route.methods)
    ]


def fill(path):
    """Put something into the path's parameters."""
    return path.replace("{number}", "INC-000001").replace("{", "").replace("}", "")


def test_no_operation_answers_without_a_token(client, app):
    """Every operation of the API is 401 without a token, with the challenge, whatever else is wrong."""
    client.token = None

    for method, path, _ in operations(app):
        answer = client.request(method, fill(path) + "?unknown=1", json={"unknown": 1})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer"), (method, path)


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_is_closed_to_the_roles_below_its_own(client, app, token, role):
    """403 below the declared role and something else from it on, over the whole table of operations."""
    client.token = token(role)

    for method, path, required in operations(app):
        answer = client.request(method, fill(path) + "?unknown=1", json={"unknown": 1})
        if ROLES.index(role) < ROLES.index(required):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
            assert answer.json()["required_role"] == required
        else:
            assert answer.json()["code"] == "unknown_parameter", (method, path, answer.text)


def test_what_people_do_needs_an_operator_and_tokens_an_admin(app):
    """The table of roles is the one that SECURITY promises."""
    role_of = {(method, path.removeprefix("/api/v1")): role for method, path, role in operations(app)}

    assert role_of["GET", "/tokens"] == role_of["POST", "/tokens"] == role_of["GET", "/audit"] == "admin"
    assert role_of["POST", "/incidents/{number}/acknowledge"] == role_of["POST", "/incidents"] == "operator"
    assert role_of["GET", "/incidents"] == role_of["GET", "/devices"] == role_of["GET", "/stream"] == "viewer"
    assert role_of["POST", "/rules/check"] == role_of["PATCH", "/devices/{site}/{device}"] == "author"


@pytest.mark.parametrize("text", ["iot_x_y", "iot__", "nonsense", "iot_" + "a" * 5_000, "ses000_x", "iot_é_é"])
def test_a_token_that_is_none_is_refused(client, text):
    """Whatever stands there instead of a token is a 401 that says invalid_token."""
    client.token = text

    answer = client.get("/api/v1/tokens")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_expired_token_is_refused(client, token):
    """A token does not outlive its expiry."""
    client.token = token("admin", expires_ms=1_000)

    assert client.get("/api/v1/tokens").status_code == 401


def test_a_revoked_token_is_refused_at_once(client, database, token):
    """Revoking takes effect with the next request."""
    mine = client.token
    other = token("viewer")
    client.token = other
    assert client.get("/api/v1/session").status_code == 200
    client.token = mine

    revoked = client.delete(f"/api/v1/tokens/{other.split('_')[1]}")

    assert revoked.json()["revoked_at"] is not None
    client.token = other
    assert client.get("/api/v1/session").json()["code"] == "invalid_token"


def test_the_use_of_a_token_is_noted_without_its_secret_being_kept(client, database):
    """`last_used_at` tells people which tokens can go; the database holds no text that opens anything."""
    client.get("/api/v1/session")

    with database.read() as unit:
        (kept,) = tokens.every(unit)
    assert kept.last_used_ms is not None
    assert client.token.split("_", 2)[2] not in repr(kept)  # a secret may hold an underscore


def signed_in(client):
    """Exchange the client's token for a cookie and return the proof that changes need."""
    csrf = client.post("/api/v1/session").json()["csrf"]
    client.token = None
    return csrf


def test_a_session_stands_for_its_token(client):
    """The cookie lets in whom the token lets in; it cannot be read by scripts nor sent by other sites' forms."""
    answer = client.post("/api/v1/session")
    client.token = None

    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert client.get("/api/v1/session").json() == answer.json()


def test_a_change_by_cookie_needs_the_proof_that_it_comes_from_our_page(client):
    """Without X-CSRF-Token, or with a wrong one, a cookie changes nothing; with it, it does."""
    csrf = signed_in(client)

    without = client.post("/api/v1/tokens", {"role": "viewer"})
    wrong = client.post("/api/v1/tokens", {"role": "viewer"}, headers={"X-CSRF-Token": "0" * 64})
    right = client.post("/api/v1/tokens", {"role": "viewer"}, headers={"X-CSRF-Token": csrf})

    assert [without.json()["code"], wrong.json()["code"], right.status_code] == ["csrf_failed", "csrf_failed", 201]


def test_a_session_ends_with_the_token_it_came_from(client, token):
    """Revoking the token closes the browser that was signed in with it."""
    admin = client.token
    client.token = other = token("viewer")
    signed_in(client)
    assert client.get("/api/v1/session").status_code == 200
    cookies, client.cookies, client.token = client.cookies, type(client.cookies)(), admin
    client.delete(f"/api/v1/tokens/{other.split('_')[1]}")

    client.cookies, client.token = cookies, None

    assert client.get("/api/v1/session").status_code == 401


def test_signing_out_ends_the_session(client):
    """The cookie is worth nothing afterwards, even where the browser keeps it."""
    csrf = signed_in(client)
    cookies = dict(client.cookies)

    client.delete("/api/v1/session", headers={"X-CSRF-Token": csrf})

    assert (
        client.get("/api/v1/session", headers={"Cookie": f"iotops_session={cookies['iotops_session']}"}).status_code
        == 401
    )


def test_a_session_is_no_token(client):
    """What a cookie holds is refused as a bearer token, and sessions are not listed among the tokens."""
    signed_in(client)
    client.token = client.cookies["iotops_session"]

    assert client.get("/api/v1/session").json()["code"] == "invalid_token"


@pytest.mark.parametrize("behind_proxy", [True, False])
def test_a_cookie_behind_a_proxy_travels_under_tls_only(database, token, behind_proxy):
    """A proxy that was declared ends TLS: the browser sends the cookie nowhere else, whatever the last hop was."""
    app = create_app(database, Settings(api=ApiSettings(behind_proxy=behind_proxy)))

    async def sign_in():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
            return await client.post("/api/v1/session", headers={"Authorization": f"Bearer {token('viewer')}"})

    with asyncio.Runner() as runner:
        cookie = runner.run(sign_in()).headers["set-cookie"]

    assert ("secure" in cookie.lower()) is behind_proxy


@pytest.mark.parametrize(("proxies", "believed"), [(("127.0.0.1",), True), (("192.0.2.0/24",), False), ((), False)])
def test_who_asks_is_told_by_trusted_proxies_only(database, free_port, wait_until, proxies, believed):
    """A forged header of anybody else neither hides an address nor pretends TLS."""
    server = api_server(create_app(database, Settings()), "127.0.0.1", port := free_port(), proxies=proxies)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="the API listening")
    said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Authorization": "Bearer iot_no_no"}

    answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/session", headers=said)
    server.should_exit = True
    thread.join(60)

    assert ("strict-transport-security" in answer.headers) is believed


def test_signing_out_everywhere_ends_the_sessions_of_ones_own_token_only(client, token):
    """A browser that was left behind is closed from another one; other people's, and the token, go on."""
    mine, others = client.token, token("viewer")
    cookies = []
    for client.token in (mine, others):
        client.post("/api/v1/session")
        cookies.append(client.cookies.get("iotops_session"))
        client.cookies.clear()
    client.token = mine
    csrf = signed_in(client)
    client.delete("/api/v1/session", params={"everywhere": "true"}, headers={"X-CSRF-Token": csrf})
    client.cookies.clear()

    def opens(cookie):
        return client.get("/api/v1/session", headers={"Cookie": f"iotops_session={cookie}"}).status_code == 200

    assert [opens(cookie) for cookie in cookies] == [False, True]
    client.token = mine
    assert client.get("/api/v1/session").status_code == 200
