"""The console's only way to anything: the public API, called in this process on behalf of whoever is signed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.requests import Request

SESSION_COOKIE = "iotops_session"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said: status, parsed JSON, and the cookies it sets."""

    status: int
    body: Any
    set_cookies: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Say whether the API did what it was asked."""
        return self.status < 400


async def call_api(
    request: Request,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request to `/api/v1` + path with the session of the page's visitor; never raises for a refusal.

    A new client each time: a shared one would keep one visitor's cookies and send them for the next.
    """
    session = request.cookies.get(SESSION_COOKIE)
    cookies = {} if session is None else {SESSION_COOKIE: session}
    transport = httpx.ASGITransport(app=request.app, raise_app_exceptions=False)
    base = f"{request.url.scheme}://{request.url.netloc}/api/v1"
    async with httpx.AsyncClient(
        transport=transport, base_url=base, cookies=cookies, follow_redirects=True, trust_env=False
    ) as client:
        answer = await client.request(method, path, json=body, headers=dict(headers or {}))
    parsed = answer.json() if answer.content else None
    return Answer(answer.status_code, parsed, tuple(answer.headers.get_list("set-cookie")))
