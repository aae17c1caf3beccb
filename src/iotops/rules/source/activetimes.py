"""The value of `active`: weekdays, times of day, and the time zone that they are told in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from iotops.rules.active import DAY_MINUTES, ActiveTimes, DailyTimes
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog
from iotops.rules.source.values import read_text, wrong_value

EVERY_DAY: Final = frozenset(range(7))
ALL_DAY: Final = (DailyTimes(0, DAY_MINUTES),)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORDS: Final = {word: place for words in (_DAYS, _NAMES) for place, word in enumerate(words)}
_TIME: Final = re.compile(r"(\d{1,2}):([0-5]\d)")
_KEYS: Final = ("weekdays", "times", "tz")
_ELSEWHERE: Final = {
    "days": "weekdays", "days_of_week": "weekdays", "weekday": "weekdays", "day": "weekdays", "time": "times",
    "hours": "times", "location": "tz", "timezone": "tz", "time_zone": "tz", "zone": "tz",
}  # fmt: skip


def read_active(log: FindingLog, node: YamlNode) -> ActiveTimes | None:
    """Return the times; None where they are none, which is logged."""
    if not isinstance(node, YamlMap):
        wrong_value(log, node, "a map, {weekdays: mon-fri, times: 22:00-06:00, tz: Europe/Paris}")
        return None
    unknown = [key for key, _ in node.entries if key.text not in _KEYS]
    for key in unknown:
        if not key.broken:
            ours = _ELSEWHERE.get(key.text)
            hint = f'did you mean "{ours}"?' if ours else did_you_mean(key.text, _KEYS)
            message = f'active has no key "{key.text[:40]}"'
            log.error(key.start, key.end, "unknown-key", message, hint or "known are weekdays, times, tz")
    found: Mapping[str, Any] = {
        key.text: _READERS[key.text](log, value) for key, value in node.entries if key.text in _KEYS
    }
    if not unknown and not {"weekdays", "times"} & set(found):
        log.error(node.start, node.start + 1, "missing-key", "active names neither weekdays nor times", "add one")
    if None in found.values():
        return None
    return ActiveTimes(found.get("weekdays", EVERY_DAY), found.get("times", ALL_DAY), found.get("tz", "UTC"))


def _items(log: FindingLog, node: YamlNode) -> Iterator[tuple[YamlScalar, str]]:
    """Yield the items of a list, or of a text with commas, each with the value that it stands in."""
    for value in node.items if isinstance(node, YamlList) else (node,):
        text = read_text(log, value)
        if text is not None and isinstance(value, YamlScalar):
            yield from ((value, item.strip()) for item in text.split(","))


def _weekdays(log: FindingLog, node: YamlNode) -> frozenset[int] | None:
    found: set[int] = set()
    for value, item in _items(log, node):
        ends = [end.strip().lower() for end in item.split("-")]
        wrong = next((end for end in ends if end not in _WORDS), None)
        if wrong is not None or len(ends) > 2:
            message = f'"{item[:40]}" is no weekday, and no range of weekdays'
            hint = did_you_mean(wrong or "", _WORDS) or "write mon-fri, or sat,sun"
            log.error(value.start, value.end, "bad-weekday", message, hint)
            return None
        first, last = _WORDS[ends[0]], _WORDS[ends[-1]]
        found.update((first + ahead) % 7 for ahead in range((last - first) % 7 + 1))
    return frozenset(found) or None


def _times(log: FindingLog, node: YamlNode) -> tuple[DailyTimes, ...] | None:
    found: list[DailyTimes] = []
    for value, item in _items(log, node):
        ends = [_minutes(end.strip()) for end in item.split("-")]
        begin, end = ends if len(ends) == 2 else (None, None)
        if begin is None or end is None or begin == DAY_MINUTES:
            message = f'"{item[:40]}" is no range of times'
            log.error(value.start, value.end, "bad-time", message, "write 22:00-06:00; the end may be 24:00")
            return None
        if begin == end:
            message = f'"{item}" begins when it ends'
            log.error(value.start, value.end, "bad-time", message, "leave times out for the whole day")
            return None
        found.append(DailyTimes(begin, end))
    return tuple(found) or None


def _minutes(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else DAY_MINUTES + 1
    return minutes if minutes <= DAY_MINUTES else None


def _zone(log: FindingLog, node: YamlNode) -> str | None:
    text = read_text(log, node)
    if text is None:
        return None
    known = available_timezones()
    if text not in known:
        hint = did_you_mean(text, sorted(known)) or "write a name as in Europe/Paris"
        log.error(node.start, node.end, "unknown-time-zone", f'there is no time zone "{text[:40]}"', hint)
        return None
    ZoneInfo(text)  # read now, so that judging never waits for a file
    return text


_READERS: Final = {"weekdays": _weekdays, "times": _times, "tz": _zone}
