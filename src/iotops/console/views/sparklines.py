"""/sparklines/{site}/{device}/{metric}: how a metric went, as a small image that is fetched when it comes in sight."""

from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from iotops.console.proof import subject
from iotops.console.sparkline import sparkline
from iotops.console.visit import Visit
from iotops.durations import format_instant, parse_instant

_SPAN_MS = 2 * 3_600_000
_STEPS = 60
_MINUTE_MS = 60_000
_KEPT = "private, max-age=60"  # as long as a bucket, half a minute more or less


def sparkline_url(incident: dict[str, Any], now_ms: int) -> str | None:
    """Return the address of the image for an incident: two hours up to now, or up to its end; None without a metric."""
    found = subject(incident)
    if found is None:
        return None
    site, device, metric = (quote(each, safe="") for each in found)
    ended = incident["resolved_at"] or incident["closed_at"]
    end_ms = parse_instant(ended) + 10 * _MINUTE_MS if ended else now_ms
    whole_ms = min(end_ms, now_ms) // _MINUTE_MS * _MINUTE_MS  # the same address for a minute: it may be kept
    asked = {"to": format_instant(whole_ms), "mark": incident["fired_at"]}
    return f"/sparklines/{site}/{device}/{metric}?{urlencode({k: v for k, v in asked.items() if v})}"


async def sparkline_image(visit: Visit) -> Response:
    """Show a metric over two hours up to `to`."""
    site, device, metric = (visit.parts[name] for name in ("site", "device", "metric"))
    asked = dict(visit.query)
    end_ms = _instant(asked.get("to")) or visit.now_ms
    start_ms = end_ms - _SPAN_MS
    path = f"/devices/{quote(site, safe='')}/{quote(device, safe='')}/telemetry"
    range_ = {"from": format_instant(start_ms), "to": format_instant(end_ms)}
    found = await visit.get_or_none(path, {"metric": metric, **range_, "step": f"{_SPAN_MS // _STEPS // 1000}s"})
    told = found["points"] if found else ()  # a device that nobody knows any more has a dash
    points = [(parse_instant(each[0]) - start_ms, each[2]) for each in told if len(each) > 2]  # no texts
    mark_ms = _instant(asked.get("mark"))
    image = sparkline(points, 0, _SPAN_MS, None if mark_ms is None else mark_ms - start_ms)
    return Response(image, media_type="image/svg+xml", headers={"Cache-Control": _KEPT})


def _instant(text: str | None) -> int | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError:
        return None
