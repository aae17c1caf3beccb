"""What people do with an incident: one action, with what its form asked."""

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from iotops.console.client import Answer
from iotops.console.forms import BESIDE, FIELDS, asked_for
from iotops.console.frame import frame
from iotops.console.refusal import local_path, refusal
from iotops.console.render import render
from iotops.console.views.incident import incident_path, whole_timeline
from iotops.console.visit import Visit

_OVERTAKEN = (409, 412)


async def act(visit: Visit) -> Response:
    """Do one action and go back to where the form stood; what is refused is shown as the API says it."""
    form = await visit.form()
    path, action = incident_path(visit.parts["number"]), visit.parts["action"]
    body = {field.name: form[field.name] for field in FIELDS.get(action, ()) if field.name in form}
    if "once" in form:
        form["once"] = f"{form['once']}-{visit.parts['number']}-{action}"  # a page offers many actions
    method, place = asked_for(action)
    answer = await visit.send(method, path + place, form, body)
    if answer.status in _OVERTAKEN and action in FIELDS:
        return await _overtaken(visit, answer, form, body)
    if not answer.ok:
        return await refusal(visit, answer)
    return RedirectResponse(local_path(form.get("back", f"/incidents/{visit.parts['number']}")), 303)


async def _overtaken(visit: Visit, answer: Answer, form: Mapping[str, str], body: Mapping[str, str]) -> Response:
    """Tell what somebody else did meanwhile, and offer to do it all the same with what was typed."""
    path, action = incident_path(visit.parts["number"]), visit.parts["action"]
    seen = form.get("seen", "")
    news = await whole_timeline(visit, path, after=int(seen)) if seen.isascii() and seen.isdigit() else []
    incident = await visit.get(path)
    values = {
        "incident": incident,
        "action": action,
        "body": body,
        "news": news,
        "seen": news[-1]["seq"] if news else seen,
        "problem": answer.body,
        "may": action in (*incident["allowed_actions"], *BESIDE),
    }
    return render("overtaken.html", {**await frame(visit), **values}, status=answer.status)
