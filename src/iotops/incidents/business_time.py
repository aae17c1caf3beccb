"""How much time counts between two instants, and when so much of it will have passed.

An instant counts where the calendar says so of the wall clock at that instant. An hour that a change of daylight saving
time repeats counts twice, one that it skips does not count.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from iotops.rules.calendar import Calendar

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_HORIZON_DAYS = 3_660  # a calendar that lets nothing count for ten years never will
_EPOCH = date(1970, 1, 1)


def counted_ms(calendar: Calendar, from_ms: int, to_ms: int) -> int:
    """Return how many milliseconds count from one instant up to another; 0 where that is not later."""
    if calendar.counts_always:
        return max(0, to_ms - from_ms)
    days = range(from_ms // _DAY_MS, -(-to_ms // _DAY_MS))
    spans = (span for day in days for span in _spans(calendar, day))
    return sum(max(0, min(end, to_ms) - max(start, from_ms)) for start, end in spans)


def after_counted(calendar: Calendar, from_ms: int, left_ms: int) -> int | None:
    """Return the first instant at which `left_ms` have counted since `from_ms`; None where that never comes."""
    if left_ms <= 0:
        return from_ms
    if calendar.counts_always:
        return from_ms + left_ms
    first = from_ms // _DAY_MS
    for day in range(first, first + _HORIZON_DAYS):
        for start, end in _spans(calendar, day):
            begins = max(start, from_ms)
            if end - begins >= left_ms:
                return begins + left_ms
            left_ms -= max(0, end - begins)
    return None


@lru_cache(maxsize=16_384)
def _spans(calendar: Calendar, day: int) -> tuple[tuple[int, int], ...]:
    """Return what counts of a day of UTC (counted from 1970), in order, in Unix milliseconds."""
    found: list[tuple[int, int]] = []
    for start, end, offset in _steady(calendar.timezone, day * _DAY_MS):
        for local in range((start + offset) // _DAY_MS, (end - 1 + offset) // _DAY_MS + 1):
            midnight = local * _DAY_MS - offset
            for opens, closes in calendar.spans(_EPOCH + timedelta(days=local)):
                span = (max(start, midnight + opens * _MINUTE_MS), min(end, midnight + closes * _MINUTE_MS))
                if span[0] < span[1]:
                    found.append(span)
    return tuple(sorted(found))


def _steady(timezone: str, start_ms: int) -> tuple[tuple[int, int, int], ...]:
    """Return the parts of the day from `start_ms` in which the offset from UTC stays as it is: start, end, offset."""
    end_ms = start_ms + _DAY_MS
    zone = ZoneInfo(timezone)
    before, after = _offset_ms(zone, start_ms), _offset_ms(zone, end_ms - 1)
    if before == after:
        return ((start_ms, end_ms, before),)
    low, high = start_ms, end_ms - 1  # the offset at `low` is the one before, at `high` the one after
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_ms(zone, middle) == before else (low, middle)
    return ((start_ms, high, before), (high, end_ms, after))


def _offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101  for the type checker: a zone always has one
    return offset // timedelta(milliseconds=1)
