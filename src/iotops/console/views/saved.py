"""Saving and deleting views of the board."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from iotops.console.refusal import local_path, refusal
from iotops.console.visit import Visit


async def save_view(visit: Visit) -> Response:
    """Keep the list that the board shows under a name."""
    form = await visit.form()
    body = {"name": form.get("name", ""), "query": form.get("query", "")}
    answer = await visit.send("POST", "/views", form, body)
    if not answer.ok:
        return await refusal(visit, answer)
    return RedirectResponse(f"/?{body['query']}" if body["query"] else "/", 303)


async def delete_view(visit: Visit) -> Response:
    """Forget a view; the incidents in it stay."""
    form = await visit.form()
    answer = await visit.send("DELETE", f"/views/{quote(visit.parts['view'], safe='')}", form, {})
    if not answer.ok:
        return await refusal(visit, answer)
    return RedirectResponse(local_path(form.get("back", "/")), 303)
