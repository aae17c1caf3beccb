"""Signing in and out: a token goes in once, a cookie comes out that no script can read."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from iotops.console.client import Answer, call_api
from iotops.console.forms import read_form
from iotops.console.pages import render

CSRF_HEADER = "X-CSRF-Token"
_OUR_OWN = (None, "same-origin", "none")  # what browsers say of our own forms; old ones say nothing


async def sign_in_page(request: Request) -> Response:
    """Ask for a token."""
    return render("sign_in.html", {"next": _local(request.query_params.get("next", "/")), "fault": None})


async def sign_in(request: Request) -> Response:
    """Exchange the token for a session and go where the visitor wanted to go."""
    form = await read_form(request)
    after = _local(form.get("next", "/"))
    if request.headers.get("sec-fetch-site") not in _OUR_OWN:
        return render("sign_in.html", {"next": "/", "fault": "That form was not ours. Sign in here."}, status=403)
    token = form.get("token", "").encode("ascii", "replace").decode()
    answer = await call_api(request, "POST", "/session", headers={"Authorization": f"Bearer {token}"})
    if not answer.ok:
        return render("sign_in.html", {"next": after, "fault": answer.body["title"]}, status=answer.status)
    return _go(after, answer)


async def sign_out(request: Request) -> Response:
    """End the session."""
    form = await read_form(request)
    answer = await call_api(request, "DELETE", "/session", headers={CSRF_HEADER: form.get("csrf", "")})
    return _go("/sign-in", answer) if answer.ok else refusal(request, answer)


def refusal(request: Request, answer: Answer) -> Response:
    """Return what a visitor sees where the API refused: the sign-in page without a session, else the problem."""
    if answer.status == 401:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(wanted if request.method == 'GET' else '/')}", 303)
    return render("problem.html", {"problem": answer.body, "back": _local(request.url.path)}, status=answer.status)


def _go(path: str, answer: Answer) -> Response:
    response = RedirectResponse(path, 303)
    for cookie in answer.set_cookies:
        response.headers.append("set-cookie", cookie)
    return response


def _local(path: str) -> str:
    """Return a path of ours, `/` for anything that could lead elsewhere."""
    leads_elsewhere = not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable()
    return "/" if leads_elsewhere else path
