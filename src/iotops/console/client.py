"""The console's only way to anything: the public API, called in this process on behalf of whoever is signed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request

SESSION_COOKIE = "iotops_session"
CSRF_HEADER = "X-CSRF-Token"

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
"""Query parameters; a name that comes more than once needs pairs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said: status, parsed JSON, the cookies it sets, and its other headers."""

    status: int
    body: Any
    set_cookies: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Say whether the API did what it was asked."""
        return self.status < 400


async def call_api(
    request: Request,
    method: str,
    path: str,
    *,
    params: Params | None = None,
    body: Mapping[str, Any] | None = None,
    text: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request to `/api/v1` + path with the session of the page's visitor; never raises for a refusal.

    A new client each time: a shared one would keep one visitor's cookies and send them for the next.

    Args:
        request: the visitor's own.
        method: of HTTP.
        path: below `/api/v1`; parts that somebody else named must be quoted.
        params: the query; None values are left out.
        body: sent as JSON.
        text: sent as it is, instead of a body: rules.
        headers: to send beside those that are always sent.

    Returns:
        The answer; its body is None where it has none, and text where it is no JSON.
    """
    session = request.cookies.get(SESSION_COOKIE)
    cookies = {} if session is None else {SESSION_COOKIE: session}
    # What the API allows it allows per visitor, not the console as a whole.
    asks = (request.client.host, request.client.port) if request.client else ("", 0)
    transport = httpx.ASGITransport(app=request.app, raise_app_exceptions=False, client=asks)
    base = f"{request.url.scheme}://{request.url.netloc}/api/v1"
    async with httpx.AsyncClient(
        transport=transport, base_url=base, cookies=cookies, follow_redirects=True, trust_env=False
    ) as client:
        answer = await client.request(
            method, path, params=_pairs(params), json=body, content=text, headers=dict(headers or {})
        )
    is_json = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
    parsed = (answer.json() if is_json else answer.text) if answer.content else None
    return Answer(answer.status_code, parsed, tuple(answer.headers.get_list("set-cookie")), answer.headers)


def _pairs(params: Params | None) -> httpx.QueryParams | None:
    if not params:
        return None  # an empty list would take away the query that the path brings
    pairs = params.items() if isinstance(params, Mapping) else params
    return httpx.QueryParams([(name, str(value)) for name, value in pairs if value is not None])
