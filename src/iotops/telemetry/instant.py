"""Event times as devices write them: Unix seconds, Unix milliseconds, or RFC 3339."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from iotops.errors import DecodeError

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:)([0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# A number below this is seconds (up to the year 5138), from it on milliseconds (since March 1973): the two
# readings of one number are 1 000 apart, and no device lives in both.
_MILLISECONDS_FROM = 100_000_000_000
_FIRST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00Z, and the last millisecond of 9999: what a datetime can show
_LAST_MS = 253_402_300_799_999


def event_time_ms(found: Any) -> int | None:
    """Return the Unix milliseconds of a `ts`, or None where the device sent none (absent or null).

    A string without an offset is taken as UTC: nothing in it says where the device is. The 60th second of a leap
    minute is the first of the next one.

    Raises:
        DecodeError: `bad_time`.
    """
    kind = type(found)
    if kind is int or kind is float:
        at_ms: int = round(found if abs(found) >= _MILLISECONDS_FROM else found * 1000)
    elif found is None:
        return None
    elif kind is str:
        at_ms = _text_ms(found)
    else:
        raise _refusal(found)
    if not _FIRST_MS <= at_ms <= _LAST_MS:
        raise _refusal(found)
    return at_ms


def _text_ms(found: str) -> int:
    parts = _RFC3339.fullmatch(found)
    if parts is None:
        raise _refusal(found)
    day, minute, second, fraction, offset = parts.groups()
    leap = second == "60"
    try:
        at = datetime.fromisoformat(f"{day}T{minute}{'59' if leap else second}{offset or 'Z'}".upper())
    except ValueError:
        raise _refusal(found) from None
    return (at - _EPOCH) // _MILLISECOND + leap * 1000 + int((fraction or ".").ljust(4, "0")[1:4])


def _refusal(found: object) -> DecodeError:
    expected = "expected Unix seconds, Unix milliseconds, or RFC 3339 such as 2026-01-01T00:00:00Z"
    return DecodeError("bad_time", f"ts is {ascii(found)[:80]}; {expected}")
