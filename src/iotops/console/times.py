"""How the pages tell time: ages relative, instants in the visitor's time zone. Pure."""

from datetime import datetime, tzinfo

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
    """Return a duration in its two largest units, signs left out: 11 460 -> `3h10m`, 161 -> `2m41s`."""
    left = int(abs(duration_s))
    for place, (size, unit) in enumerate(_STEPS):
        if left >= size:
            count, rest = divmod(left, size)
            below = _STEPS[place + 1 : place + 2]
            tail = "".join(f"{rest // smaller}{name}" for smaller, name in below if rest >= smaller)
            return f"{count}{unit}{tail}"
    return "0s"


def absolute(instant: str | None, zone: tzinfo) -> str:
    """Return an instant as a clock on the wall shows it: `Sun 22 Nov 2026, 16:07:16 CET`; `—` where there is none."""
    if instant is None:
        return "—"
    return f"{datetime.fromisoformat(instant).astimezone(zone):%a %-d %b %Y, %H:%M:%S %Z}"


def clock_time(instant: str | None, zone: tzinfo) -> str:
    """Return the time of day of an instant, `16:07:16`."""
    return "—" if instant is None else f"{datetime.fromisoformat(instant).astimezone(zone):%H:%M:%S}"
