"""Quiet time as its page says it: a calendar of the days ahead, and a form put as the API wants it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any, NamedTuple

from iotops.clock import utc
from iotops.durations import format_instant, parse_duration, parse_instant
from iotops.incidents.recurrence import Windows

DAYS = 14
LASTING: Sequence[tuple[str, str]] = (
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("1d", "24 hours"),
    ("7d", "7 days"),
    ("", "the time given below"),
    ("cleared", "when all is clear"),
)
"""How long a new one lasts, as the form says it, and in words."""
_LENGTHS = frozenset(value for value, _ in LASTING if value not in ("", "cleared"))
REPEATS: Sequence[tuple[str, str]] = (
    ("", "once"),
    ("FREQ=DAILY", "every day"),
    ("FREQ=WEEKLY", "every week"),
    ("FREQ=MONTHLY", "every month"),
)
WHOM: Sequence[tuple[str, str, str]] = (
    ("sites", "Sites", "paris, lyon"),
    ("devices", "Devices", "paris/fz-12"),
    ("services", "Services", "cold"),
    ("rules", "Rules", "freezer_warm"),
    ("labels", "Labels", "room=lab"),
)
"""Member of the matcher, label, example."""


class Entry(NamedTuple):
    """A suppression on one day: when it begins and ends there, None where that is the day's own end."""

    id: str
    kind: str
    reason: str
    begins: str | None
    ends: str | None


class Day(NamedTuple):
    """One day of the calendar."""

    date: date
    entries: list[Entry]


def calendar(suppressions: Sequence[Mapping[str, Any]], now_ms: int, zone: tzinfo) -> list[Day]:
    """Return the days from today on, each with what is quiet on it; those of a recurring one as often as it comes."""
    today = utc(now_ms).astimezone(zone).date()
    midnights = [datetime.combine(today + timedelta(days=n), datetime.min.time(), zone) for n in range(DAYS + 1)]
    days = []
    for begins, ends in pairwise(midnights):
        from_ms, to_ms = (int(each.timestamp() * 1000) for each in (begins, ends))
        found = [
            (start_ms, _entry(each, (start_ms, end_ms), (from_ms, to_ms), zone))
            for each in suppressions
            if each["ended_at"] is None
            for start_ms, end_ms in _windows(each).between(from_ms, to_ms)
        ]
        days.append(Day(begins.date(), [entry for _, entry in sorted(found)]))
    return days


def said(form: Mapping[str, str], now_ms: int, zone: tzinfo) -> dict[str, Any]:
    """Return what the form asks for as the API wants it; what cannot be is left for the API to refuse."""
    starts, lasting = _instant(form.get("starts", ""), zone), form.get("lasting", "")
    ends = _after(starts, lasting, now_ms) if lasting in _LENGTHS else _instant(form.get("ends", ""), zone)
    named = {name: form[name] for name in ("kind", "owner", "reason", "rrule") if name in form}
    times = {"starts_at": starts, "ends_at": None if lasting == "cleared" else ends}
    cleared = {"until_cleared": True} if lasting == "cleared" else {}
    return {
        **named,
        **{name: each for name, each in times.items() if each is not None},
        **cleared,
        "matcher": _matcher(form),
        "timezone": str(zone),
    }


def _after(starts: str | None, lasting: str, now_ms: int) -> str | None:
    """Return the end of what lasts so long; what begins at no instant has none."""
    try:
        begins_ms = now_ms if starts is None else parse_instant(starts)
    except ValueError:
        return None
    return format_instant(begins_ms + parse_duration(lasting))


def _matcher(form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: _parts(form[name]) for name, _, _ in WHOM if name in form and name != "labels"}
    labels: dict[str, list[str]] = {}
    for part in _parts(form.get("labels", "")):
        name, _, value = part.partition("=")
        labels.setdefault(name.strip(), []).append(value.strip())
    return found | ({"labels": labels} if labels else {})


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _instant(text: str, zone: tzinfo) -> str | None:
    """Return a local time, as forms send it, as an instant; what is none as it is, for the API to refuse."""
    if not text:
        return None
    try:
        return format_instant(int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000))
    except (ValueError, OverflowError):
        return text


def _windows(each: Mapping[str, Any]) -> Windows:
    ends = None if each["ends_at"] is None else parse_instant(each["ends_at"])
    return Windows(parse_instant(each["starts_at"]), ends, each["rrule"], each["timezone"])


def _entry(each: Mapping[str, Any], window: tuple[int, int], day: tuple[int, int], zone: tzinfo) -> Entry:
    begins, ends = (
        None if at_ms == edge_ms else f"{utc(at_ms).astimezone(zone):%H:%M}"
        for at_ms, edge_ms in zip(window, day, strict=True)
    )
    return Entry(each["id"], each["kind"], each["reason"], begins, ends)
