"""Durations as authors write them, and as they should have written them."""

import re

from iotops.durations import UNITS_MS, parse_duration

MAX_DURATION_MS = 3_660 * 86_400_000  # ten years; anything longer is a slip of the pen and would not fit everywhere
_LONGER_UNITS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "day": "d", "days": "d", "week": "w", "weeks": "w",
}  # fmt: skip


def duration_ms(text: str) -> int:
    """Return the milliseconds of a duration of at most ten years.

    Raises:
        ValueError: not a duration, or a longer one.
    """
    try:
        found = parse_duration(text)
    except OverflowError:
        found = MAX_DURATION_MS + 1
    if found > MAX_DURATION_MS:
        shown = text if len(text) <= 20 else text[:20] + "..."
        msg = f"{shown} is longer than ten years; write a shorter duration"
        raise ValueError(msg)
    return found


def duration_hint(text: str) -> str:
    """Return what to write instead of a text that was meant as a duration."""
    # Every text matches: both groups may be empty.
    number, unit = re.fullmatch(r"\s*([\d.]*)\s*(.*?)\s*", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if number and not unit:
        return f"give it a unit: {number}s or {number}m"
    shorter = _LONGER_UNITS.get(unit.lower()) or (unit.lower() if unit.lower() in UNITS_MS else None)
    return f'did you mean "{number}{shorter}"?' if number and shorter else "units are ms s m h d w, as in 90s or 1h30m"


def is_unit(word: str) -> bool:
    """Tell whether people write a unit of time like this."""
    return word in UNITS_MS or word.lower() in _LONGER_UNITS
