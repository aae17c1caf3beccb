"""Durations as people write them (`90s`, `1h30m`) and as milliseconds, and instants as RFC 3339."""

import re
from datetime import UTC, datetime

UNITS_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")


def parse_duration(text: str) -> int:
    """Return the milliseconds of a duration such as `90s`, `1.5h` or `1h30m`.

    Raises:
        ValueError: not a duration; the text says what was expected.
    """
    found = text.strip()
    if not _WHOLE.fullmatch(found):
        msg = f"{text!r} is not a duration; write numbers with units (ms s m h d w), such as 90s or 1h30m"
        raise ValueError(msg)
    return round(sum(float(number) * UNITS_MS[unit] for number, unit in _PART.findall(found)))


def format_duration(duration_ms: float) -> str:
    """Return milliseconds as people write them: 440000 -> `7m20s`."""
    left = round(abs(duration_ms))
    sign = "-" if duration_ms < 0 else ""
    parts = []
    for unit, size in UNITS_MS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + ("".join(parts) or "0s")


def format_instant(at_ms: int) -> str:
    """Return Unix milliseconds as RFC 3339 in UTC; milliseconds only where there are any."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    fraction = f".{at_ms % 1000:03d}" if at_ms % 1000 else ""
    return f"{at.isoformat()[:19]}{fraction}Z"


def parse_instant(text: str) -> int:
    """Return the Unix milliseconds of an RFC 3339 instant; without an offset it is taken as UTC.

    Raises:
        ValueError: not an instant.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        msg = f"{text!r} is not a time; write RFC 3339, for instance 2026-01-01T00:00:00Z"
        raise ValueError(msg) from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    whole = at.replace(microsecond=0)
    return int(whole.timestamp()) * 1000 + at.microsecond // 1000
