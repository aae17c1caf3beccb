"""The status page of a service, for those who depend on it; it needs no script, and no token where it is public."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from iotops.console.client import SESSION_COOKIE
from iotops.console.frame import bare_frame
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.times import short_duration
from iotops.console.visit import Refused, Visit


class Look(NamedTuple):
    """How a state is shown: a sign beside the colour, a word, and a sentence."""

    sign: str
    word: str
    sentence: str


LOOKS: Mapping[str, Look] = {
    "operational": Look("✓", "Operational", "It works, as far as can be seen."),
    "degraded": Look("!", "Degraded", "Part of it does not work as it should."),
    "outage": Look("✕", "Outage", "It does not work."),
    "maintenance": Look("⚙", "Maintenance", "Planned work goes on; it may not work meanwhile."),
    "unknown": Look("?", "Unknown", "Nobody can say now whether it works."),
    "none": Look("·", "Not watched", "Nobody looked."),
}
DOING: Mapping[str, str] = {
    "new": "Seen; nobody works on it yet",
    "in_progress": "Being worked on",
    "on_hold": "Waiting for something outside of our hands",
    "resolved": "Resolved",
    "closed": "Resolved",
}
PROMISES: Mapping[str, str] = {
    "running": "has promised to put it right",
    "paused": "has promised to put it right; that time stands still now",
    "late": "has not put it right in the time that was promised",
    "kept": "put it right in the time that was promised",
    "cancelled": "is no longer asked to put it right",
}
_TROUBLE = frozenset({"outage", "degraded", "maintenance", "unknown"})


async def status_page(request: Request) -> Response:
    """Show how a service stands, what is being done, and how it stood in the last 90 days."""
    visit = Visit.of(request)
    try:
        status = await visit.get(f"/services/{quote(visit.parts['service'], safe='')}/status")
    except Refused as refused:
        return await refusal(visit, refused.answer)
    signed_in = SESSION_COOKIE in request.cookies
    known = {each["number"]: each for each in (*status["open_incidents"], *status["past_incidents"])}
    page = render(
        "status.html",
        {
            **bare_frame(visit),
            "status": status,
            "title": status["name"] or status["service"],
            "looks": LOOKS,
            "doing": DOING,
            "promises": PROMISES,
            "days": status["days"],
            "told": [_told(day, known) for day in reversed(status["days"]) if day["state"] in _TROUBLE],
            "signed_in": signed_in,
        },
    )
    page.headers["Vary"] = "Cookie"
    page.headers["Cache-Control"] = "private, no-cache" if signed_in else "public, max-age=10"
    return page


def _told(day: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a day with trouble: how long what lasted, and the incidents that the page can tell of."""
    lasted = [(state, short_duration(each)) for state, each in day["seconds"].items() if state in _TROUBLE]
    return {**day, "lasted": lasted, "incidents": [known[each] for each in day["incidents"] if each in known]}
