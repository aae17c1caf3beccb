"""/playground: rules that are pasted, checked, tested, and tried on what was stored; nothing of them is kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from iotops.console.client import Answer
from iotops.console.forms import read_text
from iotops.console.frame import frame
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.visit import Visit

OVER = ("1d", "7d", "31d")

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
    text = EXAMPLE if found is None else f"rules:\n{found['source']}\n"
    return {"text": text, "checked": None, "rehearsal": None, "past": None, "over": None, "spans": OVER}


async def try_rules(visit: Visit) -> Response:
    """Check and test what was pasted, judge the past by it where that is asked for, and show all of it beside it."""
    form, text = await visit.form(), await read_text(visit.request, "text")
    checked = await visit.send("POST", "/rules/check", form, {"text": text})
    if not checked.ok:
        return await refusal(visit, checked)
    rehearsal: Answer | None = None
    if checked.body["rules"]:
        rehearsal = await visit.send("POST", "/rules/test", form, {"text": text})
    past = await _past(visit, form, text, checked.body["rules"])
    told = {"checked": checked.body, "rehearsal": rehearsal and rehearsal.body, "past": past and past.body}
    asked = {"text": text, "over": form.get("over"), "spans": OVER}
    return render("playground.html", {**await frame(visit), **asked, **told})


async def _past(visit: Visit, form: Mapping[str, str], text: str, rules: Sequence[str]) -> Answer | None:
    """Return what the rules would have raised beside what those in force would have; None where nobody asks."""
    over = form.get("over")
    if over not in OVER or not rules:
        return None
    asked = urlencode([("since", over), ("against", "loaded"), *(("rule", each) for each in rules)])
    return await visit.send("POST", f"/rules/backtest?{asked}", form, {"text": text})
