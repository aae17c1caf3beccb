"""What a visitor sees where the API refused: the sign-in page without a session, else what it says, kindly."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from iotops.console.client import Answer
from iotops.console.frame import bare_frame, frame
from iotops.console.render import render
from iotops.console.visit import Refused, Visit


async def refusal(visit: Visit, answer: Answer) -> Response:
    """Return the page that says what the API said; the status is the API's own."""
    request = visit.request
    if answer.status == 401:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(wanted if request.method == 'GET' else '/')}", 303)
    try:
        around = await frame(visit)
    except Refused:
        around = bare_frame(visit)
    body = answer.body if isinstance(answer.body, dict) else {"title": "The API did not answer", "detail": ""}
    back = local_path(request.url.path) if request.method == "GET" and request.url.query else "/"
    return render("problem.html", {**around, "problem": body, "back": back}, status=answer.status)


def local_path(path: str) -> str:
    """Return a path of ours, `/` for anything that could lead elsewhere."""
    leads_elsewhere = not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable()
    return "/" if leads_elsewhere else path
