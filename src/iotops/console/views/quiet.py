"""Quiet time: maintenance and silences, now, next and past; and forms to plan one and to end one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from iotops.console.quiet import LASTING, REPEATS, WHOM, calendar, said
from iotops.console.refusal import refusal
from iotops.console.visit import Visit

_PAST = 50


async def quiet_page(visit: Visit) -> Mapping[str, Any]:
    """Show what is quiet now, what comes, and what was; `about` shows which devices one is about."""
    open_ones = await visit.all("/suppressions", {"ended": "false"}, most=500)
    past = await visit.get("/suppressions", {"ended": "true", "limit": _PAST})
    about = dict(visit.query).get("about", "")
    devices = (
        await visit.get_or_none(f"/suppressions/{quote(about, safe='')}/devices", {"limit": 200}) if about else None
    )
    over = [each for each in open_ones if each["state"] == "ended"]
    return {
        "active": [each for each in open_ones if each["state"] == "active"],
        "coming": sorted(
            (each for each in open_ones if each["state"] == "scheduled"), key=lambda each: each["window"]["starts_at"]
        ),
        "past": sorted([*over, *past["items"]], key=lambda each: each["updated_at"], reverse=True)[:_PAST],
        "about": about,
        "devices": devices,
        "days": calendar(open_ones, visit.now_ms, visit.zone),
        "lasting": LASTING,
        "repeats": REPEATS,
        "whom": WHOM,
    }


async def plan_quiet(visit: Visit) -> Response:
    """Make a new one of what the form says."""
    form = await visit.form()
    answer = await visit.send("POST", "/suppressions", form, said(form, visit.now_ms, visit.zone))
    return RedirectResponse("/quiet", 303) if answer.ok else await refusal(visit, answer)


async def end_quiet(visit: Visit) -> Response:
    """End one now."""
    form = await visit.form()
    number = visit.parts["number"]
    if "once" in form:
        form["once"] = f"{form['once']}-{number}"
    answer = await visit.send("POST", f"/suppressions/{quote(number, safe='')}/end", form, {})
    return RedirectResponse("/quiet", 303) if answer.ok else await refusal(visit, answer)
