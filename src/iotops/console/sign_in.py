"""Signing in and out: a token goes in once, a cookie comes out that no script can read."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from iotops.console.client import CSRF_HEADER, Answer, call_api
from iotops.console.forms import read_form
from iotops.console.frame import bare_frame
from iotops.console.refusal import local_path, refusal
from iotops.console.render import render
from iotops.console.visit import Visit

_OUR_OWN = (None, "same-origin", "none")  # what browsers say of our own forms; old ones say nothing


async def sign_in_page(request: Request) -> Response:
    """Ask for a token."""
    return _page(request, local_path(request.query_params.get("next", "/")), None)


async def sign_in(request: Request) -> Response:
    """Exchange the token for a session and go where the visitor wanted to go."""
    form = await read_form(request)
    after = local_path(form.get("next", "/"))
    if request.headers.get("sec-fetch-site") not in _OUR_OWN:
        return _page(request, "/", "That form was not ours. Sign in here.", status=403)
    token = form.get("token", "").encode("ascii", "replace").decode()
    answer = await call_api(request, "POST", "/session", headers={"Authorization": f"Bearer {token}"})
    if not answer.ok:
        return _page(request, after, answer.body["title"], status=answer.status)
    return _go(after, answer)


async def sign_out(request: Request) -> Response:
    """End the session."""
    form = await read_form(request)
    answer = await call_api(request, "DELETE", "/session", headers={CSRF_HEADER: form.get("csrf", "")})
    return _go("/sign-in", answer) if answer.ok else await refusal(Visit.of(request), answer)


def _page(request: Request, after: str, fault: str | None, *, status: int = 200) -> Response:
    return render("sign_in.html", {**bare_frame(Visit.of(request)), "next": after, "fault": fault}, status=status)


def _go(path: str, answer: Answer) -> Response:
    response = RedirectResponse(path, 303)
    for cookie in answer.set_cookies:
        response.headers.append("set-cookie", cookie)
    return response
