"""The page of a device: charts with its incidents, how it stands, what is around it, and what is planned."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from iotops.console import chart as charts
from iotops.console.buckets import buckets_of, usual_gap_ms
from iotops.console.refusal import refusal
from iotops.console.spans import Span, read_span
from iotops.console.visit import Visit
from iotops.durations import format_instant, parse_duration, parse_instant

RANGES = ("1h", "6h", "24h", "7d", "30d", "90d")
SILENCES = {"1h": "1 hour", "4h": "4 hours", "8h": "8 hours", "24h": "24 hours", "clear": "until all is clear"}
"""How long a silence may last that an operator makes -> what people read."""

_DRAWN = 240  # buckets in the drawing that comes with the page; a script asks for as many as the screen has
_KPI_DAYS = 90
_NO_CHART = frozenset({"event"})


class Band(NamedTuple):
    """Something that lasted, over the chart: an incident or a window of maintenance."""

    tone: str
    text: str
    href: str | None
    since: str
    until: str | None

    @property
    def drawn(self) -> charts.Band:
        """Return it as the chart draws it."""
        until_ms = None if self.until is None else parse_instant(self.until)
        return charts.Band(parse_instant(self.since), until_ms, self.tone, self.text)

    def is_within(self, span: Span) -> bool:
        """Say whether any of it is in sight."""
        band = self.drawn
        return band.start_ms <= span.to_ms and (band.end_ms is None or band.end_ms >= span.from_ms)


async def device_page(visit: Visit) -> Mapping[str, Any]:
    """Show one device, with the chart of the metric and the range that the address asks for."""
    path, of = _paths(visit)
    since = format_instant(visit.now_ms - _KPI_DAYS * 86_400_000)
    device, values, readings, around, planned, changes, kpis = await visit.gather(
        path,
        f"{path}/values",
        f"{path}/readings?limit=1",
        f"{path}/relations",
        f"{path}/suppressions",
        f"/changes?{of}&limit=8",
        f"/kpis?{of}&kpi=mtbf&kpi=mttr&kpi=volume&from={since}",
    )
    asked = dict(visit.query)
    span = read_span(asked, RANGES, _newest(device, visit.now_ms), "24h")
    incidents = await _incidents(visit, of, span)
    metric = asked.get("metric") or _telling(incidents, values["items"])
    chart = await _chart(visit, path, metric, span)
    points = chart["points"] if chart else []
    unit = chart["unit"] if chart else None
    bands = [each for each in (*_incident_bands(incidents), *_planned_bands(planned["items"])) if each.is_within(span)]
    return {
        "device": device,
        "key": f"{device['site']}/{device['device']}",
        "values": values["items"],
        "metrics": sorted({each["metric"] for each in values["items"]} | ({metric} if metric else set())),
        "metric": metric,
        "unit": unit,
        "span": span,
        "ranges": [(word, _address({"metric": metric, "range": word}), word == span.word) for word in RANGES],
        "drawing": _drawn(visit, points, span, bands, f"{metric} {unit or ''}".strip()),
        "points": points,
        "bands": bands,
        "incidents": incidents,
        "raw": _raw(readings["items"]),
        "around": around,
        "planned": planned["items"],
        "changes": changes["items"],
        "kpis": {each["kpi"]: each for each in kpis["items"]},
        "kpi_days": _KPI_DAYS,
        "silences": SILENCES,
        "telemetry": f"/api/v1{path}/telemetry",
    }


async def silence(visit: Visit) -> Response:
    """Keep a device's alerts from raising incidents for a while."""
    form = await visit.form()
    path, _ = _paths(visit)
    lasts = form.get("for", "1h")
    body: dict[str, Any] = {
        "kind": "silence",
        "matcher": {"devices": [f"{visit.parts['site']}/{visit.parts['device']}"]},
        "owner": form.get("owner", ""),
        "reason": form.get("reason", ""),
    }
    if lasts in SILENCES and lasts != "clear":
        body["ends_at"] = format_instant(visit.now_ms + parse_duration(lasts))
    else:
        body["until_cleared"] = True
    answer = await visit.send("POST", "/suppressions", form, body)
    return RedirectResponse(f"{path}#planned", 303) if answer.ok else await refusal(visit, answer)


def _paths(visit: Visit) -> tuple[str, str]:
    """Return the device's path, in the API as in the console, and the query that means it elsewhere."""
    site, device = visit.parts["site"], visit.parts["device"]
    return f"/devices/{quote(site, safe='')}/{quote(device, safe='')}", urlencode({"site": site, "device": device})


def _newest(device: Mapping[str, Any], now_ms: int) -> int:
    """Return where ranges end: now, or after the newest reading where that is of long ago, as in recorded data."""
    last = device["last_event_at"]
    newest_ms = now_ms if last is None else parse_instant(last) + 1
    return newest_ms if now_ms - newest_ms > 90 * 86_400_000 else now_ms


def _telling(incidents: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the metric that the newest incident is about, else the first number that the device sends, or anything."""
    names = [each["metric"] for each in values if each["metric"] not in _NO_CHART]
    proofs = [part["text"] for each in incidents for part in each["evidence"].get("expressions", ())]
    numbers = [each["metric"] for each in values if type(each["value"]) in (int, float)]
    return next(iter([*(text for text in proofs if text in names), *numbers, *names]), None)


async def _chart(visit: Visit, path: str, metric: str | None, span: Span) -> Any:
    if metric is None:
        return None
    return await visit.get(
        f"{path}/telemetry", {**span.query, "metric": metric, "step": str(max(1, span.step_s(_DRAWN)))}
    )


async def _incidents(visit: Visit, of: str, span: Span) -> list[Mapping[str, Any]]:
    """Return the incidents of the device that were open at some time within the span, the newest first."""
    until = quote(format_instant(span.to_ms))
    page = await visit.get(f"/incidents?{of}&until={until}&sort=-raised_at&limit=100")
    from_at = format_instant(span.from_ms)
    return [each for each in page["items"] if each["resolved_at"] is None or each["resolved_at"] >= from_at]


def _drawn(visit: Visit, points: Sequence[Any], span: Span, bands: Sequence[Band], label: str) -> str | None:
    """Return the chart as it is seen before, or without, a script; None of text, or of nothing."""
    buckets = buckets_of(points)
    if not buckets:
        return None
    over = [each.drawn for each in bands]
    return charts.draw(
        charts.Chart(span.from_ms, span.to_ms, buckets, usual_gap_ms(buckets), bands=over), label, visit.zone
    )


def _incident_bands(incidents: Sequence[Mapping[str, Any]]) -> list[Band]:
    return [
        Band(
            each["priority"],
            f"{each['number']} {each['priority']}",
            f"/incidents/{each['number']}",
            each["fired_at"] or each["raised_at"],
            each["resolved_at"],
        )
        for each in incidents
    ]


def _planned_bands(planned: Sequence[Mapping[str, Any]]) -> list[Band]:
    windows = [(each, each["window"]) for each in planned]
    return [
        Band("planned", f"{each['kind']} {each['id']}", None, window["starts_at"], window["ends_at"])
        for each, window in windows
    ]


def _raw(readings: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the last reading with its values as text that shows every character, whatever a device sends."""
    if not readings:
        return None
    told = {name: readings[0][name] for name in ("kind", "boot", "seq", "values", "labels")}
    return {**readings[0], "text": json.dumps(told, indent=2, ensure_ascii=True)}


def _address(query: Mapping[str, str | None]) -> str:
    return f"?{urlencode({name: value for name, value in query.items() if value})}"
