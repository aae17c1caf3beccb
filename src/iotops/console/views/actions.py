"""What people do with incidents: one action on one, or one on many."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from iotops.console.forms import FIELDS, PATHS
from iotops.console.refusal import refusal
from iotops.console.visit import Visit


async def act(visit: Visit) -> Response:
    """Do one action through the API; what it refuses is shown as it says it."""
    form = await visit.form()
    number, action = quote(visit.parts["number"], safe=""), visit.parts["action"]
    body = {field.name: form[field.name] for field in FIELDS.get(action, ()) if field.name in form}
    path = f"/incidents/{number}/{PATHS.get(action, quote(action, safe=''))}"
    answer = await visit.send("POST", path, form, body)
    return RedirectResponse(f"/incidents/{number}", 303) if answer.ok else await refusal(visit, answer)
