"""/playground: rules that are pasted, checked and tested; nothing of them is kept."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from iotops.console.client import Answer
from iotops.console.forms import read_text
from iotops.console.frame import frame
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.visit import Visit

EXAMPLE = """metrics:
  temp: {unit: °C, kind: gauge, every: 1m}
rules:
  - alert: freezer_warm
    match: {type: freezer}
    when: temp > -15
    for: 10m
    severity: warning
    summary: ${device} at ${temp:.1f} °C
    tests:
      - name: a door left open
        given: {temp: -20x5 -10x20}
        expect: {15m: warning}
"""


async def playground(visit: Visit) -> Mapping[str, Any]:
    """Ask for rules; `rule` begins with the lines of a loaded one."""
    rule = dict(visit.query).get("rule")
    found = await visit.get_or_none(f"/rules/{rule}") if rule and rule.isidentifier() else None
    return {"text": EXAMPLE if found is None else f"rules:\n{found['source']}\n", "checked": None, "rehearsal": None}


async def try_rules(visit: Visit) -> Response:
    """Check and test what was pasted, and show both beside it."""
    form, text = await visit.form(), await read_text(visit.request, "text")
    checked = await visit.send("POST", "/rules/check", form, {"text": text})
    if not checked.ok:
        return await refusal(visit, checked)
    rehearsal: Answer | None = None
    if checked.body["rules"]:
        rehearsal = await visit.send("POST", "/rules/test", form, {"text": text})
    told = {"text": text, "checked": checked.body, "rehearsal": rehearsal and rehearsal.body}
    return render("playground.html", {**await frame(visit), **told})
