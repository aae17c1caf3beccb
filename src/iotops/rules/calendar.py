"""When a promise counts time: weekly hours in a time zone, holidays, and days that are closed besides."""

import importlib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import available_timezones

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 1_440
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")

Span = tuple[int, int]
"""From a minute of the day on, up to another one, as the clock on the wall shows them."""
Week = tuple[tuple[Span, ...], ...]
"""Monday to Sunday, the spans of each day in order."""

ALWAYS: Week = (((0, DAY_MINUTES),),) * 7


@dataclass(frozen=True, slots=True)
class Calendar:
    """Time counts at an instant where the wall clock in `timezone` stands in a span of that day, on no day off.

    Attributes:
        holidays: a country such as `FR`, or a part of one such as `US-CA`; empty for none.
        closed: other days off, ISO dates in order.
    """

    timezone: str = "UTC"
    week: Week = ALWAYS
    holidays: str = ""
    closed: tuple[str, ...] = ()

    @property
    def counts_always(self) -> bool:
        """Tell whether every instant counts."""
        return self.week == ALWAYS and not self.holidays and not self.closed

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return when time counts on a day, none on a day off."""
        off = day.isoformat() in self.closed or (self.holidays and day in _holidays_of(self.holidays))
        return () if off else self.week[day.weekday()]


def read_week(hours: Mapping[str, str]) -> Week:
    """Return the week that `{mon-fri: "08:00-12:00, 13:00-17:30", sat: "09:00-12:00"}` says; a day not named is closed.

    Raises:
        ValueError: a day or a span that is none, a day said twice, spans that overlap.
    """
    week: dict[int, tuple[Span, ...]] = {}
    for days, text in hours.items():
        spans = _read_spans(days, text)
        for day in _read_days(days):
            if day in week:
                msg = f"{DAYS[day]} is said twice; say each day once"
                raise ValueError(msg)
            week[day] = spans
    return tuple(week.get(day, ()) for day in range(7))


def read_holidays(code: str) -> str:
    """Return the code of a country's holidays, or of a part's.

    Raises:
        ValueError: nobody knows the holidays of that place.
    """
    try:
        _holidays_of(code)
    except (NotImplementedError, KeyError, ValueError) as error:
        msg = f"no holidays are known for {code!r}; write a country such as FR, or a part of one such as US-CA"
        raise ValueError(msg) from error
    return code


def read_closed(days: Iterable[str]) -> tuple[str, ...]:
    """Return days off in order.

    Raises:
        ValueError: one that is no day.
    """
    found = list(days)
    for text in found:
        try:
            day = date.fromisoformat(text).isoformat()
        except ValueError:
            day = ""
        if day != text:
            msg = f"{text!r} is no day; write one such as 2026-12-24"
            raise ValueError(msg)
    return tuple(sorted(set(found)))


def read_timezone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ValueError: the time zone database does not know it.
    """
    if name not in _timezones():
        msg = f"no such time zone: {name!r}; write one such as Europe/Paris or UTC"
        raise ValueError(msg)
    return name


def _read_days(text: str) -> range:
    first, dash, last = text.strip().lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS) or (dash and DAYS.index(last) < DAYS.index(first)):
        msg = f"{text!r} is no day; write one of {' '.join(DAYS)}, or a range such as mon-fri"
        raise ValueError(msg)
    return range(DAYS.index(first), DAYS.index(last or first) + 1)


def _read_spans(days: str, text: str) -> tuple[Span, ...]:
    spans = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        if found is None:
            msg = f"{days}: {part.strip()!r} are no hours; write 08:00-17:30, several with commas between, up to 24:00"
            raise ValueError(msg)
        numbers = [int(number) for number in found.groups() if number is not None]
        spans.append((numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]))
    ends = [edge for span in sorted(spans) for edge in span]
    if ends != sorted(ends) or any(start >= end for start, end in spans):
        msg = f"{days}: {text!r} ends before it starts, or overlaps; past midnight needs hours of the next day"
        raise ValueError(msg)
    return tuple(sorted(spans))


@lru_cache(maxsize=256)
def _holidays_of(code: str) -> Container[date]:
    holidays = importlib.import_module("holidays")  # a tenth of a second and 5 MB that most fleets never need
    country, _, part = code.partition("-")
    found: Container[date] = holidays.country_holidays(country, subdiv=part or None)
    return found


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())
