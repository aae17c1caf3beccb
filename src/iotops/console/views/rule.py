"""The page of one rule: its lines, its tests, whom it concerns now, why, and what it would have raised lately."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import yaml
from starlette.responses import RedirectResponse, Response

from iotops.console.frame import frame
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.views.rules import figures, row_of
from iotops.console.visit import Visit

DAYS = ("1", "7", "31")
_PRESENT = (("state", "pending"), ("state", "firing"), ("state", "recovering"))
_MOST = 100


async def rule_page(visit: Visit) -> Mapping[str, Any]:
    """Show one rule; `of` explains it for a device or a group, `run` shows a backtest."""
    asked = dict(visit.query)
    path = _path(visit)
    rule, stats, page, explained, run = await asyncio.gather(
        visit.get(path),
        figures(visit),
        visit.get("/alerts", [("rule", visit.parts["rule"]), *_PRESENT, ("limit", _MOST)]),
        _explained(visit, path, asked.get("of", "")),
        _run(visit, asked.get("run", "")),
    )
    return {
        "rule": rule,
        "row": row_of(rule, stats),
        "present": page["items"],
        "more": page["next_cursor"] is not None,
        "tests": test_names(rule["source"]),
        "rehearsal": None,
        "of": asked.get("of", ""),
        "explained": explained,
        "run": run,
        "days": DAYS,
        "run_id": asked.get("run", ""),
    }


async def test_rule(visit: Visit) -> Response:
    """Run the tests of the rule, and show the page with their results."""
    answer = await visit.send("POST", f"{_path(visit)}/test", await visit.form(), {})
    if not answer.ok:
        return await refusal(visit, answer)
    around, found = await asyncio.gather(frame(visit), rule_page(visit))
    return render("rule.html", {**around, **found, "rehearsal": answer.body})


async def begin_run(visit: Visit) -> Response:
    """Begin a backtest, and go to where its progress shows."""
    form, path = await visit.form(), _path(visit)
    days = form.get("days", "")
    answer = await visit.send("POST", f"{path}/backtests?days={days if days in DAYS else DAYS[1]}", form, {})
    if not answer.ok:
        return await refusal(visit, answer)
    return RedirectResponse(f"{path}?{urlencode({'run': answer.body['id']})}#run", 303)


def test_names(source: str) -> list[str]:
    """Return the names of the tests that stand in a rule's own lines of YAML."""
    try:
        found = yaml.safe_load(source)
    except yaml.YAMLError:
        return []
    rule = found[0] if isinstance(found, list) and found else found
    tests = rule.get("tests") if isinstance(rule, dict) else None
    named = [each for each in tests if isinstance(each, dict)] if isinstance(tests, list) else []
    return [str(each.get("name", "test")) for each in named]


def _path(visit: Visit) -> str:
    return f"/rules/{quote(visit.parts['rule'], safe='')}"


async def _explained(visit: Visit, path: str, of: str) -> Any:
    """Return the explanation, or `problem` with why there is none; None where nothing is asked."""
    if not of:
        return None
    site, found, device = of.partition("/")
    is_device = found and "=" not in of
    answer = await visit.ask(f"{path}/explain", {"site": site, "device": device} if is_device else {"group": of})
    return answer.body if answer.ok else {"problem": answer.body}


async def _run(visit: Visit, run: str) -> Any:
    if not run:
        return None
    answer = await visit.ask(f"/rules/backtests/{quote(run, safe='')}")
    return answer.body if answer.ok else {"state": "failed", "error": answer.body["detail"], "of": 0, "done": 0}
