"""The board and the incident page."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from iotops.console.client import Answer, call_api
from iotops.console.forms import FIELDS, PATHS, read_form
from iotops.console.pages import render
from iotops.console.sign_in import CSRF_HEADER, refusal

_OPEN = "?state=new&state=in_progress&state=on_hold"
VIEWS: Mapping[str, str] = {"Open": _OPEN, "Resolved": "?state=resolved", "All": "?sort=-raised_at"}
"""Name -> query in the API's own names, so that a view is a bookmark."""

_SORT = "-priority,-raised_at"
_MOST_ENTRIES = 200


async def board(request: Request) -> Response:
    """Show what needs somebody now, or what the query in the address asks for, as the API would answer it."""
    query = f"?{request.url.query}" if request.url.query else _OPEN
    asked = parse_qsl(query[1:], keep_blank_values=True)
    if "sort" not in dict(asked):
        asked.append(("sort", _SORT))
    who, ingest, page = await _ask(request, "/session", "/ingest", f"/incidents?{urlencode(asked)}")
    if refused := _first_refused(who, ingest, page):
        return refusal(request, refused)
    cursor = page.body["next_cursor"]
    following = [(name, value) for name, value in asked if name != "cursor"]
    return render(
        "board.html",
        {
            "who": who.body,
            "ingest": ingest.body,
            "incidents": page.body["items"],
            "older": urlencode([*following, ("cursor", cursor)]) if cursor else None,
            "views": VIEWS,
            "view": next((name for name, of in VIEWS.items() if of == query), None),
        },
    )


async def incident_page(request: Request) -> Response:
    """Show one incident: why it was raised, what happened, and what can be done now."""
    path = f"/incidents/{quote(request.path_params['number'], safe='')}"
    timeline = f"{path}/timeline?limit={_MOST_ENTRIES}"
    who, ingest, found, entries, evidence, suspects, similar = await _ask(
        request,
        "/session",
        "/ingest",
        path,
        timeline,
        f"{path}/evidence",
        f"{path}/suspects?limit=1",
        f"{path}/similar",
    )
    if refused := _first_refused(who, ingest, found, entries, evidence, suspects, similar):
        return refusal(request, refused)
    return render(
        "incident.html",
        {
            "who": who.body,
            "ingest": ingest.body,
            "incident": found.body,
            "timeline": entries.body["items"],
            "evidence": evidence.body["evidence"],
            "suspect": next(iter(suspects.body["items"]), None),
            "similar": similar.body,
            "fields": FIELDS if who.body["role"] != "viewer" else {},
            "once": secrets.token_hex(8),
        },
    )


async def act(request: Request) -> Response:
    """Do one action through the API; what it refuses is shown as it says it."""
    form = await read_form(request)
    number, action = quote(request.path_params["number"], safe=""), request.path_params["action"]
    body = {field.name: form[field.name] for field in FIELDS.get(action, ()) if field.name in form}
    headers = {CSRF_HEADER: form.get("csrf", "")}
    if "once" in form:
        headers["Idempotency-Key"] = form["once"]  # a second click on the same button does nothing
    answer = await call_api(
        request, "POST", f"/incidents/{number}/{PATHS.get(action, quote(action, safe=''))}", body=body, headers=headers
    )
    return RedirectResponse(f"/incidents/{number}", 303) if answer.ok else refusal(request, answer)


async def _ask(request: Request, *paths: str) -> list[Answer]:
    return await asyncio.gather(*(call_api(request, "GET", path) for path in paths))


def _first_refused(*answers: Answer) -> Any:
    return next((answer for answer in answers if not answer.ok), None)
