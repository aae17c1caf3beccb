"""The times of the week at which a rule may raise, by the clock on the wall of a place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

DAY_MINUTES: Final = 1_440
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD_DAYS: Final = 16  # two weeks: a range of one weekday may fall into the hour that a change of clocks leaves out


class DailyTimes(NamedTuple):
    """Minutes of the day from `begin` (included) to `end` (excluded); overnight where `end` is not later."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class ActiveTimes:
    """Ranges of wall-clock time on some weekdays; an overnight range belongs to the weekday on which it begins.

    What the clock on the wall shows decides. An hour that comes twice in autumn is active twice, one that spring
    leaves out is not at all, and a range that would begin in it begins where the clock goes on.

    Attributes:
        weekdays: 0 is Monday.
        ranges: at least one.
        zone: name of a time zone, as in `Europe/Paris`.
    """

    weekdays: frozenset[int]
    ranges: tuple[DailyTimes, ...]
    zone: str

    def covers(self, at_ms: int) -> bool:
        """Tell whether an instant (Unix milliseconds) is within the times."""
        local = _local(at_ms, ZoneInfo(self.zone))
        weekday, minute = local.weekday(), local.hour * 60 + local.minute
        return any(self._holds(daily, weekday, minute) for daily in self.ranges)

    def next_begin(self, at_ms: int) -> int | None:
        """Return the first instant after `at_ms` that is within the times; None where none is for two weeks."""
        zone = ZoneInfo(self.zone)
        first = _local(at_ms, zone).date() - timedelta(days=1)
        for ahead in range(_AHEAD_DAYS):
            day = first + timedelta(days=ahead)
            for begin_ms in sorted({*self._edges(day, zone), *_changes(day, zone)}):
                if begin_ms > at_ms and self.covers(begin_ms):
                    return begin_ms
        return None

    def _holds(self, daily: DailyTimes, weekday: int, minute: int) -> bool:
        if daily.begin < daily.end:
            return weekday in self.weekdays and daily.begin <= minute < daily.end
        if weekday in self.weekdays and minute >= daily.begin:
            return True
        return (weekday - 1) % 7 in self.weekdays and minute < daily.end

    def _edges(self, day: date, zone: ZoneInfo) -> Iterator[int]:
        """Yield the instants at which a range may begin on a day: midnight too, when the weekday becomes another."""
        for minute in {0, *(daily.begin for daily in self.ranges)}:
            wall = datetime.combine(day, time(minute // 60, minute % 60))
            for fold in (0, 1):
                yield _instant(wall.replace(tzinfo=zone, fold=fold))


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def _instant(local: datetime) -> int:
    return (local.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def _changes(day: date, zone: ZoneInfo) -> Iterator[int]:
    """Yield the instants of a day at which its clocks are put forward or back."""
    begin = _instant(datetime.combine(day, time(), tzinfo=zone))
    for low in range(begin, begin + 26 * 3_600_000, 3_600_000):
        high = low + 3_600_000
        if _offset(low, zone) == _offset(high, zone):
            continue
        same, other = low, high
        while other - same > 1:
            middle = (same + other) // 2
            same, other = (middle, other) if _offset(middle, zone) == _offset(low, zone) else (same, middle)
        yield other


def _offset(at_ms: int, zone: ZoneInfo) -> timedelta | None:
    return _local(at_ms, zone).utcoffset()
