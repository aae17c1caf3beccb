"""How the metric behind an incident went around it: telemetry, limits, alerts, changes and maintenance in one chart."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from iotops.console.buckets import buckets_of
from iotops.console.chart import Band, Chart, Mark, draw
from iotops.console.proof import limits, subject
from iotops.console.visit import Visit
from iotops.durations import format_instant, parse_instant

_HOUR_MS = 3_600_000
_SPAN_MS = 2 * _HOUR_MS
_LONGEST_MS = 24 * _HOUR_MS
_STEPS = 120
_MOST_MARKS = 8
_GAPS = 5  # steps without a value that are still drawn through: devices report every few minutes, too


async def course(
    visit: Visit, incident: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return `svg`, `metric`, `of` and `label` of the chart; nothing where no metric stands for the incident.

    Args:
        visit: whose.
        incident: as the API answers.
        alerts: that belong to it; those of the device shown are marked where they fired and cleared.
        changes: to be shown as bands.
    """
    about = subject(incident)
    if about is None or incident["fired_at"] is None:
        return {}
    start_ms, end_ms = span(incident, visit.now_ms)
    step_s = max(1, (end_ms - start_ms) // _STEPS // 1000)
    path = f"/devices/{quote(about.site, safe='')}/{quote(about.device, safe='')}/telemetry"
    asked = {"metric": about.metric, "from": format_instant(start_ms), "to": format_instant(end_ms), "step": step_s}
    series, quiet = await asyncio.gather(visit.get_or_none(path, asked), _maintenance(visit, incident))
    buckets = buckets_of(series["points"] if series else ())
    if not buckets:
        return {}
    unit = series["unit"] or ""
    chart = Chart(
        *(start_ms, end_ms, buckets, _GAPS * step_s * 1000),
        limits=limits(incident["evidence"], about.metric),
        bands=[*quiet, *(_change(each) for each in changes)],
        marks=_marks(incident, alerts),
        unit=unit,
    )
    label = (
        f"{about.metric} of {about.site}/{about.device}: between {min(each.low for each in buckets):g} "
        f"and {max(each.high for each in buckets):g} {unit}"
    ).strip()
    return {"svg": draw(chart, label, visit.zone), "label": label, "metric": about.metric, "of": about}


def span(incident: Mapping[str, Any], now_ms: int) -> tuple[int, int]:
    """Return from when to when: two hours around the raising, longer where only that shows how it ended."""
    fired_ms = parse_instant(incident["fired_at"])
    ended_ms = _ms(incident["resolved_at"])
    end_ms = min(now_ms, max(fired_ms + _HOUR_MS, (ended_ms or 0) + _HOUR_MS // 4))
    if end_ms - fired_ms > _LONGEST_MS:
        end_ms = fired_ms + _HOUR_MS
    start_ms = min(end_ms - _SPAN_MS, fired_ms - _HOUR_MS // 2)
    return start_ms, max(end_ms, start_ms + _HOUR_MS)


async def _maintenance(visit: Visit, incident: Mapping[str, Any]) -> list[Band]:
    """Return the maintenance and silences that name the incident's device, site, service or rule."""
    page = await visit.get("/suppressions", {"limit": 200})
    device = f"{incident['site']}/{incident['device']}"
    own = {"devices": device, "sites": incident["site"], "services": incident["service"], "rules": incident["rule"]}
    bands = []
    for each in page["items"]:
        named = {name: each["matcher"].get(name) or [] for name in own}
        is_about = any(named.values()) and all(own[name] in values for name, values in named.items() if values)
        if is_about and not each["matcher"].get("labels"):
            window = each["window"] or each
            ends_ms = _ms(each["ended_at"]) or _ms(window["ends_at"])
            told = f"{each['kind']} {each['id']}: {each['reason']}"
            bands.append(Band(parse_instant(window["starts_at"]), ends_ms, "maintenance", told))
    return bands


def _change(change: Mapping[str, Any]) -> Band:
    start_ms = parse_instant(change["started_at"])
    return Band(start_ms, _ms(change["ended_at"]) or start_ms, "change", f"{change['number']} {change['title']}")


def _marks(incident: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Return when it was raised, and when each of its alerts cleared."""
    own = [each for each in alerts[:_MOST_MARKS] if each["instance"] == incident["instance"]]
    cleared = [parse_instant(each["resolved_at"]) for each in own if each["resolved_at"]]
    raised = Mark(parse_instant(incident["fired_at"]), "raise", "raised")
    return [raised, *(Mark(at_ms, "clear", "cleared") for at_ms in cleared)]


def _ms(instant: str | None) -> int | None:
    return None if instant is None else parse_instant(instant)
