"""One action on many incidents: those that were selected, or all that a view lists."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.responses import Response

from iotops.console.client import Answer
from iotops.console.forms import FIELDS, PATHS, read_pairs
from iotops.console.frame import frame
from iotops.console.render import render
from iotops.console.visit import Visit

ACTIONS = ("acknowledge", "assign", "hold", "resume", "resolve", "close", "comment")
MOST = 500  # at once; more are a rule's fault, and want a rule's remedy
_AT_ONCE = 8
_PAGE = 200


async def act_on_many(visit: Visit) -> Response:
    """Do one action on every incident that the form means, if they are as many as its author believed.

    `expected_count` is the number that stood beside the button: where a view has grown or shrunk meanwhile, nothing is
    done. Each incident is one request of its own; those that are refused are listed with the API's reason.
    """
    pairs = await read_pairs(visit.request)
    form = dict(pairs)
    numbers = [value for name, value in pairs if name == "number"]
    if form.get("scope") == "view":
        numbers = await _listed(visit, form.get("query", ""))
    action, expected = form.get("action", ""), form.get("expected_count", "")
    problem = _fault(action, expected, len(numbers))
    done: list[tuple[str, Answer]] = []
    if problem is None:
        body = {field.name: form[field.name] for field in FIELDS[action] if field.name in form}
        done = await _each(visit, numbers, action, form, body)
    told = {
        "action": action,
        "problem": problem,
        "done": [number for number, answer in done if answer.ok],
        "refused": [(number, answer.body) for number, answer in done if not answer.ok],
        "back": f"/?{form['query']}" if form.get("query") else "/",
    }
    status = 409 if problem or any(not answer.ok for _, answer in done) else 200
    return render("bulk.html", {**await frame(visit), **told}, status=status)


def _fault(action: str, expected: str, found: int) -> str | None:
    if action not in ACTIONS:
        return f"{action!r} cannot be done to many at once; possible are {', '.join(ACTIONS)}"
    if found > MOST:
        return f"{found} incidents are more than {MOST}; choose fewer"
    if expected != str(found):
        return f"{expected or 'no'} incidents were meant and there are {found} now: look again and repeat"
    return None


async def _listed(visit: Visit, query: str) -> list[str]:
    """Return the numbers that a view lists, one more than may be acted on at the most."""
    asked: list[tuple[str, Any]] = [*parse_qsl(query), ("limit", _PAGE)]
    numbers: list[str] = []
    cursor: str | None = None
    while len(numbers) <= MOST:
        page = await visit.get("/incidents", [*asked, ("cursor", cursor)] if cursor else asked)
        numbers += [each["number"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return numbers


async def _each(
    visit: Visit, numbers: Sequence[str], action: str, form: dict[str, str], body: dict[str, Any]
) -> list[tuple[str, Answer]]:
    gate = asyncio.Semaphore(_AT_ONCE)  # they wait for one writer anyway

    async def one(number: str) -> tuple[str, Answer]:
        proof = {"csrf": form.get("csrf", ""), "once": f"{form.get('once', '')}-{number}-{action}"}
        async with gate:
            return number, await visit.send("POST", f"/incidents/{quote(number, safe='')}/{PATHS[action]}", proof, body)

    return list(await asyncio.gather(*(one(number) for number in dict.fromkeys(numbers))))
