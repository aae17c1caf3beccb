"""One action on many incidents: those that were selected, or all that a view lists."""

from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response

from iotops.console.forms import FIELDS, read_pairs
from iotops.console.frame import frame
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.visit import Visit

_MANY = ("state", "priority", "site", "service", "device", "rule", "assignee", "problem")


async def act_on_many(visit: Visit) -> Response:
    """Do one action on every incident that the form means, if they are as many as its author believed.

    `expected_count` is the number that stood beside the button: where a view has grown or shrunk meanwhile, the API
    does nothing. Those that it refuses one by one are listed with its reason.
    """
    pairs = await read_pairs(visit.request)
    form = dict(pairs)
    action, query = form.get("action", ""), form.get("query", "")
    body: dict[str, Any] = {field.name: form[field.name] for field in FIELDS.get(action, ()) if field.name in form}
    body |= {"action": action, "expected_count": _number(form.get("expected_count", ""))}
    if form.get("scope") == "view":
        body["filter"] = _filter(query)
    else:
        body["numbers"] = [value for name, value in pairs if name == "number"]
    proof: dict[str, str] = {name: form[name] for name in ("csrf", "once") if name in form}
    answer = await visit.send("POST", "/incidents/bulk", proof, body)
    if answer.status in (401, 403):
        return await refusal(visit, answer)
    told = {
        "action": action,
        "problem": None if answer.ok else answer.body["detail"],
        "items": answer.body["items"] if answer.ok else [],
        "back": f"/?{query}" if query else "/",
    }
    return render("bulk.html", {**await frame(visit), **told}, status=200 if answer.ok else answer.status)


def _number(text: str) -> int | str:
    """Return what was expected; what is no number goes to the API as it is, which says what it wants."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text


def _filter(query: str) -> dict[str, Any]:
    """Return a view's query as the API takes it in a body."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query):
        if name in _MANY:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found
