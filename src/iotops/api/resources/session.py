"""/session: a token exchanged for a browser's cookie, so that no page has to keep a token."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from iotops.api.access import SESSION_COOKIE, Caller, Viewer, csrf_token
from iotops.api.context import ContextOf
from iotops.api.problems import Problem
from iotops.api.shapes import Shape
from iotops.store import sessions, tokens
from iotops.store.database import Unit

router = APIRouter(prefix="/session", tags=["session"])


class SessionShape(Shape):
    """Who is asking."""

    name: str
    role: str
    site: str | None
    csrf: str | None


def _shape(caller: Caller) -> SessionShape:
    csrf = None if caller.session is None else csrf_token(caller.session)
    return SessionShape(name=caller.name, role=caller.role.word, site=caller.site, csrf=csrf)


class Ending(BaseModel):
    """What is to end."""

    everywhere: Annotated[bool, Field(description="every session of the same token, in whatever browser")] = False


@router.get("", operation_id="get_session", summary="Who am I")
def get_session(caller: Viewer) -> SessionShape:
    """Return whom the token or the cookie stands for; `csrf` goes into X-CSRF-Token with every change by cookie."""
    return _shape(caller)


@router.post("", status_code=201, operation_id="start_session", summary="Exchange a bearer token for a cookie")
def start_session(request: Request, response: Response, context: ContextOf, caller: Viewer) -> SessionShape:
    """Set a cookie that scripts cannot read and other sites cannot make the browser send with a change."""
    if caller.session is not None:
        raise Problem("unauthenticated", "a session is started with a bearer token, not from another session")
    now_ms = context.now_ms()
    before = request.cookies.get(SESSION_COOKIE, "")

    def work(unit: Unit) -> str:
        # Whoever put it there: what was known before signing in opens nothing afterwards.
        if before.isprintable() and sessions.find(unit, before, now_ms) is not None:
            sessions.end(unit, before, now_ms)
        return sessions.start(unit, tokens.get(unit, caller.token_id), now_ms)

    cookie = context.write(work)
    response.set_cookie(
        SESSION_COOKIE,
        cookie,
        max_age=sessions.LASTS_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or context.settings.api.behind_proxy,
    )
    return SessionShape(name=caller.name, role=caller.role.word, site=caller.site, csrf=csrf_token(cookie))


@router.delete("", status_code=204, operation_id="end_session", summary="Sign out")
def end_session(response: Response, context: ContextOf, caller: Viewer, wanted: Annotated[Ending, Query()]) -> None:
    """End the session of the cookie, or every session of its token; the token stays as it is."""
    session, token_id = caller.session, caller.token_id
    if wanted.everywhere:
        context.write(lambda unit: sessions.end_all(unit, token_id, context.now_ms()))
    elif session is not None:
        context.write(lambda unit: sessions.end(unit, session, context.now_ms()))
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
