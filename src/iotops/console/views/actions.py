"""What people do with an incident: one action, with what its form asked."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from iotops.console.forms import FIELDS, PATHS
from iotops.console.refusal import local_path, refusal
from iotops.console.visit import Visit


async def act(visit: Visit) -> Response:
    """Do one action and go back to where the form stood; what is refused is shown as the API says it."""
    form = await visit.form()
    number, action = quote(visit.parts["number"], safe=""), visit.parts["action"]
    body = {field.name: form[field.name] for field in FIELDS.get(action, ()) if field.name in form}
    if "once" in form:
        form["once"] = f"{form['once']}-{number}-{action}"  # one page may offer several actions on several incidents
    path = f"/incidents/{number}/{PATHS.get(action, quote(action, safe=''))}"
    answer = await visit.send("POST", path, form, body)
    if not answer.ok:
        return await refusal(visit, answer)
    return RedirectResponse(local_path(form.get("back", f"/incidents/{number}")), 303)
