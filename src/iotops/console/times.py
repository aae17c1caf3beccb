"""How the pages tell time: ages relative, instants in the visitor's time zone. Pure."""

from datetime import datetime, tzinfo
from itertools import pairwise

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def ago(instant: str | None, now: datetime) -> str:
    """Return how long ago an RFC 3339 instant was, in its largest unit: `4m`; `—` where there is none."""
    if instant is None:
        return "—"
    return short_duration((now - datetime.fromisoformat(instant)).total_seconds())


def short_duration(duration_s: float) -> str:
    """Return a duration in its largest unit, rounded down: 130 -> `2m`; less than a second, or negative: `now`."""
    for size, unit in _STEPS:
        if duration_s >= size:
            return f"{int(duration_s // size)}{unit}"
    return "now"


def long_duration(duration_s: float) -> str:
    """Return a duration as finely as somebody needs it, without a sign: `2d4h`, `3h10m`, `14m`, `2m41s`, `0s`."""
    left = int(abs(duration_s))
    if 600 <= left < 3_600:
        return f"{left // 60}m"
    for (size, unit), (smaller, below) in pairwise(_STEPS):
        if left >= size:
            rest = left % size // smaller
            return f"{left // size}{unit}" + (f"{rest}{below}" if rest else "")
    return f"{left}s"


def absolute(instant: str | None, zone: tzinfo) -> str:
    """Return an instant as a clock on the wall shows it: `Sun 22 Nov 2026, 16:07:16 CET`; `—` where there is none."""
    if instant is None:
        return "—"
    return f"{datetime.fromisoformat(instant).astimezone(zone):%a %-d %b %Y, %H:%M:%S %Z}"


def clock_time(instant: str | None, zone: tzinfo) -> str:
    """Return the time of day of an instant, `16:07:16`."""
    return "—" if instant is None else f"{datetime.fromisoformat(instant).astimezone(zone):%H:%M:%S}"
