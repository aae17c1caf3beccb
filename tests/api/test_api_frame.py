"""What every resource has in common: problems, strictness, limits, headers, pages, repeated requests."""

from urllib.parse import quote

import pytest

from iotops.api.problems import PROBLEMS

FAULTS = [
    ("GET", "/nowhere", {}, 404, "unknown_path"),
    ("GET", "/api/v1/nowhere", {}, 404, "unknown_path"),
    ("PUT", "/api/v1/tokens", {}, 405, "method_not_allowed"),
    ("GET", "/api/v1/tokens?colour=red", {}, 400, "unknown_parameter"),
    ("GET", "/api/v1/tokens?limit=0", {}, 422, "validation_failed"),
    ("GET", "/api/v1/tokens?limit=201", {}, 422, "validation_failed"),
    ("GET", "/api/v1/tokens?limit=many", {}, 422, "validation_failed"),
    ("GET", "/api/v1/tokens?cursor=!!", {}, 422, "validation_failed"),
    ("GET", "/api/v1/tokens/none", {}, 404, "not_found"),
    ("GET", "/api/v1/tokens/a%00b", {}, 422, "validation_failed"),
    ("GET", "/api/v1/devices/a%00b/c", {}, 422, "validation_failed"),
    ("GET", "/api/v1/devices?q=%00", {}, 422, "validation_failed"),
    ("GET", "/api/v1/rules/%00", {}, 422, "validation_failed"),
    ("GET", "/api/v1/alerts/%27%20OR%201=1", {}, 422, "validation_failed"),
    ("GET", "/api/v1/dead-letters/99999999999999999999", {}, 422, "validation_failed"),
    ("POST", "/api/v1/tokens", {"json": {"role": "king"}}, 422, "validation_failed"),
    ("POST", "/api/v1/tokens", {"json": {"role": "viewer", "tenant": "x"}}, 422, "validation_failed"),
    ("POST", "/api/v1/tokens", {"json": {"role": "viewer", "name": "nul\0"}}, 422, "validation_failed"),
    ("POST", "/api/v1/tokens", {"json": []}, 422, "validation_failed"),
    (
        "POST",
        "/api/v1/tokens",
        {"content": "{", "headers": {"Content-Type": "application/json"}},
        400,
        "malformed_body",
    ),
    ("POST", "/api/v1/tokens", {"data": {"role": "viewer"}}, 415, "unsupported_media_type"),
    ("POST", "/api/v1/tokens", {"content": "a=b"}, 400, "malformed_body"),
    ("POST", "/api/v1/tokens", {"content": "[" * 100_000}, 400, "malformed_body"),
    ("GET", "/api/v1/tokens/", {}, 404, "unknown_path"),
    ("POST", "/api/v1/tokens", {"content": b" " * (1 << 20) + b"{}"}, 413, "body_too_large"),
]


@pytest.mark.parametrize(("method", "path", "options", "status", "code"), FAULTS)
def test_a_refused_request_is_answered_by_a_problem(client, method, path, options, status, code):
    """Every refusal has its status, its stable code, and the members of RFC 9457, the framework's own included."""
    answer = client.request(method, path, **options)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status == PROBLEMS[code].status
    assert {"type", "title", "detail", "instance"} <= answer.json().keys()


def test_a_wrong_method_names_all_right_ones(client):
    """405 lists every method of the path, not just those of the first route that has it."""
    answer = client.request("PUT", "/api/v1/tokens")

    assert answer.headers["allow"] == "GET, POST"


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(client):
    """A chunked body that outgrows 1 MiB is refused without being read to its end."""
    chunks = []

    async def endless():
        while True:
            chunks.append(1)
            yield b" " * 65_536

    answer = client.request("POST", "/api/v1/tokens", content=endless())

    assert answer.status_code == 413
    assert len(chunks) < 20


def test_a_fault_of_our_own_says_nothing_about_our_insides(client, app, monkeypatch):
    """An unexpected exception is a 500 problem without a trace of the exception, with all security headers."""

    @app.get("/api/v1/broken", operation_id="broken")
    def broken():
        raise RuntimeError("the secret of the house")

    answer = client.get("/api/v1/broken")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/api/v1/tokens", "/nowhere", "/docs", "/health/live"])
def test_every_answer_carries_the_security_headers(client, path):
    """Pages, data and refusals alike forbid inline scripts, framing, sniffing and referrers, and name no server."""
    headers = client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_pages_are_walked_by_cursor_without_loss_or_repetition(client, token):
    """Following next_cursor to its end shows every item once, in the order of the list."""
    for _ in range(6):
        token("viewer")
    shown, cursor = [], None

    while True:
        page = client.get("/api/v1/tokens", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        shown.extend(item["id"] for item in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(shown) == 7
    assert shown == [item["id"] for item in client.get("/api/v1/tokens?limit=200").json()["items"]]


def test_a_repeated_post_is_done_once(client):
    """The same Idempotency-Key and body give the same answer again and make nothing new; secrets are not repeated."""
    request = {"json": {"role": "viewer", "name": "ana"}, "headers": {"Idempotency-Key": "k-1"}}

    first = client.request("POST", "/api/v1/tokens", **request)
    second = client.request("POST", "/api/v1/tokens", **request)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json() | {"token": None}
    assert second.headers["idempotency-replayed"] == "true"
    assert len(client.get("/api/v1/tokens").json()["items"]) == 2


def test_an_idempotency_key_belongs_to_one_request(client):
    """The same key with another body is refused instead of answered with the first one's answer."""
    headers = {"Idempotency-Key": "k-2"}
    client.post("/api/v1/tokens", {"role": "viewer"}, headers=headers)

    answer = client.post("/api/v1/tokens", {"role": "admin"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE incident; --", "%", "_", "\\", "{0.__class__}", "%s", "\u202e", "\U0001f4a5", "\ud800"]
)
@pytest.mark.parametrize("path", ["/api/v1/incidents?q=", "/api/v1/devices?q=", "/api/v1/dead-letters?reason="])
def test_hostile_text_in_a_filter_is_only_text(client, path, text):
    """It finds nothing, breaks nothing, and is never part of a statement."""
    answer = client.get(path + quote(text, safe="", errors="surrogatepass"))

    assert (answer.status_code, answer.json()["items"]) == (200, [])
