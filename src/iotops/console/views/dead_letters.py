"""Dead letters: why messages could not be used, samples of them, and another try."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from iotops.console.refusal import refusal
from iotops.console.visit import Visit

_PAGE = 50


async def dead_letters_page(visit: Visit) -> Mapping[str, Any]:
    """Show reasons with counts, and the newest letters of those that the address asks for."""
    asked = visit.query
    wanted = [pair for pair in asked if pair[0] in ("reason", "topic", "cursor")]
    counts, page = await asyncio.gather(
        visit.get("/dead-letters/counts"), visit.get("/dead-letters", [*wanted, ("limit", _PAGE)])
    )
    chosen = dict(asked)
    kept = [pair for pair in wanted if pair[0] != "cursor"]
    return {
        "reasons": counts["items"],
        "kept": sum(each["kept"] for each in counts["items"]),
        "waiting": sum(each["waiting"] for each in counts["items"] if chosen.get("reason") in (None, each["reason"])),
        "letters": page["items"],
        "older": urlencode([*kept, ("cursor", page["next_cursor"])]) if page["next_cursor"] else None,
        "reason": chosen.get("reason", ""),
        "sent": _number(chosen.get("sent")),
        "skipped": _number(chosen.get("skipped")),
    }


async def send_again(visit: Visit) -> Response:
    """Have the letters of a reason, or all, published again; then say how many were."""
    form = await visit.form()
    reasons = [form["reason"]] if "reason" in form else []
    answer = await visit.send("POST", "/dead-letters/redrive", form, {"reasons": reasons})
    if not answer.ok:
        return await refusal(visit, answer)
    told = {"sent": answer.body["sent"], "skipped": answer.body["skipped"]}
    return RedirectResponse(f"/dead-letters?{urlencode([*(('reason', each) for each in reasons), *told.items()])}", 303)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
