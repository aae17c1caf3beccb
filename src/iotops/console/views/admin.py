"""Administration: how iotops itself fares, who may use it, whom it tells, and whether its history is whole."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from iotops.console.frame import frame
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.visit import Visit
from iotops.durations import format_instant, parse_duration

LASTING = (("30d", "30 days"), ("90d", "90 days"), ("365d", "a year"), ("", "until it is revoked"))
ROLES = ("viewer", "operator", "author", "admin")
_MOST = 50


class Looks(NamedTuple):
    """What the page looks at only when somebody asks: that takes a while."""

    doctor: Any = None
    audit: Any = None


async def admin_page(visit: Visit) -> Mapping[str, Any]:
    """Show everything that is quick to show; `look` asks for the doctor, or for the chains."""
    look = dict(visit.query).get("look", "")
    tokens, told, failed, deeds, doctor, audit = await asyncio.gather(
        visit.all("/tokens", most=400),
        visit.get("/notifications", {"limit": 20}),
        visit.get("/notifications", [("state", "failed"), ("state", "pending"), ("limit", _MOST)]),
        visit.ask("/audit/deeds", {"limit": 15}),
        visit.ask("/doctor") if look == "doctor" else asyncio.sleep(0),
        visit.ask("/audit") if look == "audit" else asyncio.sleep(0),
    )
    return {
        "tokens": [{**each, "holds": _holds(each, visit.now_ms)} for each in tokens],
        "told": told["items"],
        "failed": failed["items"],
        "deeds": deeds.body["items"] if deeds.ok else None,
        "looks": Looks(doctor and doctor.body, audit and audit.body),
        "made": None,
        "roles": ROLES,
        "lasting": LASTING,
    }


async def make_token(visit: Visit) -> Response:
    """Make a token and show its text, this once: a reload, or a second click, does not have it any more."""
    form = await visit.form()
    lasting = form.get("lasting", "")
    ends = visit.now_ms + parse_duration(lasting) if lasting in dict(LASTING) and lasting else None
    asked = {
        "role": form.get("role", ""),
        "name": form.get("name", ""),
        "site": form.get("site"),
        "expires_at": None if ends is None else format_instant(ends // 60_000 * 60_000),
    }
    answer = await visit.send("POST", "/tokens", form, asked)
    if not answer.ok:
        return await refusal(visit, answer)
    around, found = await asyncio.gather(frame(visit), admin_page(visit))
    return render("admin.html", {**around, **found, "made": answer.body})


async def revoke_token(visit: Visit) -> Response:
    """End a token at once."""
    answer = await visit.send("DELETE", f"/tokens/{quote(visit.parts['token'], safe='')}", await visit.form(), {})
    return RedirectResponse("/admin#tokens", 303) if answer.ok else await refusal(visit, answer)


async def redeliver(visit: Visit) -> Response:
    """Deliver a notification again."""
    form, number = await visit.form(), visit.parts["number"]
    if "once" in form:
        form["once"] = f"{form['once']}-{number}"
    answer = await visit.send("POST", f"/notifications/{quote(number, safe='')}/redeliver", form, {})
    return RedirectResponse("/admin#notifications", 303) if answer.ok else await refusal(visit, answer)


def _holds(token: Mapping[str, Any], now_ms: int) -> str:
    """Return `holds`, `revoked` or `expired`."""
    if token["revoked_at"] is not None:
        return "revoked"
    return "expired" if token["expires_at"] is not None and token["expires_at"] <= format_instant(now_ms) else "holds"
