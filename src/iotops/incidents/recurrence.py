"""Windows of time that may come back: RFC 5545 rules, read on the wall clock of a time zone.

A window is said in local time, and so is its end: one from 01:00 to 05:00 takes three hours in the night in which the
clocks go forward, and five in that in which they go back. A local time that does not exist is read with the offset
before the gap, one that exists twice is its first occurrence, both as RFC 5545 (3.3.5) has it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.IGNORECASE)
_SHAPE = re.compile(r"(?:[A-Za-z]+=[A-Za-z0-9,+-]+)(?:;[A-Za-z]+=[A-Za-z0-9,+-]+)*")
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
MAX_CHARS = 200


@dataclass(slots=True)
class _Segment:
    """What was found last: from one start up to the next nothing else can be the answer."""

    from_ms: int = 0
    before_ms: int = 0
    end_ms: int = 0


@dataclass(frozen=True, slots=True)
class Windows:
    """When something applies: from `starts_ms` up to `ends_ms` (None: without end), again and again under a rule."""

    starts_ms: int
    ends_ms: int | None
    rule: str | None = None
    timezone: str = "UTC"
    _rule: rrule | None = field(default=None, init=False, compare=False, repr=False)
    _last: _Segment = field(default_factory=_Segment, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Read the rule.

        Raises:
            ValueError: the rule is none that can be used, or has no end to repeat.
        """
        if self.rule is not None:
            object.__setattr__(self, "_rule", _read(self.rule, self._local(self.starts_ms), self.timezone))

    def covers(self, at_ms: int) -> bool:
        """Tell whether an instant lies in a window."""
        if self._rule is None:
            return self.starts_ms <= at_ms and (self.ends_ms is None or at_ms < self.ends_ms)
        if not self._last.from_ms <= at_ms < self._last.before_ms:
            self._find(at_ms)
        return self._last.from_ms <= at_ms < self._last.end_ms

    def current_or_next(self, at_ms: int) -> tuple[int, int | None] | None:
        """Return the window in which an instant lies, else the next one; None where there is none any more."""
        if self._rule is None:
            over = self.ends_ms is not None and self.ends_ms <= at_ms
            return None if over else (self.starts_ms, self.ends_ms)
        if self.covers(at_ms):
            return self._last.from_ms, self._last.end_ms
        coming = self._rule.after(self._local(at_ms))
        return None if coming is None else self._window(coming)

    def between(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
        """Yield the windows of a time as far as they lie in it, in order."""
        found = self.current_or_next(from_ms)
        while found is not None and found[0] < to_ms:
            ends_ms = to_ms if found[1] is None else min(found[1], to_ms)
            yield max(found[0], from_ms), ends_ms
            found = self.current_or_next(ends_ms) if ends_ms < to_ms else None

    def _find(self, at_ms: int) -> None:
        """Look up the last window that began by an instant: no later end is possible, all are of one length."""
        assert self._rule is not None  # noqa: S101  for the type checker: only asked with a rule
        # Local times at a change of the clocks are up to a few hours off: look from a day later, and step back.
        begun = self._rule.before(self._local(at_ms) + timedelta(days=1), inc=True)
        while begun is not None and self._window(begun)[0] > at_ms:
            begun = self._rule.before(begun)
        first = self._rule.after(begun) if begun is not None else self._rule.after(datetime.min)  # noqa: DTZ901  naive on purpose
        self._last.from_ms, self._last.end_ms = (-(2**62), -(2**62)) if begun is None else self._window(begun)
        self._last.before_ms = 2**62 if first is None else self._window(first)[0]

    def _window(self, begins: datetime) -> tuple[int, int]:
        assert self.ends_ms is not None  # noqa: S101  for the type checker: a rule has an end
        length = self._local(self.ends_ms) - self._local(self.starts_ms)
        start_ms, end_ms = self._instant(begins), self._instant(begins + length)
        # A window that begins in a gap and would end before it began keeps its length.
        return start_ms, end_ms if end_ms > start_ms else start_ms + self.ends_ms - self.starts_ms

    def _local(self, at_ms: int) -> datetime:
        """Return what the wall clock of the time zone shows, without the zone: rules count in that."""
        local = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(self.timezone))
        return local.replace(tzinfo=None, fold=0)

    def _instant(self, local: datetime) -> int:
        return (local.replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def check_windows(windows: Windows) -> None:
    """Refuse windows that never come, or whose end is not after their start.

    Raises:
        ValueError: says what is wrong and what to write.
    """
    if windows.ends_ms is not None and windows.ends_ms <= windows.starts_ms:
        msg = "ends_at must be after starts_at"
        raise ValueError(msg)
    if windows.rule is not None and windows.ends_ms is None:
        msg = "rrule repeats a window: say with ends_at where the first one ends"
        raise ValueError(msg)
    if windows.current_or_next(windows.starts_ms - 1) is None and windows.rule is not None:
        msg = f"rrule {windows.rule!r} never happens at or after starts_at"
        raise ValueError(msg)


def _read(text: str, begins: datetime, timezone: str) -> rrule:
    if len(text) > MAX_CHARS or _SHAPE.fullmatch(text) is None:
        msg = f"rrule: expected RFC 5545 such as FREQ=WEEKLY;BYDAY=SU, found {text[:MAX_CHARS]!r}"
        raise ValueError(msg)
    parts = dict(part.upper().split("=", 1) for part in text.split(";"))
    if parts.get("FREQ") not in _FREQUENCIES:
        msg = f"rrule: FREQ must be one of {', '.join(_FREQUENCIES)}, found {parts.get('FREQ')!r}"
        raise ValueError(msg)
    if {"BYHOUR", "BYMINUTE", "BYSECOND"} & parts.keys():
        msg = "rrule: the time of day is that of starts_at; leave BYHOUR, BYMINUTE and BYSECOND out"
        raise ValueError(msg)
    if parts.get("INTERVAL", "1") == "0":
        msg = "rrule: INTERVAL must be 1 or more"
        raise ValueError(msg)

    def local(found: re.Match[str]) -> str:
        until = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return f"UNTIL={until.astimezone(ZoneInfo(timezone)):%Y%m%dT%H%M%S}"

    try:
        found = rrulestr(_UNTIL.sub(local, text), dtstart=begins, cache=True)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        msg = f"rrule {text!r}: {error}"
        raise ValueError(msg) from error
    if not isinstance(found, rrule):
        msg = f"rrule {text!r}: expected one rule"
        raise ValueError(msg)  # noqa: TRY004  what people wrote is no type of ours
    return found
